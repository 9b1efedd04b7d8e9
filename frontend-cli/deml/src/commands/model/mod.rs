//! `deml model`: looking at and fetching models; one file each.

pub mod check;
pub mod get;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::config::Config;

/// Models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// Say what a model is made of and what evaluating it costs
    Check(check::Check),
    /// Fetch a job's base model, or any blob, from IPFS
    Get(get::Get),
}

/// Does what was asked for.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, model: Model) -> Result<ExitStatus> {
    match model {
        Model::Check(check) => check::run(config, &check),
        Model::Get(get) => get::run(config, get).await,
    }
}
