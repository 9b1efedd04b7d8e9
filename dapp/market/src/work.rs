//! Work that was prepaid: whoever sends the input that does it has a part, the operator the rest.

use primitive_types::U256;

use crate::{
    command::Target,
    effect::{Effect, Event},
    evaluation::{Done, Evaluated},
    invariant::{possible, there},
    ledger::Kind,
    refusal::Refusal,
    state::State,
    units::{Address, Amount, Asset, JobId, Work},
};

/// Who goes on with an evaluation, and how many times over it pays for work because the machine
/// lags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    pub(crate) account: Address,
    pub(crate) surcharge: u64,
}

impl Worker {
    /// An account that pays no surcharge.
    pub(crate) const fn new(account: Address) -> Self {
        Self { account, surcharge: 0 }
    }
}

/// Pays for work out of what was prepaid for it. What the worker bears itself, and what the stake
/// does not cover, costs it what the operator would have had, so that machine time is never free.
pub(crate) fn pay(
    state: &mut State,
    id: JobId,
    target: Target,
    worker: Worker,
    done: Done,
    effects: &mut Vec<Effect>,
) {
    let asset = state.known(id).terms.asset;
    let whole = price(state, asset, done.prepaid);
    let is_own = worker.account == owner(state, id, target);
    let covered = whole.min(*pot(state, id, target));
    let operator = operators_part(state, covered);
    let earned = there(covered.checked_sub(operator), "a part is no more than the whole");
    let earned = if is_own || done.is_comparing { Amount::ZERO } else { earned };
    let borne = operators_part(state, price(state, asset, done.borne));
    let pot = pot(state, id, target);
    // Whoever does its own work keeps its part in the stake, which returns as one sum, and bears
    // out of that what it reads again: beyond it, nothing is asked of it.
    let (operator, borne) = if is_own {
        let all = there(operator.checked_add(borne), "parts of prices fit");
        (all.min(*pot), Amount::ZERO)
    } else {
        (operator, borne)
    };
    let left = pot.checked_sub(operator).and_then(|left| left.checked_sub(earned));
    *pot = there(left, "no more is taken than is there");
    for (to, amount) in [(worker.account, earned), (state.settings.operator, operator)] {
        let payment = state.ledger.prepare(Kind::Release, to, asset, amount);
        state.ledger.post(possible(payment, "what a job holds is in escrow"));
    }
    let short = there(whole.checked_sub(covered), "a part is no more than the whole");
    let surcharge = surcharge(state, worker, asset, done.prepaid, [borne, short]);
    let step = slot(state, id, target).step();
    let worker = worker.account;
    let paid = Event::WorkPaid { job: id, target, step, worker, earned, operator, surcharge };
    effects.push(Effect::Event(paid));
}

/// What the worker pays itself, to the sink: it has looked before whether that is there.
fn surcharge(
    state: &mut State,
    worker: Worker,
    asset: Asset,
    prepaid: Work,
    [borne, short]: [Amount; 2],
) -> Amount {
    let short = operators_part(state, short);
    let again = price(state, asset, prepaid).checked_times(worker.surcharge);
    let all = [short, again.unwrap_or(Amount(U256::MAX))];
    let all = all.into_iter().try_fold(borne, Amount::checked_add);
    let free = state.ledger.free(worker.account, asset);
    let amount = all.unwrap_or(free).min(free);
    let sink = state.settings.sink;
    for (kind, account) in [(Kind::Escrow, worker.account), (Kind::Release, sink)] {
        let payment = state.ledger.prepare(kind, account, asset, amount);
        state.ledger.post(possible(payment, "no more is taken than is there"));
    }
    amount
}

/// What an account lacks of what more work on a submission costs it beyond what is prepaid.
pub(crate) fn short_of(
    state: &State,
    id: JobId,
    number: u32,
    account: Address,
    work: Work,
) -> Option<Refusal> {
    let job = state.known(id);
    let (asset, prepaid) = (job.terms.asset, job.known(number).stake.work);
    let short = price(state, asset, work).checked_sub(prepaid).unwrap_or_default();
    let (needed, free) = (operators_part(state, short), state.ledger.free(account, asset));
    (needed > free).then_some(Refusal::InsufficientBalance { needed, free })
}

fn price(state: &State, asset: Asset, work: Work) -> Amount {
    possible(state.settings.work_price(asset, work), "what one input does has a price")
}

fn operators_part(state: &State, price: Amount) -> Amount {
    let part = price.scaled_down(state.settings.operator_ppm.into(), 1_000_000.into());
    there(part, "a part of a price fits")
}

/// Whose stake pays for an evaluation.
pub(crate) fn owner(state: &State, id: JobId, target: Target) -> Address {
    let job = state.known(id);
    match target {
        Target::Base | Target::BaseOnHoldOut => job.sponsor,
        Target::Submission(number) | Target::Shown(number) => job.known(number).client,
    }
}

/// What is left of what was prepaid for an evaluation.
fn pot(state: &mut State, id: JobId, target: Target) -> &mut Amount {
    let job = state.known_mut(id);
    match target {
        Target::Base | Target::BaseOnHoldOut => &mut job.stake.work,
        Target::Submission(number) => &mut job.known_mut(number).stake.work,
        Target::Shown(number) => &mut job.known_mut(number).board.stake,
    }
}

/// Where an evaluation's state is kept.
pub(crate) fn slot(state: &mut State, id: JobId, target: Target) -> &mut Evaluated {
    let job = state.known_mut(id);
    match target {
        Target::Base => &mut job.base,
        Target::BaseOnHoldOut => &mut job.base_on_hold_out,
        Target::Submission(number) => &mut job.known_mut(number).evaluated,
        Target::Shown(number) => &mut job.known_mut(number).board.evaluated,
    }
}
