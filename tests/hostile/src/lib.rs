//! Properties that must hold for any bytes a stranger can send, one function per entry point.
//!
//! Each function takes the bytes, processes them as the application does, and panics if a stated
//! property does not hold. `tests/fuzz` passes the functions to libFuzzer; the tests of this crate
//! run them on mutated seeds, and on every file that was ever found to break a property.
//!
//! - [`advance`] takes sequences of inputs to a running application
//! - [`portal`] takes deposits of the portals, and imitations by strangers
//! - [`onnx`] takes models, from their bytes to an accumulator
//! - [`dataset`] takes hold-outs
//! - [`chunks`] takes the chunks of a blob, deflated or not
//! - [`inspect`] takes queries
//! - [`sealed`] takes sealed blobs, and openings that fit or do not
//!
//! [`load`] simulates a crowd of honest and other users who send inputs for any length of time, and
//! [`attack`] attempts to crash the program itself, with the memory limit of a deployment.
//!
//! Memory is counted by the allocator on this thread, so its bounds hold on any machine.

mod advance;
pub mod attack;
mod books;
mod chunks;
mod dataset;
mod inspect;
pub mod load;
mod memory;
mod onnx;
#[expect(dead_code, reason = "the evaluator's tests write more than is written here")]
#[path = "../../../dapp/eval/tests/it/onnx.rs"]
mod onnx_writer;
mod plan;
mod portal;
mod program;
mod script;
mod sealed;
mod season;
pub mod seeds;
mod sender;
mod world;

pub use advance::advance;
pub use chunks::chunks;
pub use dataset::dataset;
pub use inspect::inspect;
pub use onnx::onnx;
pub use portal::portal;
pub use sealed::sealed;

/// A function that takes any bytes.
pub type Body = fn(&[u8]);

/// All bodies, by the names of their fuzz targets.
pub const TARGETS: [(&str, Body); 7] = [
    ("advance", advance),
    ("chunks", chunks),
    ("dataset", dataset),
    ("inspect", inspect),
    ("onnx", onnx),
    ("portal", portal),
    ("sealed", sealed),
];
