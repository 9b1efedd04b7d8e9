//! Prints the digest of each conformance case's bits, as in `tests/bits.txt`, for comparison with
//! other builds and other processors. With a folder as its argument it writes the cases there
//! instead, numbered by their lines, as files for another implementation.

#![expect(clippy::unwrap_used, reason = "it ends at the first fault")]
#![expect(clippy::print_stdout, reason = "the digests are what it is for")]

#[path = "../tests/it/cases/mod.rs"]
mod cases;
#[path = "../tests/it/fixtures.rs"]
mod fixtures;
#[path = "../tests/it/onnx.rs"]
#[expect(dead_code, reason = "other tests write more kinds of files")]
mod onnx;

fn main() {
    match std::env::args_os().nth(1) {
        Some(folder) => cases::write(folder.as_ref()).unwrap(),
        None => print!("{}", cases::lines()),
    }
}
