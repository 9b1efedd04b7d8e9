//! Bounds on what an untrusted model or dataset may make the evaluator store or compute.

/// Bytes of a model file.
pub const MODEL_BYTES: usize = 16 << 20;
/// Bytes of a dataset file.
pub const DATASET_BYTES: usize = 64 << 20;
/// Bytes of a dataset's header.
pub(crate) const DATASET_HEADER_BYTES: usize = 4_096;
/// Nodes of a graph.
pub(crate) const NODES: usize = 1_024;
/// Constant tensors of a graph: initializers and `Constant` nodes.
pub(crate) const CONSTANTS: usize = 1_024;
/// Inputs and outputs a graph may declare, initializers listed as inputs included.
pub(crate) const PORTS: usize = 1_152;
/// Inputs of one node.
pub(crate) const NODE_INPUTS: usize = 512;
/// Outputs of one node.
pub(crate) const NODE_OUTPUTS: usize = 32;
/// Attributes of one node.
pub(crate) const ATTRIBUTES: usize = 48;
/// Numbers in one list attribute; those of a forest have one for each node of its trees.
pub(crate) const LIST_LENGTH: usize = 1 << 20;
/// Numbers in all list attributes of a file.
pub(crate) const LISTS_LENGTH: usize = 1 << 21;
/// Functions a model file may define.
pub(crate) const FUNCTIONS: usize = 128;
/// Functions and branches inside of each other.
pub(crate) const NESTING: usize = 8;
/// Imported operator sets.
pub(crate) const OPSETS: usize = 16;
/// Elements of one constant that is not of f32, and of all results known before running.
pub(crate) const PLAIN_ELEMENTS: usize = 1 << 22;
/// Elements of a constant of f32 that operators may know before running.
pub(crate) const KNOWN_ELEMENTS: usize = 4_096;
/// Elements that may be computed while planning, in all; beyond, they are computed while running.
pub(crate) const PLANNED_ELEMENTS: usize = 1 << 16;
/// Elementary steps that computing with constants may take once, for any file and for each byte;
/// beyond, they are computed while running.
pub(crate) const FOLDING_STEPS: [u64; 2] = [1 << 16, 8];
/// Elementary steps that each number in a list attribute counts as, for all plans together.
pub(crate) const LISTED_STEPS: u64 = 8;
/// Elements of eight bits whose reading counts as one elementary step; of other widths it is one.
pub(crate) const BYTES_READ_AT_ONCE: usize = 2;
/// Nodes of a graph's functions and branches that are read in all, however often they are called.
pub(crate) const NODES_READ: usize = 4_096;
/// Conditions that are computed from the shapes of values.
pub(crate) const CONDITIONS: usize = 32;
/// Dimensions of a tensor; as many as the tensor library supports.
pub(crate) const RANK: usize = 6;
/// Dimensions of a tensor that operators without a kernel work on.
pub(crate) const PLAIN_RANK: usize = 8;
/// Size of one dimension.
pub(crate) const DIMENSION: usize = 1 << 24;
/// Elements of one tensor, a whole batch's included.
pub(crate) const ELEMENTS: usize = 1 << 23;
/// Kernel, stride, dilation or padding of a window.
pub(crate) const WINDOW: usize = 1 << 12;
/// Rows evaluated in one step.
pub(crate) const BATCH_ROWS: usize = 64;
/// Bytes of live tensors that a batch is sized to fit, weights aside.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
/// Bytes of tensors that may be live at the same time, weights aside, if a single row needs more
/// than `BATCH_BYTES`.
pub(crate) const STEP_BYTES: usize = 32 << 20;
/// Multiply-adds that a batch is sized to fit, so that it is a small part of an input's cost limit.
pub(crate) const BATCH_MULTIPLY_ADDS: usize = 1 << 27;
/// Elementary steps of operators on plain lists that a batch is sized to fit, for the same reason.
pub(crate) const BATCH_PLAIN_STEPS: usize = 1 << 23;
/// Rows of a batch that a file may fix.
pub(crate) const FIXED_ROWS: usize = 256;
/// Instructions that one row may take.
pub(crate) const ROW_WORK: u64 = 1 << 36;
/// Classes a dataset may distinguish.
pub const CLASSES: u16 = 256;
/// Opset versions of `ai.onnx` whose operators are evaluated according to the standard.
pub(crate) const OPSET_RANGE: std::ops::RangeInclusive<i64> = 7..=28;
