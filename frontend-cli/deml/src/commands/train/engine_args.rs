//! Where `deml train` trains: here, or on an engine.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use client::printer::Refused;
use trainer::engine::{On, Placement, Pod};

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Processes of this computer, which go on if this command ends
    Local,
    /// HyperQueue
    Hq,
    /// Slurm
    Slurm,
    /// Kubernetes
    K8s,
}

/// Options of engines.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "An engine")]
pub struct EngineArgs {
    /// Train on this engine; the box is applied by its workers [default: by this command itself]
    #[arg(long, value_name = "ENGINE", conflicts_with_all = ["resume", "curve"])]
    pub on: Option<EngineName>,
    /// Computers that the data may travel to, by their host names; the engine's others read nothing
    #[arg(long, value_name = "HOST", value_delimiter = ',', num_args = 1.., requires = "on")]
    pub workers: Vec<String>,
    /// Folder that the workers see at the same path [default: one of this user's data]
    #[arg(long, value_name = "FOLDER", requires = "on")]
    pub shared: Option<PathBuf>,
    /// Path of deml on the workers [default: that of this program]
    #[arg(long, value_name = "PROGRAM", requires = "on")]
    pub worker_program: Option<PathBuf>,
    /// hq: an interpreter that has the package hyperqueue
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub hq_python: PathBuf,
    /// hq: folder of the server [default: that of this user]
    #[arg(long, value_name = "FOLDER", env = "HQ_SERVER_DIR")]
    pub hq_server: Option<PathBuf>,
    /// slurm: one more option of sbatch, such as --slurm=--partition=gpu
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub slurm: Vec<String>,
    /// k8s: image that has deml, and Python if the trainer is in it
    #[arg(long, value_name = "IMAGE")]
    pub k8s_image: Option<String>,
    /// k8s: persistent volume claim that is the folder of --shared
    #[arg(long, value_name = "NAME", requires = "shared")]
    pub k8s_claim: Option<String>,
    /// k8s: namespace
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub k8s_namespace: String,
}

impl EngineArgs {
    /// The engine, if one is wanted: several seeds are trained side by side on one.
    ///
    /// - Errors: an option that the engine needs is missing
    pub fn placement(&self, several: bool) -> Result<Option<Placement>> {
        let on = match self.on {
            None if several => On::Local,
            None => return Ok(None),
            Some(EngineName::Local) => On::Local,
            Some(EngineName::Hq) => {
                On::Hq { python: self.hq_python.clone(), server: self.hq_server.clone() }
            }
            Some(EngineName::Slurm) => On::Slurm { options: self.slurm.clone() },
            Some(EngineName::K8s) => On::K8s(self.pod()?),
        };
        let program = match &self.worker_program {
            Some(program) => program.clone(),
            None => std::env::current_exe().context("where is this program?")?,
        };
        let program = program.to_str().context("this program's path is not Unicode")?.to_owned();
        let (workers, shared) = (self.workers.clone(), self.shared.clone());
        let command = vec![program, "train-worker".to_owned()];
        Ok(Some(Placement { on, workers, shared, command }))
    }

    fn pod(&self) -> Result<Pod> {
        let needs = |what: &str| Refused::new("NoPod", format_args!("--on k8s needs {what}"));
        let image = self.k8s_image.clone().ok_or_else(|| needs("--k8s-image IMAGE"))?;
        let claim = "--k8s-claim NAME and --shared FOLDER, where it is mounted here";
        let claim = self.k8s_claim.clone().ok_or_else(|| needs(claim))?;
        Ok(Pod { image, claim, namespace: self.k8s_namespace.clone() })
    }
}
