//! The meaning of a graph's answers, and so the value on which a loss is best computed.

use market::Output;

use crate::graph::{Graph, ValueId};

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
}
