//! The opening of a job from a sponsor's draft and files: its terms, its stake, and what comes of
//! its base model, before anything is sent.

use blobs::{BlobRef, Digest, blob_ref};
use drafts::{Currency, JobBlobs, Known, TermsDraft, named};
use eval::{Dataset, Evaluator, Model};
use market::{
    Amount, Blob, Evaluation, Judge as _, Measure, Quote, SealedBlob, SponsorStake, Terms,
    Timestamp,
};
use wire::QuoteView;

use crate::{
    error::{Error, Result},
    inspection::PROFILE,
    rehearsal::{self, Drive, JobRehearsal, Progress},
};

/// Seconds by which the market's clock may be behind this computer's when the opening is taken.
///
/// Rent is paid until a stated date, so an earlier opening costs more; what is not needed stays in
/// the free balance.
const CLOCK_TOLERANCE: u64 = 120;

/// A sponsor's files.
#[derive(Clone, Copy, Debug)]
pub struct OpeningFiles<'a> {
    /// The model to beat, naming its trainer if it has one.
    pub base: &'a [u8],
    /// The dataset that decides.
    pub hold_out: &'a [u8],
    /// The dataset of the public board, if there is one.
    pub public_slice: Option<&'a [u8]>,
}

impl OpeningFiles<'_> {
    pub(crate) fn blobs(&self) -> JobBlobs {
        JobBlobs {
            base: blob_ref(self.base, PROFILE),
            hold_out: blob_ref(self.hold_out, PROFILE),
            public_slice: self.public_slice.map(|slice| blob_ref(slice, PROFILE)),
        }
    }
}

/// A job about to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The terms; a sealed hold-out is sealed again when the job is opened.
    pub terms: Terms,
    /// The stake that goes to escrow, item by item.
    pub stake: SponsorStake,
    /// Its total.
    pub total: Amount,
    /// The expected evaluation of the base model.
    pub rehearsal: JobRehearsal,
}

/// Completes a draft, and rehearses the opening by the market's own rules.
///
/// - `market`: its newest answer; `now`: its clock as of an input in a block mined now
/// - Errors: something is missing; the market's refusal of the terms or the base model;
///   `UnfitModel`, `UnfitDataset`; `EvaluationError` if they do not fit together, or what the model
///   answers has to be stated
pub fn plan(
    progress: Progress<'_>,
    market: &QuoteView,
    now: Timestamp,
    currency: &Currency,
    draft: &TermsDraft,
    files: &OpeningFiles<'_>,
) -> Result<Plan> {
    let measure = drafts::measure(draft);
    understand(files, measure)?;
    let hold_out = quote(files.base, files.hold_out, measure)?;
    let slice = files.public_slice.map(|slice| quote(files.base, slice, measure)).transpose()?;
    let sealed = drafts::is_sealed(draft).then(|| trial_seal(files.hold_out));
    let blobs = files.blobs();
    let known = Known {
        settings: &market.settings,
        reserved_bytes: market.reserved_bytes,
        currency,
        now,
        rows: hold_out.rows,
        base_work: slice.map_or(hold_out.work, |slice| slice.work.max(hold_out.work)),
        sealed: sealed.as_ref().map(|(sealed, _)| *sealed),
    };
    let terms = drafts::terms(draft, blobs, &known)?;
    drafts::check(&terms, &market.settings, now).map_err(anyhow::Error::from)?;
    let (stake, total) = stake(&terms, market, now)?;
    let plain = [(blobs.base, files.base), (blobs.hold_out, files.hold_out)].into_iter();
    let plain = plain.chain(blobs.public_slice.zip(files.public_slice));
    let plain = plain.map(|(blob, bytes): (BlobRef, &[u8])| (blob.cid(), bytes.to_vec()));
    let sealed = sealed.map(|(sealed, bytes)| (sealed.ciphertext.cid(), bytes));
    let drive: Drive = plain.chain(sealed).collect();
    let settings = &market.settings;
    let rehearsal =
        rehearsal::rehearse_job(progress, settings, now, &terms, blobs.hold_out, &drive)?;
    drafts::check_gain(terms.offer.min_gain, rehearsal.base.score).map_err(anyhow::Error::from)?;
    Ok(Plan { terms, stake, total, rehearsal })
}

/// The stake for opening a job about now, and its total.
///
/// - Errors: the market's refusal
pub fn stake(terms: &Terms, market: &QuoteView, now: Timestamp) -> Result<(SponsorStake, Amount)> {
    // The market's clock stands still between inputs, and may be behind this computer's.
    let earliest = market.now.max(Timestamp(now.0.saturating_sub(CLOCK_TOLERANCE)));
    let stake = terms.sponsor_stake(&market.settings, earliest, market.reserved_bytes);
    let stake = stake.map_err(|why| Error::Refused((&why).into()))?;
    let total = stake.total().map_err(|why| Error::Refused((&why).into()))?;
    Ok((stake, total))
}

/// A base model that names the trainer whose CID is this text, if there is one.
///
/// - Errors: it is no CID
pub(crate) fn named(base: &[u8], trainer: Option<&str>) -> Result<Vec<u8>> {
    match trainer {
        Some(trainer) => Ok(named::with_trainer(base, trainer)?),
        None => Ok(base.to_vec()),
    }
}

/// Checks that the base model can be scored, to say in words what is missing.
fn understand(files: &OpeningFiles<'_>, measure: Measure) -> Result<()> {
    let model = Model::from_onnx(files.base).map_err(|why| Error::refused("UnfitModel", why))?;
    for bytes in [Some(files.hold_out), files.public_slice].into_iter().flatten() {
        let dataset = Dataset::from_safetensors(bytes).map_err(|why| {
            let how = "rows of a CSV, NumPy or Parquet file become one with `deml data pack`";
            Error::refused("UnfitDataset", format_args!("{why}: {how}"))
        })?;
        let understood = eval::understand(&model, &dataset, measure);
        understood.map_err(|why| Error::refused("EvaluationError", why))?;
    }
    Ok(())
}

/// Quote for evaluating the base model on a dataset.
fn quote(model: &[u8], data: &[u8], measure: Measure) -> Result<Quote> {
    let blob = |bytes| Blob { cid: blob_ref(bytes, PROFILE).cid(), bytes };
    let (model, hold_out) = (blob(model), blob(data));
    let evaluation = Evaluation { model, hold_out, measure, rows: None };
    Evaluator::new().quote(&evaluation).map_err(|why| Error::refused("EvaluationError", why))
}

/// A ciphertext of the right length, whose key is discarded.
fn trial_seal(hold_out: &[u8]) -> (SealedBlob, Vec<u8>) {
    let commitment = Digest([0; 32]);
    let bytes = blobs::seal(&[0; 32], commitment, hold_out);
    (SealedBlob { commitment, ciphertext: blob_ref(&bytes, PROFILE) }, bytes)
}
