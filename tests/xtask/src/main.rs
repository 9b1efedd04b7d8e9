//! `cargo demo`, `cargo quick`, `cargo ci`, `cargo speed`, `cargo cost`, `cargo conformance`,
//! `cargo escape`, `cargo soak`, `cargo bits`, `cargo riscv` and `cargo twin`: each builds what it
//! runs, and runs it.
//!
//! Cargo unifies the features of what it builds: every selection of crates here gives each crate
//! the same ones, or a crate would be built again for the next command.

#![expect(clippy::print_stderr, reason = "this program's printer goes to stderr")]

mod bits;
mod packages;
mod riscv;
mod twin;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::OnceLock,
    time::Instant,
};

const BUILD: &[&str] = &["build", "--release", "--locked"];
/// The programs that people run, and no other.
const PRODUCT: &[&str] = &["-p", "deml", "-p", "rollup", "--bins"];
/// All programs, and the applications and tools that tests run.
const TESTED: &[&str] = &[
    "--workspace",
    "--bins",
    "--example",
    "hostile-dapp",
    "--example",
    "bits",
    "--example",
    "echo",
];
const EVERYTHING: &[&str] = &["--workspace", "--bins", "--examples"];
/// ONNX's own cases run single operators, for which the evaluator is built with another door.
const CONFORMANCE: &[&str] =
    &["--workspace", "--features", "eval/conformance", "--example", "conformance"];

const FORMATTING: &[&str] = &["fmt", "--all", "--check"];
const LINTS: &[&str] = &[
    "clippy",
    "--release",
    "--locked",
    "--workspace",
    "--all-targets",
    "--features",
    "eval/conformance",
    "--",
    "--deny",
    "warnings",
];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match task.as_str() {
        "demo" => built_then(PRODUCT, "deml", &[&["demo".to_owned()], &rest[..]].concat()),
        "speed" => built_then(EVERYTHING, "deml-speed", &rest),
        "cost" => built_then(EVERYTHING, "deml-cost", &rest),
        "conformance" => built_then(CONFORMANCE, "examples/conformance", &rest),
        "soak" => built_then(EVERYTHING, "examples/soak", &rest),
        "escape" => escape(),
        "bits" => bits::natively().map(|()| ExitCode::SUCCESS),
        "riscv" => riscv::build().map(|()| ExitCode::SUCCESS),
        "twin" => twin::build().map(|()| ExitCode::SUCCESS),
        "quick" => quick(),
        "ci" => ci(),
        _ => {
            let tasks = [
                "demo",
                "quick",
                "ci",
                "speed",
                "cost",
                "conformance",
                "escape",
                "soak",
                "bits",
                "riscv",
                "twin",
            ];
            Err(format!("usage: {}", tasks.map(|task| format!("cargo {task}")).join(" | ")))
        }
    };
    match done {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

/// Builds these targets, then runs one program of them and returns its exit code.
fn built_then(targets: &[&str], program: &str, arguments: &[String]) -> Result<ExitCode, String> {
    let path = target_folder().join("release").join(program);
    if !path.exists() {
        eprintln!("building; the first time this takes some minutes");
    }
    run("build", "cargo", &[BUILD, &["--quiet"], targets].concat(), &root())?;
    let status = Command::new(&path)
        .args(arguments)
        .status()
        .map_err(|error| format!("cannot run {}: {error}", path.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2);
    Ok(ExitCode::from(code))
}

/// Tries to get out of the box, and prints what came of each attempt.
fn escape() -> Result<ExitCode, String> {
    let test = ["test", "--release", "--locked", "-p", "sandbox", "--test", "escape"];
    run("escape", "cargo", &[&test[..], &["--", "--nocapture"]].concat(), &root())?;
    Ok(ExitCode::SUCCESS)
}

/// Fast checks while editing: formatting, lints, and the unit tests and scripts of the rules.
fn quick() -> Result<ExitCode, String> {
    let root = root();
    step("formatting", "cargo", FORMATTING, &root)?;
    step("lints", "cargo", LINTS, &root)?;
    let test = ["test", "--release", "--locked", "--quiet"];
    let which = ["-p", "blobs", "-p", "market", "-p", "wire", "--lib", "--test", "*"];
    step("rules", "cargo", &[&test[..], &which].concat(), &root)?;
    Ok(ExitCode::SUCCESS)
}

/// Every check, the quick ones first and the test runners last.
fn ci() -> Result<ExitCode, String> {
    let (root, contracts) = (root(), root().join("contracts"));
    if !found("npm") {
        return Err("npm is missing: install Node.js 20 or newer, which brings it".to_owned());
    }
    riscv::prepare()?;
    packages::ensure("Chromium", &[("chromium", "chromium")], &[])?;
    packages::ensure("Slurm", &[("sinfo", "slurm-wlm"), ("munge", "munge")], &[])?;
    step("formatting", "cargo", FORMATTING, &root)?;
    step("lints", "cargo", LINTS, &root)?;
    step("contract tools", "npm", &["ci", "--no-audit", "--no-fund"], &contracts)?;
    step("contracts", "npm", &["test"], &contracts)?;
    step("build", "cargo", &[BUILD, TESTED].concat(), &root)?;
    // The program last: its crates' tests link another one, with features that only they need, and
    // the tests below play on the program of the machine.
    riscv::test()?;
    riscv::build()?;
    riscv::same_twice()?;
    twin::build()?;
    let test = ["test", "--release", "--locked", "--workspace", "--no-fail-fast"];
    // Most of these wait for blocks and for each other: more can run at once than there are cores.
    let which = ["--config", "env.RUST_TEST_THREADS='3'", "--lib", "--bins", "--test", "*"];
    step("tests", "cargo", &[&test[..], &which].concat(), &root)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs one step, and prints its name and time.
fn step(name: &str, program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let begun = BEGUN.get_or_init(Instant::now);
    eprintln!("== {name}, after {} s", begun.elapsed().as_secs());
    run(name, program, arguments, folder)
}

/// Runs a program to its end.
fn run(name: &str, program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    // What cargo tells this program of itself: a build script that asks for it would be run again,
    // and all that depends on it built again, whenever cargo is called by hand in between.
    for (variable, _) in env::vars_os() {
        let is_of_this = ["CARGO_MANIFEST_", "CARGO_PKG_"];
        if is_of_this.iter().any(|start| variable.to_string_lossy().starts_with(start)) {
            command.env_remove(variable);
        }
    }
    let status =
        command.status().map_err(|error| format!("{name}: cannot run {program}: {error}"))?;
    if !status.success() {
        return Err(format!("{name} failed: {program} {}", arguments.join(" ")));
    }
    Ok(())
}

/// Whether a program is installed, checked before minutes are spent.
fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The root of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The target folder of this build: this program is in the folder of its profile.
fn target_folder() -> PathBuf {
    let own = env::current_exe().ok();
    let target = own.as_deref().and_then(|own| own.parent()?.parent());
    target.map_or_else(|| root().join("target"), Into::into)
}
