//! HyperQueue, by its package for Python: what the registry has is the library alone, and its
//! command `hq` speaks with a server of its own version only, as this does.
//!
//! The package has no way to cancel: a task that was given up ends as soon as its worker sees that.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use super::{Engine, State, output};

const SCRIPT: &str = include_str!("hq.py");
const MISSING: &str = "say --hq-python PATH, an interpreter with `pip install hyperqueue`, of the \
                       server's version";

pub(super) struct HyperQueue {
    pub(super) python: PathBuf,
    pub(super) server: Option<PathBuf>,
    pub(super) command: Vec<String>,
}

impl HyperQueue {
    fn ask(&self, question: &[&str], more: &[String]) -> Result<String> {
        let server =
            self.server.as_ref().map_or_else(String::new, |path| path.display().to_string());
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT, &server]).args(question).args(more);
        let answer = output(&mut command, MISSING);
        answer.map_err(|why| match why.to_string() {
            said if said.contains("No module named") => why.context(MISSING),
            said if said.contains("No running instance") || said.contains("Invalid server") => {
                why.context("no HyperQueue server runs there: say --hq-server FOLDER")
            }
            _ => why,
        })
    }
}

impl Engine for HyperQueue {
    fn submit(&self, task: &Path, name: &str) -> Result<String> {
        let folder = task.display().to_string();
        let program = [&self.command[..], std::slice::from_ref(&folder)].concat();
        self.ask(&["submit", name, &folder], &program)
    }

    fn follow(&self, job: &str) -> Result<State> {
        match self.ask(&["state", job], &[])?.as_str() {
            "running" => Ok(State::Running),
            "ended" => Ok(State::Ended),
            other => bail!("HyperQueue answers {other}"),
        }
    }

    fn cancel(&self, _job: &str) -> Result<()> {
        Ok(())
    }
}
