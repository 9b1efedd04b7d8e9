//! Enter: an account pays to take part, and commits to a sealed model, whose ciphertext it
//! publishes next.

use blobs::{Digest, SEAL_BYTES};

use super::Context;
use crate::{
    competition::{Competition, Entry, EntryState, MAX_ENTRIES, SealedBlob},
    effect::{Effect, Event},
    job::Stage,
    ledger::Kind,
    market::Market,
    refusal::Refusal,
    shelf::Purpose,
    units::{JobId, SubmissionId, Timestamp},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    model: SealedBlob,
) -> Result<Vec<Effect>, Refusal> {
    let entrant = context.sender;
    let job = market.competition_or_refuse(id)?;
    check_open(job, id, context.now)?;
    if entrant == job.sponsor {
        return Err(Refusal::SponsorEnters {});
    }
    if let Some(entry) = job.entry_of(entrant) {
        return Err(Refusal::AlreadyEntered { entry });
    }
    let index = u32::try_from(job.entries.len()).unwrap_or(u32::MAX);
    if index >= MAX_ENTRIES {
        return Err(Refusal::TooManyEntries { entries: index });
    }
    let (size, largest) = (model.ciphertext.size, job.terms.max_model_bytes);
    let largest = largest.saturating_add(SEAL_BYTES);
    if !(SEAL_BYTES.saturating_add(1)..=largest).contains(&size) {
        return Err(Refusal::BlobSizeOutOfRange { size, largest });
    }
    market.shelf.check_expect(entrant, model.ciphertext)?;
    let overflow = Refusal::PrizeOverflow {};
    let price = job.terms.buy_in.checked_add(job.terms.entrant_bond).ok_or(overflow)?;
    let escrow = job.escrow.checked_add(price).ok_or(overflow)?;
    let payment = market.ledger.prepare(Kind::Escrow, entrant, job.terms.asset, price)?;

    // Nothing below can fail.
    market.ledger.post(payment);
    let entry = SubmissionId { job: id, index };
    market.shelf.expect(entrant, model.ciphertext, Purpose::Sealed(entry));
    if let Some(job) = market.competitions.get_mut(&id) {
        job.escrow = escrow;
        job.commitments = Digest::of(&[job.commitments.0, model.commitment.0].concat());
        job.entrants.insert(entrant, index);
        let state = EntryState::Expecting;
        job.entries.push(Entry { entrant, model, shows: 0, board: None, state });
    }
    Ok(vec![Effect::Event(Event::Entered { entry, entrant, model })])
}

/// Checks that a competition takes entries and what is shown.
pub(super) fn check_open(job: &Competition, id: JobId, now: Timestamp) -> Result<(), Refusal> {
    if job.stage != Stage::Open {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let deadline = job.terms.close;
    if now >= deadline {
        return Err(Refusal::DeadlinePassed { deadline, now });
    }
    Ok(())
}
