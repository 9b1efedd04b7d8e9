//! Open job: a sponsor moves its stake to escrow and announces its terms, for good.

use super::Context;
use crate::{
    command::{Slot, Target},
    effect::{Effect, Event},
    job::{HeldRent, Job},
    judge::Judge,
    judging,
    ledger::Kind,
    refusal::Refusal,
    rent,
    stage::Stage,
    state::State,
    store::SlotKey,
    terms::{Sealing, Terms},
    units::JobId,
    work::Worker,
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    (id, salt): (JobId, [u8; 32]),
    terms: Terms,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let (now, settings, sponsor) = (state.now(), &state.settings, context.sender);
    if state.jobs.contains_key(&id) {
        return Err(Refusal::JobExists { job: id });
    }
    terms.check(settings, now)?;
    let stake = terms.sponsor_stake(settings, now, state.reserved)?;
    let total = stake.total()?;
    let last_date = terms.last_date(settings);
    let (bytes, seconds) = (terms.reserved_bytes(), last_date.0.saturating_sub(now.0));
    let floor = settings.asset(terms.asset).rent;
    let capacity = settings.max_stored_bytes;
    let rent = rent::price(floor, capacity, state.reserved, bytes, seconds)?;
    let transfer = state.ledger.prepare(Kind::Escrow, sponsor, terms.asset, total)?;

    // Nothing below can fail.
    state.ledger.post(transfer);
    state.reserved = state.reserved.saturating_add(bytes);
    let number = state.next_number;
    state.next_number = number.saturating_add(1);
    let mut job = Job::new(number, sponsor, salt, terms, now, last_date);
    job.stake = stake;
    job.rent = HeldRent { bytes, rent };
    let own = [
        (Slot::BaseModel, Some(terms.offer.base_model)),
        (Slot::PublicSlice, terms.offer.board.map(|board| board.public_slice)),
        (Slot::HoldOut, Some(terms.sealing.published_hold_out())),
    ];
    for (slot, blob) in own {
        if let Some(blob) = blob {
            job.slots.expect(&state.drive, SlotKey::job(slot), blob);
        }
    }
    if let Sealing::Open { hold_out } = terms.sealing {
        job.hold_out = Some(hold_out);
    }
    state.numbers.insert(number, id);
    state.jobs.insert(id, job);
    let terms = Box::new(terms);
    let opened = Event::JobOpened { job: id, number, sponsor, salt, terms, stake };
    let mut effects = vec![Effect::Event(opened)];
    begin(state, id, Worker::new(sponsor), judge, &mut effects);
    Ok(effects)
}

/// With all its blobs, a job's base model is evaluated; where that is beyond the machine, it opens.
pub(super) fn begin(
    state: &mut State,
    id: JobId,
    worker: Worker,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) {
    let job = state.known_mut(id);
    if job.stage != Stage::Announced || !job.has_blobs() {
        return;
    }
    if job.terms.sample_rows().is_some() {
        job.stage = Stage::Open;
    } else if state.may_go_on() {
        judging::go_on(state, id, Target::Base, worker, judge, effects);
        super::settle::cancel_unfit(state, id, effects);
    }
}

impl Job {
    /// Whether all its own blobs are here.
    pub(crate) fn has_blobs(&self) -> bool {
        let board = self.terms.offer.board.map(|_| Slot::PublicSlice);
        let mut needed = [Some(Slot::BaseModel), Some(Slot::HoldOut), board].into_iter().flatten();
        needed.all(|slot| self.slots.is_whole(SlotKey::job(slot)))
    }
}
