//! Work that was prepaid: whoever sends the input that does it has a part, the operator the rest.

use crate::{
    command::Target,
    effect::{Effect, Event},
    evaluation::Evaluated,
    invariant::{possible, there},
    ledger::Kind,
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

/// Pays for work out of what was prepaid for it.
pub(crate) fn pay(
    state: &mut State,
    id: JobId,
    target: Target,
    worker: Worker,
    work: Work,
    effects: &mut Vec<Effect>,
) {
    let asset = state.known(id).terms.asset;
    let price = possible(state.settings.work_price(asset, work), "a price that a stake was for");
    let job = state.known_mut(id);
    let pot = match target {
        Target::Base | Target::BaseOnHoldOut => &mut job.stake.work,
        Target::Submission(number) => &mut job.known_mut(number).stake.work,
        Target::Shown(number) => &mut job.known_mut(number).board.stake,
    };
    let price = price.min(*pot);
    *pot = there(pot.checked_sub(price), "no more is taken than is there");
    let operator = price.scaled_down(state.settings.operator_ppm.into(), 1_000_000.into());
    let operator = there(operator, "a part of a price fits");
    let earned = there(price.checked_sub(operator), "a part is no more than the whole");
    let surcharge = surcharge(state, worker, asset, work);
    for (to, amount) in [(worker.account, earned), (state.settings.operator, operator)] {
        let payment = state.ledger.prepare(Kind::Release, to, asset, amount);
        state.ledger.post(possible(payment, "what a job holds is in escrow"));
    }
    let step = slot(state, id, target).step();
    let worker = worker.account;
    let paid = Event::WorkPaid { job: id, target, step, worker, earned, operator, surcharge };
    effects.push(Effect::Event(paid));
}

/// Takes the surcharge from the worker's free balance; it has looked before whether it is there.
fn surcharge(state: &mut State, worker: Worker, asset: Asset, work: Work) -> Amount {
    if worker.surcharge == 0 {
        return Amount::ZERO;
    }
    let price = possible(state.settings.work_price(asset, work), "a price within the input's");
    let amount = there(price.checked_times(worker.surcharge), "a surcharge looked at before");
    let sink = state.settings.sink;
    for (kind, account) in [(Kind::Escrow, worker.account), (Kind::Release, sink)] {
        let payment = state.ledger.prepare(kind, account, asset, amount);
        state.ledger.post(possible(payment, "a surcharge looked at before"));
    }
    amount
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
