//! The market itself: the one door through which inputs change its state.

use std::ops::Deref;

use blobs::{Cid, Opening};

use crate::{
    command::{self, Command, Context},
    effect::{Effect, Event},
    job::Job,
    judge::Judge,
    ledger::{Kind, LedgerCheckpoint},
    meter::Meter,
    refusal::Refusal,
    settings::Settings,
    state::State,
    store::Drive,
    units::{Address, Amount, Asset, JobId, Work},
};

/// All state of the market, which only inputs change.
///
/// Every input, whatever it is, goes through [`begin`](Self::begin), then what it asks for, then
/// [`finish`](Self::finish).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Market(State);

/// The market as it was before a command, to go back to.
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
    /// An empty market; `drive` holds the blobs that the deployment carries, verified.
    pub fn new(settings: Settings, drive: impl IntoIterator<Item = (Cid, Vec<u8>)>) -> Self {
        Self(State::new(settings, Drive::new(drive)))
    }

    /// An input begins: the clock moves, and the meter starts.
    pub fn begin(&mut self, context: &Context) {
        let state = &mut self.0;
        state.clock_before = state.clock;
        state.clock.observe(context.block_time);
        state.ledger.begin();
        state.forget_ended();
        state.meter = Meter::new(&state.settings, context.payload_bytes);
        state.randao = context.prev_randao;
    }

    /// Credits what a portal took in. What is not kept, and what a token claims beyond all
    /// numbers, goes straight back.
    pub fn deposit(&mut self, account: Address, asset: Asset, amount: Amount) -> Vec<Effect> {
        let state = &mut self.0;
        let is_kept = state.settings.assets.contains_key(&asset);
        let credit = state.ledger.prepare(Kind::Deposit, account, asset, amount);
        match credit {
            Ok(credit) if is_kept => {
                state.ledger.post(credit);
                Vec::new()
            }
            _ if amount == Amount::ZERO => Vec::new(),
            Ok(_) | Err(_) => vec![
                Effect::Event(Event::Returned { account, asset, amount }),
                Effect::Pay { to: account, asset, amount },
            ],
        }
    }

    /// Carries out one command: all of it, or none.
    ///
    /// - Errors: the first reason against it; nothing changed but the clock
    pub fn apply(
        &mut self,
        context: &Context,
        command: Command,
        judge: &mut dyn Judge,
    ) -> Result<Vec<Effect>, Refusal> {
        let state = &mut self.0;
        match command {
            Command::OpenJob { job, salt, terms } => {
                command::open_job::apply(state, context, (job, salt), *terms, judge)
            }
            Command::CancelJob { job } => command::cancel_job::apply(state, context, job, judge),
            Command::Publish { job, slot, offset, encoding, data } => {
                let chunk = command::publish::Chunk { slot, offset, encoding, data: &data };
                command::publish::apply(state, context, job, &chunk, judge)
            }
            Command::Submit { job, model } => {
                command::submit::apply(state, context, job, model, judge)
            }
            Command::Show { job, model } => command::show::apply(state, context, job, model, judge),
            Command::Enlist { job } => command::enlist::apply(state, context, job),
            Command::Reveal { job, key, salt, plaintext } => {
                let opening = Opening { key, salt, plain: plaintext };
                command::reveal::apply(state, context, job, &opening, judge)
            }
            Command::Attest { job, page, commitment } => {
                command::attest::apply(state, context, job, page, commitment)
            }
            Command::RevealAttestation { job, page, attestations, results, salt } => {
                let revealed =
                    command::reveal_attestation::Revealed { page, attestations, results, salt };
                command::reveal_attestation::apply(state, context, job, &revealed)
            }
            Command::Evaluate { job, target, from, work, max_surcharge } => {
                let request = command::evaluate::Request { target, from, work, max_surcharge };
                command::evaluate::apply(state, context, job, &request, judge)
            }
            Command::Settle { job } => command::settle::apply(state, context, job, judge),
            Command::Withdraw { asset, amount } => {
                command::withdraw::apply(state, context, asset, amount)
            }
        }
    }

    /// An input ends that has so many outputs: balances that are not kept go back, and what it cost
    /// goes on the clock.
    pub fn finish(&mut self, outputs: usize) -> Vec<Effect> {
        let state = &mut self.0;
        let effects = state.sweep();
        let outputs = outputs.saturating_add(effects.len());
        state.meter.spend(state.settings.prices.outputs(outputs));
        state.clock.charge(state.meter.microseconds(&state.settings.speed));
        state.end_input();
        effects
    }

    /// What it takes to undo a command that comes next in the same input.
    pub fn checkpoint(&mut self, command: &Command) -> Checkpoint {
        let state = &mut self.0;
        let job = command.job().map(|id| (id, state.jobs.get(&id).cloned()));
        let records = job.as_ref().and_then(|(_, job)| Some(job.as_ref()?.submissions.len()));
        let records = u64::try_from(records.unwrap_or_default()).unwrap_or(u64::MAX);
        state.meter.spend(Work(state.settings.prices.noted_record).times(records));
        Checkpoint {
            job,
            ledger: state.ledger.checkpoint(),
            reserved: state.reserved,
            next_number: state.next_number,
        }
    }

    /// Undoes the whole input that a checkpoint is of, which ends here: as if it had never been.
    pub fn abandon(&mut self, checkpoint: Checkpoint) {
        self.restore(checkpoint);
        let state = &mut self.0;
        state.clock = state.clock_before;
        state.end_input();
    }

    /// Undoes everything since a checkpoint of the same input, but for the meter.
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
