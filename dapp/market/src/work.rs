//! Payment for prepaid work: the sender of the input that does it and the operator share the price.

use primitive_types::U256;

use crate::{
    context::Target,
    effect::Event,
    evaluation::{Done, Evaluated},
    input::Input,
    invariant::{less, possible, sum, there},
    job::Job,
    ledger::TransferKind,
    refusal::Refusal,
    state::State,
    units::{Address, Amount, Asset, JobId, Work},
};

/// Pays for work out of the prepaid amount. The sender pays the operator's part for work that it
/// bears itself or that the stake does not cover, so that machine time is never free.
pub(crate) fn pay(input: &mut Input<'_>, target: Target, done: Done) {
    let (job, worker, asset) = (input.id, input.sender(), input.job().terms.asset);
    let whole = price(input.state, asset, done.prepaid);
    let is_own = worker == input.job().owner(target);
    let covered = whole.min(*input.job_mut().pot(target));
    let operator = operators_part(input.state, covered);
    let earned = if is_own || done.is_comparing { Amount::ZERO } else { less(covered, operator) };
    let borne = operators_part(input.state, price(input.state, asset, done.borne));
    let pot = input.job_mut().pot(target);
    // The owner's earnings stay in its stake, which returns as one sum, and pay for files it reads
    // again; beyond the stake, the owner pays nothing.
    let (operator, borne) = match is_own {
        true => (sum([operator, borne]).min(*pot), Amount::ZERO),
        false => (operator, borne),
    };
    *pot = less(*pot, sum([operator, earned]));
    for (to, amount) in [(worker, earned), (input.state.settings.operator, operator)] {
        let payment = input.state.ledger.transfer(TransferKind::Release, to, asset, amount);
        possible(payment, "what a job holds is in escrow");
    }
    let surcharge = surcharge(input, asset, done.prepaid, [borne, less(whole, covered)]);
    let step = input.job_mut().evaluated_mut(target).step();
    input.emit(Event::WorkPaid { job, target, step, worker, earned, operator, surcharge });
}

/// Charges the sender itself, in favour of the sink; its balance was checked before.
fn surcharge(
    input: &mut Input<'_>,
    asset: Asset,
    prepaid: Work,
    [borne, short]: [Amount; 2],
) -> Amount {
    let worker = input.sender();
    let short = operators_part(input.state, short);
    let again = price(input.state, asset, prepaid).checked_times(input.surcharge);
    let all = [short, again.unwrap_or(Amount(U256::MAX))];
    let all = all.into_iter().try_fold(borne, Amount::checked_add);
    let free = input.state.ledger.free(worker, asset);
    let amount = all.unwrap_or(free).min(free);
    for (kind, account) in
        [(TransferKind::Escrow, worker), (TransferKind::Release, input.state.settings.sink)]
    {
        let payment = input.state.ledger.transfer(kind, account, asset, amount);
        possible(payment, "no more is taken than is there");
    }
    amount
}

/// Amount that an account lacks to pay for more work on a submission than was prepaid.
pub(crate) fn short_of(
    state: &State,
    id: JobId,
    (account, number): (Address, u32),
    work: Work,
) -> Option<Refusal> {
    let job = state.known(id);
    let (asset, prepaid) = (job.terms.asset, job.known(number).stake.work);
    let short = price(state, asset, work).checked_sub(prepaid).unwrap_or_default();
    let (needed, free) = (operators_part(state, short), state.ledger.free(account, asset));
    (needed > free).then_some(Refusal::InsufficientBalance { needed, free, asset })
}

fn price(state: &State, asset: Asset, work: Work) -> Amount {
    possible(state.settings.work_price(asset, work), "what one input does has a price")
}

fn operators_part(state: &State, price: Amount) -> Amount {
    let part = price.scaled_down(state.settings.operator_ppm.into(), 1_000_000.into());
    there(part, "a part of a price fits")
}

impl Job {
    /// Owner of the stake that pays for an evaluation.
    pub(crate) fn owner(&self, target: Target) -> Address {
        match target {
            Target::Base | Target::BaseOnHoldOut => self.sponsor,
            Target::Submission(number) | Target::Shown(number) => self.known(number).client,
        }
    }

    /// Unused part of the amount prepaid for an evaluation.
    fn pot(&mut self, target: Target) -> &mut Amount {
        match target {
            Target::Base | Target::BaseOnHoldOut => &mut self.stake.work,
            Target::Submission(number) => &mut self.known_mut(number).stake.work,
            Target::Shown(number) => &mut self.known_mut(number).board.stake,
        }
    }

    /// Progress of an evaluation.
    pub(crate) fn evaluated(&self, target: Target) -> &Evaluated {
        match target {
            Target::Base => &self.base,
            Target::BaseOnHoldOut => &self.base_on_hold_out,
            Target::Submission(number) => &self.known(number).evaluated,
            Target::Shown(number) => &self.known(number).board.evaluated,
        }
    }

    /// Progress of an evaluation, mutably.
    pub(crate) fn evaluated_mut(&mut self, target: Target) -> &mut Evaluated {
        match target {
            Target::Base => &mut self.base,
            Target::BaseOnHoldOut => &mut self.base_on_hold_out,
            Target::Submission(number) => &mut self.known_mut(number).evaluated,
            Target::Shown(number) => &mut self.known_mut(number).board.evaluated,
        }
    }
}
