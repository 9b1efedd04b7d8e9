//! `deml data`: checking, splitting, packing, sealing and publishing datasets; one file each.

pub mod check;
pub mod pack;
pub mod publish;
pub mod reading;
pub mod seal;
pub mod split;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::config::Config;

/// Datasets.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Show what is in a file, and what to look at before it becomes public
    Check(check::Check),
    /// Divide rows into a training part and a hold-out
    Split(split::Split),
    /// Convert a file of rows to a dataset
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
        Data::Check(check) => check::run(config, &check),
        Data::Split(split) => split::run(config, &split),
        Data::Pack(pack) => pack::run(config, &pack),
        Data::Seal(seal) => seal::run(config, seal).await,
        Data::Publish(publish) => publish::run(config, publish).await,
    }
}
