//! Metrics of the order in which a model puts the rows, exact and in integers.
//!
//! A row is its truth and its score, each an integer that orders as the number does, so the result
//! does not depend on the order in which rows were answered. Definitions are those of scikit-learn
//! (`roc_auc_score`, `average_precision_score`, `roc_curve`) and SciPy (`spearmanr`).

use primitive_types::U256;
use serde::{Deserialize, Serialize};

use crate::{
    invariant::there,
    metric::{Metric, ratio},
    shared::Shared,
    units::Score,
};

/// Parts of one in which precisions are summed, each rounded down.
const PRECISION_PARTS: u128 = 1_000_000_000_000_000_000;

/// The truth and the score of each row; eight bytes a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ranking {
    /// Shared, as there can be many rows and checkpoints hold them as well.
    rows: Shared<Vec<Row>>,
}

/// A row's score first, so that rows sort by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Row {
    score: u32,
    truth: u32,
}

/// Rows of one score.
#[derive(Clone, Copy, Default)]
struct Tied {
    positive: u64,
    negative: u64,
}

impl Ranking {
    pub(crate) fn push(&mut self, truth: u32, score: u32) {
        self.rows.to_mut().push(Row { score, truth });
    }

    /// The score by a ranked metric; zero where it is not defined: a class has no rows, or all
    /// answers or targets are equal.
    pub(crate) fn score(&self, metric: Metric) -> Score {
        match metric {
            Metric::Auroc => auroc(&self.groups()),
            Metric::AveragePrecision => average_precision(&self.groups()),
            Metric::SensitivityAt90 | Metric::SensitivityAt95 | Metric::SensitivityAt99 => {
                let specificity = there(metric.specificity(), "a stated specificity");
                sensitivity(&self.groups(), specificity)
            }
            Metric::Spearman => self.spearman().unwrap_or_default(),
            Metric::Accuracy
            | Metric::WorstClassRecall
            | Metric::MacroF1
            | Metric::BalancedAccuracy
            | Metric::MeanSquaredError
            | Metric::MeanAbsoluteError
            | Metric::R2
            | Metric::LogLoss
            | Metric::Brier => Score(0),
        }
    }

    /// The rows of each score, the greatest score first; positive are those of class 1.
    fn groups(&self) -> Vec<Tied> {
        let mut rows = self.rows.to_vec();
        rows.sort_unstable();
        let groups = rows.chunk_by(|row, next| row.score == next.score).rev();
        let tied = |group: &[Row]| {
            let positive = count(group.iter().filter(|row| row.truth > 0).count());
            Tied { positive, negative: count(group.len()).saturating_sub(positive) }
        };
        groups.map(tied).collect()
    }

    /// `Σ xy / √(Σ x² · Σ y²)` of the ranks' distances x and y from the middle one, equals sharing
    /// the mean of their ranks.
    fn spearman(&self) -> Option<Score> {
        let mut rows = self.rows.to_vec();
        let mut scores = centred_ranks(&mut rows, |row| row.score);
        let mut targets = centred_ranks(&mut rows, |row| row.truth);
        // Equal rows have equal ranks, so the order of all rows brings both together.
        scores.sort_unstable();
        targets.sort_unstable();
        let (mut both, mut first, mut second) = (0_i128, 0_i128, 0_i128);
        for ((_, x), (_, y)) in scores.into_iter().zip(targets) {
            let (x, y) = (i128::from(x), i128::from(y));
            both = both.checked_add(x.checked_mul(y)?)?;
            first = first.checked_add(x.checked_mul(x)?)?;
            second = second.checked_add(y.checked_mul(y)?)?;
        }
        let both = U256::from(u128::try_from(both).ok()?);
        let [first, second] = [first, second].map(|sum| U256::from(sum.unsigned_abs()));
        let square = both.checked_mul(both)?.checked_mul(U256::exp10(12))?;
        let ratio = square.checked_div(first.checked_mul(second)?)?;
        let root = u64::try_from(ratio).ok()?.isqrt();
        Some(Score(u32::try_from(root).ok()?))
    }
}

/// Twice the distance of each row's rank from the middle one, with the row.
fn centred_ranks(rows: &mut [Row], key: impl Fn(&Row) -> u32) -> Vec<(Row, i64)> {
    rows.sort_unstable_by_key(|row| (key(row), *row));
    let all = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let (mut before, mut ranks) = (0_i64, Vec::with_capacity(rows.len()));
    for group in rows.chunk_by(|row, next| key(row) == key(next)) {
        let equal = i64::try_from(group.len()).unwrap_or(i64::MAX);
        // Ranks before + 1 to before + equal have twice this mean, and the middle is (all + 1) / 2.
        let rank = before.saturating_mul(2).saturating_add(equal).saturating_sub(all);
        ranks.extend(group.iter().map(|row| (*row, rank)));
        before = before.saturating_add(equal);
    }
    ranks
}

/// Positive and negative rows in all.
fn totals(groups: &[Tied]) -> (u64, u64) {
    groups.iter().fold((0, 0), |(positive, negative), group| {
        (positive.saturating_add(group.positive), negative.saturating_add(group.negative))
    })
}

fn auroc(groups: &[Tied]) -> Score {
    let (positive, negative) = totals(groups);
    let (mut below, mut doubled) = (negative, 0_u128);
    for group in groups {
        below = below.saturating_sub(group.negative);
        let won = u128::from(below).saturating_mul(2).saturating_add(group.negative.into());
        doubled = doubled.saturating_add(won.saturating_mul(group.positive.into()));
    }
    let pairs = u128::from(positive).saturating_mul(negative.into()).saturating_mul(2);
    parts(doubled.saturating_mul(1_000_000).checked_div(pairs))
}

fn average_precision(groups: &[Tied]) -> Score {
    let (mut found, mut taken, mut sum) = (0_u64, 0_u64, 0_u128);
    for group in groups {
        found = found.saturating_add(group.positive);
        taken = taken.saturating_add(group.positive).saturating_add(group.negative);
        let precision = PRECISION_PARTS
            .saturating_mul(group.positive.into())
            .saturating_mul(found.into())
            .checked_div(taken.into());
        sum = sum.saturating_add(precision.unwrap_or_default());
    }
    let part = PRECISION_PARTS / 1_000_000;
    parts(sum.checked_div(u128::from(found).saturating_mul(part)))
}

fn sensitivity(groups: &[Tied], specificity: Score) -> Score {
    let (positive, negative) = totals(groups);
    let (mut found, mut wrong, mut best) = (0_u64, 0_u64, 0_u64);
    for group in groups {
        found = found.saturating_add(group.positive);
        wrong = wrong.saturating_add(group.negative);
        let right = u128::from(negative.saturating_sub(wrong)).saturating_mul(1_000_000);
        if right < u128::from(negative).saturating_mul(specificity.0.into()) {
            break;
        }
        best = found;
    }
    if negative == 0 { Score(0) } else { ratio(best, positive) }
}

fn parts(ppm: Option<u128>) -> Score {
    Score(ppm.and_then(|ppm| u32::try_from(ppm).ok()).unwrap_or_default())
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
