//! One run of the emulator, which ends with everything that it has started, whatever ends it: the
//! `cartesi-machine` on the `PATH` is a script that waits for the emulator proper.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// A run to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// The emulator.
    pub(super) program: &'a Path,
    /// The `deml` executable, which ends the run if this program is killed.
    pub(super) guard: Option<&'a Path>,
    /// The working folder.
    pub(super) folder: &'a Path,
    /// The file to which all that is said is appended.
    pub(super) log: Option<&'a Path>,
}

/// The processes of a run; they end when this value is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            // A failing kill means that no process is left, as intended.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

impl Run<'_> {
    /// Runs the emulator to its end; returns its standard error.
    ///
    /// - Errors: it cannot be started, or the log cannot be written
    pub(super) async fn to_end(self, args: Vec<OsString>) -> Result<String> {
        let context = || format!("cannot run {}", self.program.display());
        let mut command = self.command()?;
        command.args(args).current_dir(self.folder).stderr(Stdio::piped());
        // A group of its own, so that all of it can be ended at once.
        let mut child =
            command.process_group(0).kill_on_drop(true).spawn().with_context(context)?;
        let _group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
        // Never written to: closing it ends the run.
        let _stdin = child.stdin.take();
        let output = child.wait_with_output().await.with_context(context)?;
        if let Some(log) = self.log {
            append(log)?.write_all(&output.stderr).with_context(|| cannot_write(log))?;
        }
        // The exit code is ignored, as it differs between releases and tells less.
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn command(&self) -> Result<Command> {
        let Some(deml) = self.guard else {
            let mut command = Command::new(self.program);
            let stdout = self.log.map(append).transpose()?;
            command.stdin(Stdio::null()).stdout(stdout.map_or_else(Stdio::null, Stdio::from));
            return Ok(command);
        };
        let mut command = Command::new(deml);
        command.arg("guard");
        if let Some(log) = self.log {
            command.arg("--console").arg(log);
        }
        command.arg("--").arg(self.program).stdin(Stdio::piped()).stdout(Stdio::null());
        Ok(command)
    }
}

fn append(log: &Path) -> Result<File> {
    File::options().create(true).append(true).open(log).with_context(|| cannot_write(log))
}

fn cannot_write(log: &Path) -> String {
    format!("cannot write {}", log.display())
}
