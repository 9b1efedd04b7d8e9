//! Rehearsals by the market's own rules, before anything is sent, with progress and reasons shown.

use anyhow::Result;
use blobs::BlobRef;
use client::{
    printer::{Printer, Refused},
    session::Currency,
};
use drafts::TermsDraft;
use market::{Settings, Terms, Timestamp};
use twin::{Error, opening, rehearsal};
pub use twin::{
    opening::{OpeningFiles, Plan},
    rehearsal::{Drive, JobRehearsal, Rehearsal},
};
use wire::QuoteView;

/// Rehearses the opening of a job that a draft describes.
///
/// - Errors: the market's refusal of the terms, or of the base model
pub fn plan(
    printer: &Printer,
    market: &QuoteView,
    now: Timestamp,
    currency: &Currency,
    draft: &TermsDraft,
    files: &OpeningFiles<'_>,
) -> Result<Plan> {
    opening::plan(&shown(printer), market, now, currency, draft, files).map_err(told)
}

/// Rehearses a submission: the job is opened, the model submitted, published, evaluated and
/// decided.
///
/// - `decides`: the dataset to evaluate on: the hold-out, or the public slice while that is sealed
/// - `drive`: the base model and that dataset
/// - Errors: the market's refusal of the submission itself
pub fn rehearse(
    printer: &Printer,
    settings: &Settings,
    terms: &Terms,
    decides: BlobRef,
    drive: &Drive,
    (model, bytes): (BlobRef, &[u8]),
) -> Result<Rehearsal> {
    let dataset = drive.get(&decides.cid());
    if let Some(why) = dataset.and_then(|dataset| rehearsal::explain(terms, bytes, dataset)) {
        printer.say(why);
    }
    let progress = shown(printer);
    rehearsal::rehearse(&progress, settings, terms, decides, drive, (model, bytes)).map_err(told)
}

fn shown(printer: &Printer) -> impl Fn(u64, u64) {
    |done, all| printer.bar("scoring", all).set(done)
}

/// A refusal as the commands print it.
fn told(error: Error) -> anyhow::Error {
    match error {
        Error::Refused(view) => Refused(view).into(),
        Error::Unclear(_) | Error::Broken(_) => error.into(),
    }
}
