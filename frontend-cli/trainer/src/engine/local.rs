//! Processes of this computer, which outlive the command that began them.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::{Engine, State};

pub(super) struct Local {
    pub(super) command: Vec<String>,
}

impl Engine for Local {
    fn submit(&self, task: &Path, _name: &str) -> Result<String> {
        let (program, arguments) = self.command.split_first().context("no program")?;
        let errors = File::create(task.join("errors"))?;
        let child = Command::new(program)
            .args(arguments)
            .arg(task)
            // Ctrl-C is for this command.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let process = child.id();
        let (_, begun) = stat(process).context("the worker ended at once")?;
        Ok(format!("{process}@{begun}"))
    }

    fn follow(&self, job: &str) -> Result<State> {
        Ok(if running(job).is_some() { State::Running } else { State::Ended })
    }

    fn cancel(&self, job: &str) -> Result<()> {
        let Some(process) = running(job) else { return Ok(()) };
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        let process = process.context("no process")?;
        kill_process(process, Signal::TERM).context("cannot end the worker")
    }
}

/// The process of a job, if it runs: its number may have been given to another since.
fn running(job: &str) -> Option<u32> {
    let (process, begun) = job.split_once('@')?;
    let process = process.parse().ok()?;
    let (state, now) = stat(process)?;
    (state != "Z" && now == begun).then_some(process)
}

/// A process's state and when it began.
fn stat(process: u32) -> Option<(String, String)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may have any characters.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.to_owned();
    Some((state, fields.nth(18)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let local = Local { command: ["sh", "-c", "exec sleep 60"].map(Into::into).to_vec() };
        let job = local.submit(folder.path(), "").unwrap();
        assert_eq!(local.follow(&job).unwrap(), State::Running);
        assert_eq!(local.follow(&format!("{job}0")).unwrap(), State::Ended);
        local.cancel(&job).unwrap();
        while local.follow(&job).unwrap() != State::Ended {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        local.cancel(&job).unwrap();
    }
}
