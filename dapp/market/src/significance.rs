//! The exact test of whether one model is better than another, in integers.
//!
//! If neither model were better, each should win half of the rows that they do not answer equally
//! well. For classes this is McNemar's exact test, for losses the exact sign test.

use primitive_types::U256;

/// Terms are kept below 2⁹⁵, so that a term times any number of rows fits 128 bits.
const TERM_BITS: u32 = 95;
/// Number of bits that larger terms are shifted by.
const SHIFT: u32 = 32;

/// Whether the first of two models is significantly better than the second: it wins more of the
/// rows on which they differ, and the probability of a split at least as uneven, if each model won
/// each row with probability one half, is at most `significance_ppm`.
///
/// The probability is exact while the binomial coefficients fit 95 bits, so for up to 98 rows;
/// beyond, it is overestimated by at most one part in 2⁴⁰, never underestimated. So no pair is
/// separated wrongly, and one within that part of the level counts as not separated.
///
/// - Units: rows that only the first, and only the second, answered right or with the smaller loss;
///   significance in parts per million
/// - Cost: one multiplication and one division of 128 bits for each row of the smaller count; in
///   the machine 150 instructions each, so at most 7.5 million for 100,000 rows
/// - Source: McNemar, "Note on the sampling error of the difference between correlated proportions
///   or percentages" (1947), in its exact form; Dixon and Mood, "The statistical sign test" (1946)
pub fn separated(first: u32, second: u32, significance_ppm: u32) -> bool {
    first > second && is_unlikely(second, first, significance_ppm).unwrap_or(false)
}

/// Whether `2 · Σ C(n, i) / 2ⁿ` over i ≤ fewer, with n = fewer + more, is at most the level;
/// `None` if the numbers overflow.
fn is_unlikely(fewer: u32, more: u32, significance_ppm: u32) -> Option<bool> {
    let rows = u64::from(fewer).checked_add(more.into())?;
    // The binomial coefficient and the sum up to it, both divided by 2^shift and rounded up.
    let (mut term, mut sum, mut shift) = (1_u128, 1_u128, 0_u64);
    for index in 1..=u64::from(fewer) {
        let above = rows.checked_sub(index)?.checked_add(1)?;
        term = term.checked_mul(above.into())?.div_ceil(index.into());
        sum = sum.checked_add(term)?;
        if term >> TERM_BITS > 0 {
            (term, sum) = (term.div_ceil(1 << SHIFT), sum.div_ceil(1 << SHIFT));
            shift = shift.checked_add(SHIFT.into())?;
        }
    }
    let left = U256::from(sum).checked_mul(1_000_000.into())?;
    // The left side has fewer than 200 bits.
    let exponent = rows.checked_sub(1)?.checked_sub(shift)?.min(200);
    let right =
        U256::from(significance_ppm).checked_mul(U256::from(2).checked_pow(exponent.into())?)?;
    Some(left <= right)
}

#[cfg(test)]
mod tests {
    use primitive_types::U512;

    use super::*;

    const LEVELS_PPM: [u32; 3] = [50_000, 10_000, 1_000];

    /// Maximum number of rows that the worse of two models may win if they are to be separated.
    fn critical(rows: u32, significance_ppm: u32) -> Option<u32> {
        let is_separated = |fewer: &u32| separated(rows - fewer, *fewer, significance_ppm);
        (0..=rows / 2).take_while(is_separated).last()
    }

    #[test]
    fn critical_values_are_those_of_published_tables() {
        // Two-sided sign test, as in the table of Dixon and Mood up to 100 rows; beyond, from
        // Python's integers.
        for (rows, expected) in [
            (5, [None, None, None]),
            (6, [Some(0), None, None]),
            (8, [Some(0), Some(0), None]),
            (10, [Some(1), Some(0), None]),
            (20, [Some(5), Some(3), Some(2)]),
            (50, [Some(17), Some(15), Some(13)]),
            (100, [Some(39), Some(36), Some(33)]),
            (200, [Some(85), Some(81), Some(76)]),
            (1_000, [Some(468), Some(458), Some(447)]),
        ] {
            assert_eq!(LEVELS_PPM.map(|level| critical(rows, level)), expected, "{rows} rows");
        }
    }

    #[test]
    fn many_rows_are_decided_to_the_row() {
        for (rows, level, fewer) in
            [(10_000, 50_000, 4_901), (100_000, 50_000, 49_689), (100_000, 1_000, 49_479)]
        {
            assert!(separated(rows - fewer, fewer, level), "{rows} rows");
            assert!(!separated(rows - fewer - 1, fewer + 1, level), "{rows} rows");
        }
        assert!(separated(u32::MAX, 1_000, 1));
    }

    #[test]
    fn a_published_table_of_two_classifiers() {
        // McNemar's test as statsmodels documents it: 121 and 59, p = 4.4345e-06.
        assert!(separated(121, 59, 5));
        assert!(!separated(121, 59, 4));
    }

    #[test]
    fn a_probability_equal_to_the_level_is_enough() {
        // 2 / 2⁶ is 31,250 parts per million.
        assert!(separated(6, 0, 31_250));
        assert!(!separated(6, 0, 31_249));
    }

    #[test]
    fn only_the_better_one_is_separated() {
        assert!(separated(60, 20, 50_000));
        assert!(!separated(20, 60, 50_000));
        assert!(!separated(0, 0, 1_000_000));
        assert!(!separated(40, 40, 1_000_000));
    }

    /// The same test from Pascal's triangle, with exact integers.
    fn is_unlikely_in_full(fewer: usize, more: usize, significance_ppm: u32) -> bool {
        let rows = fewer + more;
        let mut triangle = vec![U512::one()];
        for _ in 0..rows {
            let inner = triangle.windows(2).map(|pair| pair[0] + pair[1]);
            triangle = [U512::one()].into_iter().chain(inner).chain([U512::one()]).collect();
        }
        let tail = triangle[..=fewer].iter().fold(U512::zero(), |sum, term| sum + term);
        tail * 2 * 1_000_000 <= U512::from(significance_ppm) << rows
    }

    #[test]
    fn every_split_of_some_hundred_rows_is_decided_as_in_full() {
        for rows in (1..30).chain([63, 64, 97, 98, 99, 100, 128, 131, 163, 200, 301]) {
            for fewer in 0..=rows / 2 {
                for level in [1, 999, 50_000, 125_000, 500_000] {
                    let more = rows - fewer;
                    let expected = more > fewer && is_unlikely_in_full(fewer, more, level);
                    let [first, second] = [more, fewer].map(|count| u32::try_from(count).unwrap());
                    assert_eq!(separated(first, second, level), expected, "{more}:{fewer} {level}");
                }
            }
        }
    }
}
