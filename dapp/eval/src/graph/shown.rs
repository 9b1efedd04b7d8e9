//! What a model's answers are, as far as its graph shows it.
//!
//! One pass over the nodes follows numbers that are probabilities, logarithms of them or labels
//! through the operators with which exporters finish a classifier: averages of several models, sums
//! to one, the other class of two, and what only rearranges.

use market::Output;

use super::{Graph, Node, ValueId};
use crate::{
    op::{Meaning, Role},
    plan::Plan,
    tensor::Tensor,
};

/// What is known of the numbers of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Nature {
    /// Classes.
    Labels,
    /// Zero or one.
    Flags,
    /// Logarithms of probabilities.
    Logarithms,
    /// Not negative; if they are probabilities times a factor, that factor.
    Positive(Option<Share>),
}

/// Probabilities times a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    factor: f64,
    /// Whether those of each row sum to the factor.
    is_whole: bool,
    /// Whether they are some columns of what was computed.
    is_part: bool,
}

impl Share {
    const ONE: Self = Self { factor: 1.0, is_whole: false, is_part: false };
}

/// How far the factor of probabilities may be from one: weights of averages are rounded.
const TOLERANCE: f64 = 1e-3;

const PROBABILITY: Nature = Nature::Positive(Some(Share::ONE));
const SHARES: Nature = Nature::Positive(Some(Share { is_whole: true, ..Share::ONE }));
const POSITIVE: Nature = Nature::Positive(None);

impl Nature {
    const fn share(self) -> Option<Share> {
        match self {
            Self::Positive(share) => share,
            _ => None,
        }
    }

    const fn is_positive(self) -> bool {
        matches!(self, Self::Positive(_) | Self::Flags)
    }

    /// The same numbers, whose sum is not known any more.
    fn without_sum(self) -> Self {
        match self {
            Self::Positive(Some(share)) => Self::Positive(Some(Share { is_whole: false, ..share })),
            nature => nature,
        }
    }

    /// Some columns of them; `None` of labels.
    fn columns(self) -> Option<Self> {
        match self {
            Self::Positive(share) => Some(Self::Positive(share.map(|share| Share {
                is_whole: false,
                is_part: true,
                ..share
            }))),
            Self::Flags => Some(POSITIVE),
            Self::Logarithms | Self::Labels => None,
        }
    }

    fn times(self, factor: f64) -> Option<Self> {
        let share = |share: Share| Share { factor: share.factor * factor, ..share };
        match self {
            _ if !(factor >= 0.0 && factor.is_finite()) => None,
            Self::Positive(known) => Some(Self::Positive(known.map(share))),
            Self::Flags => Some(POSITIVE),
            _ => None,
        }
    }
}

/// The natures of a graph's values, by value.
struct Natures<'a> {
    nodes: &'a [Node],
    plan: &'a Plan,
    /// The node that makes each value.
    makers: Vec<Option<&'a Node>>,
    of: Vec<Option<Nature>>,
}

impl Graph {
    /// What the answers are, and the node that shows it; `None` if the graph does not show it.
    pub(crate) fn shown<'a>(&'a self, plan: &'a Plan) -> Option<(Output, &'a Node)> {
        let natures = Natures::new(self, plan);
        let output = match natures.of[self.output]? {
            Nature::Labels | Nature::Flags if plan.answers == 1 => Output::Labels,
            Nature::Logarithms => Output::LogProbabilities,
            Nature::Positive(Some(share))
                if !share.is_part && (share.factor - 1.0).abs() <= TOLERANCE =>
            {
                Output::Probabilities
            }
            _ => return None,
        };
        let value = natures.source(self.output);
        Some((output, natures.makers[value]?))
    }
}

impl Node {
    fn meaning(&self) -> Meaning {
        match &self.plain {
            _ if self.operator.role(0) == Role::Arranged => Meaning::Kept,
            Some(plain) => plain.meaning,
            None => Meaning::Other,
        }
    }
}

impl<'a> Natures<'a> {
    fn new(graph: &'a Graph, plan: &'a Plan) -> Self {
        let count = graph.known.len();
        let mut natures =
            Self { nodes: &graph.nodes, plan, makers: vec![None; count], of: vec![None; count] };
        for (index, node) in graph.nodes.iter().enumerate() {
            natures.makers[node.output] = Some(node);
            natures.of[node.output] = natures.made(index, node);
        }
        natures
    }

    /// The value that another only rearranges.
    fn source(&self, mut value: ValueId) -> ValueId {
        while let Some(node) = self.makers[value]
            && node.meaning() == Meaning::Kept
            && let Some(Some(input)) = node.inputs.first()
        {
            value = *input;
        }
        value
    }

