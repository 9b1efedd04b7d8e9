//! Losses and scores of one row, in f64 and in one order, so that their bits are the same
//! everywhere.

use market::{MAX_LOSS_PPM, Output};

use kernels::math;

/// The least probability of which a log loss is taken.
const LEAST_PROBABILITY: f64 = 1e-15;

/// −ln of the probability of the right class.
///
/// - Probabilities are each clamped to [10⁻¹⁵, 1], and the row normalised to sum to one
/// - Logits go through a softmax; so do logarithms of probabilities, which it leaves as they are if
///   the probabilities sum to one
/// - Source: `sklearn.metrics.log_loss`
pub(crate) fn log_loss(answer: &[f32], truth: u8, output: Output) -> f64 {
    let truth = usize::from(truth);
    match (output, answer) {
        (Output::Logits, &[logit]) => math::softplus(against(truth, logit)),
        (Output::Logits, _) | (Output::LogProbabilities, [_, _, ..]) => {
            let greatest = greatest(answer);
            let sum = answer.iter().map(|number| libm::exp(f64::from(*number) - greatest)).sum();
            libm::log(sum) - (f64::from(answer[truth]) - greatest)
        }
        _ => {
            let (right, sum) = right_of_sum(answer, truth, output, LEAST_PROBABILITY);
            libm::log(sum) - libm::log(right)
        }
    }
}

/// Half the squared distance of the probabilities from those of the right answer, one and zeros.
///
/// - Probabilities as for [`log_loss`], but clamped to [0, 1]; without any, the distance is 1
/// - Source: `sklearn.metrics.brier_score_loss`, scaled by half for any number of classes
pub(crate) fn brier(answer: &[f32], truth: u8, output: Output) -> f64 {
    let truth = usize::from(truth);
    if let &[number] = answer {
        let right = match output {
            Output::Logits => 1.0 / (1.0 + libm::exp(against(truth, number))),
            _ => right_of_sum(answer, truth, output, 0.0).0,
        };
        return (1.0 - right) * (1.0 - right);
    }
    let greatest = greatest(answer);
    let likelihood = |number: f32| match output {
        Output::Logits | Output::LogProbabilities => libm::exp(f64::from(number) - greatest),
        _ => f64::from(number).clamp(0.0, 1.0),
    };
    let sum = answer.iter().map(|number| likelihood(*number)).sum::<f64>();
    if sum == 0.0 {
        return 1.0;
    }
    let distances = answer.iter().enumerate().map(|(class, number)| {
        let wanted = if class == truth { 1.0 } else { 0.0 };
        let distance = likelihood(*number) / sum - wanted;
        distance * distance
    });
    distances.sum::<f64>() / 2.0
}

/// The number by which rows are ordered, greater for class 1: of one answer itself; of several that
/// of class 1, for logits less the logarithm of the sum of the others' exponentials.
pub(crate) fn for_class_one(answer: &[f32], output: Output) -> f32 {
    match (answer, output) {
        (&[zero, one], Output::Logits) => one - zero,
        ([zero, one, others @ ..], Output::Logits) => {
            let others = [&[*zero], others].concat();
            let greatest = greatest(&others);
            let sum = others.iter().map(|number| libm::exp(f64::from(*number) - greatest)).sum();
            #[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest f32")]
            let score = (f64::from(*one) - greatest - libm::log(sum)) as f32;
            score
        }
        ([_, one, ..], _) => *one,
        _ => answer[0],
    }
}

