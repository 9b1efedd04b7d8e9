//! The writer of ONNX files that the evaluator's tests have.

#![allow(dead_code, reason = "not every field is needed here")]

include!("../../../dapp/eval/tests/it/onnx.rs");
