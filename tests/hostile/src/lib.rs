//! What must hold for any bytes a stranger can send, one function for each way in.
//!
//! Each function takes the bytes, does with them what the application does, and panics when a
//! property it states does not hold. `tests/fuzz` hands them to libFuzzer; the tests of this crate
//! hand them changed seeds, and every file that was ever found to break one.
//!
//! - [`advance`] takes whole inputs, one after the other, to a running application
//! - [`portal`] takes what the portals send, and strangers who send the same
//! - [`onnx`] takes models, from their bytes to a accumulator
//! - [`dataset`] takes hold-outs
//! - [`chunks`] takes the pieces of a blob, deflated or not
//! - [`inspect`] takes questions
//! - [`sealed`] takes sealed blobs, and what opens them or does not
//!
//! [`load`] is a crowd of honest and other people who send inputs for as long as one likes, and
//! [`attack`] are those who want to end the program itself, with the memory that it is deployed
//! with.
//!
//! Memory is what the allocator handed out on this thread, so its bounds hold on any machine.

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

/// All bodies by the names of their fuzz targets.
pub const TARGETS: [(&str, Body); 7] = [
    ("advance", advance),
    ("chunks", chunks),
    ("dataset", dataset),
    ("inspect", inspect),
    ("onnx", onnx),
    ("portal", portal),
    ("sealed", sealed),
];
