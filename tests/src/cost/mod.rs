//! The costs of evaluations: instructions counted as RISC-V, beside those predicted from shapes.

pub mod cases;
pub mod counter;
pub mod fit;
pub mod hostile;
pub mod inputs;
pub mod net;
pub mod nets;
#[path = "../../../dapp/eval/tests/it/onnx.rs"]
#[expect(dead_code, reason = "the evaluator's own tests use the rest")]
mod onnx;
pub mod overhead;
pub mod rows;
