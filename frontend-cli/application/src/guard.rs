//! `deml guard -- PROGRAM ARGS`: runs a program and ends it when its own standard input closes.
//!
//! The devnet holds the other end of that pipe. However the devnet ends, kill -9 included, the
//! pipe closes, and neither anvil nor the application outlives it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process, kill_process_group};

/// The time for a program to exit by itself, in which anvil writes its state to disk.
const GRACE: Duration = Duration::from_secs(10);

/// Runs `program` until it ends or standard input closes; prints its process id on standard output.
///
/// Its own standard output is appended to `console`, or joins its standard error. If this process
/// leads a group, whatever the program has left in it ends as well, and this process with it.
///
/// - Errors: the program cannot be started, or the file not be written
pub fn run(program: &OsString, args: &[OsString], console: Option<&Path>) -> Result<ExitCode> {
    let stdout = match console {
        None => Stdio::from(std::io::stderr()),
        Some(file) => {
            let opened = File::options().create(true).append(true).open(file);
            opened.with_context(|| format!("cannot write {}", file.display()))?.into()
        }
    };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(stdout)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", child.id()).and_then(|()| stdout.flush()).ok();

    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.context("the program has an impossible process id")?;
    let (ended, has_ended) = mpsc::channel();
    std::thread::spawn(move || {
        wait_for_end_of_input();
        // A failing kill means that the program has already ended, as intended.
        kill_process(pid, Signal::TERM).ok();
        if has_ended.recv_timeout(GRACE).is_err() {
            kill_process(pid, Signal::KILL).ok();
        }
    });
    let status = child.wait().context("cannot wait for the program")?;
    ended.send(()).ok();
    if getpgrp() == getpid() {
        // Only a script leaves anything: the program that it waited for.
        kill_process_group(getpgrp(), Signal::KILL).ok();
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wait_for_end_of_input() {
    let mut buffer = [0; 64];
    while matches!(std::io::stdin().read(&mut buffer), Ok(1..)) {}
}
