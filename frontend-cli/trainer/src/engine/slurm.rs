//! Slurm, by its own commands.

use std::{collections::BTreeSet, path::Path, process::Command};

use anyhow::{Context as _, Result};
use client::printer::Refused;

use super::{Engine, State, output};

const MISSING: &str = "Slurm's commands are missing here: on Debian `apt-get install slurm-client`";

pub(super) struct Slurm {
    pub(super) options: Vec<String>,
    pub(super) workers: Vec<String>,
    pub(super) command: Vec<String>,
}

impl Slurm {
    /// All nodes but the named ones.
    fn excluded(&self) -> Result<Vec<String>> {
        let nodes = output(Command::new("sinfo").args(["-h", "-N", "-o", "%N"]), MISSING)?;
        let nodes: BTreeSet<_> = nodes.lines().map(|node| node.trim().to_owned()).collect();
        if let Some(absent) = self.workers.iter().find(|worker| !nodes.contains(*worker)) {
            let all = nodes.into_iter().collect::<Vec<_>>().join(", ");
            let why = format_args!("Slurm has no node {absent}; it has {all}");
            return Err(Refused::new("NoWorkers", why).into());
        }
        Ok(nodes.into_iter().filter(|node| !self.workers.contains(node)).collect())
    }
}

impl Engine for Slurm {
    fn submit(&self, task: &Path, name: &str) -> Result<String> {
        let excluded = self.excluded()?;
        let mut command = Command::new("sbatch");
        // A task whose node is lost is begun anew on another.
        command.args(["--parsable", "--requeue", "--nodes=1", "--ntasks=1", "--export=PATH"]);
        command.arg(format!("--job-name={name}"));
        command.arg(format!("--chdir={}", task.display()));
        command.args(["--output=/dev/null", "--error=errors"]);
        if !excluded.is_empty() {
            command.arg(format!("--exclude={}", excluded.join(",")));
        }
        let line = self.command.iter().map(String::as_str).map(quoted).collect::<Vec<_>>();
        let task = quoted(&task.display().to_string());
        command.args(&self.options).arg("--wrap").arg(format!("exec {} {task}", line.join(" ")));
        let said = output(&mut command, MISSING)?;
        // In a federation, the cluster follows.
        let job = said.split(';').next().filter(|job| job.parse::<u64>().is_ok());
        job.map(str::to_owned).with_context(|| format!("sbatch answers {said}"))
    }

    fn follow(&self, job: &str) -> Result<State> {
        let asked = output(Command::new("squeue").args(["-h", "-o", "%T", "-j", job]), MISSING);
        let said = match asked {
            // A job that ended some minutes ago.
            Err(why) if why.to_string().contains("Invalid job id") => return Ok(State::Ended),
            said => said?,
        };
        Ok(match said.as_str() {
            "" => State::Ended,
            "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "SUSPENDED" => State::Waiting,
            "RUNNING" | "COMPLETING" | "STAGE_OUT" | "SIGNALING" => State::Running,
            _ => State::Ended,
        })
    }

    fn cancel(&self, job: &str) -> Result<()> {
        output(Command::new("scancel").arg(job), MISSING).map(drop)
    }
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell() {
        for word in ["plain", "two words", "a'b", "$(false)", ""] {
            let line = format!("printf %s {}", quoted(word));
            let said = Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word);
        }
    }
}
