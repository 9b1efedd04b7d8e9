//! `deml model get`: fetches a blob by its CID or from a job.

use std::{fmt, path::PathBuf};

use anyhow::{Context, Result};
use blobs::Cid;
use clap::Args;
use client::{
    files,
    ipfs::{Store, read_cid},
    jobs::JobRef,
    printer::ExitStatus,
    session::Session,
};
use serde::Serialize;

use crate::config::Config;

/// Arguments of `deml model get`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml model get --job 0 --out base.onnx")]
pub struct Get {
    /// The job whose base model to fetch
    #[arg(long, value_name = "JOB", required_unless_present = "cid")]
    pub job: Option<JobRef>,
    /// Its CID, also as ipfs://CID
    #[arg(long, conflicts_with = "job", value_parser = read_cid)]
    pub cid: Option<Cid>,
    /// Output file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Size limit of a blob fetched by its CID alone, in bytes.
const FETCH_BYTES_MAX: u64 = 256 * 1_024 * 1_024;

/// A fetched blob.
#[derive(Clone, Debug, Serialize)]
pub struct Fetched {
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: usize,
    /// Path of the file.
    pub file: PathBuf,
}

/// Fetches a model.
///
/// - Errors: neither a job nor a CID is given; the store does not have it
pub async fn run(config: &Config, get: Get) -> Result<ExitStatus> {
    let cid = match (get.cid, get.job) {
        (Some(cid), _) => cid,
        (None, job) => {
            let job = job.context("which model? say --job JOB or --cid CID")?;
            base_of(&config.session()?, &job).await?
        }
    };
    config.printer.answer(&self::get(&config.store()?, cid, get.out).await?)?;
    Ok(ExitStatus::Done)
}

impl fmt::Display for Fetched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {} bytes, {}", self.file.display(), self.bytes, self.cid)
    }
}

/// Fetches a blob by its CID and writes it to a file.
pub async fn get(store: &Store, cid: Cid, out: PathBuf) -> Result<Fetched> {
    let bytes = store.get(cid, FETCH_BYTES_MAX).await?;
    files::write(&out, &bytes)?;
    Ok(Fetched { cid, bytes: bytes.len(), file: out })
}

/// The CID of a job's base model.
pub async fn base_of(session: &Session, job: &JobRef) -> Result<Cid> {
    Ok(session.job(job).await?.terms.offer.base_model.cid())
}
