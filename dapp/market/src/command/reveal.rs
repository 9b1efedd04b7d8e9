//! Reveal: the key of an entrant's sealed model, or of the sponsor's hold-out.

use blobs::{Binding, Opening, SealRefused};

use super::Context;
use crate::{
    competition::{Competition, EntryState, RevealedModel, SealedBlob, Task, advance},
    effect::{Effect, Event},
    job::Stage,
    judge::Judge,
    ledger::Kind,
    market::Market,
    meter::Meter,
    refusal::Refusal,
    shelf::Purpose,
    units::{JobId, SubmissionId, Timestamp},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    opening: &Opening,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = market.competition_or_refuse(id)?;
    check_window(job, id, context.now)?;
    if context.sender == job.sponsor {
        reveal_hold_out(market, context, id, opening, judge)
    } else {
        reveal_model(market, context, id, opening)
    }
}

fn check_window(job: &Competition, id: JobId, now: Timestamp) -> Result<(), Refusal> {
    let (opens, deadline) = (job.terms.close, job.terms.reveal_until());
    if !matches!(job.stage, Stage::Open | Stage::Revealing) {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if now < opens {
        return Err(Refusal::NotYet { opens, now });
    }
    if now >= deadline {
        return Err(Refusal::DeadlinePassed { deadline, now });
    }
    Ok(())
}

fn reveal_model(
    market: &mut Market,
    context: &Context,
    id: JobId,
    opening: &Opening,
) -> Result<Vec<Effect>, Refusal> {
    let entrant = context.sender;
    let job = market.competition_or_refuse(id)?;
    let index = job.entry_of(entrant).ok_or(Refusal::NotEntered {})?;
    let entry = job.entry(index).ok_or(Refusal::NotEntered {})?;
    match entry.state {
        EntryState::Expecting => return Err(Refusal::NotWhole {}),
        EntryState::Revealed { .. } => return Err(Refusal::AlreadyRevealed {}),
        EntryState::Sealed => {}
    }
    let entry_id = SubmissionId { job: id, index };
    let ciphertext = market.shelf.waiting(Purpose::Sealed(entry_id)).ok_or(Refusal::NotWhole {})?;
    let plain = open(context, id, &entry.model, opening, ciphertext)?;
    let position = u32::try_from(job.models.len()).unwrap_or(u32::MAX);
    let (asset, bond) = (job.terms.asset, job.terms.entrant_bond);
    let payment = market.ledger.prepare(Kind::Release, entrant, asset, bond)?;
    let overdrawn = Refusal::InsufficientBalance { needed: bond, free: job.escrow };
    let escrow = job.escrow.checked_sub(bond).ok_or(overdrawn)?;

    // Nothing below can fail.
    market.ledger.post(payment);
    market.shelf.unseal(entry_id, plain);
    let (model, key) = (opening.plain, blobs::Digest(opening.key));
    let revealed = Event::ModelRevealed { entry: entry_id, entrant, position, model, key };
    let mut effects = vec![Effect::Event(revealed)];
    if let Some(job) = market.competitions.get_mut(&id) {
        job.escrow = escrow;
        job.models.push(RevealedModel::new(Some(index), model));
        if let Some(entry) = job.entry_mut(index) {
            entry.state = EntryState::Revealed { position };
        }
        effects.extend(job.note_digest(id, index, model.digest));
    }
    Ok(effects)
}

fn reveal_hold_out(
    market: &mut Market,
    context: &Context,
    id: JobId,
    opening: &Opening,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = market.competition_or_refuse(id)?;
    if job.hold_out.is_some() {
        return Err(Refusal::AlreadyRevealed {});
    }
    let sealed = job.terms.hold_out;
    let ciphertext = market.shelf.blob(sealed.ciphertext.cid()).ok_or(Refusal::NotWhole {})?;
    let mut meter = Meter::new(&market.settings);
    meter.spend(market.settings.prices.opening(sealed.ciphertext.size));
    let plain = open(context, id, &sealed, opening, ciphertext)?;

    // Nothing below can fail.
    let hold_out = opening.plain;
    market.shelf.unseal_held(sealed.ciphertext, hold_out, plain);
    if let Some(job) = market.competitions.get_mut(&id) {
        job.hold_out = Some(hold_out);
        // What is still in the queue is of the public board, which nobody waits for any more.
        job.queue.clear();
        job.progress = None;
        job.queue.push_back(Task::BaseOnHoldOut);
    }
    let key = blobs::Digest(opening.key);
    let mut effects = vec![Effect::Event(Event::HoldOutRevealed { job: id, hold_out, key })];
    effects.extend(advance::run(market, context, id, meter, judge));
    Ok(effects)
}

/// The plain bytes, if they are what the sender has committed to.
fn open(
    context: &Context,
    id: JobId,
    sealed: &SealedBlob,
    opening: &Opening,
    ciphertext: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let binding = Binding {
        chain_id: context.chain_id,
        app: context.app.0,
        job: id.0,
        sender: context.sender.0,
    };
    let refused = |reason| match reason {
        SealRefused::WrongCommitment { .. } => Refusal::WrongCommitment {},
        SealRefused::WrongKey => Refusal::WrongKey {},
        SealRefused::WrongContent { .. } => Refusal::WrongContent {},
    };
    opening.check(&binding, sealed.commitment).map_err(refused)?;
    opening.open(sealed.commitment, ciphertext.to_vec()).map_err(refused)
}

impl Competition {
    /// The same bytes twice count for the earlier commitment.
    fn note_digest(&mut self, id: JobId, entry: u32, digest: blobs::Digest) -> Option<Effect> {
        let Some(other) = self.digests.get(&digest).copied() else {
            self.digests.insert(digest, entry);
            return None;
        };
        let (original, copy) = (entry.min(other), entry.max(other));
        self.digests.insert(digest, original);
        self.drop_copy(id, copy, original, 0)
    }
}
