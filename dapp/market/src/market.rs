//! The market itself: the only entry point through which inputs change its state.

use std::ops::Deref;

use blobs::Cid;
use serde::{Deserialize, Serialize};

use crate::{
    command::Command,
    context::Context,
    effect::{Effect, Event},
    input::Input,
    job::Job,
    judge::Judge,
    ledger::{LedgerCheckpoint, TransferKind},
    meter::Meter,
    refusal::Refusal,
    settings::Settings,
    state::State,
    store::Drive,
    units::{Address, Amount, Asset, JobId},
};

/// The whole state of the market, which only inputs change.
///
/// Every input goes through [`begin`](Self::begin), then its deposit or command, then
/// [`finish`](Self::finish).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market(State);

/// A snapshot of the market before a command, to roll back to.
#[derive(Debug)]
pub struct Checkpoint {
    job: Option<(JobId, Option<Job>)>,
    ledger: LedgerCheckpoint,
    reserved: u64,
    next_number: u32,
}

impl Deref for Market {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Market {
    /// An empty market; `drive` has the verified blobs shipped with the deployment.
    pub fn new(settings: Settings, drive: impl IntoIterator<Item = (Cid, Vec<u8>)>) -> Self {
        Self(State::new(settings, Drive::new(drive)))
    }

    /// Begins an input: the clock advances, and the meter starts.
    pub fn begin(&mut self, context: &Context) {
        let state = &mut self.0;
        state.clock_before = state.clock;
        state.clock.observe(context.block_time);
        state.ledger.begin();
        state.forget_ended();
        state.meter = Meter::new(&state.settings, context.payload_bytes);
        state.randao = context.prev_randao;
    }

    /// Credits a portal's deposit. An asset that is not kept, and an amount that would overflow a
    /// balance, are sent back at once.
    pub fn deposit(&mut self, account: Address, asset: Asset, amount: Amount) -> Vec<Effect> {
        let state = &mut self.0;
        let is_kept = state.settings.assets.contains_key(&asset);
        if is_kept && state.ledger.transfer(TransferKind::Deposit, account, asset, amount).is_ok() {
            return Vec::new();
        }
        let returned = Event::Returned { account, asset, amount };
        let effects = vec![Effect::Event(returned), Effect::Pay { to: account, asset, amount }];
        if amount == Amount::ZERO { Vec::new() } else { effects }
    }

    /// Applies a command, all or nothing.
    ///
    /// - Errors: the first reason to refuse it; nothing changed but the clock
    pub fn apply(
        &mut self,
        context: &Context,
        command: Command,
        judge: &mut dyn Judge,
    ) -> Result<Vec<Effect>, Refusal> {
        let (state, id) = (&mut self.0, command.job().unwrap_or_default());
        let mut input = Input { state, context, judge, id, surcharge: 0, effects: Vec::new() };
        command.apply(&mut input)?;
        Ok(input.effects)
    }

    /// Ends an input that had this many outputs: balances that are not kept are sent back, and the
    /// input's cost is added to the clock's lag.
    pub fn finish(&mut self, outputs: usize) -> Vec<Effect> {
        let state = &mut self.0;
        let effects = state.sweep();
        let outputs = outputs.saturating_add(effects.len());
        state.meter.spend(state.settings.prices.outputs(outputs));
        state.clock.charge(state.meter.microseconds(&state.settings.speed));
        state.end_input();
        effects
    }

    /// A snapshot from which the next command of the same input can be undone.
    pub fn checkpoint(&mut self, command: &Command) -> Checkpoint {
        let state = &mut self.0;
        let job = command.job().map(|id| (id, state.jobs.get(&id).cloned()));
        let records = job.as_ref().and_then(|(_, job)| Some(job.as_ref()?.submissions.len()));
        let records = u64::try_from(records.unwrap_or_default()).unwrap_or(u64::MAX);
        state.meter.spend(state.settings.prices.noted_record.times(records));
        Checkpoint {
            job,
            ledger: state.ledger.checkpoint(),
            reserved: state.reserved,
            next_number: state.next_number,
        }
    }

    /// Undoes and ends the whole input that the snapshot was taken in, as if it had never happened.
    pub fn abandon(&mut self, checkpoint: Checkpoint) {
        self.restore(checkpoint);
        let state = &mut self.0;
        state.clock = state.clock_before;
        state.end_input();
    }

    /// Undoes everything since a snapshot of the same input, except the meter.
    pub fn restore(&mut self, checkpoint: Checkpoint) {
        let state = &mut self.0;
        let Checkpoint { job, ledger, reserved, next_number } = checkpoint;
        state.ledger.restore(ledger);
        (state.reserved, state.next_number) = (reserved, next_number);
        match job {
            Some((id, Some(job))) => {
                state.jobs.insert(id, job);
            }
            Some((id, None)) => {
                if let Some(job) = state.jobs.remove(&id) {
                    state.numbers.remove(&job.number);
                }
            }
            None => {}
        }
        state.forget_retired();
    }
}
