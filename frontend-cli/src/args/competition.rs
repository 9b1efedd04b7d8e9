//! Arguments of `competition`, and of sealing.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use market::{Tied, Unmet};

use super::{JobNumber, MetricName};
use crate::quantity::{Deadline, Money, Share};

/// Competitions.
#[derive(Debug, Subcommand)]
pub enum Competition {
    /// Put up a prize for the best sealed model
    Open(Box<CompetitionOpen>),
    /// Show a competition and where it is in its life
    #[command(after_help = "Example:\n  deml competition show 0")]
    Show(JobNumber),
    /// Enter a sealed model: pays buy-in and bond with one deposit
    Enter(CompetitionEnter),
    /// Show an open model on the public board
    Publish(CompetitionPublish),
    /// Open what this account has sealed: its model, or its hold-out
    Reveal(CompetitionReveal),
    /// Have the machine look at what the miners agree on, where it is wrong
    Object(CompetitionObject),
    /// Move a competition on as far as time allows; anyone may
    #[command(after_help = "Example:\n  deml --account 1 competition settle 0")]
    Settle(JobNumber),
    /// Show board, ranking, tests and who won
    #[command(after_help = "Example:\n  deml competition board 0")]
    Board(JobNumber),
}

/// Who takes the prize when models cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TiedName {
    /// All of them, in equal parts
    Equal,
    /// The one that was committed to first
    Earliest,
}

impl From<TiedName> for Tied {
    fn from(name: TiedName) -> Self {
        match name {
            TiedName::Equal => Self::Equal,
            TiedName::Earliest => Self::Earliest,
        }
    }
}

/// Who takes the prize when no model is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnmetName {
    /// You have it back
    Return,
    /// All who revealed, in equal parts: you vouch that your terms can be met
    Share,
}

impl From<UnmetName> for Unmet {
    fn from(name: UnmetName) -> Self {
        match name {
            UnmetName::Return => Self::Return,
            UnmetName::Share => Self::Share,
        }
    }
}

/// A sponsor's terms, from flags or a file; a flag wins.
#[derive(Clone, Debug, Default, Args, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CompetitionDraft {
    /// Short name, at most 32 bytes
    #[arg(long)]
    pub title: Option<String>,
    /// ONNX file of the model to beat and to train from
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// safetensors file of the public board; it becomes public
    #[arg(long, value_name = "FILE")]
    pub public_slice: Option<PathBuf>,
    /// safetensors file that decides; it is sealed until you reveal it
    #[arg(long, value_name = "FILE")]
    pub hold_out: Option<PathBuf>,
    /// What is measured [default: accuracy]
    #[arg(long)]
    pub metric: Option<MetricName>,
    /// For the best model: 10ether, 1000token
    #[arg(long, value_name = "AMOUNT")]
    pub prize: Option<Money>,
    /// For the miners, beside the buy-ins [default: 20% of the prize; none without miners]
    #[arg(long, value_name = "AMOUNT")]
    pub miners_pool: Option<Money>,
    /// Paid by each entrant [default: 10% of the prize]
    #[arg(long, value_name = "AMOUNT")]
    pub buy_in: Option<Money>,
    /// Returned to an entrant who reveals [default: as the buy-in]
    #[arg(long, value_name = "AMOUNT")]
    pub entrant_bond: Option<Money>,
    /// Returned to a miner who is right [default: as the buy-in]
    #[arg(long, value_name = "AMOUNT")]
    pub miner_bond: Option<Money>,
    /// Miners that are drawn, 100 at most; with none the machine evaluates alone [default: 3]
    #[arg(long, value_name = "N")]
    pub miners: Option<u32>,
    /// When nobody enters any more: a duration like 7d, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub close: Option<Deadline>,
    /// How long keys are taken after that [default: 1d]
    #[arg(long, value_name = "DURATION")]
    pub reveal: Option<Deadline>,
    /// How long miners attest, unveil and object, each [default: 1h]
    #[arg(long, value_name = "DURATION")]
    pub attest: Option<Deadline>,
    /// Models an entrant may show on the board [default: 10]
    #[arg(long, value_name = "N")]
    pub quota: Option<u32>,
    /// By how much the board must be beaten to move [default: 1%]
    #[arg(long, value_name = "SHARE")]
    pub ladder_step: Option<Share>,
    /// Smallest score that wins [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub min_score: Option<Share>,
    /// Smallest gain over the base model on the hold-out [default: 0.1%]
    #[arg(long, value_name = "SHARE")]
    pub min_gain: Option<Share>,
    /// Smallest recall of the worst class [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub min_worst_class: Option<Share>,
    /// Models are told apart when chance would do so at most this often [default: 5%]
    #[arg(long, value_name = "SHARE")]
    pub significance: Option<Share>,
    /// Who takes the prize when models cannot be told apart [default: equal]
    #[arg(long)]
    pub tied: Option<TiedName>,
    /// Who takes the prize when no model is accepted [default: return]
    #[arg(long)]
    pub unmet: Option<UnmetName>,
    /// Largest model file in bytes [default: four times the base model]
    #[arg(long, value_name = "BYTES")]
    pub max_model_bytes: Option<u64>,
    /// Largest work of one evaluation in instructions [default: four times the base model's]
    #[arg(long, value_name = "WORK")]
    pub max_work: Option<u64>,
    /// Let miners alone evaluate, and the machine only check rows where they differ
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub miners_only: Option<bool>,
    /// How many rows it checks [default: 64]
    #[arg(long, value_name = "ROWS")]
    pub sample_rows: Option<u32>,
}

