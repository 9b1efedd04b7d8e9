//! The conformance cases in a build for this very processor, which may fuse and vectorise as it
//! likes: their bits must be those of every other build.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{root, target_folder};

/// The bits of every conformance case, in the checkout.
const BITS: &str = "dapp/eval/tests/bits.txt";

/// Builds and runs the cases, and compares what they print with `bits.txt`.
///
/// The build needs a tensor library of its own; without the client's features, so that there is
/// less of it.
pub(crate) fn natively() -> Result<(), String> {
    let output = Command::new("cargo")
        .args(["run", "--release", "--locked", "--package", "eval", "--example", "bits"])
        .arg("--target-dir")
        .arg(target_folder().join("native"))
        .env("RUSTFLAGS", "-C target-cpu=native")
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("bits: cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err("bits: the conformance cases did not run".to_owned());
    }
    let expected = fs::read(root().join(BITS)).map_err(|error| format!("{BITS}: {error}"))?;
    if output.stdout != expected {
        return Err(format!("bits: this build differs from {BITS}"));
    }
    eprintln!("a build for this very processor gives the bits of {BITS}");
    Ok(())
}
