//! `deml score`: local scoring, with the integers the market would compute.

use std::{fmt, path::PathBuf};

use anyhow::{Context as _, Result};
use blobs::Cid;
use clap::Args;
use client::{
    files::{self, File},
    jobs::JobRef,
    printer::{ExitStatus, Printer, Refused},
    quantity::{count, percent},
    session::{Currency, Session},
};
use dataset::{Options, Source};
use eval::{Dataset, Estimate, Model, report::Report};
use market::{Amount, Award, JobId, Measure, Metric, Output, SubmissionStake, Verdict};
use serde::Serialize;
use trainer::local;
use twin::figures::{ClassFigures, Figures, Proportion};
use wire::JobView;

use crate::{
    commands::{
        bits::Bits,
        data::{pack::FEATURES_BYTES, reading::Reading},
        submit,
    },
    config::Config,
    effort::{self, Effort, Speed},
    terms::{MetricName, OutputName, hyphenated, metric_text},
};

/// Arguments of `deml score`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml score --model better.onnx --job 0
  deml score --model better.onnx --hold-out holdout.safetensors --metric macro-f1
  deml score --model better.onnx --hold-out holdout.safetensors --bits

With --bits, two computers are compared: their digests are equal, or the first that is not names
the node where they part.")]
pub struct Score {
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Job whose rules and hold-out decide
    #[arg(long, value_name = "JOB", required_unless_present = "hold_out")]
    pub job: Option<JobRef>,
    /// Dataset that decides, as `deml data pack` reads it
    #[arg(long, value_name = "FILE", conflicts_with = "job")]
    pub hold_out: Option<PathBuf>,
    /// Metric to compute
    #[arg(long, conflicts_with = "job", default_value = "accuracy")]
    pub metric: MetricName,
    /// What the model answers, if its graph does not show it
    #[arg(long, conflicts_with = "job", default_value = "from-graph")]
    pub output: OutputName,
    /// Also digest the output bits of each node, over all rows
    #[arg(long)]
    pub bits: bool,
    /// Million instructions of floating point per second of the machine [default: 85]
    #[arg(long, value_name = "MILLION")]
    pub speed: Option<u32>,
    /// How the hold-out is read.
    #[command(flatten)]
    pub reading: Reading,
}

/// Scores a model and prints the result.
///
/// - Errors: `UnfitModel`, `UnfitDataset`, `EvaluationError`
pub async fn run(config: &Config, score: Score) -> Result<ExitStatus> {
    let (file, bits, speed) = (files::read(&score.model)?, score.bits, Speed::new(score.speed));
    let scored = match (score.hold_out, score.job) {
        (Some(hold_out), _) => {
            let hold_out = local::open(&hold_out)?;
            let mut options = score.reading.options(local::label_kind(score.metric.0))?;
            options.limit = Some((4, FEATURES_BYTES));
            let measure = Measure::new(score.metric.0, score.output.0);
            on_file(config.printer, file, (hold_out, options), measure, bits, speed).await?
        }
        (None, job) => {
            let job = job.context("on what? say --job JOB or --hold-out FILE")?;
            for_job(&config.session()?, &job, file, bits, speed).await?
        }
    };
    config.printer.answer(&scored)?;
    Ok(scored.exit_status())
}

/// Result of scoring a model.
#[derive(Clone, Debug, Serialize)]
pub struct Scored {
    /// The model.
    pub model_cid: Cid,
    /// Its score in parts per million; `None` if it cannot be evaluated.
    pub score: Option<u32>,
    /// Its score by the threshold's metric, in parts per million.
    pub threshold_score: Option<u32>,
    /// The metric.
    pub metric: Metric,
    /// The threshold's metric.
    pub threshold_metric: Metric,
    /// What its answers are; `FromGraph` if that is not known, and nothing depends on it.
    pub output: Output,
    /// The operator that shows it; `None` if it is stated or not known.
    pub shown_by: Option<String>,
    /// Each class's recall in parts per million, if a hold-out file was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recalls: Vec<Option<u32>>,
    /// Confusion matrix, intervals and the like, if a hold-out file was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
    /// Cost of its evaluation; `None` if it cannot be evaluated.
    pub effort: Option<Effort>,
    /// The expected outcome in a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Digests of its output bits on the hold-out, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<Bits>,
}

