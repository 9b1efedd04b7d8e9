//! Attest: a drawn miner commits to what it finds of a page of models.

use blobs::Digest;

use super::Context;
use crate::{
    effect::{Effect, Event},
    job::Job,
    refusal::Refusal,
    stage::Stage,
    state::State,
    units::{JobId, Timestamp},
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    page: u32,
    commitment: Digest,
) -> Result<Vec<Effect>, Refusal> {
    let (miner, now) = (context.sender, state.now());
    let job = state.named(id)?;
    check_window(job, id, [job.evaluating_since, job.attest_until()], now)?;
    let seat = job.seat_of(miner).ok_or(Refusal::NotSeated {})?;
    let pages = job.pages();
    if page >= pages {
        return Err(Refusal::UnknownPage { page, pages });
    }
    if job.seats.get(seat).is_some_and(|seat| seat.attested.contains_key(&page)) {
        return Err(Refusal::AlreadyAttested { page });
    }

    // Nothing below can fail.
    if let Some(seat) = state.known_mut(id).seats.get_mut(seat) {
        seat.attested.insert(page, commitment);
    }
    Ok(vec![Effect::Event(Event::Attested { job: id, page, miner, commitment })])
}

/// Checks that a job is in a window of its attestations.
pub(super) fn check_window(
    job: &Job,
    id: JobId,
    window: [Option<Timestamp>; 2],
    now: Timestamp,
) -> Result<(), Refusal> {
    let not_open = Refusal::JobNotOpen { job: id, stage: job.stage };
    if job.stage != Stage::Evaluating || job.decision.is_some() {
        return Err(not_open);
    }
    let [Some(opens), Some(close)] = window else { return Err(Refusal::NoMiners {}) };
    if now < opens {
        return Err(Refusal::NotYet { opens, now });
    }
    if now < close { Ok(()) } else { Err(Refusal::Closed { close, now }) }
}
