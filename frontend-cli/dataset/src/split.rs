//! Two parts of a dataset, of which each has its share of every class.

use eval::{Dataset, Labels};
use sha2::{Digest as _, Sha256};

/// Splits rows into two parts: the rest, and `percent` of the rows, rounded to the nearest, at
/// least one and not all.
///
/// The rows of a part keep their order. Which rows are in it follows from their order by SHA-256 of
/// seed and number: the same seed gives the same parts on every computer. The share of a class is
/// rounded down, and what is left goes to the classes with the largest remainders.
///
/// - Errors: `None` if there are fewer than two rows
#[must_use]
pub fn split(dataset: &Dataset, percent: u8, seed: u64) -> Option<[Dataset; 2]> {
    let rows = dataset.rows();
    let held = ((rows * usize::from(percent) + 50) / 100)
        .clamp(1, rows.checked_sub(1).filter(|most| *most > 0)?);
    let classes = by_class(dataset, seed);
    let shares = shares(&classes.iter().map(Vec::len).collect::<Vec<_>>(), held);
    let mut parts = [Vec::new(), Vec::new()];
    for (class, share) in classes.iter().zip(shares) {
        let (taken, left) = class.split_at(share.min(class.len()));
        parts[0].extend(left);
        parts[1].extend(taken);
    }
    parts.iter_mut().for_each(|part| part.sort_unstable());
    Some(parts.map(|part| dataset.subset(&part)))
}

/// The rows of each class in the order of their hashes; of numbers, all rows.
fn by_class(dataset: &Dataset, seed: u64) -> Vec<Vec<usize>> {
    let mut classes = vec![Vec::new(); 256];
    for row in 0..dataset.rows() {
        let class = match dataset.labels() {
            Labels::Classes(classes) => usize::from(classes[row]),
            Labels::Targets(_) => 0,
        };
        classes[class].push(row);
    }
    for class in &mut classes {
        class.sort_by_cached_key(|row| {
            let row = u64::try_from(*row).unwrap_or(u64::MAX);
            <[u8; 32]>::from(Sha256::digest([seed.to_le_bytes(), row.to_le_bytes()].concat()))
        });
    }
    classes
}

/// How many of each class make `held` in all, by the largest remainders.
fn shares(sizes: &[usize], held: usize) -> Vec<usize> {
    let rows: usize = sizes.iter().sum();
    let mut shares: Vec<_> = sizes.iter().map(|size| size * held / rows.max(1)).collect();
    let mut order: Vec<_> = (0..sizes.len()).collect();
    order.sort_by_key(|class| std::cmp::Reverse(sizes[*class] * held % rows.max(1)));
    let left = held - shares.iter().sum::<usize>();
    order.into_iter().take(left).for_each(|class| shares[class] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use eval::{Features, Shape};

    use super::*;

    #[test]
    fn a_split_is_exact_stratified_and_repeatable() {
        let labels: Vec<u8> = (0..103).map(|row| u8::from(row % 4 == 0)).collect();
        let features = (0_u8..103).map(f32::from).collect();
        let row = Shape::new(&[1]).unwrap();
        let all = Dataset::new(row, Features::Real(features), Labels::Classes(labels)).unwrap();
        let [rest, held] = split(&all, 20, 7).unwrap();
        assert_eq!((rest.rows(), held.rows()), (82, 21));
        let Labels::Classes(classes) = held.labels() else { panic!() };
        assert_eq!(classes.iter().filter(|class| **class == 1).count(), 5);
        let mut both = [rest.features(0..82), held.features(0..21)].concat();
        both.sort_by(f32::total_cmp);
        assert_eq!(both, all.features(0..103));
        assert_eq!(split(&all, 20, 7).unwrap(), [rest, held.clone()]);
        assert_ne!(split(&all, 20, 8).unwrap()[1], held);
        assert_eq!(split(&all, 0, 7).unwrap()[1].rows(), 1);
        assert!(split(&all.subset(&[0]), 20, 7).is_none());
    }
}