/// Opening a competition.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Example:
  deml --account 1 competition open --title Digits --base base.onnx \\
       --public-slice slice.safetensors --hold-out holdout.safetensors \\
       --prize 10ether --miners 5 --close 7d --reveal 1d

The hold-out is sealed with a key that stays on this computer: reveal it after the close, or the
prize goes to the entrants. Give the terms in a file with --terms terms.toml, keys as the options.")]
pub struct CompetitionOpen {
    /// TOML or JSON file with these terms
    #[arg(long, value_name = "FILE")]
    pub terms: Option<PathBuf>,
    /// The terms themselves.
    #[command(flatten)]
    pub draft: CompetitionDraft,
    /// Pay from the free balance in the market, without a deposit
    #[arg(long)]
    pub from_balance: bool,
}

/// Entering.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 2 competition enter 0 --model better.onnx

The key is kept, encrypted, on this computer before anything is sent: reveal it after the close
with `deml competition reveal 0`, or buy-in and bond are lost. An interrupted entry goes on.")]
pub struct CompetitionEnter {
    /// The competition
    pub job: u32,
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Pay from the free balance in the market, without a deposit
    #[arg(long)]
    pub from_balance: bool,
}

/// Publishing a model on the board.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 competition publish 0 --model better.onnx")]
pub struct CompetitionPublish {
    /// The competition
    pub job: u32,
    /// ONNX file; everybody can see it
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
}

/// Revealing.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 competition reveal 0 --wait")]
pub struct CompetitionReveal {
    /// The competition
    pub job: u32,
    /// Wait until it closes
    #[arg(long)]
    pub wait: bool,
}

/// Objecting.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 2 competition object 0 --entry 1

It evaluates what was revealed on this computer, and objects to each entry of which the miners say
something else, while objections are taken: see `competition show`. Each takes a miner's bond, which
comes back with a part of what the miners lose, since the machine will find the same.")]
pub struct CompetitionObject {
    /// The competition
    pub job: u32,
    /// Look at this entry only [default: all on which the miners agree]
    #[arg(long, value_name = "N")]
    pub entry: Option<u32>,
    /// Take the bond from the free balance in the market, without a deposit
    #[arg(long)]
    pub from_balance: bool,
}

/// Sealing a file.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 1 data seal holdout.safetensors --job 3 --out holdout.sealed

`competition open` and `competition enter` seal by themselves. The key is kept, encrypted, on this
computer.")]
pub struct DataSeal {
    /// The file
    pub file: PathBuf,
    /// The competition it is for; of a hold-out, the number the job will get
    #[arg(long, value_name = "N")]
    pub job: u32,
    /// Where to write the ciphertext
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Mining.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 5 mine --deposit 3ether

It offers to evaluate for every competition, or only for those named with --job; then it attests,
unveils, objects when others lie, and moves competitions on, until Ctrl-C. Started again, it goes
on. The bond of each competition comes from the free balance, which --deposit fills; of those named
with --job, from the wallet where that is too small.")]
pub struct Mine {
    /// Only for this competition; can be given more than once
    #[arg(long, value_name = "N")]
    pub job: Vec<u32>,
    /// Deposit this much first
    #[arg(long, value_name = "AMOUNT")]
    pub deposit: Option<Money>,
    /// Do what there is to do now, and end
    #[arg(long)]
    pub once: bool,
    /// Take no new work, and leave the list of miners; what was begun is finished
    #[arg(long)]
    pub retire: bool,
}
