//! The plan of running a graph on a number of rows, found from shapes alone: every value's shape,
//! the cost, and the memory.

use std::sync::Arc;

use crate::{
    cost::{Cost, CostKind},
    graph::{Graph, ValueId},
    inference::{Inferred, infer},
    label::Label,
    limits,
    op::{Fact, Inputs, Prepared},
    refusal::{ModelRefused, NodeRefused},
    shape::Shape,
    tensor::Shared,
};

/// A graph's shapes and cost for one number of rows.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Rows in the batch.
    pub(crate) rows: usize,
    /// Shape of each node's output; `None` for nodes whose output is known before running.
    pub(crate) shapes: Vec<Option<Shape>>,
    /// What computes each node's output, where its operator has no kernel for its inputs.
    pub(crate) plain: Vec<Option<Prepared>>,
    /// Each value that is known before running, but not a weight.
    pub(crate) known: Vec<Option<Shared>>,
    /// Cost of each node.
    pub(crate) costs: Vec<Cost>,
    /// Total cost.
    pub(crate) cost: Cost,
    /// Cost of computing with constants and of packing them, paid once.
    pub(crate) packing: Cost,
    /// Peak bytes of live tensors, weights aside. The running node's operands and output count
    /// twice, since kernels copy, and the kernels' scratch memory is added.
    pub(crate) bytes: usize,
    /// Numbers answered for each row.
    pub(crate) answers: usize,
}

impl Plan {
    /// Plans a run on this many rows, or refuses it naming the node that cannot.
    pub(crate) fn new(graph: &Graph, rows: usize) -> Result<Self, ModelRefused> {
        let sizes = [&[rows], graph.row.sizes()].concat();
        let input = Shape::new(&sizes).ok_or(ModelRefused::Input(Label::new(b"")))?;
        let (mut plan, facts) = Self::for_inputs(graph, &[(graph.input, Fact::Real(input))])?;
        plan.rows = rows;
        let output = facts[graph.output].as_ref().filter(|_| graph.known[graph.output].is_none());
        let answers = match output {
            Some(Fact::Real(shape)) => answers_of(*shape, rows),
            _ => None,
        };
        plan.answers = answers.ok_or(ModelRefused::Output(Label::new(b"")))?;
        Ok(plan)
    }

    /// Plans a run on inputs of which these facts are given; returns the facts of all values.
    pub(crate) fn for_inputs(
        graph: &Graph,
        inputs: &[(ValueId, Fact)],
    ) -> Result<(Self, Vec<Option<Fact>>), ModelRefused> {
        let mut facts = graph.known.clone();
        let mut alive = 0;
        for (value, fact) in inputs {
            alive += bytes_of_fact(Some(fact));
            facts[*value] = Some(fact.clone());
        }
        let mut plan = Self::empty(graph)?;
        let mut left = limits::PLANNED_ELEMENTS;
        for (index, node) in graph.nodes.iter().enumerate() {
            let refused = |reason| ModelRefused::Node { node: node.id, reason };
            let given = node.inputs.iter().map(|input| input.and_then(|id| facts[id].clone()));
            let given = given.collect::<Vec<_>>();
            let inferred = infer(node.operator.as_ref(), node.plain.as_ref(), &given);
            let inferred = inferred.map_err(refused)?;
            let (fact, inferred) = inferred.fact(&given, &mut left);
            let mut scratch = 0;
            let (shape, prepared, cost) = match inferred {
                None => (None, None, Cost::default()),
                Some(Inferred::Kernel(shape)) => {
                    let inputs = Inputs(&given);
                    scratch = node.operator.scratch(&inputs).ok_or(refused(NodeRefused::Cost))?;
                    let cost = plan.kernel_cost(graph, index, &inputs, shape);
                    (Some(shape), None, cost.ok_or(refused(NodeRefused::Cost))?)
                }
                Some(Inferred::Plain(prepared)) => {
                    scratch = prepared.scratch(&given);
                    let cost = prepared.cost().and_then(|cost| {
                        cost.with(CostKind::Nodes, 1)?.with(CostKind::Operations, 1)
                    });
                    let cost = cost.ok_or(refused(NodeRefused::Cost))?;
                    (Shape::new(&prepared.sizes), Some(prepared), cost)
                }
            };
            let made = if shape.is_some() { bytes_of_fact(Some(&fact)) } else { 0 };
            alive += made;
            let taken = used_by(graph, index).map(|value| bytes_of_fact(facts[value].as_ref()));
            let bytes = (alive + made + taken.sum::<usize>()).checked_add(scratch);
            plan.bytes = plan.bytes.max(bytes.ok_or(refused(NodeRefused::Cost))?);
            let freed = used_by(graph, index)
                .filter(|value| graph.last_use[*value] == Some(index) && *value != graph.output);
            alive -= freed.map(|value| bytes_of_fact(facts[value].as_ref())).sum::<usize>();
            plan.cost = plan.cost.plus(cost).ok_or(refused(NodeRefused::Cost))?;
            plan.shapes.push(shape);
            plan.plain.push(prepared);
            plan.costs.push(cost);
            facts[node.output] = Some(fact);
        }
        let known = facts.iter().map(|fact| match fact {
            Some(Fact::Known(tensor)) => Some(Arc::clone(tensor)),
            _ => None,
        });
        plan.known = known.collect();
        Ok((plan, facts))
    }

