//! `deml trainer publish`: stores a trainer and prints its CID.

use std::{fmt, path::PathBuf};

use anyhow::Result;
use blobs::Cid;
use clap::Args;
use client::{files, printer::ExitStatus};
use serde::Serialize;
use trainer::custom::folder::Trainer;

use crate::config::Config;

/// Arguments of `deml trainer publish`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml trainer publish my-trainer")]
pub struct Publish {
    /// Folder of the trainer
    pub folder: PathBuf,
}

/// A trainer that was stored.
#[derive(Clone, Debug, Serialize)]
pub struct Published {
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: usize,
    /// The files it is made of.
    pub files: Vec<String>,
}

impl fmt::Display for Published {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, bytes, files } = self;
        writeln!(out, "{cid}")?;
        write!(out, "  {bytes} bytes: {}", files.join(", "))
    }
}

/// Stores a trainer.
///
/// - Errors: `UnfitTrainer`; the store cannot store it
pub async fn run(config: &Config, publish: &Publish) -> Result<ExitStatus> {
    let trainer = Trainer::read(&publish.folder)?;
    let packed = trainer.pack()?;
    let cid = config.store()?.put(&packed, files::PROFILE).await?;
    let files = trainer.paths().map(str::to_owned).collect();
    config.printer.answer(&Published { cid, bytes: packed.len(), files })?;
    Ok(ExitStatus::Done)
}
