//! What a client gives a trainer, and where trainers come from.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use blobs::Cid;
use clap::Args;
use sandbox::Limits;
use trainer::custom::folder::Trainer;

use crate::config::Config;

/// Most bytes of a packed trainer.
pub(crate) const TRAINER_BYTES_MAX: u64 = 65 * 1_024 * 1_024;

/// Options of the box.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "A trainer's box")]
pub struct Given {
    /// Interpreter of Python trainers, such as that of an environment with its requirements
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    pub python: PathBuf,
    /// Most address space of each of its processes, in MiB
    #[arg(long, default_value_t = 8_192, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..))]
    pub max_memory: u64,
    /// Most time, on the clock and on a processor, in seconds
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_time: u64,
    /// Most processes and threads at a time
    #[arg(long, default_value_t = 64, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_processes: u64,
    /// Most bytes of its files, which are in memory, in MiB
    #[arg(long, default_value_t = 512, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_files: u64,
}

impl Given {
    /// The limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            memory_mib: self.max_memory,
            cpu_seconds: self.max_time,
            wall_seconds: self.max_time,
            processes: self.max_processes,
            files_mib: self.max_files,
            ..Limits::default()
        }
    }
}

/// The trainer in a folder, or of a CID.
///
/// - Errors: `UnfitTrainer`; the store does not have it
pub async fn trainer(config: &Config, named: &str) -> Result<Trainer> {
    if Path::new(named).is_dir() {
        return Trainer::read(Path::new(named));
    }
    let cid: Cid = named.parse().ok().with_context(|| {
        format!(
            "{named} is neither a folder nor a CID: `deml trainer new python {named}` begins one"
        )
    })?;
    Trainer::unpack(&config.store()?.get(cid, TRAINER_BYTES_MAX).await?)
}
