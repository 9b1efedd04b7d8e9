//! The inside of the box: the two stages that confine themselves, and then execute the program.

mod confine;
mod enter;
mod filter;
mod paths;
mod root;

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::spec::{Ending, Limits, Missing, OutputRefused, Program};

/// What the first stage says when its namespaces are made.
pub(crate) const ENTERED: &str = "entered";
/// The user that the program runs as, in the box.
pub(crate) const OUTSIDER: u32 = 1_000;

/// What the stages do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) program: Program,
    pub(crate) limits: Limits,
    /// The program that has the stages, and its first arguments.
    pub(crate) stage: Vec<String>,
}

/// The parts of the box that hold.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) held: Vec<String>,
    /// Whether that is all of them.
    pub(crate) whole: bool,
}

/// How the program ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) ending: Ending,
    pub(crate) output: Result<u64, OutputRefused>,
}

impl Ended {
    pub(crate) const fn of(ending: Ending) -> Self {
        Self { ending, output: Err(OutputRefused::Absent) }
    }
}

/// Runs a stage of the box, `enter` or `confine`, as the plan in this folder has it. The calling
/// program must not have threads yet.
#[must_use]
pub fn stage(name: &str, folder: &Path) -> ExitCode {
    let done = read_plan(folder).and_then(|plan| match name {
        "enter" => enter::enter(&plan, folder),
        _ => confine::confine(&plan, folder),
    });
    let Err(why) = done else {
        return ExitCode::SUCCESS;
    };
    if let Some(missing) = why.downcast_ref::<Missing>() {
        let written = serde_json::to_vec(missing).map_err(anyhow::Error::from);
        let written = written.and_then(|json| Ok(fs::write(folder.join("missing.json"), json)?));
        if written.is_ok() {
            return ExitCode::from(1);
        }
    }
    report(&format!("{why:#}"));
    ExitCode::from(2)
}

#[expect(clippy::print_stderr, reason = "the outside reads it, and says it")]
fn report(why: &str) {
    eprintln!("{why}");
}

fn read_plan(folder: &Path) -> Result<Plan> {
    let plan = fs::read(folder.join("plan.json")).context("the box has no plan")?;
    Ok(serde_json::from_slice(&plan)?)
}

/// A part of the box that the system refuses.
fn missing(part: &str, why: impl std::fmt::Display, remedy: &str) -> anyhow::Error {
    let (part, why, remedy) = (part.to_owned(), why.to_string(), remedy.to_owned());
    Missing { part, why, remedy }.into()
}
