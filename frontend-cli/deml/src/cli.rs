//! The command line as parsed by clap: plain data, resolved once in `config`. Each command's own
//! arguments are in its file.

use clap::Parser;

use crate::{commands::Command, config::Global};

const EXAMPLES: &str = "\
Examples:
  deml devnet                                   start a local market, in another terminal
  deml --account 1 job open --title Health --base base.onnx --hold-out holdout.safetensors \\
       --metric accuracy --reward 0.5ether --rewards 2 --min-gain 1% --close 2h
  deml --account 2 train --job 0 --data mine.csv --out better.onnx
  deml --account 2 submit --job 0 --model better.onnx --data mine.csv
  deml --account 2 claim --wait

Exit codes: 0 done, 1 refused by the market or a check, 2 something failed.";

/// DeML: rewards for better models, paid by a market that runs in a Cartesi Machine.
#[derive(Debug, Parser)]
#[command(name = "deml", version, about, after_help = EXAMPLES, subcommand_required = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_fit_together() {
        Cli::command().debug_assert();
    }
}
