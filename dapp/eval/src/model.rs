//! A model that can be evaluated: a checked graph, its weights, and the number of rows it answers
//! in one step.

use market::Output;

use crate::{
    backend::Array,
    cost::Cost,
    graph::{Graph, Weight},
    plan::Plan,
    refusal::{ModelRefused, NodeId, NodeRefused},
    run::Made,
    shape::Shape,
};

/// A model read from an ONNX file.
pub struct Model {
    pub(crate) graph: Graph,
    /// Constants of f32, by value.
    weights: Vec<Option<Array>>,
    /// Elements of those constants, all and those a trainer may change.
    parameters: [usize; 2],
    /// Plan of a whole batch.
    pub(crate) batch: Plan,
}

impl Model {
    /// Reads and checks an ONNX file; nothing is run.
    ///
    /// - Errors: the reason, naming the node or tensor
    pub fn from_onnx(bytes: &[u8]) -> Result<Self, ModelRefused> {
        match Self::of(Graph::read(bytes)) {
            // Of the scores that cannot be evaluated, the labels may be.
            Err(refused @ ModelRefused::Node { reason: NodeRefused::Inverted, .. }) => {
                Self::of(Graph::read_next(bytes)).map_err(|_| refused)
            }
            model => model,
        }
    }

    /// The file with everything in it, and without what its evaluation does not need, which gives
    /// the same answers; `read` reads data beside the file.
    ///
    /// - Errors: the file cannot be read, or data beside it
    #[cfg(feature = "train")]
    pub fn pack(bytes: &[u8], read: crate::Read<'_>) -> Result<Vec<u8>, ModelRefused> {
        let packed = Graph::pack(bytes, 0, read)?;
        match Self::of(Graph::read(&packed)) {
            Err(ModelRefused::Node { reason: NodeRefused::Inverted, .. }) => {
                Graph::pack(bytes, 1, read)
            }
            _ => Ok(packed),
        }
    }

    /// The file with its large f32 weights as signed bytes, a quarter of the length: each tensor
    /// has a scale of its own, its greatest number's 127th part, and is read back as f32; `None` if
    /// the file has no such weights.
    ///
    /// - Errors: the file is not a model
    #[cfg(feature = "train")]
    pub fn int8(bytes: &[u8]) -> Result<Option<Vec<u8>>, ModelRefused> {
        crate::onnx::int8(bytes)
    }

    fn of(read: Result<(Graph, Vec<Weight>), ModelRefused>) -> Result<Self, ModelRefused> {
        let (graph, weights) = read?;
        let batch = Plan::for_batch(&graph)?;
        let trainable = graph.trainable();
        let parameters = weights.iter().fold([0, 0], |[all, changed], weight| {
            let size = weight.elements.len();
            [all + size, changed + if trainable[weight.value] { size } else { 0 }]
        });
        let weights = arrays(weights, graph.known.len());
        Ok(Self { graph, weights, parameters, batch })
    }

    /// The shape of one row of the input.
    #[must_use]
    pub const fn row(&self) -> Shape {
        self.graph.row
    }

    /// Numbers that the model answers per row.
    #[must_use]
    pub const fn answers(&self) -> usize {
        self.batch.answers
    }

    /// What the answers are, and the node that shows it: what computes them last is a softmax, a
    /// logistic function, a classifier, or such a thing; `None` if it is not.
    #[must_use]
    pub fn output(&self) -> Option<(Output, NodeId)> {
        self.graph.shown(&self.batch).map(|(output, node)| (output, node.id))
    }

    /// Number of f32 values that the file fixes.
    #[must_use]
    pub const fn parameters(&self) -> usize {
        self.parameters[0]
    }

    /// Number of them that are weights, which training may change.
    #[must_use]
    pub const fn trainable_parameters(&self) -> usize {
        self.parameters[1]
    }

    /// Number of nodes of its graph and of those inside of it, and of constants.
    pub(crate) fn parts(&self) -> (usize, usize) {
        let nodes = self.graph.nodes.len();
        let plain = self.graph.nodes.iter().filter_map(|node| node.plain.as_ref());
        let inner = plain.map(crate::op::Plain::inner_nodes).sum::<usize>();
        (nodes + inner, self.graph.known.len().saturating_sub(nodes))
    }

    /// Rows answered in one step; fixed by the model's shapes alone.
    #[must_use]
    pub const fn batch_rows(&self) -> usize {
        self.batch.rows
    }

    /// Cost of answering this many rows.
    ///
    /// - Errors: the model cannot answer the last, smaller batch
    pub fn cost(&self, rows: usize) -> Result<Cost, ModelRefused> {
        let cost_limit_exceeded =
            ModelRefused::CostLimitExceeded { limit: crate::limits::ROW_WORK };
        let (batches, rest) = (rows / self.batch.rows, rows % self.batch.rows);
        let batches = u64::try_from(batches).map_err(|_| cost_limit_exceeded)?;
        let whole = self.batch.cost.times(batches).ok_or(cost_limit_exceeded)?;
        if rest == 0 {
            return Ok(whole);
        }
        if self.graph.fixed_rows.is_some() {
            return whole.plus(self.batch.cost).ok_or(cost_limit_exceeded);
        }
        whole.plus(Plan::new(&self.graph, rest)?.cost).ok_or(cost_limit_exceeded)
    }

    /// Answers at most a batch of rows, given one after the other.
    ///
    /// - Shapes: rows [n, row elements], answers [n, answers], both row-major
    /// - Errors: the model cannot answer this many rows together
    pub(crate) fn answer(&self, rows: Vec<f32>) -> Result<Vec<f32>, ModelRefused> {
        self.answer_shown(rows, None)
    }

    /// As [`answer`](Self::answer); `made` receives each node's output, with the node's index.
    pub(crate) fn answer_shown(
        &self,
        rows: Vec<f32>,
        made: Option<Made<'_>>,
    ) -> Result<Vec<f32>, ModelRefused> {
        let answered = rows.len() / self.row().elements();
        let mut rows = rows;
        // A batch the file fixes is filled with rows of zeros, whose answers nobody sees.
        let count = self.graph.fixed_rows.map_or(answered, |fixed| fixed.max(answered));
        rows.resize(count * self.row().elements(), 0.0);
        let smaller;
        let plan = if count == self.batch.rows {
            &self.batch
        } else {
            smaller = Plan::new(&self.graph, count)?;
            &smaller
        };
        let sizes = [&[count], self.row().sizes()].concat();
        let shape = Shape::new(&sizes).expect("the plan has this shape for its input");
        let input = Array::new(rows, shape);
        let output = self.graph.run(plan, &self.weights, input, self.graph.output, made);
        let mut answers = output.into_elements();
        answers.truncate(answered * self.answers());
        Ok(answers)
    }

    /// Replaces a constant by another weight.
    #[cfg(feature = "train")]
    pub(crate) fn set_weight(&mut self, value: crate::graph::ValueId, weight: Array) {
        self.weights[value] = Some(weight);
    }
}

fn arrays(weights: Vec<Weight>, values: usize) -> Vec<Option<Array>> {
    let mut arrays = vec![None; values];
    for Weight { value, shape, elements, .. } in weights {
        arrays[value] = Some(Array::constant(elements, shape));
    }
    arrays
}
