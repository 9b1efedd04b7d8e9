//! The loss of a batch, and its gradient.

use burn::tensor::Tensor;
use kernels::{
    extension::{Backward, List, Operation, Uses},
    math,
};

use super::{head::Head, wanted};
use crate::{
    backend::{Array, compute},
    dataset::Labels,
    shape::Shape,
};

/// The least probability whose logarithm is taken.
const LEAST: f32 = 1e-7;

/// The loss summed over rows of answers: cross-entropy for classes, squared error for numbers.
#[derive(Debug)]
struct Loss {
    /// What the answers are.
    head: Head,
    /// Numbers of an answer.
    per_row: usize,
    /// The right answers: one-hot rows for classes, or numbers.
    wanted: Vec<f32>,
    /// How much each row counts; as much as others if there are none.
    weights: Vec<f32>,
}

/// The loss summed over the rows of these answers. A row counts as much as its class, if `weights`
/// has one for each.
pub(super) fn loss(head: Head, answers: Array, labels: &Labels, weights: &[f32]) -> Tensor<1> {
    let per_row = answers.shape().elements() / labels.len();
    let weights = match labels {
        Labels::Classes(classes) if !weights.is_empty() => {
            let weight = |class: &u8| weights.get(usize::from(*class)).copied().unwrap_or(1.0);
            classes.iter().map(weight).collect()
        }
        _ => Vec::new(),
    };
    let loss = Loss { head, per_row, wanted: wanted(labels, per_row), weights };
    compute(loss, [answers], Shape::SCALAR).flat()
}

impl Operation for Loss {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let mut slopes = vec![0.0; self.per_row];
        let rows = self.rows(operands[0].numbers());
        let losses = rows.map(|(answer, wanted, weight)| {
            slopes.copy_from_slice(answer);
            f64::from(weight) * self.head.row(&mut slopes, wanted)
        });
        #[expect(clippy::cast_possible_truncation, reason = "weights are of single precision")]
        let loss = losses.sum::<f64>() as f32;
        vec![loss]
    }

    fn uses(&self) -> Uses {
        Uses::OPERANDS
    }

    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, .. } = *known;
        let mut found = operands[0].to_vec();
        let slopes = found.chunks_exact_mut(self.per_row);
        for (slopes, (_, wanted, weight)) in slopes.zip(self.rows(operands[0])) {
            self.head.row(slopes, wanted);
            slopes.iter_mut().for_each(|slope| *slope *= weight * gradient[0]);
        }
        vec![found]
    }
}

impl Loss {
    /// Each answer, the right one, and how much the row counts.
    fn rows<'a>(&'a self, answers: &'a [f32]) -> impl Iterator<Item = (&'a [f32], &'a [f32], f32)> {
        let weights = self.weights.iter().copied().chain(std::iter::repeat(1.0));
        let wanted = self.wanted.chunks_exact(self.per_row);
        let rows = answers.chunks_exact(self.per_row).zip(wanted).zip(weights);
        rows.map(|((answer, wanted), weight)| (answer, wanted, weight))
    }
}

