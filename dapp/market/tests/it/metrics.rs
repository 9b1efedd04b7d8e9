//! Scores against their definitions, computed directly with exact fractions: precision, recall and
//! F1 as scikit-learn defines them over the classes of the dataset, with `zero_division` left out.

use market::{MAX_LOSS_PPM, Metric, MetricAccumulator, Score, Scores};
use proptest::{collection::vec, prelude::*};

/// True class and predicted class of a row.
type Answer = (u16, u16);

/// A non-negative fraction.
#[derive(Clone, Copy)]
struct Fraction {
    over: u128,
    under: u128,
}

impl Fraction {
    const fn new(over: u128, under: u128) -> Self {
        Self { over, under }
    }

    fn plus(self, other: Self) -> Self {
        let over = self.over * other.under + other.over * self.under;
        Self::new(over, self.under * other.under).reduced()
    }

    fn reduced(self) -> Self {
        let (mut a, mut b) = (self.over, self.under);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        Self::new(self.over / a.max(1), self.under / a.max(1))
    }

    fn ppm(self) -> u32 {
        u32::try_from(self.over * 1_000_000 / self.under).expect("at most one")
    }
}

fn count(answers: &[Answer], counts: impl Fn(&Answer) -> bool) -> u128 {
    answers.iter().filter(|answer| counts(answer)).count() as u128
}

fn accuracy(answers: &[Answer]) -> u32 {
    let right = count(answers, |(truth, predicted)| truth == predicted);
    if answers.is_empty() { 0 } else { Fraction::new(right, answers.len() as u128).ppm() }
}

fn worst_recall(classes: u16, answers: &[Answer]) -> u32 {
    let recalls = (0..classes).filter_map(|class| {
        let rows = count(answers, |(truth, _)| *truth == class);
        let right = count(answers, |answer| *answer == (class, class));
        (rows > 0).then(|| Fraction::new(right, rows).ppm())
    });
    recalls.min().unwrap_or_default()
}

/// F1 is the harmonic mean of precision and recall, `2·tp / (2·tp + fp + fn)`.
fn f1_scores(classes: u16, answers: &[Answer]) -> Vec<Fraction> {
    let scores = (0..classes).filter_map(|class| {
        let right = count(answers, |answer| *answer == (class, class));
        let wrongly = count(answers, |(truth, told)| *truth != class && *told == class);
        let missed = count(answers, |(truth, told)| *truth == class && *told != class);
        let under = 2 * right + wrongly + missed;
        (under > 0).then(|| Fraction::new(2 * right, under))
    });
    scores.collect()
}

/// The mean, in parts per million.
fn macro_f1(classes: u16, answers: &[Answer]) -> u32 {
    let scores = f1_scores(classes, answers);
    let sum = scores.iter().fold(Fraction::new(0, 1), |sum, score| sum.plus(*score));
    let mean = Fraction::new(sum.over, sum.under * (scores.len().max(1) as u128));
    mean.ppm()
}

/// Few classes, some without rows, and some predictions that are no class.
fn answers() -> impl Strategy<Value = (u16, Vec<Answer>)> {
    (1..7_u16).prop_flat_map(|classes| {
        let answer = (0..classes, 0..classes + 2);
        (Just(classes), vec(answer, 0..60))
    })
}

proptest! {
    #[test]
    fn class_scores_are_those_of_their_definitions((classes, answers) in answers()) {
        let mut accumulator = MetricAccumulator::new(classes);
        answers.iter().for_each(|(truth, told)| accumulator.count_class(*truth, *told, 0));
        let worst = Score(worst_recall(classes, &answers));
        let scores = |score| Scores { score, threshold_score: worst };
        let of = |metric: Metric| accumulator.scores(metric.into());
        prop_assert_eq!(of(Metric::Accuracy), scores(Score(accuracy(&answers))));
        prop_assert_eq!(of(Metric::WorstClassRecall), scores(worst));
        let exact = macro_f1(classes, &answers);
        let found = accumulator.score(Metric::MacroF1).0;
        prop_assert!(found <= exact && exact - found <= 1, "{} is not {}", found, exact);
    }

    #[test]
    fn loss_scores_are_those_of_their_definitions(losses in vec(0..3 * MAX_LOSS_PPM / 2, 1..40)) {
        let mut accumulator = MetricAccumulator::new(0);
        losses.iter().for_each(|loss| accumulator.count_loss(*loss));
        // 1 / (1 + L) or 1 − L, with the mean loss L rounded up to a part per million.
        let sum: u128 = losses.iter().map(|loss| u128::from(*loss.min(&MAX_LOSS_PPM))).sum();
        let mean_ppm = sum.div_ceil(losses.len() as u128);
        let exact = Fraction::new(1_000_000, 1_000_000 + mean_ppm).ppm();
        prop_assert_eq!(accumulator.score(Metric::LogLoss), Score(exact));
        let left = 1_000_000_u128.saturating_sub(mean_ppm);
        let is_sum = |metric: &Metric| metric.is_loss() && metric.is_told_by_rows();
        for metric in Metric::ALL.into_iter().filter(is_sum) {
            if metric != Metric::LogLoss {
                prop_assert_eq!(accumulator.score(metric), Score(u32::try_from(left).unwrap()));
            }
        }
    }

    #[test]
    fn the_order_of_rows_is_scored_by_its_definition(
        rows in vec((0_u32..2, 0_u32..6), 1..40),
        seed in any::<u64>(),
    ) {
        let mut accumulator = MetricAccumulator::new(2);
        rows.iter().for_each(|(truth, score)| accumulator.rank(*truth, *score));
        let of = |class| rows.iter().filter(move |(truth, _)| *truth == class);
        let pairs = of(1).flat_map(|(_, one)| of(0).map(move |(_, zero)| one.cmp(zero)));
        let doubled = pairs.clone().map(|order| match order {
            std::cmp::Ordering::Less => 0_u128,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Greater => 2,
        }).sum::<u128>();
        let auroc = Fraction::new(doubled, (2 * pairs.count() as u128).max(1)).ppm();
        prop_assert_eq!(accumulator.score(Metric::Auroc), Score(auroc));
        // Rows that arrive in another order change nothing.
        let mut shuffled = rows;
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        let mut other = MetricAccumulator::new(2);
        shuffled.iter().for_each(|(truth, score)| other.rank(*truth, *score));
        for metric in Metric::ALL.into_iter().filter(|metric| metric.is_ranked()) {
            prop_assert_eq!(accumulator.score(metric), other.score(metric));
            prop_assert!(accumulator.score(metric) <= Score::MAX);
        }
    }

    #[test]
    fn a_right_answer_more_never_lowers_a_score((classes, mut answers) in answers()) {
        let score = |answers: &[Answer], metric| {
            let mut accumulator = MetricAccumulator::new(classes);
            answers.iter().for_each(|(truth, told)| accumulator.count_class(*truth, *told, 0));
            accumulator.score(metric)
        };
        let Some(at) = answers.iter().position(|(truth, told)| truth != told) else {
            return Ok(());
        };
        let before = [Metric::Accuracy, Metric::WorstClassRecall].map(|m| score(&answers, m));
        answers[at].1 = answers[at].0;
        let after = [Metric::Accuracy, Metric::WorstClassRecall].map(|m| score(&answers, m));
        prop_assert!(before[0] < after[0] && before[1] <= after[1]);
    }
}
