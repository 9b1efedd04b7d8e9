//! A sponsor's draft terms: flags of `job open`, or a file.

use std::{path::PathBuf, str::FromStr, sync::LazyLock};

use anyhow::{Context as _, Error, Result, bail};
use clap::{Args, ValueEnum, builder::PossibleValue};
use market::{Metric, Output, Threshold, Unmet};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::quantity::{Deadline, Money, Share};

/// A metric on the command line and in files: its name with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricName(pub Metric);

impl ValueEnum for MetricName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<MetricName>> =
            LazyLock::new(|| Metric::ALL.into_iter().map(MetricName).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(possible(self.0.to_string(), self.0.description()))
    }
}

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        <Self as ValueEnum>::from_str(&name, false)
            .map_err(|_| D::Error::custom(format!("{name} is not a metric")))
    }
}

/// What a model's answers are, on the command line and in files: the name with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputName(pub Output);

impl ValueEnum for OutputName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<OutputName>> =
            LazyLock::new(|| Output::ALL.into_iter().map(OutputName).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(possible(self.0.to_string(), self.0.description()))
    }
}

impl<'de> Deserialize<'de> for OutputName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        <Self as ValueEnum>::from_str(&name, false)
            .map_err(|_| D::Error::custom(format!("{name} is not a kind of output")))
    }
}

/// A threshold on the command line and in files: `auroc:90%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ThresholdText(pub Threshold);

impl FromStr for ThresholdText {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once(':');
        let (name, share) = parts
            .with_context(|| format!("{text:?} is not a metric and a share, as in auroc:90%"))?;
        let Ok(MetricName(metric)) = <MetricName as ValueEnum>::from_str(name, false) else {
            bail!("{name:?} is not a metric: `--metric` has them all");
        };
        Ok(Self(Threshold { metric, min_score: share.parse::<Share>()?.0 }))
    }
}

impl TryFrom<String> for ThresholdText {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// A name with hyphens, and its description as help.
fn possible(name: String, description: &str) -> PossibleValue {
    let description = description.trim().trim_end_matches('.').replace('`', "");
    PossibleValue::new(hyphenated(&name)).help(description)
}

/// A market's name as it is on the command line.
#[must_use]
pub fn hyphenated(name: &str) -> String {
    name.replace('_', "-")
}

/// Recipient of the prize if no model is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnmetName {
    /// The sponsor gets it back
    Return,
    /// All who revealed, in equal parts: the sponsor vouches that the terms can be met
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

/// A sponsor's terms, from flags or a file; a flag takes precedence.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TermsDraft {
    /// Short name, at most 32 bytes
    #[arg(long)]
    pub title: Option<String>,
    /// When submissions close: a duration from now like 2h, 7d or 2weeks, or a date in UTC like
    /// 2030-01-31 or 2030-01-31T18:00
    #[arg(long, visible_alias = "deadline", value_name = "TIME")]
    #[serde(alias = "deadline")]
    pub close: Option<Deadline>,
    /// Submissions that the job holds at a time, whose bytes you rent [default: 32, or four for
    /// each reward; fewer where that many are not cheaply stored]
    #[arg(long, value_name = "N")]
    pub places: Option<u32>,
    /// Requirements on an acceptable model.
    #[command(flatten)]
    pub offer: OfferDraft,
    /// Whether models and hold-out stay secret until the close.
    #[command(flatten)]
    pub sealing: SealingDraft,
    /// Evaluators.
    #[command(flatten)]
    pub evaluators: EvaluatorsDraft,
    /// Award.
    #[command(flatten)]
    pub award: AwardDraft,
}

