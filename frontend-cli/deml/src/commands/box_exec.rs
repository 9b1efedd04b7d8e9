//! `deml box-exec`: a stage of the box, for this program's own use.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Args;

/// Arguments of `deml box-exec`.
#[derive(Clone, Debug, Args)]
pub struct BoxExec {
    /// The stage
    #[arg(value_parser = ["enter", "confine"])]
    pub stage: String,
    /// The folder of the plan
    pub folder: PathBuf,
}

/// Runs the stage; this program must not have threads yet.
#[must_use]
pub fn run(exec: &BoxExec) -> ExitCode {
    sandbox::stage(&exec.stage, Path::new(&exec.folder))
}

/// What starts a stage: this program, and its command.
///
/// - Errors: where this program is, is not known
pub fn stage() -> Result<Vec<String>> {
    let program = std::env::current_exe().context("where is this program?")?;
    let program = program.to_str().context("this program's path is not Unicode")?;
    Ok(vec![program.to_owned(), "box-exec".to_owned()])
}
