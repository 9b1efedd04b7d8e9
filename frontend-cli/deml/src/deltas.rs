//! Models as deltas, on the client's side: a change is rounded to a few bits before the model is
//! committed to, and sent as its difference from the base model where that takes less gas.

use std::{fmt, iter};

use anyhow::Result;
use blobs::{BlobRef, Encoding, SEAL_BYTES};
use client::{delivery, printer::Refused, quantity::percent, seals::Seal, session::Session};
use eval::{Dataset, Model, delta, report, train};
use market::{Command, JobId, Measure, Scores, Slot};
use serde::Serialize;
use trainer::local;
use twin::transactions;
use wire::{JobView, MAX_CHUNK_BYTES};

/// Most bits of a step that are tried: more are no shorter than the step of the greatest change.
const BITS_MAX: u8 = 12;
/// Bits of a step where there is no dataset to say which suffice: changes of a signed byte.
const BITS: u8 = 7;

/// A model whose change from its base is rounded.
#[derive(Clone, Debug)]
pub struct Rounded {
    /// The whole model.
    pub bytes: Vec<u8>,
    /// The greatest change is of so many bits.
    pub bits: u8,
    /// Scores before and after, if there is a dataset to score on.
    pub scores: Option<[Scores; 2]>,
}

/// Bytes to publish and the gas they take, as they are and as a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Saving {
    /// Bytes of the model.
    pub bytes: u64,
    /// Gas of publishing them, rounded up.
    pub gas: u64,
    /// Bytes of the delta.
    pub delta_bytes: u64,
    /// Gas of publishing that, rounded up.
    pub delta_gas: u64,
}

impl fmt::Display for Saving {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, gas, delta_bytes, delta_gas } = self;
        write!(
            out,
            "{delta_bytes} bytes as a delta of the base model instead of {bytes}: about \
             {delta_gas} gas to publish instead of {gas}"
        )
    }
}

/// Rounds a model's change from its base: as coarsely as leaves the score and the one by the
/// threshold's metric no lower, else as finely as a delta can be.
///
/// - Errors: `UnfitModel`; `NotOfBase` if it is not made of the base model; `EvaluationError`
pub fn round(base: &[u8], model: &[u8], scored: Option<(&Dataset, Measure)>) -> Result<Rounded> {
    let Some((dataset, measure)) = scored else {
        return Ok(Rounded { bytes: rounded(base, model, BITS)?, bits: BITS, scores: None });
    };
    let score = |bytes: &[u8]| scores(bytes, dataset, measure);
    let before = score(model)?;
    let mut finest = None;
    for bits in 1..=BITS_MAX {
        let bytes = rounded(base, model, bits)?;
        // A coarse change may make a model that answers nothing finite.
        let Ok(after) = score(&bytes) else { continue };
        let is_enough =
            after.score >= before.score && after.threshold_score >= before.threshold_score;
        let rounded = Rounded { bytes, bits, scores: Some([before, after]) };
        if is_enough {
            return Ok(rounded);
        }
        finest = Some(rounded);
    }
    let why = "its change cannot be rounded to a delta: submit it as it is";
    Ok(finest.ok_or_else(|| Refused::new("NotOfBase", why))?)
}

fn rounded(base: &[u8], model: &[u8], bits: u8) -> Result<Vec<u8>> {
    let unfit = |why| Refused::new("UnfitModel", why);
    let rounded = train::rounded(base, model, bits).map_err(unfit)?;
    let why = "its constants are not those of the base model in name and shape, so it has no \
               delta: submit it as it is";
    Ok(rounded.ok_or_else(|| Refused::new("NotOfBase", why))?)
}

/// The scores of a model's bytes.
pub fn scores(bytes: &[u8], dataset: &Dataset, measure: Measure) -> Result<Scores> {
    let model: Model = local::model(bytes)?;
    let report = report::evaluate(&model, dataset, measure, &mut |_, _| {});
    Ok(report.map_err(|why| Refused::new("EvaluationError", why))?.scores)
}

impl fmt::Display for Rounded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the change from the base model is rounded to {} bits", self.bits)?;
        let Some([before, after]) = self.scores else { return Ok(()) };
        let (is, was) = (percent(after.score), percent(before.score));
        write!(out, ": it scores {is}, before {was}")
    }
}

