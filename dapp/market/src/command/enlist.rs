//! Enlist and retire: miners offer to evaluate, for one competition or for all.

use super::{Context, enter::check_open};
use crate::{
    competition::MAX_MINERS,
    effect::{Effect, Event},
    ledger::Kind,
    market::Market,
    refusal::Refusal,
    units::JobId,
};

/// For one competition: the bond is taken at once, and comes back when another is drawn.
pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
) -> Result<Vec<Effect>, Refusal> {
    let miner = context.sender;
    let job = market.competition_or_refuse(id)?;
    check_open(job, id, context.now)?;
    if job.terms.miners == 0 {
        return Err(Refusal::MinersOutOfRange { found: 1, largest: 0 });
    }
    if job.enlisted_set.contains(&miner) {
        return Err(Refusal::AlreadyEnlisted {});
    }
    check_room(job.enlisted.len())?;
    let bond = job.terms.miner_bond;
    let escrow = job.escrow.checked_add(bond).ok_or(Refusal::PrizeOverflow {})?;
    let payment = market.ledger.prepare(Kind::Escrow, miner, job.terms.asset, bond)?;

    // Nothing below can fail.
    market.ledger.post(payment);
    if let Some(job) = market.competitions.get_mut(&id) {
        job.escrow = escrow;
        job.enlisted.push(miner);
        job.enlisted_set.insert(miner);
    }
    Ok(vec![Effect::Event(Event::Enlisted { job: Some(id), miner })])
}

/// For all: the bond is taken from the free balance when the miner is drawn.
pub(crate) fn stand(market: &mut Market, context: &Context) -> Result<Vec<Effect>, Refusal> {
    let miner = context.sender;
    if market.standing_places.contains_key(&miner) {
        return Err(Refusal::AlreadyEnlisted {});
    }
    check_room(market.standing.len())?;

    // Nothing below can fail.
    market.standing_places.insert(miner, market.standing.len());
    market.standing.push(miner);
    Ok(vec![Effect::Event(Event::Enlisted { job: None, miner })])
}

/// Not for all any more.
pub(crate) fn retire(market: &mut Market, context: &Context) -> Result<Vec<Effect>, Refusal> {
    let retired = market.retire(context.sender).ok_or(Refusal::NotEnlisted {})?;
    Ok(vec![Effect::Event(retired)])
}

fn check_room(listed: usize) -> Result<(), Refusal> {
    let miners = u32::try_from(listed).unwrap_or(u32::MAX);
    (miners < MAX_MINERS).then_some(()).ok_or(Refusal::TooManyMiners { miners })
}
