//! Missing values replaced by what the present values of their column have in common.

use crate::options::Impute;

/// Replaces missing values; returns how many. Of a column without any value it makes zeros.
pub(crate) fn impute(numbers: &mut [f64], how: Impute) -> usize {
    let present: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    let missing = numbers.len() - present.len();
    if missing > 0 {
        let value = match how {
            Impute::Mean => mean(&present),
            Impute::Median => median(present),
            Impute::Zero => 0.0,
        };
        numbers.iter_mut().filter(|number| number.is_nan()).for_each(|number| *number = value);
    }
    missing
}

fn mean(present: &[f64]) -> f64 {
    let count = u32::try_from(present.len()).unwrap_or(u32::MAX).max(1);
    present.iter().sum::<f64>() / f64::from(count)
}

fn median(mut present: Vec<f64>) -> f64 {
    present.sort_by(f64::total_cmp);
    let middle = present.len() / 2;
    let upper = present.get(middle).copied().unwrap_or(0.0);
    match middle.checked_sub(1).and_then(|lower| present.get(lower)) {
        Some(lower) if present.len().is_multiple_of(2) => f64::midpoint(*lower, upper),
        _ => upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_become_mean_median_or_zero() {
        for (how, expected) in [(Impute::Mean, 4.0), (Impute::Median, 2.0), (Impute::Zero, 0.0)] {
            let mut numbers = [1.0, f64::NAN, 2.0, 9.0];
            assert_eq!(impute(&mut numbers, how), 1);
            assert_eq!(numbers, [1.0, expected, 2.0, 9.0]);
        }
        assert_eq!(median(vec![4.0, 1.0]), 2.5);
        assert_eq!(median(vec![]), 0.0);
    }
}
