//! `deml data seal`: seals a hold-out or a model for a job.

use std::{fmt, path::PathBuf};

use alloy::primitives::B256;
use anyhow::{Context, Result};
use blobs::{BlobRef, Cid};
use clap::Args;
use client::{
    chain::Sender,
    files::{self, File},
    jobs::JobRef,
    printer::ExitStatus,
    seals::{self, Scope},
    session::Session,
    vault::Vault,
};
use serde::Serialize;

use crate::config::Config;

/// Arguments of `deml data seal`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 1 data seal holdout.safetensors --salt 0x… --out holdout.sealed
  deml --account 2 data seal better.onnx --job 3 --out better.sealed

`job open` and `submit` seal by themselves. The key is kept, encrypted, on this computer.")]
pub struct Seal {
    /// The file
    pub file: PathBuf,
    /// The job that a model is for
    #[arg(long, required_unless_present = "salt")]
    pub job: Option<JobRef>,
    /// The salt of the job that a hold-out is for, as passed to `job open --salt`
    #[arg(long, value_name = "HEX", conflicts_with = "job")]
    pub salt: Option<B256>,
    /// Output file of the ciphertext
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// A file that was sealed.
#[derive(Clone, Debug, Serialize)]
pub struct Sealed {
    /// Path of the ciphertext.
    pub file: PathBuf,
    /// The commitment.
    pub commitment: blobs::Digest,
    /// CID of the ciphertext.
    pub ciphertext: Cid,
    /// Its size in bytes.
    pub bytes: u64,
    /// CID of the plain blob.
    pub plain: Cid,
}

/// Seals a file and prints its commitment.
///
/// - Errors: no job is given
pub async fn run(config: &Config, seal: Seal) -> Result<ExitStatus> {
    let file = files::read(&seal.file)?;
    let session = config.session()?;
    let (sender, vault) = config.signer(&session).await?;
    let scope = match (seal.salt, seal.job) {
        (Some(salt), _) => Scope::HoldOut(salt.0),
        (None, job) => {
            let job = job.context("for which job? say --job JOB or --salt HEX")?;
            Scope::Model(session.job(job).await?.job)
        }
    };
    let sealed = self::seal(&session, &sender, &vault, scope, &file, seal.out).await?;
    config.printer.answer(&sealed)?;
    Ok(ExitStatus::Done)
}

impl fmt::Display for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, commitment, ciphertext, bytes, plain } = self;
        writeln!(out, "{}: {bytes} bytes, sealed; the key is kept here", file.display())?;
        writeln!(out, "  commitment  {commitment}")?;
        writeln!(out, "  ciphertext  {ciphertext}")?;
        write!(out, "  plain       {plain}")
    }
}

/// Seals a file, and writes the ciphertext.
pub async fn seal(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    scope: Scope,
    file: &File,
    out: PathBuf,
) -> Result<Sealed> {
    let seal = seals::seal(session, sender, vault, scope, file).await?;
    let (sealed, bytes) = seal.sealed(&file.bytes);
    files::write(&out, &bytes)?;
    let BlobRef { size, .. } = sealed.ciphertext;
    Ok(Sealed {
        file: out,
        commitment: sealed.commitment,
        ciphertext: sealed.ciphertext.cid(),
        bytes: size,
        plain: file.blob.cid(),
    })
}
