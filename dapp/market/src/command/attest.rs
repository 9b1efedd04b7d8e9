//! Attest: a drawn miner commits to what it finds of a page of models, before anybody says it.

use blobs::Digest;

use super::Context;
use crate::{
    competition::Competition,
    effect::{Effect, Event},
    market::Market,
    refusal::Refusal,
    units::{JobId, Timestamp},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    page: u32,
    commitment: Digest,
) -> Result<Vec<Effect>, Refusal> {
    let miner = context.sender;
    let job = market.competition_or_refuse(id)?;
    check_window(job, id, [job.terms.reveal_until(), job.terms.attest_until()], context.now)?;
    let seat = job.seat_of(miner).ok_or(Refusal::NotSeated {})?;
    let pages = job.pages();
    if page >= pages {
        return Err(Refusal::UnknownPage { page, pages });
    }
    if job.seats.get(seat).is_some_and(|seat| seat.attested.contains_key(&page)) {
        return Err(Refusal::AlreadyAttested { page });
    }

    // Nothing below can fail.
    if let Some(job) = market.competitions.get_mut(&id)
        && let Some(seat) = job.seats.get_mut(seat)
    {
        seat.attested.insert(page, commitment);
    }
    Ok(vec![Effect::Event(Event::Attested { job: id, page, miner, commitment })])
}

/// Checks that it is the time for this, and that nothing is decided yet.
pub(super) fn check_window(
    job: &Competition,
    id: JobId,
    [opens, deadline]: [Timestamp; 2],
    now: Timestamp,
) -> Result<(), Refusal> {
    if !job.is_live() || job.decision.is_some() {
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
