//! What is made of a training's results: judged on rows that no worker has seen, bounded, and the
//! best one written.

use std::{fmt, path::PathBuf};

use anyhow::{Result, anyhow};
use blobs::Cid;
use client::{printer::Refused, quantity::percent};
use eval::{Dataset, train};
use market::{Measure, Score};
use serde::{Deserialize, Serialize};

use super::outcome::TaskOutcome;
use crate::{
    bounds::Bounds,
    custom::manifest::OutputKind,
    keeping, local,
    review::{Review, WARNING},
};

/// What becomes of a training's results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Judging {
    /// How the rows held back are scored.
    pub measure: Measure,
    /// What a task's output is.
    pub output: OutputKind,
    /// What bounds the change.
    #[serde(flatten)]
    pub bounds: Bounds,
    /// File of the model.
    pub out: PathBuf,
}

/// What came of a training.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedModel {
    /// Path of the model.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its score on the rows held back, which no worker saw, in parts per million.
    pub validation: u32,
    /// The base model's on the same rows.
    pub base: u32,
    /// What came of each seed.
    pub seeds: Vec<Seed>,
    /// What kept the trainer in, all of which held.
    pub held: Vec<String>,
    /// How the weights changed; `None` if the graph is another.
    pub change: Option<Review>,
    /// What is to be known before it is submitted, if a stranger's trainer made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
}

/// What came of a seed.
#[derive(Clone, Debug, Serialize)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
    /// The computer that worked on it.
    pub worker: String,
    /// The score on the rows held back, in parts per million.
    pub validation: Option<u32>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Refused>,
}

impl fmt::Display for JudgedModel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, cid, bytes, validation, base, seeds, held, change, warning } = self;
        writeln!(out, "{}: {bytes} bytes, {cid}", file.display())?;
        let (score, base) = (percent(Score(*validation)), percent(Score(*base)));
        write!(out, "  {score} on rows held back, the base model {base}")?;
        for Seed { seed, worker, validation, failed } in seeds.iter().filter(|_| seeds.len() > 1) {
            write!(out, "\n  seed {seed:<3}")?;
            match (validation, failed) {
                (Some(score), _) => write!(out, " {} on {worker}", percent(Score(*score)))?,
                (None, Some(why)) => write!(out, " failed on {worker}: {why}")?,
                (None, None) => {}
            }
        }
        for part in held {
            write!(out, "\n  held    {part}")?;
        }
        match change {
            Some(change) => write!(out, "\n  change  {change}")?,
            None => write!(out, "\n  change  another graph than the base model's: all is new")?,
        }
        warning.map_or(Ok(()), |warning| write!(out, "\n  warning {warning}"))
    }
}

/// A model that a task made.
struct Candidate {
    model: Vec<u8>,
    score: Score,
    held: Vec<String>,
}

impl Judging {
    /// Judges what came of each seed, and writes the best model.
    ///
    /// - Errors: why the only one has none; `NotBetter`
    pub(crate) fn judge(
        &self,
        base: &[u8],
        held_back: &Dataset,
        outcomes: Vec<(u64, TaskOutcome)>,
    ) -> Result<JudgedModel> {
        let (mut seeds, mut best, mut last) = (Vec::new(), None::<Candidate>, None);
        for (seed, outcome) in outcomes {
            let worker = outcome.worker.clone();
            let made = self.candidate(base, held_back, outcome);
            let (validation, failed) = match made {
                Ok(made) => {
                    let score = made.score;
                    // The first of equals.
                    if best.as_ref().is_none_or(|best| best.score < score) {
                        best = Some(made);
                    }
                    (Some(score.0), None)
                }
                Err(why) => {
                    let refused = why.downcast::<Refused>()?;
                    last = Some(refused.clone());
                    (None, Some(refused))
                }
            };
            seeds.push(Seed { seed, worker, validation, failed });
        }
        let Some(best) = best else {
            return Err(last.map_or_else(|| anyhow!("there is no result"), Into::into));
        };
        self.written(base, held_back, best, seeds)
    }

    fn candidate(
        &self,
        base: &[u8],
        held_back: &Dataset,
        outcome: TaskOutcome,
    ) -> Result<Candidate> {
        let TaskOutcome { held, made, bytes, .. } = outcome;
        made?;
        let model = self.model(base, bytes)?;
        let score = local::score(&model, held_back, self.measure)?;
        Ok(Candidate { model, score, held })
    }

    /// The model that the output is, or that its weights make of the base, bounded.
    fn model(&self, base: &[u8], output: Vec<u8>) -> Result<Vec<u8>> {
        let model = match self.output {
            OutputKind::Model => output,
            OutputKind::Weights => {
                train::with_weights(base, &output).map_err(|why| Refused::new("UnfitModel", why))?
            }
        };
        local::model(&model)?;
        Ok(self.bounds.applied(base, model)?)
    }

    fn written(
        &self,
        base: &[u8],
        held_back: &Dataset,
        best: Candidate,
        seeds: Vec<Seed>,
    ) -> Result<JudgedModel> {
        let Candidate { model, score, held } = best;
        let before = local::score(base, held_back, self.measure)?;
        if score < before {
            let why = format_args!(
                "the trained model has {} on rows held back, the base model {}; {} is not written",
                percent(score),
                percent(before),
                self.out.display()
            );
            return Err(Refused::new("NotBetter", why).into());
        }
        let change = Review::of(base, &model, self.bounds)?;
        keeping::replace(&self.out, &model)?;
        let blob = local::blob_of(&model);
        Ok(JudgedModel {
            file: self.out.clone(),
            cid: blob.cid(),
            bytes: blob.size,
            validation: score.0,
            base: before.0,
            seeds,
            warning: (!held.is_empty()).then_some(WARNING),
            held,
            change,
        })
    }
}
