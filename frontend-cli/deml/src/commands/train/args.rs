//! Arguments of `deml train`: what is trained, on what, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use client::jobs::JobRef;
use eval::train::{ClassWeights, Optimiser, Options, Schedule};
use market::{Metric, Output};

use super::engine_args::EngineArgs;
use crate::{
    commands::{data::reading::Reading, trainer::given::Given},
    terms::{MetricName, OutputName},
};

/// Update rule of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum
    Sgd,
    /// Adam
    Adam,
    /// Adam with a weight decay of its own
    Adamw,
}

/// How the step size changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScheduleName {
    /// It stays
    Constant,
    /// It is multiplied by --step-factor every --step-every epochs
    Step,
    /// It falls to zero along half a cosine
    Cosine,
}

/// Arguments of a training.
#[derive(Clone, Debug, Args)]
pub struct Training {
    /// Job whose base model to train further
    #[arg(long, value_name = "JOB", required_unless_present = "base")]
    pub job: Option<JobRef>,
    /// ONNX file to train further
    #[arg(long, value_name = "FILE", conflicts_with = "job")]
    pub base: Option<PathBuf>,
    /// Datasets to train on, as `deml data pack` reads them, one or several
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// Output file of the trained model
    #[arg(long, value_name = "FILE", required = true)]
    pub out: Option<PathBuf>,
    /// Metric of the validation score [default: the job's, else accuracy]
    #[arg(long)]
    pub metric: Option<MetricName>,
    /// What the model answers, if its graph does not show it [default: the job's]
    #[arg(long)]
    pub output: Option<OutputName>,
    /// Optimizer
    #[arg(long, default_value = "adam")]
    pub optimizer: Optimizer,
    /// Step size [default: 0.001 for adam and adamw, 0.05 for sgd]
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    pub learning_rate: Option<f32>,
    /// Share of the previous steps that sgd keeps
    #[arg(long, default_value = "0.9", value_parser = share, allow_negative_numbers = true)]
    pub momentum: f32,
    /// Weight decay; adamw takes it as a step of its own
    #[arg(long, default_value = "0", value_name = "DECAY", value_parser = not_negative, allow_negative_numbers = true)]
    pub weight_decay: f32,
    /// Greatest norm of a step's gradients [default: none]
    #[arg(long, value_name = "NORM", value_parser = positive, allow_negative_numbers = true)]
    pub clip_gradient: Option<f32>,
    /// How the step size changes
    #[arg(long, default_value = "constant")]
    pub schedule: ScheduleName,
    /// Epochs in which the step size rises to where the schedule begins
    #[arg(long, default_value_t = 0, value_name = "EPOCHS")]
    pub warm_up: u32,
    /// Epochs between two changes of a step schedule
    #[arg(long, default_value_t = 10, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..))]
    pub step_every: u32,
    /// Factor of each change of a step schedule
    #[arg(long, default_value = "0.1", value_name = "FACTOR", value_parser = positive, allow_negative_numbers = true)]
    pub step_factor: f32,
    /// Weights of the classes in the loss: balanced, or one for each, such as 1,2.5
    #[arg(long, default_value = "equal", value_name = "WEIGHTS", value_parser = class_weights)]
    pub class_weights: ClassWeights,
    /// Names of weights that keep their values, such as 'conv*.weight'
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub freeze: Vec<String>,
    /// Number of passes over all rows
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: u32,
    /// End after this many epochs without a better score [default: never]
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..))]
    pub early_stop: Option<u32>,
    /// Rows per step
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch: u32,
    /// Percentage of the rows held back to choose the best epoch
    #[arg(long, default_value_t = 20, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=90))]
    pub validation: u8,
    /// Seed of the row order; the same seed gives the same model
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Go on from the checkpoint of a training that was ended
    #[arg(long)]
    pub resume: bool,
    /// Train with this trainer in the box: a folder, a CID, or `job` for the one that the job
    /// names; `own` for none of them
    #[arg(long, value_name = "FOLDER|CID|job|own")]
    pub trainer: Option<String>,
    /// Greatest norm of the change that the model may have: more is scaled down to it
    #[arg(long, value_name = "NORM", value_parser = positive_bound, allow_negative_numbers = true)]
    pub clip: Option<f64>,
    /// Standard deviation of the noise that is added to each weight, for what --clip bounds
    #[arg(long, value_name = "SIGMA", requires = "clip", value_parser = positive_bound, allow_negative_numbers = true)]
    pub noise: Option<f64>,
    /// Train as many models, with the seeds from --seed on, and keep the best on rows held back
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000), conflicts_with_all = ["resume", "curve"])]
    pub seeds: Option<u32>,
    /// Write the curve to FILE.csv and, as a picture, to FILE.svg
    #[arg(long, value_name = "FILE")]
    pub curve: Option<PathBuf>,
    /// How the files are read.
    #[command(flatten)]
    pub reading: Reading,
    /// What a trainer's box gives.
    #[command(flatten)]
    pub given: Given,
    /// The engine.
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// The training options that the arguments describe.
pub(super) fn options(train: &Training, metric: Metric, output: Output) -> Options {
    let (optimiser, usual_rate) = match train.optimizer {
        Optimizer::Adam => (Optimiser::Adam, 0.001),
        Optimizer::Adamw => (Optimiser::AdamW, 0.001),
        Optimizer::Sgd => (Optimiser::Sgd { momentum: train.momentum }, 0.05),
    };
    let schedule = match train.schedule {
        ScheduleName::Constant => Schedule::Constant,
        ScheduleName::Cosine => Schedule::Cosine,
        ScheduleName::Step => {
            Schedule::Step { epochs: train.step_every, factor: train.step_factor }
        }
    };
    Options {
        optimiser,
        learning_rate: train.learning_rate.unwrap_or(usual_rate),
        schedule,
        warm_up: train.warm_up,
        weight_decay: train.weight_decay,
        clip_norm: train.clip_gradient,
        epochs: train.epochs,
        patience: train.early_stop,
        batch_rows: usize::try_from(train.batch).unwrap_or(usize::MAX),
        seed: train.seed,
        held_back_percent: train.validation,
        class_weights: train.class_weights.clone(),
        frozen: train.freeze.clone(),
        metric,
        output,
    }
}

fn number(text: &str, what: &str, fits: impl Fn(f32) -> bool) -> Result<f32, String> {
    let number = text.trim().parse::<f32>().ok().filter(|number| fits(*number));
    number.ok_or_else(|| format!("say {what}"))
}

fn positive(text: &str) -> Result<f32, String> {
    number(text, "a number above zero", |number| number.is_finite() && number > 0.0)
}

/// As [`positive`], for what is not rounded to single precision.
fn positive_bound(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "say a number above zero".to_owned())
}

fn not_negative(text: &str) -> Result<f32, String> {
    number(text, "zero or a number above it", |number| number.is_finite() && number >= 0.0)
}

fn share(text: &str) -> Result<f32, String> {
    number(text, "zero or a number below one", |number| (0.0..1.0).contains(&number))
}

fn class_weights(text: &str) -> Result<ClassWeights, String> {
    match text {
        "equal" => Ok(ClassWeights::Equal),
        "balanced" => Ok(ClassWeights::Balanced),
        list => {
            let list = list.split(',').map(not_negative).collect::<Result<Vec<_>, _>>();
            let what = |_| "say equal, balanced, or a number for each class, such as 1,2.5";
            let list = list.map_err(|why| what(why).to_owned())?;
            Ok(ClassWeights::Given(list))
        }
    }
}
