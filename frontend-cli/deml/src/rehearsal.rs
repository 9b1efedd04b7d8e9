//! Rehearsals by the market's own rules, before anything is sent, with progress and reasons shown.

use anyhow::Result;
use blobs::BlobRef;
use client::printer::{Printer, Refused};
use market::{Settings, Terms, Timestamp};
pub use twin::rehearsal::{Drive, JobRehearsal, Rehearsal};
use twin::{Error, rehearsal};

/// Rehearses the opening of a job.
///
/// - `hold_out`: the plain dataset that decides
/// - `drive`: every blob of the terms, and the plain hold-out
/// - Errors: the market's refusal of the terms, or of the base model
pub fn rehearse_job(
    printer: &Printer,
    settings: &Settings,
    now: Timestamp,
    terms: &Terms,
    hold_out: BlobRef,
    drive: &Drive,
) -> Result<JobRehearsal> {
    let progress = shown(printer);
    rehearsal::rehearse_job(&progress, settings, now, terms, hold_out, drive).map_err(told)
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
        Error::Broken(_) => error.into(),
    }
}
