//! Tests of the application from outside: against a server with the rollup protocol, and with
//! arbitrary bytes.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod hostile;
mod lag;
// Not under qemu, where the memory limit would apply to qemu itself.
#[cfg(not(target_arch = "riscv64"))]
mod memory;
#[cfg(not(target_arch = "riscv64"))]
#[expect(dead_code, reason = "the evaluator's tests write more than is written here")]
#[path = "../../../eval/tests/it/onnx.rs"]
mod onnx;
// Not under qemu, where a test cannot start a RISC-V program; `cargo ci` starts it in qemu itself.
#[cfg(not(target_arch = "riscv64"))]
mod program;
mod protocol;
mod real;
mod sample;
mod server;
