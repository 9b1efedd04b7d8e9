//! `deml data`: packing, sealing and publishing datasets; one file each.

pub mod pack;
pub mod publish;
pub mod seal;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::config::Config;

/// Datasets.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Convert a CSV file to a dataset
    Pack(pack::Pack),
    /// Seal a hold-out or a model for a sealed job
    Seal(seal::Seal),
    /// Send the missing bytes of a file that a job expects from you
    Publish(publish::Publish),
}

/// Runs the subcommand.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, data: Data) -> Result<ExitStatus> {
    match data {
        Data::Pack(pack) => pack::run(config, &pack),
        Data::Seal(seal) => seal::run(config, seal).await,
        Data::Publish(publish) => publish::run(config, publish).await,
    }
}
