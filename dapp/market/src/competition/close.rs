//! The end of entering: the seats are drawn.
//!
//! They are drawn by the first input after the close that moves the competition on, with the random
//! number of its block, which nobody knew when the last commitment was made.

use std::collections::BTreeSet;

use blobs::Digest;

use super::{Competition, Outcome, Seat, decide, urn::Urn};
use crate::{
    command::Context,
    effect::{Effect, Event},
    job::Stage,
    ledger::Kind,
    market::Market,
    units::{Address, JobId},
};

/// How often it is drawn at most: miners for all competitions may be too poor for the bond.
const MAX_DRAWS: usize = 512;

pub(super) fn close(market: &mut Market, context: &Context, id: JobId) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    job.stage = Stage::Revealing;
    // Nobody waits for the public board any more, but for the hold-out if it is open already.
    if job.hold_out.is_none() {
        job.drop_tasks();
    }
    if job.entries.is_empty() {
        job.stage = Stage::Evaluating;
        return decide::decide(market, id, Outcome::NobodyEntered, Vec::new());
    }
    // Too late for miners, who could not know that they are drawn.
    if job.terms.miners == 0 || context.now >= job.terms.reveal_until() {
        return Vec::new();
    }
    let number = id.0.to_be_bytes();
    let seed = [&context.prev_randao, number.as_slice(), &job.commitments.0].concat();
    draw(market, id, Digest::of(&seed))
}

/// How often it is drawn at most with so many miners for all competitions, and how many of them may
/// turn out to be too poor.
pub(super) fn draws(job: &Competition, standing: usize) -> [usize; 2] {
    if job.terms.miners == 0 {
        return [0, 0];
    }
    let all = job.enlisted.len().saturating_add(standing);
    [all, standing].map(|count| count.min(MAX_DRAWS))
}

/// Draws without putting back, among miners of the competition, then those for all.
fn draw(market: &mut Market, id: JobId, seed: Digest) -> Vec<Effect> {
    let Market { competitions, ledger, standing, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    let (asset, bond) = (job.terms.asset, job.terms.miner_bond);
    let all = job.enlisted.len().saturating_add(standing.len());
    let mut poor = BTreeSet::new();
    let mut urn = Urn::new(seed, all).take(MAX_DRAWS);
    while u32::try_from(job.seats.len()).unwrap_or(u32::MAX) < job.terms.miners
        && let Some(drawn) = urn.next()
    {
        let own = job.enlisted.get(drawn).copied();
        let general = drawn.checked_sub(job.enlisted.len()).and_then(|place| standing.get(place));
        let Some(miner) = own.or(general.copied()) else { continue };
        if job.seat_of.contains_key(&miner) {
            continue;
        }
        if own.is_none() {
            if job.enlisted_set.contains(&miner) {
                continue;
            }
            let Ok(payment) = ledger.prepare(Kind::Escrow, miner, asset, bond) else {
                poor.insert(miner);
                continue;
            };
            let Some(escrow) = job.escrow.checked_add(bond) else { continue };
            ledger.post(payment);
            job.escrow = escrow;
        }
        job.seat_of.insert(miner, job.seats.len());
        job.seats.push(Seat::new(miner));
    }
    job.seed = Some(seed);
    let miners: Vec<Address> = job.seats.iter().map(|seat| seat.miner).collect();
    let drawn = Effect::Event(Event::SeatsDrawn { job: id, seed, miners });
    let retired = poor.into_iter().filter_map(|miner| market.retire(miner));
    [drawn].into_iter().chain(retired.map(Effect::Event)).collect()
}