    fn known(&self, value: ValueId) -> Option<&Tensor> {
        self.plan.known.get(value)?.as_deref()
    }

    /// The number that all elements of a constant are.
    fn number(&self, value: ValueId) -> Option<f64> {
        let numbers = self.known(value)?.reals();
        let first = *numbers.first()?;
        numbers.iter().all(|number| *number == first).then_some(first)
    }

    fn nature(&self, value: ValueId) -> Option<Nature> {
        let constant = || {
            let is_positive = self.known(value)?.reals().iter().all(|number| *number >= 0.0);
            is_positive.then_some(POSITIVE)
        };
        self.of[value].or_else(constant)
    }

    /// What a node's output is.
    fn made(&self, index: usize, node: &Node) -> Option<Nature> {
        let shape = self.plan.shapes.get(index).copied().flatten();
        match shape.and_then(|shape| node.operator.shows(shape)) {
            Some(Output::Probabilities) => {
                let is_whole = node.id.operator.as_str() != "Sigmoid";
                return Some(if is_whole { SHARES } else { PROBABILITY });
            }
            Some(Output::LogProbabilities) => return Some(Nature::Logarithms),
            _ => {}
        }
        let inputs = node.inputs.iter().copied().collect::<Option<Vec<_>>>()?;
        let first = *inputs.first()?;
        let nature = |input: &ValueId| self.nature(*input);
        match node.meaning() {
            Meaning::Other => None,
            Meaning::Kept => nature(&first),
            Meaning::Bounded => nature(&first).map(Nature::without_sum),
            Meaning::Is(Output::Labels) | Meaning::Class => Some(Nature::Labels),
            Meaning::Is(_) => Some(PROBABILITY),
            Meaning::Shares => Some(SHARES),
            Meaning::Flags => Some(Nature::Flags),
            // A class of a list, at an index.
            Meaning::Lookup if self.known(first).is_some() => {
                nature(inputs.get(1)?).filter(|found| *found == Nature::Labels)
            }
            Meaning::Lookup | Meaning::Columns => nature(&first)?.columns(),
            Meaning::Mean => {
                let found = nature(&first)?;
                let keeps_columns =
                    self.columns(first) == shape.and_then(|shape| shape.sizes().last().copied());
                if keeps_columns {
                    Some(found.without_sum())
                } else {
                    found.is_positive().then_some(POSITIVE)
                }
            }
            Meaning::Reciprocal => {
                if self.is_one_more(first) {
                    return Some(PROBABILITY);
                }
                nature(&first)?.is_positive().then_some(POSITIVE)
            }
            Meaning::Greatest => inputs
                .iter()
                .any(|input| nature(input).is_some_and(Nature::is_positive))
                .then_some(POSITIVE),
            Meaning::Positive => Some(POSITIVE),
            Meaning::Exponential => Some(match nature(&first) {
                Some(Nature::Logarithms) => SHARES,
                _ => POSITIVE,
            }),
            Meaning::Logarithm => {
                let share = nature(&first)?.share()?;
                (share.factor == 1.0 && !share.is_part).then_some(Nature::Logarithms)
            }
            Meaning::LogSum => None,
            Meaning::RowSum => nature(&first)?.is_positive().then_some(POSITIVE),
            Meaning::Normalised => nature(&first)?.is_positive().then_some(SHARES),
            Meaning::Sum => self.sum(&inputs),
            Meaning::Difference => self.difference(first, *inputs.get(1)?),
            Meaning::Product => self.product(first, *inputs.get(1)?),
            Meaning::Quotient => self.quotient(first, *inputs.get(1)?),
            Meaning::Joined => self.joined(&inputs),
            Meaning::Chosen => {
                let positive = |input| nature(input).is_some_and(Nature::is_positive);
                inputs[1..].iter().all(positive).then_some(POSITIVE)
            }
        }
    }

    /// Shares of a whole are added as the parts of an average.
    fn sum(&self, inputs: &[ValueId]) -> Option<Nature> {
        let natures = inputs.iter().map(|input| self.nature(*input)).collect::<Option<Vec<_>>>()?;
        if !natures.iter().all(|nature| nature.is_positive()) {
            return None;
        }
        let shares = natures.iter().map(|nature| nature.share()).collect::<Option<Vec<_>>>();
        Some(Nature::Positive(shares.map(|shares| Share {
            factor: shares.iter().map(|share| share.factor).sum(),
            is_whole: shares.iter().all(|share| share.is_whole),
            is_part: shares.iter().any(|share| share.is_part),
        })))
    }

