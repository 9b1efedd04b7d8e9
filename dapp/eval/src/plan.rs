//! The plan of running a graph on a number of rows, found from shapes alone: every value's shape,
//! the cost, and the memory.

use crate::{
    cost::{Cost, Kind},
    graph::{Graph, ValueId},
    label::Label,
    limits,
    op::{Fact, Inputs},
    refusal::{ModelRefused, NodeRefused},
    shape::Shape,
};

/// A graph's shapes and cost for one number of rows.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Rows in the batch.
    pub(crate) rows: usize,
    /// Shape of each node's output; `None` for nodes that only rearrange whole numbers of the file.
    pub(crate) shapes: Vec<Option<Shape>>,
    /// Cost of each node.
    pub(crate) costs: Vec<Cost>,
    /// Total cost.
    pub(crate) cost: Cost,
    /// Cost of packing the constants, paid once.
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
        let mut facts = graph.known.clone();
        facts[graph.input] = Some(Fact::Real(input));
        let cost_limit_exceeded = ModelRefused::CostLimitExceeded { limit: limits::ROW_WORK };
        let values = Cost::of(Kind::Values, &[graph.known.len()]);
        let mut plan = Self {
            rows,
            shapes: Vec::with_capacity(graph.nodes.len()),
            costs: Vec::with_capacity(graph.nodes.len()),
            cost: values
                .and_then(|values| values.with(Kind::Steps, 1))
                .ok_or(cost_limit_exceeded)?,
            packing: Cost::default(),
            bytes: 0,
            answers: 0,
        };
        let mut alive = bytes_of(Some(input));
        for (index, node) in graph.nodes.iter().enumerate() {
            let refused = |reason| ModelRefused::Node { node: node.id, reason };
            let inputs = node.inputs.iter().map(|input| input.and_then(|id| facts[id].clone()));
            let inputs = inputs.collect::<Vec<_>>();
            let inputs = Inputs(&inputs);
            let fact = node.operator.infer(&inputs).map_err(refused)?;
            let (shape, cost) = match &fact {
                Fact::Whole { .. } => (None, Cost::default()),
                Fact::Real(shape) => {
                    let cost = node.operator.cost(&inputs, *shape);
                    let cost = cost.and_then(|cost| {
                        let packing = node.operator.packing(&inputs)?;
                        let once = keeps_packed(graph, index);
                        let part = if once { &mut plan.packing } else { &mut plan.cost };
                        *part = part.plus(packing)?;
                        let computes = u64::from(cost != Cost::default());
                        cost.with(Kind::Nodes, 1)?.with(Kind::Operations, computes)
                    });
                    (Some(*shape), cost.ok_or(refused(NodeRefused::Cost))?)
                }
            };
            alive += bytes_of(shape);
            let scratch = match shape {
                Some(_) => node.operator.scratch(&inputs).ok_or(refused(NodeRefused::Cost))?,
                None => 0,
            };
            let taken = used_by(graph, index).map(|value| bytes_of_fact(&facts[value]));
            let bytes = (alive + bytes_of(shape) + taken.sum::<usize>()).checked_add(scratch);
            plan.bytes = plan.bytes.max(bytes.ok_or(refused(NodeRefused::Cost))?);
            let freed = used_by(graph, index)
                .filter(|value| graph.last_use[*value] == Some(index) && *value != graph.output);
            alive -= freed.map(|value| bytes_of_fact(&facts[value])).sum::<usize>();
            plan.cost = plan.cost.plus(cost).ok_or(refused(NodeRefused::Cost))?;
            plan.shapes.push(shape);
            plan.costs.push(cost);
            facts[node.output] = Some(fact);
        }
        plan.answers = match &facts[graph.output] {
            Some(Fact::Real(shape)) => answers_of(*shape, rows),
            _ => None,
        }
        .ok_or(ModelRefused::Output(Label::new(b"")))?;
        Ok(plan)
    }

    /// Plans a run on as many rows as a batch has: a function of the graph's shapes alone, so that
    /// no division of the work can change a bit of the answers.
    ///
    /// The batch is as large as fits `limits::BATCH_BYTES` and `limits::BATCH_MULTIPLY_ADDS`, at
    /// most `limits::BATCH_ROWS`.
    pub(crate) fn for_batch(graph: &Graph) -> Result<Self, ModelRefused> {
        let single = Self::new(graph, 1)?;
        if single.cost.work().0 > limits::ROW_WORK {
            return Err(ModelRefused::CostLimitExceeded { limit: limits::ROW_WORK });
        }
        let rows = if graph.single_rows {
            1
        } else {
            // Multiply-adds, not work: another table of weights must not change the answers.
            let multiply_adds = usize::try_from(single.cost.multiply_adds()).unwrap_or(usize::MAX);
            let rows = limits::BATCH_BYTES / single.bytes.max(1);
            let rows = rows.min(limits::BATCH_MULTIPLY_ADDS / multiply_adds.max(1));
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

fn bytes_of_fact(fact: &Option<Fact>) -> usize {
    match fact {
        Some(Fact::Real(shape)) => bytes_of(Some(*shape)),
        Some(Fact::Whole { .. }) | None => 0,
    }
}

fn bytes_of(shape: Option<Shape>) -> usize {
    shape.map_or(0, |shape| shape.elements() * size_of::<f32>())
}

/// Numbers for each row in an output [rows, numbers] or [rows].
fn answers_of(output: Shape, rows: usize) -> Option<usize> {
    match *output.sizes() {
        [found] if found == rows => Some(1),
        [found, answers] if found == rows => Some(answers),
        _ => None,
    }
}
