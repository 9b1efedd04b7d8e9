//! A child process of the devnet, started through [`super::guard`] so that it cannot outlive it.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

/// The time for programs of an earlier devnet to end; longer than their guards wait.
const EARLIER_WAIT: Duration = Duration::from_secs(20);

/// A program to run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The `deml` executable, which acts as the guard.
    pub deml: PathBuf,
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables added to its environment.
    pub env: Vec<(String, String)>,
    /// The file its output is appended to.
    pub log: PathBuf,
}

/// A running program; it ends when this value is dropped.
#[derive(Debug)]
pub struct Guarded {
    guard: Child,
    /// Never written to: closing it ends the program.
    stdin: Option<ChildStdin>,
    /// The guard's process group, until it is seen to end.
    group: Option<Pid>,
    pid: u32,
    log: PathBuf,
}

impl Guarded {
    /// Starts `program` under a guard.
    ///
    /// - Errors: it, or the guard, cannot be started
    pub async fn start(program: &Program) -> Result<Self> {
        let log = own_log(&program.log).await?;
        let mut guard = Command::new(&program.deml)
            .args(["guard", "--"])
            .arg(&program.path)
            .args(&program.args)
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // A group of its own: Ctrl-C reaches the devnet alone, which then stops in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", program.deml.display()))?;
        let group = guard.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let stdin = guard.stdin.take();
        let stdout = guard.stdout.take().context("the guard has no output")?;
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        let read = timeout(Duration::from_secs(10), stdout.read_line(&mut line));
        read.await.context("the guard does not answer")??;
        let Ok(pid) = line.trim().parse() else {
            bail!("cannot start {}: {}", program.path.display(), last_line(&program.log));
        };
        Ok(Self { guard, stdin, group, pid, log: program.log.clone() })
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the program has ended; returns its last output.
    pub async fn ended(&mut self) -> String {
        self.guard.wait().await.ok();
        self.kill_group();
        last_line(&self.log)
    }

    /// Whether the program has ended; `Some` with its last output.
    pub fn has_ended(&mut self) -> Option<String> {
        match self.guard.try_wait() {
            Ok(None) => None,
            _ => {
                self.kill_group();
                Some(last_line(&self.log))
            }
        }
    }

    /// Ends the program and waits until it is gone.
    pub async fn stop(&mut self) {
        self.stdin = None;
        self.guard.wait().await.ok();
        self.kill_group();
    }

    /// Ends the rest of the group if the guard itself was killed and could not do so.
    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            // A failing kill means that no process is left, as intended.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

/// Waits until no program of an earlier devnet writes to `log` any more.
///
/// When a devnet is killed, its programs end a moment after it: anvil saves its state first.
pub async fn wait_for_earlier(log: &Path) -> Result<()> {
    own_log(log).await.map(drop)
}

/// Opens `log` and locks it. The guard and the program inherit the open file and with it the lock,
/// which therefore lasts until the last of them ends, in whatever order.
async fn own_log(log: &Path) -> Result<File> {
    let context = || format!("cannot write {}", log.display());
    let file = File::options().create(true).append(true).open(log).with_context(context)?;
    let deadline = Instant::now() + EARLIER_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => bail!(
                "a program of an earlier devnet still writes to {}: end it, then try again",
                log.display()
            ),
        }
    }
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| "it said nothing".to_owned(), str::to_owned)
}
