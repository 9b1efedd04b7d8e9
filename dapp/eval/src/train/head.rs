//! The meaning of a graph's answers, and so the value on which a loss is best computed.

use burn::tensor::{Tensor, TensorData, activation};
use market::Output;

use super::wanted;
use crate::{
    backend::Array,
    dataset::Labels,
    graph::{Graph, ValueId},
};

/// The least probability whose logarithm is taken.
const LEAST: f32 = 1e-7;

/// The value that the loss is computed on, by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Before a softmax over the classes.
    Logits(ValueId),
    /// Logarithms of probabilities.
    LogProbabilities(ValueId),
    /// Probabilities, one for each class.
    Probabilities(ValueId),
    /// Before the logistic function that gives the probability of class 1.
    Logit(ValueId),
    /// The probability of class 1.
    Probability(ValueId),
    /// Numbers.
    Number(ValueId),
}

impl Head {
    /// The head of a graph that answers this many numbers, for this many classes, zero for numbers,
    /// if its answers are as shown or stated; `None` if they have no gradient.
    ///
    /// A loss is computed before a final softmax or logistic function, where its gradient is
    /// numerically stable. Several answers of which neither is known are trained as logits, unless
    /// a concatenation makes them, like scikit-learn's two columns.
    pub(super) fn of(graph: &Graph, classes: u16, answers: usize, output: Output) -> Option<Self> {
        let answer = graph.output;
        if classes == 0 {
            return Some(Self::Number(answer));
        }
        let last = graph.maker(answer).map(|(_, node)| node);
        let before = last.and_then(|node| node.inputs.first().copied().flatten());
        let operator = last.map_or("", |node| node.id.operator.as_str());
        Some(match (operator, before, answers, output) {
            (_, _, _, Output::Labels) | (_, _, 1, Output::LogProbabilities) => return None,
            ("Sigmoid", Some(before), 1, _) => Self::Logit(before),
            (_, _, 1, Output::Logits) => Self::Logit(answer),
            (_, _, 1, _) => Self::Probability(answer),
            ("Softmax", Some(before), _, Output::Probabilities) => Self::Logits(before),
            (_, _, _, Output::LogProbabilities) => Self::LogProbabilities(answer),
            (_, _, _, Output::Probabilities) => Self::Probabilities(answer),
            ("Concat", _, _, Output::FromGraph) => Self::Probabilities(answer),
            _ => Self::Logits(answer),
        })
    }

    /// The value the loss is computed on.
    pub(super) const fn value(self) -> ValueId {
        match self {
            Self::Logits(value)
            | Self::LogProbabilities(value)
            | Self::Probabilities(value)
            | Self::Logit(value)
            | Self::Probability(value)
            | Self::Number(value) => value,
        }
    }

    /// The loss summed over the rows: cross-entropy for classes, squared error for numbers. A row
    /// counts as much as its class, if `weights` has one for each.
    pub(super) fn loss(self, answers: Array, labels: &Labels, weights: &[f32]) -> Tensor<1> {
        let rows = labels.len();
        let per_row = answers.shape().elements() / rows;
        let answers = answers.view([rows, per_row]);
        let device = answers.device();
        let rows_of =
            |list| Tensor::<2>::from_data(TensorData::new(list, [rows, per_row]), &device);
        let wanted = rows_of(wanted(labels, per_row));
        let likelihood = match self {
            Self::Logits(_) => wanted.mul(activation::log_softmax(answers, 1)),
            Self::LogProbabilities(_) => wanted.mul(answers),
            Self::Probabilities(_) => {
                let bounded = answers.clamp_min(LEAST);
                wanted.mul(bounded.clone().div(bounded.sum_dim(1)).log())
            }
            Self::Logit(_) => {
                // ln p = −ln(1 + exp(−z)) for class 1, and the same of −z for class 0.
                let sign = wanted.mul_scalar(2.0).sub_scalar(1.0);
                activation::log_sigmoid(answers.mul(sign))
            }
            Self::Probability(_) => {
                let one = answers.clamp(LEAST, 1.0 - LEAST);
                let zero = one.clone().neg().add_scalar(1.0);
                let other = wanted.clone().neg().add_scalar(1.0);
                wanted.mul(one.log()).add(other.mul(zero.log()))
            }
            Self::Number(_) => answers.sub(wanted).square().neg(),
        };
        let likelihood = match labels {
            Labels::Classes(classes) if !weights.is_empty() => {
                let weight = |class: &u8| weights.get(usize::from(*class)).copied().unwrap_or(1.0);
                let row = |class| std::iter::repeat_n(weight(class), per_row);
                likelihood.mul(rows_of(classes.iter().flat_map(row).collect()))
            }
            _ => likelihood,
        };
        likelihood.sum().neg()
    }
}