/// Expected outcome of a model in a job.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The job.
    pub job: JobId,
    /// Its number, for display.
    pub number: u32,
    /// Whether the hold-out is sealed: then all of this refers to the public slice.
    pub is_sealed: bool,
    /// The base model's score, in parts per million.
    pub base_score: u32,
    /// Whether it would be accepted.
    pub accepted: bool,
    /// The refusal, if not.
    pub refusal: Option<Refused>,
    /// The payment it would get, or can win.
    pub award: String,
    /// Stake for submitting it.
    pub stake: SubmissionStake,
    /// The part of the stake that would be used up; `None` while the hold-out is sealed.
    pub cost: Option<Amount>,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Scored {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_score(out)?;
        if let Some(outcome) = &self.outcome {
            write!(out, "\n  {outcome}")?;
        }
        self.bits.as_ref().map_or(Ok(()), |bits| write!(out, "{bits}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (job, base, award) =
            (self.number, percent(market::Score(self.base_score)), &self.award);
        let on = if self.is_sealed { ", on the public slice" } else { "" };
        match &self.refusal {
            None if self.is_sealed => write!(out, "job {job} (base model {base}{on}): {award}")?,
            None => write!(out, "job {job} (base model {base}) would pay {award}")?,
            Some(why) => write!(out, "job {job} (base model {base}{on}) would refuse it: {why}")?,
        }
        let show = |amount| self.currency.show(amount);
        let stake = self.stake.total().map_or_else(|_| "too much".to_owned(), show);
        write!(out, "\n  stake   {stake}")?;
        self.cost.map_or(Ok(()), |cost| write!(out, ", of which {} is used up", show(cost)))
    }
}

impl Scored {
    fn fmt_score(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.model_cid)?;
        if let Some(score) = self.score {
            write!(out, "\n  score   {}", percent(market::Score(score)))?;
            if let (Metric::Accuracy, Some(Figures::Classes { accuracy, .. })) =
                (self.metric, &self.figures)
            {
                write!(out, " ({})", interval(*accuracy))?;
            }
        }
        if let Some(score) = self.threshold_score.filter(|_| self.threshold_metric != self.metric) {
            let (name, score) = (metric_text(self.threshold_metric), market::Score(score));
            write!(out, ", {name} {}", percent(score))?;
        }
        self.fmt_output(out)?;
        if let Some(figures) = &self.figures {
            fmt_figures(figures, out)?;
        }
        if let Some(effort) = self.effort {
            write!(out, "\n  cost    {effort}")?;
        }
        Ok(())
    }

    fn fmt_output(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output = hyphenated(&self.output.to_string());
        match (&self.shown_by, self.output) {
            _ if self.metric.is_regression() => Ok(()),
            (Some(operator), _) => write!(out, "\n  output  {output}, by its {operator}"),
            (None, Output::FromGraph) => {
                write!(out, "\n  output  not shown by its graph; the score does not depend on it")
            }
            (None, _) => write!(out, "\n  output  {output}, as stated"),
        }
    }

    /// Exit status of the command.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        match &self.outcome {
            Some(outcome) if !outcome.accepted => ExitStatus::Refused,
            _ => ExitStatus::Done,
        }
    }
}

/// Classes of the largest confusion matrix that is shown outside of JSON.
const SHOWN_CLASSES: usize = 20;

fn fmt_figures(figures: &Figures, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (classes, confusion) = match figures {
        Figures::Numbers { root_mean_squared_error, mean_absolute_error } => {
            return write!(
                out,
                "\n  errors  root of the mean square {root_mean_squared_error:.6}, mean absolute \
                 {mean_absolute_error:.6}"
            );
        }
        Figures::Classes { classes, confusion, .. } => (classes, confusion),
    };
    for (class, ClassFigures { rows, recall, precision, f1 }) in classes.iter().enumerate() {
        write!(out, "\n  class {class:>3}  {}", count(*rows, "row"))?;
        if let Some(recall) = recall {
            let share = percent(market::Score(recall.share));
            write!(out, ", recall {share} ({})", interval(*recall))?;
        }
        if let Some(precision) = precision {
            write!(out, ", precision {}", percent(market::Score(precision.share)))?;
        }
        if let Some(f1) = f1 {
            write!(out, ", F1 {}", percent(market::Score(*f1)))?;
        }
    }
    if classes.len() > SHOWN_CLASSES {
        return Ok(());
    }
    let of_none = confusion.iter().any(|row| row.last().is_some_and(|count| *count > 0));
    let shown = classes.len() + usize::from(of_none);
    let cells = confusion.iter().flatten().map(|count| count.to_string().len());
    let width = cells.max().unwrap_or(1).max(4);
    write!(out, "\n  answered ")?;
    for class in 0..shown {
        let name = if class < classes.len() { class.to_string() } else { "none".to_owned() };
        write!(out, " {name:>width$}")?;
    }
    for (class, row) in confusion.iter().take(classes.len()).enumerate() {
        write!(out, "\n  class {class:>3}")?;
        row.iter().take(shown).try_for_each(|count| write!(out, " {count:>width$}"))?;
    }
    Ok(())
}

/// An interval in words.
fn interval(Proportion { interval: [least, most], .. }: Proportion) -> String {
    let [least, most] = [least, most].map(|end| format!("{:.1}", f64::from(end) / 10_000.0));
    format!("95 % interval {least} to {most} %")
}

