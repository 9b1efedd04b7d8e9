//! Running a graph by its plan.

use crate::{
    backend::Array,
    graph::{Graph, Node, ValueId},
    op::{Conv, Operands},
    plan::Plan,
};

/// Receives each node's output, with the node's index.
pub(crate) type Made<'a> = &'a mut dyn FnMut(usize, &Array);

impl Graph {
    /// Runs the nodes until `wanted` is computed, and returns it.
    ///
    /// `weights` holds the constants of f32 by value; `plan` has the input's number of rows; `made`
    /// receives each node's output, with the node's index. Without it, nodes may be fused.
    pub(crate) fn run(
        &self,
        plan: &Plan,
        weights: &[Option<Array>],
        input: Array,
        wanted: ValueId,
        mut made: Option<Made<'_>>,
    ) -> Array {
        let mut values = weights.to_vec();
        let exact = !input.is_recorded();
        values[self.input] = Some(input);
        let mut index = 0;
        while let Some(node) = self.nodes.get(index).filter(|_| values[wanted].is_none()) {
            let operands = |values: &mut [Option<Array>]| self.operands(index, values, wanted);
            let fused =
                if made.is_none() && exact { self.fused(plan, index, wanted) } else { None };
            let last = if fused.is_some() { index + 2 } else { index };
            if let Some(shape) = plan.shapes[last] {
                let operands = operands(&mut values);
                let output = match fused {
                    Some(convolution) => convolution.convolve(operands, true, shape),
                    None => node.operator.run(operands, shape),
                };
                if let Some(made) = &mut made {
                    made(index, &output);
                }
                values[self.nodes[last].output] = Some(output);
            }
            index = last + 1;
        }
        values[wanted].take().expect("every plan makes the output")
    }

    /// The operands of a node; those that have no later use are moved out of the values.
    fn operands(&self, index: usize, values: &mut [Option<Array>], wanted: ValueId) -> Operands {
        let inputs = &self.nodes[index].inputs;
        let operands = inputs.iter().map(|input| {
            let input = (*input)?;
            let over = self.last_use[input] == Some(index) && input != wanted;
            // A value used twice by one node is cloned the first time.
            let again = inputs.iter().filter(|other| **other == Some(input)).count() > 1;
            if over && !again { values[input].take() } else { values[input].clone() }
        });
        Operands(operands.collect())
    }

    /// The convolution at this index, if it can be fused with a ReLU and a two-by-two max-pool that
    /// are the only users of the outputs before them.
    fn fused(&self, plan: &Plan, index: usize, wanted: ValueId) -> Option<&Conv> {
        let [first, relu, pool] = self.nodes.get(index..)?.first_chunk()?;
        let convolution = first.operator.as_convolution()?;
        let only = |from: &Node, to: &Node| {
            let is_handed_on = self.uses[from.output] == 1 && from.output != wanted;
            is_handed_on && to.inputs == [Some(from.output)]
        };
        let follow = only(first, relu) && only(relu, pool);
        let fits = relu.operator.is_relu() && pool.operator.is_two_by_two(plan.shapes[index]?);
        (follow && fits).then_some(convolution)
    }
}
