//! `Scan`: a graph that is run for each element of a list, one after the other.

use std::sync::Arc;

use super::{Facts, Operands, Plain, Prepared, bad_sizes};
use crate::{
    cost::{Cost, CostKind},
    element::Element,
    op::Fact,
    refusal::NodeRefused,
    shape::Shape,
    tensor::{Data, Shared, Tensor},
};

/// Steps that a node takes each time it runs, beside those of its operator.
const NODE_STEPS: u64 = 32;

/// The graph that a `Scan` runs. Its values are numbered: first the inputs of the `Scan`, which are
/// the states, the lists and what the nodes use from outside.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) nodes: Vec<BodyNode>,
    pub(crate) states: usize,
    pub(crate) lists: usize,
    /// All values.
    pub(crate) values: usize,
    /// The next states, and what is added to each list that comes out.
    pub(crate) outputs: Vec<usize>,
}

/// A node of the graph.
#[derive(Clone, Debug)]
pub(crate) struct BodyNode {
    pub(crate) plain: Plain,
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) output: usize,
}

/// The nodes of a graph once its inputs are known: what computes each.
type Computed = Vec<(Prepared, Vec<Option<usize>>, usize)>;

impl Body {
    /// Checks the graph for these inputs, and says what is to be computed for an output.
    pub(super) fn prepare(
        &self,
        output: usize,
        given: &Facts<'_>,
    ) -> Result<Prepared, NodeRefused> {
        let (states, lists) = (self.states, self.lists);
        let length = match given.sizes(states)? {
            [length, ..] if *length > 0 => *length,
            sizes => return Err(bad_sizes(sizes)),
        };
        let mut facts = vec![None; self.values];
        for (input, fact) in given.0.iter().enumerate() {
            let fact = fact.as_ref().ok_or(NodeRefused::InputCount(given.count()))?;
            facts[input] = Some(if input < states {
                of(fact.element(), fact.sizes())?
            } else if input < states + lists {
                match fact.sizes() {
                    [found, rest @ ..] if *found == length => of(fact.element(), rest)?,
                    sizes => return Err(bad_sizes(sizes)),
                }
            } else {
                fact.clone()
            });
        }
        let (nodes, each, elements) = self.computed(&mut facts)?;
        for state in 0..states {
            let made = facts[self.outputs[state]].as_ref().ok_or(NodeRefused::NoOutput)?;
            if made.sizes() != given.sizes(state)? || made.element() != given.element(state)? {
                return Err(NodeRefused::OutputShape);
            }
        }
        let wanted = self.outputs.get(output).copied().ok_or(NodeRefused::NoOutput)?;
        let made = facts[wanted].as_ref().ok_or(NodeRefused::NoOutput)?;
        let (element, one) = (made.element(), made.sizes().to_vec());
        let sizes = if output < states { one } else { [&[length], one.as_slice()].concat() };
        let runner = Runner { nodes, body: self.clone(), length, wanted: output };
        let times = u64::try_from(length).unwrap_or(u64::MAX);
        let cost = each.times(times).ok_or(NodeRefused::Cost)?;
        let prepared =
            Prepared::new(element, sizes, 0, move |operands| runner.run(element, operands))?;
        Ok(prepared.with_kernels(cost).holding(elements))
    }

    /// What computes each node; the cost and the elements of them all.
    fn computed(&self, facts: &mut [Option<Fact>]) -> Result<(Computed, Cost, usize), NodeRefused> {
        let (mut nodes, mut cost, mut elements) = (Vec::new(), Cost::default(), 0_usize);
        for node in &self.nodes {
            let inputs = node.inputs.iter().map(|input| input.and_then(|id| facts[id].clone()));
            let prepared = node.plain.prepare(&inputs.collect::<Vec<_>>())?;
            let fact = if prepared.ignores_operands {
                Fact::Known(Arc::new(prepared.run(&[])))
            } else {
                of(prepared.element, &prepared.sizes)?
            };
            facts[node.output] = Some(fact);
            let made = prepared.sizes.iter().product::<usize>();
            elements = elements.saturating_add(made);
            let more = prepared.cost().and_then(|cost| cost.with(CostKind::PlainSteps, NODE_STEPS));
            cost = more.and_then(|more| cost.plus(more)).ok_or(NodeRefused::Cost)?;
            nodes.push((prepared, node.inputs.clone(), node.output));
        }
        // The states and the elements of the lists are copied each time.
        let copied = facts.iter().take(self.states + self.lists).flatten();
        let copied = copied.map(|fact| fact.sizes().iter().product::<usize>()).sum::<usize>();
        let copied = u64::try_from(copied).unwrap_or(u64::MAX);
        let cost = cost.with(CostKind::PlainSteps, copied).ok_or(NodeRefused::Cost)?;
        Ok((nodes, cost, elements))
    }
}

/// A tensor that is not known before running.
fn of(element: Element, sizes: &[usize]) -> Result<Fact, NodeRefused> {
    Shape::new(sizes).map(|shape| Fact::of(element, shape)).ok_or_else(|| bad_sizes(sizes))
}

struct Runner {
    nodes: Computed,
    body: Body,
    length: usize,
    wanted: usize,
}

impl Runner {
    fn run(&self, element: Element, operands: Operands<'_>) -> Data {
        let (states, lists) = (self.body.states, self.body.lists);
        let mut values = vec![None::<Shared>; self.body.values];
        values[..operands.len()].clone_from_slice(operands);
        let mut list = if element.is_real() { Data::Real(vec![]) } else { Data::Whole(vec![]) };
        for time in 0..self.length {
            for input in states..states + lists {
                values[input] = operands[input].as_ref().map(|list| Arc::new(at(list, time)));
            }
            for (prepared, inputs, output) in &self.nodes {
                let inputs = inputs.iter().map(|input| input.and_then(|id| values[id].clone()));
                values[*output] = Some(Arc::new(prepared.run(&inputs.collect::<Vec<_>>())));
            }
            let made = self.body.outputs.iter().map(|output| values[*output].clone());
            let made = made.collect::<Vec<_>>();
            if self.wanted >= states
                && let Some(made) = &made[self.wanted]
            {
                list.append(&made.data);
            }
            values[..states].clone_from_slice(&made[..states]);
        }
        match &values.get(self.wanted) {
            Some(Some(state)) if self.wanted < states => state.data.clone(),
            _ => list,
        }
    }
}

/// The element of a list at an index of its first dimension.
fn at(list: &Tensor, index: usize) -> Tensor {
    let sizes = list.sizes.get(1..).unwrap_or_default().to_vec();
    let count = sizes.iter().product::<usize>();
    let data = list.data.taken((index * count..(index + 1) * count).map(Some));
    Tensor { element: list.element, sizes, data }
}