/// Scores a model on a local dataset, with its bits if requested.
///
/// - Errors: `UnfitModel`, `UnfitDataset`, `EvaluationError`
pub async fn on_file(
    printer: Printer,
    model: File,
    (hold_out, options): (Source, Options),
    measure: Measure,
    bits: bool,
    speed: Speed,
) -> Result<Scored> {
    local::in_background(move || {
        let dataset = local::read(&printer, &hold_out, &options)?.dataset;
        let read = local::model(&model.bytes)?;
        let report = local::evaluate(&printer, &read, &dataset, measure)?;
        let figures = Some(Figures::of(&report, &dataset));
        let Report { scores, recalls, output, .. } = report;
        let measure = Measure { output, ..measure };
        let files = [model.bytes.len(), dataset.to_safetensors().len()];
        let estimate = Estimate::new(files, &read, &dataset, measure);
        let estimate = estimate.map_err(|why| Refused::new("EvaluationError", why))?;
        let (quote, limit) = (estimate.quote(&dataset), effort::default_input_work());
        Ok(Scored {
            model_cid: model.blob.cid(),
            score: Some(scores.score.0),
            threshold_score: Some(scores.threshold_score.0),
            metric: measure.metric,
            threshold_metric: measure.threshold_metric,
            output,
            shown_by: shown_by(&read),
            figures,
            recalls: recalls.into_iter().map(|recall| recall.map(|recall| recall.0)).collect(),
            effort: Some(Effort::new(&quote, &model.bytes, limit, speed)),
            outcome: None,
            bits: bits.then(|| Bits::of(&read, &dataset)).transpose()?,
        })
    })
    .await
}

/// Scores a model as a job would, with its bits if requested.
///
/// - Errors: the market would not accept the submission at all
pub async fn for_job(
    session: &Session,
    job: &JobRef,
    model: File,
    bits: bool,
    speed: Speed,
) -> Result<Scored> {
    let view = session.job(job).await?;
    let rehearsal = submit::rehearse(session, &view, &model).await?;
    let currency: Currency = session.currency(view.terms.asset).await;
    let scores = rehearsal.verdict.scores();
    let refusal = match rehearsal.verdict {
        Verdict::Accepted(_) => None,
        Verdict::Refused { reason, .. } => Some(Refused((&reason).into())),
    };
    let award = match view.terms.award {
        Award::Rewards { reward, .. } => currency.show(reward),
        Award::Prize { prize, .. } => format!("{} if it is the best", currency.show(prize)),
    };
    let outcome = Outcome {
        job: view.job,
        number: view.number,
        is_sealed: view.terms.sealing.is_sealed() && view.hold_out.is_none(),
        base_score: rehearsal.base.score.0,
        accepted: refusal.is_none(),
        refusal,
        award,
        stake: rehearsal.stake,
        cost: rehearsal.cost,
        currency,
    };
    let limit = session.settings().await?.input_work;
    let effort = rehearsal.quote.map(|quote| Effort::new(&quote, &model.bytes, limit, speed));
    let model_cid = model.blob.cid();
    let Measure { metric, threshold_metric, output } = view.terms.offer.measure();
    let read = local::model(&model.bytes).ok();
    let shown_by = read.as_ref().and_then(shown_by);
    let shown = read.and_then(|read| read.output()).map(|(shown, _)| shown);
    let output = shown.unwrap_or(output);
    let bits = match bits {
        true => Some(bits_for_job(session, &view, model).await?),
        false => None,
    };
    Ok(Scored {
        model_cid,
        score: scores.map(|scores| scores.score.0),
        threshold_score: scores.map(|scores| scores.threshold_score.0),
        metric,
        threshold_metric,
        output,
        shown_by,
        figures: None,
        recalls: Vec::new(),
        effort,
        outcome: Some(outcome),
        bits,
    })
}

/// The operator that shows what a model answers.
fn shown_by(model: &Model) -> Option<String> {
    model.output().map(|(_, node)| node.operator.as_str().to_owned())
}

async fn bits_for_job(session: &Session, job: &JobView, model: File) -> Result<Bits> {
    let (decides, drive) = submit::job_bytes(session, job).await?;
    local::in_background(move || {
        let unfit = |why| Refused::new("UnfitDataset", why);
        let dataset = drive.get(&decides.cid()).context("the dataset is not at hand")?;
        let dataset = Dataset::from_safetensors(dataset).map_err(unfit)?;
        let model = local::model(&model.bytes)?;
        if model.row().elements() != dataset.row().elements() {
            return Err(Refused::new("EvaluationError", "the model takes other rows").into());
        }
        Bits::of(&model, &dataset)
    })
    .await
}