    fn difference(&self, left: ValueId, right: ValueId) -> Option<Nature> {
        // The probability of the other class.
        if self.number(left) == Some(1.0) {
            let share = self.nature(right)?.share()?;
            let rest = Share { is_part: share.is_part, ..Share::ONE };
            return (share.factor <= 1.0).then_some(Nature::Positive(Some(rest)));
        }
        let maker = self.makers[self.source(right)]?;
        let of = maker.inputs.first().copied().flatten()?;
        let is_own = self.source(of) == self.source(left);
        (maker.meaning() == Meaning::LogSum && is_own).then_some(Nature::Logarithms)
    }

    fn product(&self, left: ValueId, right: ValueId) -> Option<Nature> {
        for (value, other) in [(left, right), (right, left)] {
            if let (Some(nature), Some(factor)) = (self.of[value], self.number(other)) {
                return nature.times(factor);
            }
        }
        let positive = |value| self.nature(value).is_some_and(Nature::is_positive);
        (positive(left) && positive(right)).then_some(POSITIVE)
    }

    fn quotient(&self, left: ValueId, right: ValueId) -> Option<Nature> {
        if let (Some(nature), Some(divisor)) = (self.of[left], self.number(right))
            && divisor > 0.0
        {
            return nature.times(1.0 / divisor);
        }
        let is_positive = |value| self.nature(value).is_some_and(Nature::is_positive);
        // The logistic function, written out.
        if self.number(left) == Some(1.0) && self.is_one_more(right) {
            return Some(PROBABILITY);
        }
        if !is_positive(left) || !is_positive(right) {
            return None;
        }
        let is_whole = self.is_sum_of(right, left, 0);
        Some(if is_whole { SHARES } else { POSITIVE })
    }

    /// Whether a value is one more than something positive.
    fn is_one_more(&self, value: ValueId) -> bool {
        let Some(maker) = self.makers[self.source(value)] else { return false };
        let [Some(first), Some(second)] = maker.inputs[..] else { return false };
        let is_positive = |value| self.nature(value).is_some_and(Nature::is_positive);
        let is_sum = |one, other| self.number(one) == Some(1.0) && is_positive(other);
        maker.meaning() == Meaning::Sum && (is_sum(first, second) || is_sum(second, first))
    }

    /// Numbers in a row of a value that a node makes.
    fn columns(&self, value: ValueId) -> Option<usize> {
        let node = self.nodes.iter().position(|node| node.output == value)?;
        self.plan.shapes[node]?.sizes().last().copied()
    }

    /// Whether a value is the sum of another's rows; where that is zero, both may be replaced.
    fn is_sum_of(&self, value: ValueId, of: ValueId, depth: usize) -> bool {
        let Some(maker) = self.makers[self.source(value)].filter(|_| depth < 4) else {
            return false;
        };
        let inputs = maker.inputs.iter().flatten();
        match maker.meaning() {
            Meaning::RowSum => {
                let sum = maker.inputs.first().copied().flatten().map(|sum| self.source(sum));
                let source = self.source(of);
                let added = self.makers[source].filter(|maker| maker.meaning() == Meaning::Sum);
                let mut parts = added.iter().flat_map(|maker| maker.inputs.iter().flatten());
                sum == Some(source) || parts.any(|part| Some(self.source(*part)) == sum)
            }
            Meaning::Sum | Meaning::Chosen | Meaning::Bounded => {
                inputs.into_iter().any(|input| self.is_sum_of(*input, of, depth + 1))
            }
            _ => false,
        }
    }

    fn joined(&self, inputs: &[ValueId]) -> Option<Nature> {
        // Of two classes, the probabilities of either.
        if let [first, second] = *inputs {
            let other = |one: ValueId, other: ValueId| {
                let maker = self.makers[self.source(one)]?;
                let [Some(whole), Some(part)] = maker.inputs[..] else { return None };
                let is_rest = maker.meaning() == Meaning::Difference
                    && self.number(whole) == Some(1.0)
                    && self.source(part) == self.source(other);
                is_rest.then_some(())
            };
            let is_both = other(first, second).or_else(|| other(second, first)).is_some();
            if is_both && self.nature(first)?.share().is_some() {
                return Some(SHARES);
            }
        }
        let natures = inputs.iter().map(|input| self.nature(*input)).collect::<Option<Vec<_>>>()?;
        let first = natures.first()?.without_sum();
        let are_alike = natures.iter().all(|nature| nature.without_sum() == first);
        if are_alike && !matches!(first, Nature::Labels | Nature::Logarithms) {
            return Some(first);
        }
        natures.iter().all(|nature| nature.is_positive()).then_some(POSITIVE)
    }
}