/// The `publish` commands for a model's bytes after the first `received`: deltas where there is a
/// base model and that takes less gas.
pub fn chunks(
    job: JobId,
    slot: Slot,
    (base, model): (Option<&[u8]>, &[u8]),
    received: u64,
) -> Result<Vec<Command>> {
    let plain = delivery::chunks_from(job, slot, model, received)?;
    let deltas = base.and_then(|base| deltas(job, slot, (base, model), received));
    Ok(deltas.filter(|deltas| gas(deltas) < gas(&plain)).unwrap_or(plain))
}

fn deltas(
    job: JobId,
    slot: Slot,
    (base, model): (&[u8], &[u8]),
    received: u64,
) -> Option<Vec<Command>> {
    let mut at = usize::try_from(received).ok()?;
    let (mut commands, encoding) = (Vec::new(), Encoding::Delta);
    while at < model.len() {
        let (taken, data) = delta::chunk(base, model, at, MAX_CHUNK_BYTES)?;
        let offset = u64::try_from(at).ok()?;
        commands.push(Command::Publish { job, slot, offset, encoding, data });
        at += taken;
    }
    Some(commands)
}

/// What to seal of a model: a delta of it where that is a quarter shorter, or more.
#[must_use]
pub fn content(base: Option<&[u8]>, model: &[u8]) -> Option<Vec<u8>> {
    let delta = delta::encode(base?, model, 0..model.len());
    (delta.len() <= model.len() / 4 * 3).then_some(delta)
}

/// The ciphertext that was committed to, if it seals this model as it is or as a delta.
#[must_use]
pub fn resealed(
    seal: &Seal,
    ciphertext: BlobRef,
    (base, model): (Option<&[u8]>, &[u8]),
) -> Option<Vec<u8>> {
    let contents = iter::once(Some(model.to_vec()));
    let contents = contents.chain(iter::once_with(|| content(base, model))).flatten();
    let mut all = contents.map(|content| seal.sealed(&content));
    all.find(|(sealed, _)| sealed.ciphertext == ciphertext).map(|(_, bytes)| bytes)
}

/// The job's base model, which models may be sent as deltas of; `None` if the store has it not.
pub async fn base_model(session: &Session, view: &JobView) -> Option<Vec<u8>> {
    let base = view.terms.offer.base_model;
    session.store.get(base.cid(), base.size).await.ok()
}

/// What a delta saves in a job; `None` if these commands have none.
#[must_use]
pub fn saving(model: BlobRef, job: JobId, bytes: &[u8], commands: &[Command]) -> Option<Saving> {
    let delta_bytes = commands.iter().map(|command| match command {
        Command::Publish { encoding: Encoding::Delta, data, .. } => Some(data.len() as u64),
        _ => None,
    });
    let delta_bytes = delta_bytes.sum::<Option<u64>>()?;
    let plain = delivery::chunks_from(job, Slot::Submission, bytes, 0).ok()?;
    Some(Saving { bytes: model.size, gas: gas(&plain), delta_bytes, delta_gas: gas(commands) })
}

/// What sealing a delta saves.
#[must_use]
pub fn sealed_saving(model: BlobRef, ciphertext: BlobRef) -> Option<Saving> {
    let delta_bytes = ciphertext.size.checked_sub(SEAL_BYTES)?;
    let gas = |bytes: u64| {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let whole = bytes / MAX_CHUNK_BYTES;
        let payloads = iter::repeat_n(MAX_CHUNK_BYTES, whole).chain([bytes % MAX_CHUNK_BYTES]);
        transactions::gas(&payloads.collect::<Vec<_>>(), false)
    };
    let saving = Saving {
        bytes: model.size,
        gas: gas(model.size + SEAL_BYTES),
        delta_bytes,
        delta_gas: gas(ciphertext.size),
    };
    (delta_bytes != model.size).then_some(saving)
}

/// Gas of some commands, each an input, rounded up.
fn gas(commands: &[Command]) -> u64 {
    let payloads = commands.iter().map(|command| wire::encode_command(command).len());
    transactions::gas(&payloads.collect::<Vec<_>>(), false)
}
