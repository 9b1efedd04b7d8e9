//! `deml trainer`: trainers that others run on their own data, in the box; one file each.

pub mod given;
pub mod new;
pub mod publish;
pub mod test;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::config::Config;

/// Trainers.
#[derive(Debug, Subcommand)]
pub enum Trainer {
    /// Write a working example of a trainer
    New(new::New),
    /// Run a trainer in the box on a small dataset
    Test(test::Test),
    /// Store a trainer and print its CID
    Publish(publish::Publish),
}

/// Runs the subcommand.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, trainer: Trainer) -> Result<ExitStatus> {
    match trainer {
        Trainer::New(new) => new::run(config, &new),
        Trainer::Test(test) => test::run(config, test).await,
        Trainer::Publish(publish) => publish::run(config, &publish).await,
    }
}
