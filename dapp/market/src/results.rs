//! Results row by row: the basis for comparing two models, and part of what miners attest.

use blobs::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    metric::{Metric, ratio},
    shared::Shared,
    units::Score,
};

/// Each row's result, in the order of the rows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    rows: u32,
    /// Shared, as there can be many rows and checkpoints hold them as well.
    kind: Shared<ResultKind>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ResultKind {
    /// Whether each row was answered correctly, eight per byte from the lowest bit on.
    Right(Vec<u8>),
    /// Each row's loss in parts per million.
    Losses(Vec<u64>),
}

impl std::fmt::Debug for Results {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} rows {}", self.rows, self.digest())
    }
}

impl Results {
    pub(crate) fn new(metric: Metric) -> Self {
        let kind = if metric.is_loss() {
            ResultKind::Losses(Vec::new())
        } else {
            ResultKind::Right(Vec::new())
        };
        Self { rows: 0, kind: Shared::new(kind) }
    }

    pub(crate) fn push(&mut self, is_right: bool, loss_ppm: u64) {
        match self.kind.to_mut() {
            ResultKind::Losses(losses) => losses.push(loss_ppm),
            ResultKind::Right(bits) => {
                let bit = self.rows % 8;
                if bit == 0 {
                    bits.push(0);
                }
                if let Some(byte) = bits.last_mut() {
                    *byte |= u8::from(is_right) << bit;
                }
            }
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// Number of rows.
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// The binary form: one bit per row, 1 if right, eight per byte from the lowest bit on, the
    /// last byte zero-padded; or the losses in parts per million, eight bytes each, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &*self.kind {
            ResultKind::Right(bits) => bits.clone(),
            ResultKind::Losses(losses) => {
                losses.iter().flat_map(|loss| loss.to_be_bytes()).collect()
            }
        }
    }

    /// Parses the binary form of this many rows; `None` for any other bytes.
    pub fn from_bytes(metric: Metric, rows: u32, bytes: &[u8]) -> Option<Self> {
        let count = usize::try_from(rows).ok()?;
        let kind = if metric.is_loss() {
            let (words, rest) = bytes.as_chunks::<8>();
            (rest.is_empty() && words.len() == count).then(|| {
                ResultKind::Losses(words.iter().map(|word| u64::from_be_bytes(*word)).collect())
            })
        } else {
            let unused = count.next_multiple_of(8).checked_sub(count)?;
            let padding = bytes.last().map_or(0, |last| last.leading_zeros());
            (bytes.len() == count.div_ceil(8) && usize::try_from(padding).ok()? >= unused)
                .then(|| ResultKind::Right(bytes.to_vec()))
        };
        Some(Self { rows, kind: Shared::new(kind?) })
    }

    /// The sha2-256 digest of the binary form.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// The score; `None` if the results alone do not determine it.
    pub fn score(&self, metric: Metric) -> Option<Score> {
        match (&*self.kind, metric) {
            (ResultKind::Right(bits), Metric::Accuracy) => {
                let right = bits.iter().map(|byte| u64::from(byte.count_ones()));
                Some(ratio(right.fold(0, u64::saturating_add), self.rows.into()))
            }
            (ResultKind::Losses(losses), _) if metric.is_loss() && metric.is_told_by_rows() => {
                let sum = losses.iter().map(|loss| u128::from(*loss));
                Some(metric.of_losses(sum.fold(0, u128::saturating_add), self.rows))
            }
            _ => None,
        }
    }

    /// Number of rows on which these results are better, and on which the others are; `None` if
    /// they differ in number of rows or kind.
    pub fn against(&self, other: &Self) -> Option<(u32, u32)> {
        if self.rows != other.rows {
            return None;
        }
        match (&*self.kind, &*other.kind) {
            (ResultKind::Right(ours), ResultKind::Right(theirs)) => {
                let pairs = || ours.iter().zip(theirs);
                let first = pairs().map(|(ours, theirs)| (ours & !theirs).count_ones());
                let second = pairs().map(|(ours, theirs)| (theirs & !ours).count_ones());
                Some((first.fold(0, u32::saturating_add), second.fold(0, u32::saturating_add)))
            }
            (ResultKind::Losses(ours), ResultKind::Losses(theirs)) => {
                let count = |is_better: fn(&u64, &u64) -> bool| {
                    let better = ours.iter().zip(theirs).filter(|(a, b)| is_better(a, b));
                    u32::try_from(better.count()).unwrap_or(u32::MAX)
                };
                Some((count(u64::lt), count(u64::gt)))
            }
            (ResultKind::Right(_), ResultKind::Losses(_))
            | (ResultKind::Losses(_), ResultKind::Right(_)) => None,
        }
    }

