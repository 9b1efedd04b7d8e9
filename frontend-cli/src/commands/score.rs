//! Scoring on this computer: the integers the market would compute.

use std::fmt;

use anyhow::Result;
use blobs::Cid;
use eval::{Dataset, Estimate, report::Report};
use market::{JobId, Metric, Score, Verdict};
use serde::Serialize;
use wire::JobView;

use super::{bits::Bits, data::label_column, submit};
use crate::{
    convert::{as_number, as_text},
    effort::{self, Effort, Speed},
    files::File,
    native,
    quantity::percent,
    session::{Currency, Session},
    talk::{Ending, Refused, Talk},
};

/// How a model does.
#[derive(Clone, Debug, Serialize)]
pub struct Scored {
    /// The model.
    #[serde(serialize_with = "as_text")]
    pub model_cid: Cid,
    /// Its score in parts per million; nothing when it cannot be evaluated.
    pub score: Option<u32>,
    /// The recall of its worst class, in parts per million.
    pub worst_class: Option<u32>,
    /// Each class's recall in parts per million, where a hold-out file was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recalls: Vec<Option<u32>>,
    /// What its evaluation takes; nothing when it cannot be evaluated.
    pub effort: Option<Effort>,
    /// What a job would make of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The bits of its work on the hold-out, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<Bits>,
}

/// What a job would make of a model.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The job.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// The base model's score, in parts per million.
    pub base_score: u32,
    /// Whether it would be paid.
    pub accepted: bool,
    /// Why not.
    pub refusal: Option<Refused>,
    /// What it would be paid.
    pub reward: String,
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
        let (job, base) = (self.job, percent(Score(self.base_score)));
        match &self.refusal {
            None => write!(out, "job {job} (base model {base}) would pay {}", self.reward),
            Some(why) => write!(out, "job {job} (base model {base}) would refuse it: {why}"),
        }
    }
}

impl Scored {
    fn fmt_score(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.model_cid)?;
        if let Some((score, worst)) = self.score.zip(self.worst_class) {
            let (score, worst) = (percent(Score(score)), percent(Score(worst)));
            write!(out, "\n  score   {score}, worst class {worst}")?;
        }
        for (class, recall) in self.recalls.iter().enumerate() {
            let recall =
                recall.map_or_else(|| "no rows".to_owned(), |recall| percent(Score(recall)));
            write!(out, "\n  class {class:>3}  {recall}")?;
        }
        if let Some(effort) = self.effort {
            write!(out, "\n  cost    {effort}")?;
        }
        Ok(())
    }

    /// How the command ends.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match &self.outcome {
            Some(outcome) if !outcome.accepted => Ending::Refused,
            _ => Ending::Done,
        }
    }
}

/// Scores a model on a dataset of one's own, with its bits where asked for.
///
/// - Errors: `UnfitModel`, `UnfitDataset`, `Unfit`
pub async fn on_file(
    talk: Talk,
    model: File,
    hold_out: File,
    metric: Metric,
    bits: bool,
    speed: Speed,
) -> Result<Scored> {
    native::in_background(move || {
        let kind = native::label_kind(metric);
        let dataset = native::dataset(&hold_out, label_column(None), kind)?;
        let read = native::model(&model.bytes)?;
        let Report { marks, recalls, .. } = native::evaluate(&talk, &read, &dataset, metric)?;
        let files = [model.bytes.len(), dataset.to_safetensors().len()];
        let estimate = Estimate::new(files, &read, &dataset, metric);
        let estimate = estimate.map_err(|why| Refused::new("Unfit", why))?;
        let (quote, limit) = (estimate.quote(&dataset), effort::default_input_work());
        Ok(Scored {
            model_cid: model.blob.cid(),
            score: Some(marks.score.0),
            worst_class: Some(marks.worst_class.0),
            recalls: recalls.into_iter().map(|recall| recall.map(|recall| recall.0)).collect(),
            effort: Some(Effort::new(&quote, &model.bytes, limit, speed)),
            outcome: None,
            bits: bits.then(|| Bits::of(&read, &dataset)).transpose()?,
        })
    })
    .await
}

/// Scores a model as a job would, with its bits where asked for.
///
/// - Errors: the market would not take the submission at all
pub async fn for_job(
    session: &Session,
    job: JobId,
    model: File,
    bits: bool,
    speed: Speed,
) -> Result<Scored> {
    let view = session.job(job).await?;
    let rehearsal = submit::rehearse(session, &view, &model).await?;
    let currency: Currency = session.currency(view.terms.asset).await;
    let marks = rehearsal.verdict.marks();
    let refusal = match rehearsal.verdict {
        Verdict::Accepted(_) => None,
        Verdict::Refused { reason, .. } => Some(Refused((&reason).into())),
    };
    let outcome = Outcome {
        job,
        base_score: rehearsal.base.score.0,
        accepted: refusal.is_none(),
        refusal,
        reward: currency.show(view.terms.reward),
    };
    let limit = rehearsal.input_work;
    let effort = rehearsal.quote.map(|quote| Effort::new(&quote, &model.bytes, limit, speed));
    let model_cid = model.blob.cid();
    let bits = match bits {
        true => Some(bits_for_job(session, &view, model).await?),
        false => None,
    };
    Ok(Scored {
        model_cid,
        score: marks.map(|marks| marks.score.0),
        worst_class: marks.map(|marks| marks.worst_class.0),
        recalls: Vec::new(),
        effort,
        outcome: Some(outcome),
        bits,
    })
}

async fn bits_for_job(session: &Session, job: &JobView, model: File) -> Result<Bits> {
    let files = submit::job_bytes(session, job).await?;
    native::in_background(move || {
        let unfit = |why| Refused::new("UnfitDataset", why);
        let dataset = Dataset::from_safetensors(&files.hold_out).map_err(unfit)?;
        let model = native::model(&model.bytes)?;
        if model.row().elements() != dataset.row().elements() {
            return Err(Refused::new("Unfit", "the model takes other rows").into());
        }
        Bits::of(&model, &dataset)
    })
    .await
}
