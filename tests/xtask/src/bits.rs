//! The conformance cases in a build for the host processor, which may fuse and vectorise freely:
//! their bits must equal those of every other build.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{root, target_folder};

/// The bits of every conformance case, in the checkout.
const BITS: &str = "dapp/eval/tests/bits.txt";

/// Builds and runs the cases, and compares their output with `bits.txt`.
///
/// The build compiles the tensor library anew; without the client's features, to keep it
/// small.
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
