//! `deml help`: a command's help, and the options of every command, which its own help leaves out.

use std::fmt;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory as _};
use client::printer::{ExitStatus, Printer};
use serde::Serialize;

use crate::{cli::Cli, config::Global};

/// Arguments of `deml help`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  deml help options\n  deml help job open")]
pub struct Help {
    /// `options`, for the options of every command; or the words of a command
    #[arg(value_name = "TOPIC")]
    pub topic: Vec<String>,
}

/// A help text.
#[derive(Clone, Debug, Serialize)]
pub struct HelpText {
    /// The text.
    pub help: String,
}

impl fmt::Display for HelpText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.help.trim_end())
    }
}

/// Prints a help text.
///
/// - Errors: there is no such command
pub fn run(printer: Printer, help: &Help) -> Result<ExitStatus> {
    let topic: Vec<&str> = help.topic.iter().map(String::as_str).collect();
    let help = match *topic {
        ["options"] => options(),
        _ => of_command(&topic)?,
    };
    printer.answer(&HelpText { help })?;
    Ok(ExitStatus::Done)
}

fn of_command(words: &[&str]) -> Result<String> {
    let mut command = Cli::command();
    command.build();
    for word in words {
        let inner = command.find_subcommand(word).cloned();
        command = inner.with_context(|| format!("there is no command {}", words.join(" ")))?;
    }
    Ok(command.render_long_help().to_string())
}

/// All options of every command, those that their help leaves out as well.
fn options() -> String {
    let all = Global::augment_args(clap::Command::new("deml").disable_help_flag(true));
    let mut all = all.mut_args(|option| option.hide(false)).help_template("{all-args}");
    all.render_long_help().to_string()
}