    /// The results of these rows, given in ascending order; `None` if a row is out of range.
    pub fn of_rows(&self, rows: &[u32]) -> Option<Self> {
        let kind = match &*self.kind {
            ResultKind::Right(_) => ResultKind::Right(Vec::new()),
            ResultKind::Losses(_) => ResultKind::Losses(Vec::new()),
        };
        let mut chosen = Self { rows: 0, kind: Shared::new(kind) };
        for row in rows.iter().filter_map(|row| usize::try_from(*row).ok()) {
            match &*self.kind {
                ResultKind::Right(bits) => {
                    let byte = bits.get(row.checked_div(8)?)?;
                    let is_there = row < usize::try_from(self.rows).ok()?;
                    is_there.then(|| chosen.push(byte >> (row % 8) & 1 == 1, 0))?;
                }
                ResultKind::Losses(losses) => chosen.push(false, *losses.get(row)?),
            }
        }
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accumulator::MetricAccumulator;

    fn of_classes(right: &[bool]) -> Results {
        let mut accumulator = MetricAccumulator::with_results(2, Metric::Accuracy);
        for is_right in right {
            accumulator.count_class(1, u16::from(*is_right), 0);
        }
        accumulator.into_results().unwrap()
    }

    fn of_losses(losses: &[u64]) -> Results {
        let mut accumulator = MetricAccumulator::with_results(0, Metric::MeanSquaredError);
        losses.iter().for_each(|loss| accumulator.count_loss(*loss));
        accumulator.into_results().unwrap()
    }

    #[test]
    fn bytes_are_as_stated_and_nothing_else_is_read() {
        let results = of_classes(&[true, false, true, true, false, false, false, false, true]);
        assert_eq!(results.to_bytes(), [0b1101, 1]);
        assert_eq!(results.digest(), Digest::of(&[0b1101, 1]));
        for (rows, bytes, is_read) in [
            (9, &[0b1101, 1][..], true),
            (16, &[0b1101, 1], true),
            (9, &[0b1101, 2], false),
            (8, &[0b1101, 1], false),
            (17, &[0b1101, 1], false),
            (0, &[], true),
            (0, &[0], false),
        ] {
            let read = Results::from_bytes(Metric::Accuracy, rows, bytes);
            assert_eq!(read.is_some(), is_read, "{rows} {bytes:?}");
            assert_eq!(read == Some(results.clone()), rows == 9 && is_read, "{rows} {bytes:?}");
        }
        let losses = of_losses(&[1, 258]);
        let bytes = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2];
        assert_eq!(losses.to_bytes(), bytes);
        assert_eq!(Results::from_bytes(Metric::LogLoss, 2, &bytes), Some(losses));
        assert_eq!(Results::from_bytes(Metric::LogLoss, 2, &bytes[1..]), None);
        assert_eq!(Results::from_bytes(Metric::LogLoss, 1, &bytes), None);
    }

    #[test]
    fn rows_are_compared_one_by_one() {
        let [all, some] = [of_classes(&[true; 20]), of_classes(&[true, false].repeat(10))];
        assert_eq!(all.against(&some), Some((10, 0)));
        assert_eq!(some.against(&all), Some((0, 10)));
        let [near, far] = [of_losses(&[1, 5, 7, 7]), of_losses(&[2, 6, 8, 7])];
        assert_eq!(near.against(&far), Some((3, 0)));
        assert_eq!(all.against(&of_classes(&[true; 19])), None);
        assert_eq!(near.against(&of_classes(&[true; 4])), None);
    }

    #[test]
    fn some_of_the_rows() {
        let some = of_classes(&[true, false].repeat(10));
        assert_eq!(some.of_rows(&[0, 1, 8, 19]), Some(of_classes(&[true, false, true, false])));
        assert_eq!(some.of_rows(&[20]), None);
        assert_eq!(of_losses(&[3, 4, 5]).of_rows(&[0, 2]), Some(of_losses(&[3, 5])));
        assert_eq!(of_losses(&[3, 4, 5]).of_rows(&[3]), None);
    }

    #[test]
    fn the_score_is_that_of_the_accumulator() {
        for metric in Metric::ALL {
            let mut accumulator = MetricAccumulator::with_results(3, metric);
            for row in 0..50_u16 {
                accumulator.count_class(
                    row % 3,
                    row % 3 * u16::from(row % 7 != 0),
                    u64::from(row) * 999,
                );
            }
            let alone = accumulator.results().unwrap().score(metric);
            let is_alone = metric.is_told_by_rows();
            assert_eq!(alone, is_alone.then(|| accumulator.score(metric)), "{metric:?}");
        }
    }

    #[test]
    fn a_class_out_of_range_is_wrong() {
        let mut accumulator = MetricAccumulator::with_results(2, Metric::Accuracy);
        accumulator.count_class(7, 7, 0);
        assert_eq!(accumulator.results().unwrap().to_bytes(), [0]);
    }
}
