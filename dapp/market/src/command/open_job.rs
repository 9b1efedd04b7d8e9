//! Open job: a sponsor moves its stake to escrow and announces its terms, for good.

use crate::{
    context::{Slot, Target},
    effect::Event,
    input::Input,
    job::{HeldRent, Job},
    judging,
    ledger::TransferKind,
    refusal::Refusal,
    rent,
    stage::Stage,
    store::SlotKey,
    terms::{Sealing, Terms},
};

pub(crate) fn apply(input: &mut Input<'_>, salt: [u8; 32], terms: Terms) -> Result<(), Refusal> {
    let (id, sponsor, now, state) = (input.id, input.sender(), input.now(), &mut *input.state);
    let settings = &state.settings;
    if state.jobs.contains_key(&id) {
        return Err(Refusal::JobExists { job: id });
    }
    terms.check(settings, now)?;
    let stake = terms.sponsor_stake(settings, now, state.reserved)?;
    let last_date = terms.last_date(settings);
    let (bytes, seconds) = (terms.reserved_bytes(), last_date.0.saturating_sub(now.0));
    let floor = settings.asset(terms.asset).rent;
    let rent = rent::price(floor, settings.max_stored_bytes, state.reserved, bytes, seconds)?;
    state.ledger.transfer(TransferKind::Escrow, sponsor, terms.asset, stake.total()?)?;

    // Nothing below can fail.
    state.reserved = state.reserved.saturating_add(bytes);
    let number = state.next_number;
    state.next_number = number.saturating_add(1);
    let mut job = Job::new(number, sponsor, salt, terms, now, last_date);
    job.stake = stake;
    job.rent = HeldRent { bytes, rent };
    if let Sealing::Open { hold_out } = terms.sealing {
        job.hold_out = Some(hold_out);
    }
    state.numbers.insert(number, id);
    state.jobs.insert(id, job);
    let board = terms.offer.board;
    let own = [
        (Slot::BaseModel, Some(terms.offer.base_model)),
        (Slot::PublicSlice, board.map(|board| board.public_slice)),
        (Slot::HoldOut, Some(terms.sealing.published_hold_out())),
    ];
    for (slot, blob) in own {
        if let Some(blob) = blob {
            input.expect(SlotKey::job(slot), blob);
        }
    }
    let terms = Box::new(terms);
    input.emit(Event::JobOpened { job: id, number, sponsor, salt, terms, stake });
    begin(input);
    Ok(())
}

/// Evaluates the base model once all blobs are complete; opens the job at once if it only samples.
pub(super) fn begin(input: &mut Input<'_>) {
    let job = input.job_mut();
    if job.stage != Stage::Announced || !job.has_blobs() {
        return;
    }
    if job.terms.sample_rows().is_some() {
        job.stage = Stage::Open;
    } else {
        judging::go_on_for_free(input, Target::Base);
    }
}

impl Job {
    /// Whether all its own blobs are complete.
    pub(crate) fn has_blobs(&self) -> bool {
        let board = self.terms.offer.board.map(|_| Slot::PublicSlice);
        let mut needed = [Some(Slot::BaseModel), Some(Slot::HoldOut), board].into_iter().flatten();
        needed.all(|slot| self.slots.is_whole(SlotKey::job(slot)))
    }
}
