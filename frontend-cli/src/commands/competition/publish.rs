//! Showing an open model on a competition's public board.

use std::fmt;

use anyhow::{Context, Result};
use market::{Command, JobId, Score};
use serde::Serialize;
use wire::Notice;

use crate::{
    chain::Sender,
    commands::job_end,
    convert::{as_number, as_text},
    delivery::{self, Holding},
    files::File,
    quantity::percent,
    session::{Session, Spent},
    talk::Ending,
};

/// A model that was shown.
#[derive(Clone, Debug, Serialize)]
pub struct Published {
    /// The competition.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// Whose it is.
    pub entry: u32,
    /// The model.
    #[serde(serialize_with = "as_text")]
    pub model_cid: blobs::Cid,
    /// What the board has of the entry now, in parts per million; nothing when it did not move.
    pub board: Option<u32>,
    /// Why it did not.
    pub reason: Option<String>,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
}

impl fmt::Display for Published {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, entry, model_cid, board, reason, spent } = self;
        match (board, reason) {
            (Some(score), _) => {
                let score = percent(Score(*score));
                writeln!(out, "the board of competition {job} has entry {entry} at {score}")?;
            }
            (None, Some(why)) => writeln!(out, "the board of competition {job} stays: {why}")?,
            (None, None) => writeln!(out, "not evaluated yet: `deml job evaluate {job}`")?,
        }
        writeln!(out, "  model       {model_cid}")?;
        write!(out, "  {spent}")
    }
}

impl Published {
    /// How the command ends.
    #[must_use]
    pub const fn ending(&self) -> Ending {
        if self.reason.is_some() { Ending::Refused } else { Ending::Done }
    }
}

/// Shows a model and waits for its score on the public slice.
///
/// - Errors: the market's refusal
pub async fn publish(
    session: &Session,
    sender: &Sender,
    job: JobId,
    model: &File,
) -> Result<Published> {
    let blob = model.blob;
    session.store.put(&model.bytes, blob.profile).await?;
    let command = Command::Show { job, model: blob };
    let (processed, mut spent) = session.carry_out(sender, &command).await?;
    let entry = processed.notices.iter().find_map(|notice| match notice {
        Notice::ModelShown { entry, .. } => Some(*entry),
        _ => None,
    });
    let entry = entry.context("the market took the model without a notice")?;
    let mut notices = Vec::new();
    if let Holding::Part { .. } = delivery::holding(session, sender.address(), blob).await? {
        let delivered = delivery::deliver(session, sender, blob, &model.bytes).await?;
        spent.absorb(delivered.spent);
        notices.extend(delivered.completed.into_iter().flat_map(|last| last.notices));
    }
    let mut outcome = notices.iter().find_map(|notice| outcome(notice, job, entry, blob));
    if outcome.is_none() {
        let evaluated = job_end::evaluate(session, sender, job, None, |processed| {
            let found = processed.notices.iter();
            outcome = found.clone().find_map(|notice| self::outcome(notice, job, entry, blob));
            outcome.is_some()
        });
        spent.absorb(evaluated.await?.spent);
    }
    let (board, reason) = match outcome {
        Some(Ok(score)) => (Some(score.0), None),
        Some(Err(reason)) => (None, Some(reason)),
        None => (None, None),
    };
    Ok(Published { job, entry, model_cid: blob.cid(), board, reason, spent })
}

/// What a notice says of a shown model.
fn outcome(
    notice: &Notice,
    job: JobId,
    entry: u32,
    blob: blobs::BlobRef,
) -> Option<Result<Score, String>> {
    let is_it =
        |of: JobId, by: u32, digest: blobs::Digest| (of, by, digest) == (job, entry, blob.digest);
    match notice {
        Notice::BoardMoved { job, entry, model_digest, score }
            if is_it(*job, *entry, *model_digest) =>
        {
            Some(Ok(*score))
        }
        Notice::ShowRefused { job, entry, model_digest, reason }
            if is_it(*job, *entry, *model_digest) =>
        {
            Some(Err(reason.clone()))
        }
        _ => None,
    }
}
