//! Exact evaluation of ONNX models.
//!
//! A score is a pure function of bytes: the model's, the dataset's and the metric's. So a file is
//! read into a [`Model`] whose shapes, cost and memory are known before anything runs, and that
//! runs in batches fixed by those shapes, by a rule of arithmetic that no processor can change.
//! Floats end here: the result is a [`market::MetricAccumulator`] of integers.
//!
//! - bytes → graph: `onnx` (the file format), `graph`, `op` (one operator per file), `refusal`
//! - operators without a kernel: `op::plain`, on lists of `tensor` whose elements are of an
//!   `element` type; in floats they compute in f64 and round once
//! - graph → cost: `shape`, `inference`, `plan`, `cost`, `quote`, `limits`
//! - running: `run`, on burn's tensors (`backend`), the same way for evaluation and for training,
//!   by the operations of the crate [`kernels`], which states the rule of arithmetic. burn itself
//!   broadcasts operands, scales a `Gemm`, and in training computes losses and steps
//! - comparing models: `probes` by their answers, `layers` and `distance` by their weights
//! - models as their difference from a base model: `delta`
//! - answers → integers: `dataset`, `answers`, `marking`, `losses`, `judge`
//! - memory: a model's weights, a second copy of those that a kernel has packed, its dataset, and
//!   for each thread at most 32 MiB of tensors while a batch runs, or 8 MiB for all but models with
//!   huge layers (`limits`)
//! - for people: `report`, `trace`, and with the feature `train` training through the same graph

mod answers;
mod backend;
#[cfg(feature = "conformance")]
pub mod conformance;
mod cost;
pub mod dataset;
pub mod delta;
mod distance;
mod element;
mod graph;
mod inference;
mod judge;
mod label;
mod layers;
pub mod limits;
mod losses;
mod marking;
mod model;
mod obstacles;
mod onnx;
mod op;
mod plan;
mod probes;
mod quote;
mod random;
mod refusal;
pub mod report;
mod run;
mod shape;
mod tensor;
pub mod trace;
#[cfg(feature = "train")]
pub mod train;

pub use cost::{Cost, CostKind};
pub use dataset::{Dataset, DatasetRefused, Features, Labels};
pub use judge::Evaluator;
pub use label::Label;
pub use marking::{EvaluationRefused, understand};
pub use model::Model;
pub use obstacles::obstacles;
#[cfg(feature = "train")]
pub use onnx::{Beside, Read};
pub use quote::Estimate;
pub use refusal::{ConstantRefused, ModelRefused, NodeId, NodeRefused, Part};
pub use shape::{Shape, Sizes};
