//! `deml model`: inspecting and fetching models; one file each.

pub mod check;
pub mod delta;
pub mod get;
pub mod int8;
pub mod pack;
pub mod scoring;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::config::Config;

/// Models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// Describe a model and the cost of evaluating it
    Check(check::Check),
    /// Fetch a job's base model, or any blob, from IPFS
    Get(get::Get),
    /// Put a model into one file, without what its evaluation does not need
    Pack(pack::Pack),
}

/// Runs the subcommand.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, model: Model) -> Result<ExitStatus> {
    match model {
        Model::Check(check) => check::run(config, &check),
        Model::Get(get) => get::run(config, get).await,
        Model::Pack(pack) => pack::run(config, pack),
    }
}
