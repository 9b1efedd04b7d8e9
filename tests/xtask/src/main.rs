//! `cargo demo`, `cargo quick`, `cargo ci`, `cargo speed`, `cargo cost`, `cargo conformance`,
//! `cargo escape`, `cargo soak`, `cargo bits`, `cargo riscv` and `cargo twin`: each builds what it
//! runs, and runs it.
//!
//! Always the whole workspace in the release profile: cargo unifies the features of what it
//! builds, so any other selection would build burn again. Only `cargo quick` selects crates,
//! those that do not depend on burn.

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

/// The build shared by all commands.
const BUILD: &[&str] = &["build", "--release", "--locked", "--workspace", "--bins", "--examples"];

const FORMATTING: &[&str] = &["fmt", "--all", "--check"];
const LINTS: &[&str] = &[
    "clippy",
    "--release",
    "--locked",
    "--workspace",
    "--all-targets",
    "--",
    "--deny",
    "warnings",
];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match task.as_str() {
        "demo" => built_then("deml", &[&["demo".to_owned()], rest.as_slice()].concat()),
        "speed" => built_then("deml-speed", &rest),
        "cost" => built_then("deml-cost", &rest),
        "conformance" => built_then("examples/conformance", &rest),
        "soak" => built_then("examples/soak", &rest),
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

/// Builds everything, then runs one program of it and returns its exit code.
fn built_then(program: &str, arguments: &[String]) -> Result<ExitCode, String> {
    let path = target_folder().join("release").join(program);
    if !path.exists() {
        eprintln!("building; the first time this takes some minutes");
    }
    let quiet = [BUILD, &["--quiet"]].concat();
    run("build", "cargo", &quiet, &root())?;
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
    step("formatting", "cargo", FORMATTING, &root)?;
    step("lints", "cargo", LINTS, &root)?;
    step("contract tools", "npm", &["ci", "--no-audit", "--no-fund"], &contracts)?;
    step("contracts", "npm", &["test"], &contracts)?;
    step("build", "cargo", BUILD, &root)?;
    // The program last: its crates' tests link another one, with features that only they need, and
    // the tests below play on the program of the machine.
    riscv::test()?;
    riscv::build()?;
    riscv::same_twice()?;
    twin::build()?;
    let test = ["test", "--release", "--locked", "--workspace", "--no-fail-fast"];
    step("unit tests", "cargo", &[&test[..], &["--lib", "--bins"]].concat(), &root)?;
    // Most of these wait for blocks and for each other: more can run at once than there are cores.
    let waiting = ["--config", "env.RUST_TEST_THREADS='3'", "--test", "*"];
    step("tests", "cargo", &[&test[..], &waiting].concat(), &root)?;
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
    let status = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .status()
        .map_err(|error| format!("{name}: cannot run {program}: {error}"))?;
    if !status.success() {
        return Err(format!("{name} failed: {program} {}", arguments.join(" ")));
    }
    Ok(())
}

/// Whether a program is installed, checked before minutes are spent.
fn found(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
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
