//! `cargo demo`, `cargo ci` and `cargo speed`: each builds what it runs, and runs it.
//!
//! Always the whole workspace in the release profile: cargo joins the features of what it builds
//! together, so any other selection would build burn once more.

#![expect(clippy::print_stderr, reason = "this program's talk goes to stderr")]

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

/// The build that everything here shares.
const BUILD: &[&str] = &["build", "--release", "--locked", "--workspace", "--bins", "--examples"];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match task.as_str() {
        "demo" => built_then("deml", &[&["demo".to_owned()], rest.as_slice()].concat()),
        "speed" => built_then("deml-speed", &rest),
        "ci" => ci(),
        _ => Err("usage: cargo demo | cargo ci | cargo speed".to_owned()),
    };
    match done {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

/// Builds everything, then runs one program of it and hands on its exit code.
fn built_then(program: &str, arguments: &[String]) -> Result<ExitCode, String> {
    if !target().join(program).exists() {
        eprintln!("building; the first time this takes some minutes");
    }
    let quiet = [BUILD, &["--quiet"]].concat();
    run("build", "cargo", &quiet, &root())?;
    let path = target().join(program);
    let status = Command::new(&path)
        .args(arguments)
        .status()
        .map_err(|error| format!("cannot run {}: {error}", path.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2);
    Ok(ExitCode::from(code))
}

/// Every check, the quick ones first and the test runners last.
fn ci() -> Result<ExitCode, String> {
    let (root, contracts) = (root(), root().join("contracts"));
    need("npm", "install Node.js 20 or newer, which brings npm")?;
    let begun = Instant::now();
    let run = |name: &str, program: &str, arguments: &[&str], folder: &Path| {
        eprintln!("== {name}, after {} s", begun.elapsed().as_secs());
        run(name, program, arguments, folder)
    };
    run("formatting", "cargo", &["fmt", "--all", "--check"], &root)?;
    let lints = ["clippy", "--release", "--locked", "--workspace", "--all-targets"];
    run("lints", "cargo", &[&lints[..], &["--", "--deny", "warnings"]].concat(), &root)?;
    run("contract tools", "npm", &["ci", "--no-audit", "--no-fund"], &contracts)?;
    run("contracts", "npm", &["test"], &contracts)?;
    run("build", "cargo", BUILD, &root)?;
    let test = ["test", "--release", "--locked", "--workspace"];
    run("unit tests", "cargo", &[&test[..], &["--lib", "--bins"]].concat(), &root)?;
    run("tests", "cargo", &[&test[..], &["--test", "*"]].concat(), &root)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs one step.
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

/// Says what is missing before minutes are spent.
fn need(program: &str, remedy: &str) -> Result<(), String> {
    let output = Command::new(program).arg("--version").output();
    let found = output.is_ok_and(|output| output.status.success());
    found.then_some(()).ok_or_else(|| format!("{program} is missing: {remedy}"))
}

/// The checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where this build's programs are: this one is among them.
fn target() -> PathBuf {
    let own = env::current_exe().ok();
    own.as_deref().and_then(Path::parent).map_or_else(|| root().join("target/release"), Into::into)
}
