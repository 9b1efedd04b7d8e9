//! Running a graph by its plan.

use std::sync::Arc;

use crate::{
    backend::Array,
    element::Element,
    graph::{Graph, Node, ValueId},
    op::{Conv, Operands},
    plan::Plan,
    tensor::{Shared, Tensor},
};

/// Receives each node's output of f32, with the node's index.
pub(crate) type Made<'a> = &'a mut dyn FnMut(usize, &Array);

/// A value while a graph runs.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "almost all are arrays, which a box would not help")]
pub(crate) enum Value {
    /// Of f32, on the tensor library.
    Real(Array),
    /// Of another type.
    Plain(Shared),
}

impl Value {
    /// A tensor as a value.
    pub(crate) fn of(tensor: Tensor) -> Self {
        match tensor.shape() {
            Some(shape) if tensor.element == Element::F32 => {
                Self::Real(Array::new(tensor.to_f32(), shape))
            }
            _ => Self::Plain(Arc::new(tensor)),
        }
    }

    /// The value as a tensor.
    pub(crate) fn into_tensor(self) -> Shared {
        match self {
            Self::Plain(tensor) => tensor,
            Self::Real(array) => {
                let shape = array.shape();
                Arc::new(Tensor::of_f32(shape, &array.into_elements()))
            }
        }
    }

    /// The value as an array of f32; `None` if it is of another type.
    fn into_array(self) -> Option<Array> {
        match self {
            Self::Real(array) => Some(array),
            Self::Plain(_) => None,
        }
    }
}

/// The values of a run so far; what the plan knows is not among them.
type Values = Vec<Option<Value>>;

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
        made: Option<Made<'_>>,
    ) -> Array {
        let exact = !input.is_recorded();
        let inputs = vec![(self.input, Value::Real(input))];
        let output = self.run_values(plan, weights, inputs, wanted, made);
        let output = output.into_array().expect("the plan has an output of f32");
        if exact { output } else { output.recorded() }
    }

    /// As [`run`](Self::run), with any inputs and for a value of any type.
    pub(crate) fn run_values(
        &self,
        plan: &Plan,
        weights: &[Option<Array>],
        inputs: Vec<(ValueId, Value)>,
        wanted: ValueId,
        mut made: Option<Made<'_>>,
    ) -> Value {
        let mut values: Values =
            weights.iter().map(|weight| weight.clone().map(Value::Real)).collect();
        let is_recorded =
            |value: &Value| matches!(value, Value::Real(array) if array.is_recorded());
        let exact = !inputs.iter().any(|(_, value)| is_recorded(value));
        for (id, value) in inputs {
            values[id] = Some(value);
        }
        let mut index = 0;
        let is_made = |values: &Values| values[wanted].is_some() || plan.known[wanted].is_some();
        while let Some(node) = self.nodes.get(index).filter(|_| !is_made(&values)) {
            let fused =
                if made.is_none() && exact { self.fused(plan, index, wanted) } else { None };
            let last = if fused.is_some() { index + 2 } else { index };
            if let Some(prepared) = &plan.plain[index] {
                let operands = self.tensors(plan, index, &mut values, wanted);
                let output = Value::of(prepared.run(&operands));
                values[node.output] = Some(if exact { output } else { output.recorded() });
            } else if let Some(shape) = plan.shapes[last] {
                let operands = self.operands(plan, index, &mut values, wanted, exact);
                let output = match fused {
                    Some(convolution) => convolution.convolve(operands, true, shape),
                    None => node.operator.run(operands, shape),
                };
                values[self.nodes[last].output] = Some(Value::Real(output));
            }
            if let (Some(made), Some(Value::Real(output))) =
                (&mut made, &values[self.nodes[last].output])
            {
                made(index, output);
            }
            index = last + 1;
        }
        let known = || plan.known[wanted].clone().map(|tensor| Value::of((*tensor).clone()));
        values[wanted].take().or_else(known).expect("every plan makes the output")
    }

    /// Takes a node's input: moved out of the values if it has no later use.
    fn input(
        &self,
        index: usize,
        input: ValueId,
        values: &mut Values,
        wanted: ValueId,
    ) -> Option<Value> {
        let over = self.last_use[input] == Some(index) && input != wanted;
        // A value used twice by one node is cloned the first time.
        let inputs = &self.nodes[index].inputs;
        let again = inputs.iter().filter(|other| **other == Some(input)).count() > 1;
        if over && !again { values[input].take() } else { values[input].clone() }
    }

    /// The operands of a node with a kernel.
    fn operands(
        &self,
        plan: &Plan,
        index: usize,
        values: &mut Values,
        wanted: ValueId,
        exact: bool,
    ) -> Operands {
        let operands = self.nodes[index].inputs.iter().map(|input| {
            let input = (*input)?;
            let known = || {
                let value = Value::of((**plan.known[input].as_ref()?).clone());
                Some(if exact { value } else { value.recorded() })
            };
            let value = self.input(index, input, values, wanted).or_else(known);
            value.and_then(Value::into_array)
        });
        Operands(operands.collect())
    }

    /// The operands of a node without one.
    fn tensors(
        &self,
        plan: &Plan,
        index: usize,
        values: &mut Values,
        wanted: ValueId,
    ) -> Vec<Option<Shared>> {
        let operands = self.nodes[index].inputs.iter().map(|input| {
            let input = (*input)?;
            let known = plan.known[input].clone();
            known.or_else(|| self.input(index, input, values, wanted).map(Value::into_tensor))
        });
        operands.collect()
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
        let have_kernels = plan.plain[index..index + 3].iter().all(Option::is_none);
        let fits = relu.operator.is_relu() && pool.operator.is_two_by_two(plan.shapes[index]?);
        (follow && have_kernels && fits).then_some(convolution)
    }
}

impl Value {
    /// The same, in a run that records gradients.
    fn recorded(self) -> Self {
        match self {
            Self::Real(array) => Self::Real(array.recorded()),
            plain @ Self::Plain(_) => plain,
        }
    }
}
