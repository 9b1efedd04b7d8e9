//! `deml`: parses the arguments and calls the library.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use client::printer::Printer;
use deml::{
    cli::Cli,
    commands::{self, Command, box_exec, guard},
    config::Config,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer { json: cli.global.json, quiet: cli.global.quiet };
    run(cli).unwrap_or_else(|error| printer.fail(&error))
}

fn run(cli: Cli) -> Result<ExitCode> {
    // The guard starts before everything else and needs none of it.
    if let Command::Guard(program) = &cli.command {
        return guard::run(program);
    }
    // A stage of the box must be alone in its process, as threads are not confined with it.
    if let Command::BoxExec(exec) = &cli.command {
        return Ok(box_exec::run(exec));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let config = Config::new(cli.global);
    Ok(runtime.block_on(commands::run(&config, cli.command))?.into())
}