    fn empty(graph: &Graph) -> Result<Self, ModelRefused> {
        let cost_limit_exceeded = ModelRefused::CostLimitExceeded { limit: limits::ROW_WORK };
        let values = Cost::of(CostKind::Values, &[graph.known.len()]);
        let packing = Cost::default().with(CostKind::PlainSteps, graph.folded_steps);
        Ok(Self {
            rows: 0,
            shapes: Vec::with_capacity(graph.nodes.len()),
            plain: Vec::with_capacity(graph.nodes.len()),
            known: Vec::new(),
            costs: Vec::with_capacity(graph.nodes.len()),
            cost: values
                .and_then(|values| values.with(CostKind::Steps, 1))
                .ok_or(cost_limit_exceeded)?,
            packing: packing.ok_or(cost_limit_exceeded)?,
            bytes: 0,
            answers: 0,
        })
    }

    /// Cost of a node with a kernel; that of packing its constant is added to the plan's.
    fn kernel_cost(
        &mut self,
        graph: &Graph,
        index: usize,
        inputs: &Inputs<'_>,
        shape: Shape,
    ) -> Option<Cost> {
        let operator = &graph.nodes[index].operator;
        let cost = operator.cost(inputs, shape)?;
        let packing = operator.packing(inputs)?;
        let once = keeps_packed(graph, index);
        let part = if once { &mut self.packing } else { &mut self.cost };
        *part = part.plus(packing)?;
        let computes = u64::from(cost != Cost::default());
        cost.with(CostKind::Nodes, 1)?.with(CostKind::Operations, computes)
    }

    /// Plans a run on as many rows as a batch has: a function of the graph's shapes alone, so that
    /// no division of the work can change a bit of the answers.
    ///
    /// The batch is as large as fits `limits::BATCH_BYTES` and `limits::BATCH_MULTIPLY_ADDS`, at
    /// most `limits::BATCH_ROWS`.
    pub(crate) fn for_batch(graph: &Graph) -> Result<Self, ModelRefused> {
        let single = Self::new(graph, graph.fixed_rows.unwrap_or(1))?;
        if single.cost.work().0 > limits::ROW_WORK {
            return Err(ModelRefused::CostLimitExceeded { limit: limits::ROW_WORK });
        }
        let rows = if let Some(rows) = graph.fixed_rows {
            rows
        } else {
            // Multiply-adds, not work: another table of weights must not change the answers.
            let multiply_adds = usize::try_from(single.cost.multiply_adds()).unwrap_or(usize::MAX);
            let rows = limits::BATCH_BYTES / single.bytes.max(1);
            let rows = rows.min(limits::BATCH_MULTIPLY_ADDS / multiply_adds.max(1));
            let steps = usize::try_from(single.cost.plain_steps()).unwrap_or(usize::MAX);
            let rows = rows.min(limits::BATCH_PLAIN_STEPS / steps.max(1));
            rows.clamp(1, limits::BATCH_ROWS)
        };
        let batch = Self::new(graph, rows)?;
        if batch.bytes > limits::STEP_BYTES {
            let limit = limits::STEP_BYTES;
            return Err(ModelRefused::Memory { rows, bytes: batch.bytes, limit });
        }
        Ok(batch)
    }
}

/// Whether a node's right factor is packed once and cached: a constant that no other node could
/// need packed differently.
fn keeps_packed(graph: &Graph, index: usize) -> bool {
    let right = graph.nodes[index].inputs.get(1).copied().flatten();
    right.is_some_and(|right| graph.known[right].is_some() && graph.uses[right] == 1)
}

/// The values a node uses, each once, without those fixed in the file.
fn used_by(graph: &Graph, index: usize) -> impl Iterator<Item = ValueId> {
    let mut used = graph.nodes[index].inputs.iter().flatten().copied().collect::<Vec<_>>();
    used.sort_unstable();
    used.dedup();
    used.into_iter().filter(|value| graph.known[*value].is_none())
}

fn bytes_of_fact(fact: Option<&Fact>) -> usize {
    match fact {
        Some(Fact::Real(shape)) => shape.elements() * size_of::<f32>(),
        Some(Fact::Plain(_, shape)) => shape.elements() * size_of::<f64>(),
        Some(Fact::Known(_)) | None => 0,
    }
}

/// Numbers for each row in an output [rows, numbers] or [rows].
fn answers_of(output: Shape, rows: usize) -> Option<usize> {
    match *output.sizes() {
        [found] if found == rows => Some(1),
        [found, answers] if found == rows => Some(answers),
        _ => None,
    }
}
