//! `deml guard`: runs a program that cannot outlive this one, for the devnet's own use.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;

/// Arguments of `deml guard`.
#[derive(Clone, Debug, Args)]
pub struct Guard {
    /// File that the program's standard output is appended to, instead of standard error
    #[arg(long, value_name = "FILE")]
    pub console: Option<PathBuf>,
    /// The program and its arguments
    #[arg(required = true, last = true)]
    pub program: Vec<OsString>,
}

/// Runs the program, and kills it when standard input closes.
///
/// - Errors: it cannot be started
pub fn run(guard: &Guard) -> Result<ExitCode> {
    let (program, args) = guard.program.split_first().context("which program?")?;
    application::guard::run(program, args, guard.console.as_deref())
}
