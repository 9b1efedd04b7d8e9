//! The program for the Cartesi Machine: built for RISC-V on any computer, and its tests run there
//! under qemu.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use crate::{packages, root, step, target_folder};

const TARGET: &str = "riscv64gc-unknown-linux-gnu";

/// The crates of the machine's program, without those for people: the selection decides features.
const CRATES: &[&str] =
    &["-p", "blobs", "-p", "market", "-p", "kernels", "-p", "eval", "-p", "wire", "-p", "rollup"];

/// Debian's packages, with the program each is needed for.
const PACKAGES: &[(&str, &str)] =
    &[("riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu"), ("qemu-riscv64", "qemu-user")];

/// Size limit of the program, in bytes.
const MAX_PROGRAM_BYTES: u64 = 8_000_000;

/// Installs missing tools if possible, or says what to install.
pub(crate) fn prepare() -> Result<(), String> {
    ensure_target("RISC-V target", TARGET)?;
    packages::ensure("the RISC-V compiler", PACKAGES, &["libc6-dev-riscv64-cross"])
}

/// Adds a target to the toolchain if it is not there.
pub(crate) fn ensure_target(what: &str, target: &str) -> Result<(), String> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map_err(|error| format!("cannot run rustc: {error}"))?;
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    if !Path::new(&sysroot).join("lib/rustlib").join(target).join("lib").is_dir() {
        step(what, "rustup", &["target", "add", target], &root())
            .map_err(|reason| format!("{reason}; add {target} to your Rust toolchain"))?;
    }
    Ok(())
}

/// Builds the program and refuses it if it is too large.
pub(crate) fn build() -> Result<(), String> {
    prepare()?;
    build_in(&root(), None)?;
    let program = program(&target_folder());
    let bytes = fs::metadata(&program).map_err(|error| error.to_string())?.len();
    if bytes > MAX_PROGRAM_BYTES {
        return Err(format!("the program has {bytes} bytes, {MAX_PROGRAM_BYTES} at most"));
    }
    eprintln!("{}: {bytes} bytes", program.display());
    Ok(())
}

/// Runs the tests of all that computes with floats, and of the program, as RISC-V. The rules are
/// integers, tested natively, and the whole-program tests compare what this program says of them.
pub(crate) fn test() -> Result<(), String> {
    let test = ["test", "--release", "--locked", "--target", TARGET];
    let which = ["-p", "kernels", "-p", "eval", "-p", "rollup", "--lib", "--bins", "--test", "*"];
    step("RISC-V tests", "cargo", &[&test[..], &which].concat(), &root())
}

/// Builds the program again, from a copy of the checkout in another folder, and compares the
/// bytes. Only third-party crates are reused from the first build. A program that has been built
/// twice before is not again.
pub(crate) fn same_twice() -> Result<(), String> {
    let target = target_folder();
    let first = fs::read(program(&target)).map_err(|error| error.to_string())?;
    let twice = target.join(TARGET).join("built-twice");
    if fs::read(&twice).is_ok_and(|before| before == first) {
        eprintln!("built twice before, the same bytes");
        return Ok(());
    }
    // Outside of this checkout: inside, cargo would read this one's settings besides its own, and
    // build everything anew.
    let checkout = env::temp_dir().join(format!("deml-again-{}", process::id()));
    copy_tracked(&root(), &checkout)?;
    let clean = [&["clean", "--release", "--target", TARGET][..], CRATES].concat();
    step("leftovers", "cargo", &clean, &root())?;
    build_in(&checkout, Some(&target))?;
    let second = fs::read(program(&target)).map_err(|error| error.to_string())?;
    if first != second {
        let kept = target.join("first-deml-dapp");
        fs::write(&kept, first).map_err(|error| error.to_string())?;
        return Err(format!(
            "two builds differ: {} and {}",
            kept.display(),
            program(&target).display()
        ));
    }
    eprintln!("built twice, the same bytes");
    fs::write(&twice, first).map_err(|error| error.to_string())?;
    fs::remove_dir_all(&checkout).map_err(|error| error.to_string())
}

fn build_in(checkout: &Path, target: Option<&Path>) -> Result<(), String> {
    let folder = target.map(|target| target.to_string_lossy().into_owned());
    let mut arguments = vec!["build", "--release", "--locked", "--target", TARGET, "-p", "rollup"];
    if let Some(folder) = &folder {
        arguments.extend(["--target-dir", folder]);
    }
    step("RISC-V build", "cargo", &arguments, checkout)
}

fn program(target: &Path) -> PathBuf {
    target.join(TARGET).join("release/deml-dapp")
}

/// Copies all files tracked by git, including uncommitted changes.
fn copy_tracked(from: &Path, to: &Path) -> Result<(), String> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(from).output();
    let listed = listed.map_err(|error| format!("cannot run git: {error}"))?;
    if !listed.status.success() {
        return Err("this is not a git checkout, so a clean one cannot be made".to_owned());
    }
    for path in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
        let (source, copy) = (from.join(path), to.join(path));
        let folder = copy.parent().unwrap_or(to);
        fs::create_dir_all(folder)
            .and_then(|()| fs::copy(&source, &copy))
            .map_err(|error| format!("cannot copy {}: {error}", source.display()))?;
    }
    Ok(())
}
