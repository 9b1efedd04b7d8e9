//! What a report says besides the score: the confusion matrix, figures of each class with their
//! confidence intervals, and errors in the unit of the targets.

use eval::{Dataset, Labels, report::Report};
use market::Score;
use serde::Serialize;

/// Quantile of the normal distribution for intervals that hold 95 times of 100.
const Z: f64 = 1.959_964;

/// Figures beside a score: of classes, or of numbers.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Figures {
    /// Of a classifier.
    Classes {
        /// Share of rows answered correctly.
        accuracy: Proportion,
        /// Each class's figures.
        classes: Vec<ClassFigures>,
        /// Rows by their class, then by the class answered; last of each those of no class.
        confusion: Vec<Vec<u32>>,
    },
    /// Of a regressor, in the unit of the targets.
    Numbers {
        /// Root of the mean squared error.
        root_mean_squared_error: f64,
        /// Mean absolute error.
        mean_absolute_error: f64,
    },
}

/// A share of rows in parts per million, and the interval that holds the true one 95 times of 100.
///
/// - Source: Wilson, Probable inference, the law of succession, and statistical inference (1927)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Proportion {
    /// The share, rounded down.
    pub share: u32,
    /// The lower end, rounded down, and the upper end, rounded up.
    pub interval: [u32; 2],
}

/// A class's figures in parts per million.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClassFigures {
    /// Number of its rows.
    pub rows: u64,
    /// Share of its rows that were answered with it; `None` without rows.
    pub recall: Option<Proportion>,
    /// Share of the rows answered with it that are of it; `None` if there are none.
    pub precision: Option<Proportion>,
    /// Harmonic mean of both; `None` if there are neither.
    pub f1: Option<u32>,
}

impl Figures {
    /// The figures of a report on a dataset.
    #[must_use]
    pub fn of(report: &Report, dataset: &Dataset) -> Self {
        match dataset.labels() {
            Labels::Classes(_) => {
                let confusion = report.accumulator.confusion().map(<[u32]>::to_vec).collect();
                Self::of_classes(confusion)
            }
            Labels::Targets(targets) => Self::of_numbers(&report.answers, targets),
        }
    }

    fn of_classes(confusion: Vec<Vec<u32>>) -> Self {
        let sum = |counts: &mut dyn Iterator<Item = u32>| counts.map(u64::from).sum::<u64>();
        let classes = (0..confusion.len().saturating_sub(1)).map(|class| {
            let right = u64::from(confusion[class][class]);
            let rows = sum(&mut confusion[class].iter().copied());
            let answered = sum(&mut confusion.iter().map(|row| row[class]));
            let either = rows + answered;
            ClassFigures {
                rows,
                recall: Proportion::of(right, rows),
                precision: Proportion::of(right, answered),
                f1: Proportion::of(2 * right, either).map(|f1| f1.share),
            }
        });
        let classes = classes.collect();
        let right = sum(&mut (0..confusion.len() - 1).map(|class| confusion[class][class]));
        let rows = sum(&mut confusion.iter().flatten().copied());
        let none = Proportion { share: 0, interval: [0, Score::MAX.0] };
        Self::Classes { accuracy: Proportion::of(right, rows).unwrap_or(none), classes, confusion }
    }

    fn of_numbers(answers: &[f32], targets: &[f32]) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a mean for people to look at")]
        let rows = targets.len() as f64;
        let errors = answers.iter().zip(targets);
        let errors = errors.map(|(answer, target)| f64::from(*answer) - f64::from(*target));
        let (squares, sizes) = errors.fold((0.0, 0.0), |(squares, sizes), error| {
            (squares + error * error, sizes + error.abs())
        });
        Self::Numbers {
            root_mean_squared_error: (squares / rows).sqrt(),
            mean_absolute_error: sizes / rows,
        }
    }
}

impl Proportion {
    /// The share of `part` in `whole` and its interval; `None` of nothing.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        let share = u32::try_from(part.checked_mul(1_000_000)?.checked_div(whole)?).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "an interval for people to look at")]
        let (part, whole) = (part as f64, whole as f64);
        let (p, square) = (part / whole, Z * Z);
        let centre = p + square / (2.0 * whole);
        let spread = Z * (p * (1.0 - p) / whole + square / (4.0 * whole * whole)).sqrt();
        let ends = [centre - spread, centre + spread].map(|end| end / (1.0 + square / whole) * 1e6);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to parts per million"
        )]
        let interval =
            [ends[0].floor(), ends[1].ceil()].map(|end| end.clamp(0.0, 1_000_000.0) as u32);
        Some(Self { share, interval })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        // SciPy 1.16: binomtest(k, n).proportion_ci(method="wilson").
        for (part, whole, interval) in [
            (160, 169, [901_900, 971_733]),
            (1, 10, [17_876, 404_151]),
            (0, 20, [0, 161_126]),
            (20, 20, [838_874, 1_000_000]),
        ] {
            let found = Proportion::of(part, whole).unwrap();
            let near = |(one, two): (u32, u32)| one.abs_diff(two) <= 2;
            assert!(found.interval.into_iter().zip(interval).all(near), "{found:?} {interval:?}");
        }
        assert_eq!(Proportion::of(0, 0), None);
    }

    #[test]
    fn figures_of_a_class_without_rows_are_missing() {
        let confusion = vec![vec![3, 1, 0, 0], vec![0, 2, 0, 1], vec![0; 4], vec![0; 4]];
        let Figures::Classes { accuracy, classes, .. } = Figures::of_classes(confusion) else {
            panic!("they are classes");
        };
        assert_eq!(accuracy.share, 714_285);
        assert_eq!(classes[0].recall.map(|recall| recall.share), Some(750_000));
        assert_eq!(classes[1].precision.map(|precision| precision.share), Some(666_666));
        assert_eq!(classes[1].f1, Some(666_666));
        assert!(classes[2].recall.is_none() && classes[2].f1.is_none());
    }
}
