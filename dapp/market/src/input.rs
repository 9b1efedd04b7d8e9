//! An input under way: who asks what of which job, and what has come of it so far.
//!
//! Every rule that changes a job works on one of these. A command's file checks first and changes
//! nothing until nothing can fail any more; the rules it calls cannot refuse.

use blobs::BlobRef;

use crate::{
    command::Context,
    effect::{Effect, Event, Share},
    invariant::{possible, there},
    job::Job,
    judge::Judge,
    ledger::Kind,
    refusal::Refusal,
    stage::Stage,
    state::State,
    store::SlotKey,
    submission::Submission,
    units::{Address, Amount, JobId, Timestamp},
};

/// An input under way.
pub(crate) struct Input<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) context: &'a Context,
    pub(crate) judge: &'a mut dyn Judge,
    /// The job that its command names; nothing's name if it names none.
    pub(crate) id: JobId,
    /// How many times over its sender pays for work because the machine lags.
    pub(crate) surcharge: u64,
    pub(crate) effects: Vec<Effect>,
}

/// Where money that leaves a job goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To the account's wallet, as a voucher.
    Wallet,
    /// To the account's free balance.
    Balance,
}

impl Input<'_> {
    pub(crate) const fn sender(&self) -> Address {
        self.context.sender
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.state.now()
    }

    /// The job that the command names, if there is one.
    ///
    /// - Errors: `UnknownJob`
    pub(crate) fn named(&self) -> Result<&Job, Refusal> {
        self.state.job(self.id).ok_or(Refusal::UnknownJob { job: self.id })
    }

    /// The job that the command names, if it is in one of these stages and not decided.
    ///
    /// - Errors: `UnknownJob`, `JobNotOpen`
    pub(crate) fn named_in(&self, stages: &[Stage]) -> Result<&Job, Refusal> {
        let job = self.named()?;
        let is_in = stages.contains(&job.stage) && job.decision.is_none();
        is_in.then_some(job).ok_or(Refusal::JobNotOpen { job: self.id, stage: job.stage })
    }

    /// Checks that it is early enough, and late enough.
    ///
    /// - Errors: `NotYet`, `Closed`
    pub(crate) fn check_window(&self, opens: Timestamp, close: Timestamp) -> Result<(), Refusal> {
        let now = self.now();
        if now < opens {
            return Err(Refusal::NotYet { opens, now });
        }
        if now < close { Ok(()) } else { Err(Refusal::Closed { close, now }) }
    }

    /// The job, which was looked up before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn job(&self) -> &Job {
        self.state.known(self.id)
    }

    /// The same, to change it.
    pub(crate) fn job_mut(&mut self) -> &mut Job {
        self.state.known_mut(self.id)
    }

    /// A submission that was looked up before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn submission(&self, number: u32) -> &Submission {
        self.job().known(number)
    }

    /// The same, to change it.
    pub(crate) fn submission_mut(&mut self, number: u32) -> &mut Submission {
        self.job_mut().known_mut(number)
    }

    /// Expects a blob in a slot of the job; whether the deployment's drive has it.
    pub(crate) fn expect(&mut self, key: SlotKey, blob: BlobRef) -> bool {
        let State { jobs, drive, .. } = &mut *self.state;
        let job = there(jobs.get_mut(&self.id), "the job was looked up before");
        job.slots.expect(drive, key, blob);
        job.slots.is_whole(key)
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.effects.push(Effect::Event(event));
    }

    /// Moves what the sender stakes to escrow: a command's last check.
    ///
    /// - Errors: as for [`Ledger::transfer`](crate::ledger::Ledger)
    pub(crate) fn escrow(&mut self, stake: Amount) -> Result<(), Refusal> {
        let asset = self.job().terms.asset;
        self.state.ledger.transfer(Kind::Escrow, self.context.sender, asset, stake)
    }

    /// Pays what the job held and has taken off its books.
    ///
    /// - Panics: if the ledger has not got it, which is a bug
    pub(crate) fn pay(&mut self, to: Address, share: Share, amount: Amount, route: Route) {
        if amount == Amount::ZERO {
            return;
        }
        let (job, asset) = (self.id, self.job().terms.asset);
        let (kind, voucher) = match route {
            Route::Wallet => (Kind::Payout, true),
            Route::Balance => (Kind::Release, false),
        };
        let payment = self.state.ledger.transfer(kind, to, asset, amount);
        possible(payment, "what a job holds is in escrow");
        self.emit(Event::Paid { job, to, share, amount, voucher });
        if voucher {
            self.effects.push(Effect::Pay { to, asset, amount });
        }
    }
}
