//! A histogram of numbers, for people to look at.

use serde::Serialize;

/// Number of bins.
const BINS: usize = 16;

/// How often numbers are in each of equally wide bins between the least and the greatest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Histogram {
    least: String,
    greatest: String,
    mean: String,
    bins: [u32; BINS],
}

impl Histogram {
    /// Of finite numbers.
    pub(crate) fn of(numbers: impl Iterator<Item = f32> + Clone) -> Self {
        let (mut least, mut greatest, mut sum, mut count) = (f32::MAX, f32::MIN, 0.0, 0.0);
        for number in numbers.clone() {
            (least, greatest) = (least.min(number), greatest.max(number));
            (sum, count) = (sum + f64::from(number), count + 1.0);
        }
        let width = (f64::from(greatest) - f64::from(least)).max(f64::MIN_POSITIVE);
        let mut bins = [0_u32; BINS];
        for number in numbers {
            #[expect(clippy::cast_precision_loss, reason = "there are few bins")]
            let place = (f64::from(number) - f64::from(least)) / width * BINS as f64;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from zero to the number of bins"
            )]
            let bin = &mut bins[(place as usize).min(BINS - 1)];
            *bin = bin.saturating_add(1);
        }
        Self {
            least: least.to_string(),
            greatest: greatest.to_string(),
            mean: format!("{:.6}", sum / f64::max(count, 1.0)),
            bins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_one_bin() {
        let numbers = [0.0, 0.1, 0.5, 1.0, 1.0];
        let Histogram { least, greatest, mean, bins } = Histogram::of(numbers.into_iter());
        assert_eq!([least, greatest, mean], ["0", "1", "0.520000"]);
        assert_eq!(bins.iter().sum::<u32>(), 5);
        assert_eq!((bins[0], bins[1], bins[8], bins[15]), (1, 1, 1, 2));
        assert_eq!(Histogram::of([3.0; 4].into_iter()).bins[0], 4, "all are the same");
        assert_eq!(Histogram::of([f32::MIN, f32::MAX].into_iter()).bins[15], 1);
    }
}