/// Requirements on an acceptable model.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Offer: what an acceptable model is")]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OfferDraft {
    /// ONNX file of the model to beat and to train further
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// CID of a trainer, as `deml trainer publish` prints it: the base model names it, and clients
    /// may run it on their own data
    #[arg(long, value_name = "CID")]
    pub trainer: Option<String>,
    /// safetensors file that decides; it becomes public, in a sealed job only after the close
    #[arg(long, value_name = "FILE")]
    pub hold_out: Option<PathBuf>,
    /// Metric [default: accuracy]
    #[arg(long)]
    pub metric: Option<MetricName>,
    /// What models answer, if their graphs do not show it [default: from-graph]
    #[arg(long)]
    pub output: Option<OutputName>,
    /// Minimum accepted score: 91.5% or 915000ppm [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub min_score: Option<Share>,
    /// Minimum gain over the base model's score on the hold-out, in points: with 5%, a model must
    /// reach 85% where the base model has 80% [default: 0.1%]
    #[arg(long, value_name = "SHARE")]
    pub min_gain: Option<Share>,
    /// Minimum score by a second metric, as in auroc:90% or worst-class-recall:70% [default:
    /// worst-class-recall:0%, or none for numbers]
    #[arg(long, value_name = "METRIC:SHARE")]
    pub threshold: Option<ThresholdText>,
    /// Maximum size of a model file in bytes [default: four times the base model]
    #[arg(long, value_name = "BYTES")]
    pub max_model_bytes: Option<u64>,
    /// Maximum work of one evaluation in instructions [default: four times the base model's]
    #[arg(long, value_name = "WORK")]
    pub max_work: Option<u64>,
    /// Maximum inputs of one evaluation [default: 64]
    #[arg(long, value_name = "N")]
    pub max_inputs: Option<u32>,
    /// safetensors file that models are shown on before the close, on a public board
    #[arg(long, value_name = "FILE")]
    pub public_slice: Option<PathBuf>,
    /// Models that an account may show [default: 10]
    #[arg(long, value_name = "N")]
    pub quota: Option<u32>,
    /// Minimum improvement over an account's score on the board [default: 1%]
    #[arg(long, value_name = "SHARE")]
    pub ladder_step: Option<Share>,
}

/// Whether models and hold-out stay secret until the close.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Sealing: whether models stay secret until the close")]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SealingDraft {
    /// Accept ciphertexts, and their keys after the close; your hold-out is sealed too
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub sealed: Option<bool>,
    /// Length of the reveal window [default: 1d]
    #[arg(long, value_name = "DURATION")]
    pub reveal: Option<Deadline>,
    /// Forfeited if you do not reveal a matching hold-out [default: a quarter of the award, the
    /// minimum]
    #[arg(long, value_name = "AMOUNT")]
    pub sponsor_bond: Option<Money>,
}

/// Evaluators.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Evaluators: who computes the scores")]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EvaluatorsDraft {
    /// Miners to draw, at most 100; if 0, the machine evaluates [default: 0]
    #[arg(long, value_name = "N")]
    pub miners: Option<u32>,
    /// Forfeited by a miner who is silent or wrong [default: as the buy-in]
    #[arg(long, value_name = "AMOUNT")]
    pub miner_bond: Option<Money>,
    /// Paid to the miners, in addition to the buy-ins [default: 20% of the award]
    #[arg(long, value_name = "AMOUNT")]
    pub miners_pool: Option<Money>,
    /// Paid by each submission, for the miners [default: 10% of the award]
    #[arg(long, value_name = "AMOUNT")]
    pub buy_in: Option<Money>,
    /// Length of the attestation window, and of its reveal window [default: 1h]
    #[arg(long, value_name = "DURATION")]
    pub attest: Option<Deadline>,
    /// Let the machine check only this many randomly drawn rows [default: it evaluates all]
    #[arg(long, value_name = "ROWS")]
    pub sample_rows: Option<u32>,
}

/// Award.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[command(next_help_heading = "Award: who is paid")]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AwardDraft {
    /// Reward per accepted model, in the order of commitments: 0.5ether, 100token, 7units
    #[arg(long, value_name = "AMOUNT", conflicts_with = "prize")]
    pub reward: Option<Money>,
    /// Number of rewarded models [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "prize")]
    pub rewards: Option<u32>,
    /// Prize for the best model alone: 10ether, 1000token
    #[arg(long, value_name = "AMOUNT")]
    pub prize: Option<Money>,
    /// Significance level: models are distinguished if chance would do so at most this often
    /// [default: 5%]
    #[arg(long, value_name = "SHARE")]
    pub significance: Option<Share>,
    /// Recipient of the prize if no model is accepted [default: return]
    #[arg(long)]
    pub unmet: Option<UnmetName>,
}
