//! Engines: what works on the tasks of a training, on this computer or on the cluster one has.
//!
//! An engine runs one command for a task, `deml train-worker FOLDER`, on a worker that sees the
//! folder at the same path. All else is the same everywhere: the contract, the box, and what is
//! left in the folder. Another engine is another file here and a variant of [`Placement`].

mod hq;
mod kubernetes;
mod local;
mod records;
mod run;
mod slurm;

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use client::printer::{Refused, one_line};
use serde::{Deserialize, Serialize};

pub use self::{
    kubernetes::{Kubernetes, Pod},
    records::{Record, all, find, folder},
    run::{Status, cancel, follow, launch, status},
};

/// An engine.
pub trait Engine {
    /// Hands a task over; returns the engine's name of it.
    ///
    /// - Errors: the engine is unreachable or refuses
    fn submit(&self, task: &Path, name: &str) -> Result<String>;

    /// How far a task is.
    ///
    /// - Errors: the engine is unreachable
    fn follow(&self, job: &str) -> Result<State>;

    /// Brings the result into the task's folder; nothing where workers share that folder.
    ///
    /// - Errors: the engine is unreachable
    fn fetch(&self, _job: &str, _task: &Path) -> Result<()> {
        Ok(())
    }

    /// Ends a task; a worker ends by itself where it finds the task given up.
    ///
    /// - Errors: the engine is unreachable
    fn cancel(&self, job: &str) -> Result<()>;
}

/// How far a task is, for its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for a worker.
    Waiting,
    /// It runs, or may wait: not every engine tells.
    Running,
    /// It has ended, well or not, or the engine does not know it any more.
    Ended,
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Ended => "ended",
        })
    }
}

/// Where a training runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Placement {
    /// The engine.
    pub on: On,
    /// Computers that may read the data; needed for all engines but the local one.
    pub workers: Vec<String>,
    /// A folder that the workers see at the same path; `None` for one of this computer.
    pub shared: Option<PathBuf>,
    /// The program on the workers, and its first arguments.
    pub command: Vec<String>,
}

/// An engine, and how it is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Processes of this computer, which outlive the command.
    Local,
    /// HyperQueue.
    Hq {
        /// An interpreter with the package `hyperqueue`.
        python: PathBuf,
        /// The server's folder; `None` for the usual one.
        server: Option<PathBuf>,
    },
    /// Slurm.
    Slurm {
        /// More options of `sbatch`.
        options: Vec<String>,
    },
    /// Kubernetes.
    K8s(Pod),
}

impl On {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Hq { .. } => "hq",
            Self::Slurm { .. } => "slurm",
            Self::K8s(_) => "k8s",
        }
    }
}

impl Placement {
    /// What reaches the engine.
    fn engine(&self) -> Box<dyn Engine> {
        let command = self.command.clone();
        match &self.on {
            On::Local => Box::new(local::Local { command }),
            On::Hq { python, server } => {
                Box::new(hq::HyperQueue { python: python.clone(), server: server.clone(), command })
            }
            On::Slurm { options } => {
                let (options, workers) = (options.clone(), self.workers.clone());
                Box::new(slurm::Slurm { options, workers, command })
            }
            On::K8s(pod) => {
                let (pod, workers) = (pod.clone(), self.workers.clone());
                Box::new(Kubernetes { pod, workers, command })
            }
        }
    }

    /// Refuses to let data travel to workers that nobody has named.
    ///
    /// - Errors: `NoWorkers`
    fn check(&self) -> Result<()> {
        if !matches!(self.on, On::Local) && self.workers.is_empty() {
            let why = "data travel to workers that you name: say --workers HOST[,HOST]";
            return Err(Refused::new("NoWorkers", why).into());
        }
        Ok(())
    }
}

/// Runs a program of an engine; returns what it prints.
///
/// - Errors: it is missing, with what to do; it fails, with what it says
fn output(command: &mut Command, missing: &str) -> Result<String> {
    let name = command.get_program().display().to_string();
    let done = command.stderr(Stdio::piped()).stdout(Stdio::piped()).output();
    let done = done.with_context(|| format!("cannot run {name}: {missing}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.trim().lines().filter(|line| !line.trim().is_empty());
        let last = said.collect::<Vec<_>>().join("; ");
        bail!("{name} failed: {}", one_line(&last).chars().take(600).collect::<String>());
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
