//! `deml-box PROGRAM ARGUMENTS…`: runs a program in the box by hand, with the system's folders
//! read-only; and the stages of it, for the tests.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people who try the box"
)]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use sandbox::{Limits, Program, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [stage @ ("enter" | "confine"), folder] => sandbox::stage(stage, Path::new(folder)),
        [program, ref rest @ ..] => by_hand(program, rest).unwrap_or_else(|why| {
            eprintln!("{why:#}");
            ExitCode::from(2)
        }),
        [] => {
            eprintln!("usage: deml-box PROGRAM ARGUMENTS…");
            ExitCode::from(2)
        }
    }
}

fn by_hand(program: &str, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    // In a box there is no `/proc` that knows.
    let this = std::env::current_exe()
        .or_else(|why| std::env::args_os().next().map(PathBuf::from).ok_or(why))?;
    let folder = tempfile::tempdir()?;
    let program = Program {
        executable: PathBuf::from(program),
        arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
        environment: Vec::new(),
        inputs: Vec::new(),
        system: ["/usr", "/lib", "/lib64", "/bin"].map(PathBuf::from).to_vec(),
        output: "output".to_owned(),
        output_to: folder.path().join("output"),
    };
    let stage = [&*this.to_string_lossy()];
    let ran = run(&stage, &program, &Limits::default(), &mut |line| println!("{line}"))?;
    for part in &ran.held {
        eprintln!("held: {part}");
    }
    eprintln!("{}{}", ran.said, ran.ending);
    Ok(if ran.ending == sandbox::Ending::Exit(0) { ExitCode::SUCCESS } else { 1.into() })
}