impl Head {
    /// The loss of a row; its answers become the loss's derivatives with respect to them.
    fn row(self, answers: &mut [f32], wanted: &[f32]) -> f64 {
        match self {
            Self::Logits(_) => {
                math::log_softmax(answers);
                let all = wanted.iter().sum::<f32>();
                each(answers, wanted, |log, wanted| {
                    (-f64::from(wanted * log), libm::expf(log) * all - wanted)
                })
            }
            Self::LogProbabilities(_) => {
                each(answers, wanted, |log, wanted| (-f64::from(wanted * log), -wanted))
            }
            Self::Probabilities(_) => {
                let sum = answers.iter().map(|answer| answer.max(LEAST)).sum::<f32>();
                let all = wanted.iter().sum::<f32>();
                each(answers, wanted, |answer, wanted| {
                    let bounded = answer.max(LEAST);
                    let loss = -wanted * libm::logf(bounded / sum);
                    let slope = if answer < LEAST { 0.0 } else { all / sum - wanted / bounded };
                    (loss.into(), slope)
                })
            }
            Self::Logit(_) => each(answers, wanted, |answer, wanted| {
                // ln p = −ln(1 + exp(−z)) for class 1, and the same of −z for class 0.
                let sign = wanted * 2.0 - 1.0;
                let against = -answer * sign;
                (math::softplus(against.into()), -sign * math::sigmoid(against))
            }),
            Self::Probability(_) => each(answers, wanted, |answer, wanted| {
                let one = answer.clamp(LEAST, 1.0 - LEAST);
                let (zero, other) = (1.0 - one, 1.0 - wanted);
                let loss = -(wanted * libm::logf(one) + other * libm::logf(zero));
                let is_bound = !(LEAST..=1.0 - LEAST).contains(&answer);
                let slope = if is_bound { 0.0 } else { other / zero - wanted / one };
                (loss.into(), slope)
            }),
            Self::Number(_) => each(answers, wanted, |answer, wanted| {
                let far = answer - wanted;
                ((far * far).into(), 2.0 * far)
            }),
        }
    }
}

/// The sum of the losses of single answers, which become the derivatives.
fn each(answers: &mut [f32], wanted: &[f32], of: impl Fn(f32, f32) -> (f64, f32)) -> f64 {
    let pairs = answers.iter_mut().zip(wanted);
    let losses = pairs.map(|(answer, wanted)| {
        let (loss, slope) = of(*answer, *wanted);
        *answer = slope;
        loss
    });
    losses.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers that suit a head, which moves none of them over a bound.
    const CASES: [(Head, [f32; 3], [f32; 3]); 6] = [
        (Head::Logits(0), [0.5, -1.0, 2.0], [0.0, 1.0, 0.0]),
        (Head::LogProbabilities(0), [-0.5, -1.5, -2.0], [0.0, 1.0, 0.0]),
        (Head::Probabilities(0), [0.2, 0.3, 0.6], [0.0, 0.0, 1.0]),
        (Head::Logit(0), [0.5, -1.0, 2.0], [0.0, 1.0, 1.0]),
        (Head::Probability(0), [0.5, 0.1, 0.8], [0.0, 1.0, 1.0]),
        (Head::Number(0), [0.5, -1.0, 2.0], [0.0, 1.0, 2.5]),
    ];

    #[test]
    fn slopes_agree_with_finite_differences() {
        const STEP: f32 = 1.0 / 1024.0;
        for (head, answers, wanted) in CASES {
            let mut slopes = answers;
            assert!(head.row(&mut slopes, &wanted) > 0.0);
            for at in 0..answers.len() {
                let moved = |by: f32| {
                    let mut answers = answers;
                    answers[at] += by;
                    head.row(&mut answers, &wanted)
                };
                let found = (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP);
                let expected = f64::from(slopes[at]);
                assert!((found - expected).abs() < 2e-3, "{head:?} {at}: {found} {expected}");
            }
        }
    }

    #[test]
    fn rows_count_by_their_weights() {
        let loss = |weights: &[f32]| {
            let (head, wanted) = (Head::Number(0), vec![1.0, 0.0]);
            let loss = Loss { head, per_row: 1, wanted, weights: weights.to_vec() };
            let answers = [3.0, 1.0];
            let known =
                Backward { operands: &[&answers], output: &[], gradient: &[0.5], wanted: &[true] };
            let sum = loss.run(vec![List::new(answers.to_vec())]);
            (sum, loss.gradients(&known).concat())
        };
        assert_eq!(loss(&[]), (vec![5.0], vec![2.0, 1.0]));
        assert_eq!(loss(&[0.5, 2.0]), (vec![4.0], vec![1.0, 2.0]));
    }
}
