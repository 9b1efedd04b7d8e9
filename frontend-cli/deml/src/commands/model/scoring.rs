//! The dataset that says what a change of a model does to its score.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use client::printer::Printer;
use dataset::Options;
use eval::Dataset;
use market::{Measure, Scores};
use trainer::local;

use crate::terms::{MetricName, OutputName};

/// Options of `deml model pack` for what changes answers.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Scoring before and after --delta or --int8")]
pub struct Scoring {
    /// Dataset to score on, as `deml data pack` reads it
    #[arg(long, value_name = "FILE")]
    pub hold_out: Option<PathBuf>,
    /// Metric of the score
    #[arg(long, default_value = "accuracy")]
    pub metric: MetricName,
    /// What the model answers, if its graph does not show it
    #[arg(long, default_value = "from-graph")]
    pub output: OutputName,
}

impl Scoring {
    /// The dataset and how it is scored, if there is one.
    ///
    /// - Errors: `UnfitDataset`
    pub(super) fn read(&self, printer: &Printer) -> Result<Option<(Dataset, Measure)>> {
        let Some(path) = &self.hold_out else { return Ok(None) };
        let measure = Measure::new(self.metric.0, self.output.0);
        let options = Options { kind: local::label_kind(measure.metric), ..Options::default() };
        let dataset = local::read(printer, &local::open(path)?, &options)?.dataset;
        Ok(Some((dataset, measure)))
    }
}

/// Scores before and after, in parts per million.
pub(super) fn parts(scores: Option<[Scores; 2]>) -> [Option<u32>; 2] {
    scores.map_or([None; 2], |both| both.map(|scores| Some(scores.score.0)))
}
