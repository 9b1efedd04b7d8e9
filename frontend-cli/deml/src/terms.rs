//! A sponsor's draft as this program is given it: flags, and a file of terms.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use client::files::{self, File};
use drafts::named;

pub use drafts::{
    AwardDraft, EvaluatorsDraft, MetricName, OfferDraft, OutputName, SealingDraft, TermsDraft,
    award_money, check, hyphenated, metric_text, output_text, scores_text, threshold_text,
};

/// A sponsor's files for a job.
#[derive(Clone, Debug)]
pub struct JobFiles {
    /// The model to beat.
    pub base: File,
    /// The dataset that decides.
    pub hold_out: File,
    /// The dataset of the public board, if there is one.
    pub public_slice: Option<File>,
}

/// The draft terms: from the file, overridden by the flags.
///
/// - Errors: the file cannot be read, or has an unknown field
pub fn draft(file: Option<&Path>, flags: &TermsDraft) -> Result<TermsDraft> {
    let Some(path) = file else { return Ok(flags.clone()) };
    Ok(merge(flags.clone(), read_draft(path)?))
}

/// Reads a file of terms, TOML or JSON, whose relative paths start at its folder.
fn read_draft(path: &Path) -> Result<TermsDraft> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let draft: Result<TermsDraft> = if is_json {
        serde_json::from_str(&text).map_err(anyhow::Error::from)
    } else {
        toml::from_str(&text).map_err(anyhow::Error::from)
    };
    let mut draft = draft.with_context(|| format!("{} does not state terms", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let OfferDraft { base, hold_out, public_slice, .. } = &mut draft.offer;
    for named in [base, hold_out, public_slice] {
        *named = named.take().map(|relative| folder.join(relative));
    }
    Ok(draft)
}

/// Takes each field from the first draft that has it.
macro_rules! first_of {
    ($draft:ident { $first:expr, $second:expr } $($field:ident)*) => {
        $draft { $($field: $first.$field.or($second.$field),)* }
    };
}

fn merge(one: TermsDraft, two: TermsDraft) -> TermsDraft {
    TermsDraft {
        title: one.title.or(two.title),
        close: one.close.or(two.close),
        places: one.places.or(two.places),
        offer: first_of! {
            OfferDraft { one.offer, two.offer }
            base trainer hold_out metric output min_score min_gain threshold max_model_bytes
            max_work max_inputs public_slice quota ladder_step
        },
        sealing: first_of! { SealingDraft { one.sealing, two.sealing } sealed reveal sponsor_bond },
        evaluators: first_of! {
            EvaluatorsDraft { one.evaluators, two.evaluators }
            miners miner_bond miners_pool buy_in attest sample_rows
        },
        award: first_of! {
            AwardDraft { one.award, two.award } reward rewards prize significance unmet
        },
    }
}

/// Reads the files a draft names.
///
/// - Errors: a file is not named or cannot be read
pub fn read_files(draft: &TermsDraft) -> Result<JobFiles> {
    let OfferDraft { base, hold_out, public_slice, .. } = &draft.offer;
    let base = base.as_ref().context("which base model? say --base FILE")?;
    let hold_out = hold_out.as_ref().context("which hold-out? say --hold-out FILE")?;
    let public_slice = public_slice.as_ref().map(|slice| files::read(slice)).transpose()?;
    let mut base = files::read(base)?;
    if let Some(trainer) = &draft.offer.trainer {
        base.bytes = named::with_trainer(&base.bytes, trainer)?;
        base.blob = blobs::blob_ref(&base.bytes, files::PROFILE);
    }
    Ok(JobFiles { base, hold_out: files::read(hold_out)?, public_slice })
}

#[cfg(test)]
mod tests;