/// An integer that orders as the number does; both zeros are one.
pub(crate) const fn order(number: f32) -> u32 {
    let bits = (number + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// A loss relative to a baseline's; where the baseline has none, any loss is without bound.
pub(crate) fn relative(loss: f64, baseline: f64) -> f64 {
    match (baseline == 0.0, loss == 0.0) {
        (false, _) => loss / baseline,
        (true, true) => 0.0,
        (true, false) => f64::INFINITY,
    }
}

/// A loss in parts per million, rounded to the nearest, at most `MAX_LOSS_PPM`.
pub(crate) fn parts_per_million(loss: f64) -> u64 {
    let rounded = libm::round(loss * 1e6);
    if rounded >= 1e12 {
        return MAX_LOSS_PPM;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number within 10¹², and not below zero"
    )]
    let whole = rounded.max(0.0) as u64;
    whole
}

/// A logit for the wrong class.
fn against(truth: usize, logit: f32) -> f64 {
    if truth == 0 { f64::from(logit) } else { -f64::from(logit) }
}

/// The probability of the right class and the sum of all, each at least `least`; of one number,
/// that of class 1 or its logarithm.
fn right_of_sum(answer: &[f32], truth: usize, output: Output, least: f64) -> (f64, f64) {
    let bounded = |probability: f64| probability.clamp(least, 1.0);
    if let &[number] = answer {
        let one = match output {
            Output::LogProbabilities => libm::exp(f64::from(number)),
            _ => f64::from(number),
        };
        let both = [bounded(1.0 - one), bounded(one)];
        return (both[truth.min(1)], both[0] + both[1]);
    }
    let sum = answer.iter().map(|probability| bounded(f64::from(*probability))).sum();
    (bounded(f64::from(answer[truth])), sum)
}

fn greatest(answer: &[f32]) -> f64 {
    f64::from(answer.iter().copied().fold(f32::NEG_INFINITY, f32::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_rounded_in_one_place() {
        for (loss, ppm) in [
            (0.0, 0),
            (-1e-17, 0),
            (4.9e-7, 0),
            (5.1e-7, 1),
            (0.25, 250_000),
            (1e6, MAX_LOSS_PPM),
            (1e300, MAX_LOSS_PPM),
            (f64::INFINITY, MAX_LOSS_PPM),
        ] {
            assert_eq!(parts_per_million(loss), ppm, "{loss}");
        }
    }

    #[test]
    fn a_log_loss_gains_nothing_from_large_answers() {
        for (answer, truth, ppm) in [
            (&[0.25, 0.75][..], 1, 287_682),
            (&[1.0, 1.0, 1.0, 1.0], 2, 1_386_294),
            (&[1e30, 1e30], 0, 693_147),
            (&[0.0, 1.0], 0, 34_538_776),
            (&[-5.0, 3.0], 1, 0),
            (&[0.75], 1, 287_682),
            (&[0.75], 0, 1_386_294),
            (&[2.0], 1, 0),
        ] {
            let loss = log_loss(answer, truth, Output::Probabilities);
            assert_eq!(parts_per_million(loss), ppm, "{answer:?} {truth}");
        }
    }

    #[test]
    fn one_distribution_has_one_loss_in_every_form() {
        let [zero, one] = [0.25_f32, 0.75].map(f32::ln);
        let odds = one - zero;
        for (answer, output) in [
            (&[0.25, 0.75][..], Output::Probabilities),
            (&[0.75], Output::Probabilities),
            (&[zero, one], Output::LogProbabilities),
            (&[one], Output::LogProbabilities),
            (&[zero, one], Output::Logits),
            (&[zero + 7.0, one + 7.0], Output::Logits),
            (&[odds], Output::Logits),
        ] {
            let log_losses = [0, 1].map(|truth| log_loss(answer, truth, output));
            let briers = [0, 1].map(|truth| brier(answer, truth, output));
            for (found, exact) in
                log_losses.into_iter().chain(briers).zip([1.386_294, 0.287_682, 0.5625, 0.0625])
            {
                assert!((found - exact).abs() < 1e-6, "{answer:?} {output}: {found} {exact}");
            }
        }
    }

    #[test]
    fn a_certain_and_wrong_logit_has_a_finite_loss() {
        for (answer, output, loss) in [
            (&[1_000.0, 0.0][..], Output::Logits, 1_000.0),
            (&[-1_000.0], Output::Logits, 1_000.0),
            (&[f32::MAX, f32::MIN], Output::Logits, 2.0 * f64::from(f32::MAX)),
            (&[100.0, 100.0], Output::LogProbabilities, std::f64::consts::LN_2),
        ] {
            assert_eq!(log_loss(answer, 1, output), loss, "{answer:?}");
            assert!((0.0..=1.0).contains(&brier(answer, 1, output)), "{answer:?}");
        }
    }

    #[test]
    fn integers_order_as_the_numbers_do() {
        let numbers = [f32::MIN, -1.0, -f32::MIN_POSITIVE, 0.0, f32::MIN_POSITIVE, 1.0, f32::MAX];
        assert!(numbers.map(order).is_sorted_by(|one, two| one < two));
        assert_eq!(order(-0.0), order(0.0));
    }
}
