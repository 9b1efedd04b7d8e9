//! The market's code for browsers, as WebAssembly, beside the programs that serve it.

use std::fs;

use crate::{riscv, root, step, target_folder};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds it; the tensor library is compiled once more for it, so nothing else builds it.
pub(crate) fn build() -> Result<(), String> {
    riscv::ensure_target("WebAssembly target", TARGET)?;
    let arguments = ["rustc", "--release", "--locked", "--package", "twin", "--lib"];
    let library = ["--target", TARGET, "--crate-type", "cdylib"];
    // The unrolled kernels take the compiler long when it does its best, and gain little.
    let quick = ["--config", "profile.release.opt-level=1"];
    step("WebAssembly", "cargo", &[&arguments[..], &library, &quick].concat(), &root())?;
    let made = target_folder().join(TARGET).join("release/twin.wasm");
    let place = target_folder().join("release/twin.wasm");
    let bytes = fs::copy(&made, &place);
    let bytes = bytes.map_err(|error| format!("cannot copy {}: {error}", made.display()))?;
    eprintln!("{}: {bytes} bytes", place.display());
    Ok(())
}
