//! The end of entering: the seats are drawn.
//!
//! They are drawn by the first input after the close that moves the competition on, with the random
//! number of its block, which nobody knew when the last commitment was made.

use std::collections::{BTreeMap, BTreeSet};

use blobs::Digest;

use super::{Outcome, Seat, decide};
use crate::{
    command::Context,
    effect::{Effect, Event},
    job::Stage,
    ledger::Kind,
    market::Market,
    units::{Address, JobId},
};

/// How often it is drawn at most: miners for all competitions may be too poor for the bond.
const MAX_DRAWS: u32 = 512;

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

/// Draws without putting back, among miners of the competition, then those for all.
fn draw(market: &mut Market, id: JobId, seed: Digest) -> Vec<Effect> {
    let Market { competitions, ledger, standing, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    let (asset, bond) = (job.terms.asset, job.terms.miner_bond);
    let all = job.enlisted.len().saturating_add(standing.len());
    // What lies where something was drawn before; as if the lists had been shuffled.
    let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
    let mut poor = BTreeSet::new();
    for draw in 0..MAX_DRAWS {
        let begin = usize::try_from(draw).unwrap_or(usize::MAX);
        let seats = u32::try_from(job.seats.len()).unwrap_or(u32::MAX);
        if seats >= job.terms.miners || begin >= all {
            break;
        }
        let place = begin.saturating_add(pick(seed, draw, all.saturating_sub(begin)));
        let drawn = moved.get(&place).copied().unwrap_or(place);
        let here = moved.get(&begin).copied().unwrap_or(begin);
        moved.insert(place, here);
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

/// A number below `bound`, drawn with the seed; the bias is below one in 2⁴⁸.
pub(super) fn pick(seed: Digest, draw: u32, bound: usize) -> usize {
    let [a, b, c, d, e, f, g, h, ..] =
        Digest::of(&[seed.0.as_slice(), &draw.to_be_bytes()].concat()).0;
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    number.checked_rem(bound).and_then(|place| usize::try_from(place).ok()).unwrap_or_default()
}
