//! The application from the outside: against a server that speaks the rollup protocol, and with
//! any bytes at all.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod hostile;
mod lag;
// Under qemu the limit cannot be had: it would be qemu's own.
#[cfg(not(target_arch = "riscv64"))]
mod memory;
#[cfg(not(target_arch = "riscv64"))]
#[expect(dead_code, reason = "the evaluator's tests write more than is written here")]
#[path = "../../../eval/tests/it/onnx.rs"]
mod onnx;
// Under qemu a test cannot start a program for RISC-V; `cargo ci` starts it through qemu itself.
#[cfg(not(target_arch = "riscv64"))]
mod program;
mod protocol;
mod real;
mod sample;
mod server;
