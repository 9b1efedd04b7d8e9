//! The input in progress: state, context, judge, the job it names, and its effects so far.
//!
//! Every rule that changes a job works on an input. A command's file makes all checks before the
//! first change; the rules it calls cannot refuse.

use blobs::BlobRef;

use crate::{
    context::Context,
    effect::{Effect, Event, Share},
    invariant::{possible, there},
    job::Job,
    judge::Judge,
    ledger::TransferKind,
    refusal::Refusal,
    stage::Stage,
    state::State,
    store::SlotKey,
    submission::Submission,
    units::{Address, Amount, JobId, Timestamp},
};

/// The input in progress.
pub(crate) struct Input<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) context: &'a Context,
    pub(crate) judge: &'a mut dyn Judge,
    /// Name of the job in the command; the default if it names none.
    pub(crate) id: JobId,
    /// Surcharge of the lagging machine, as a multiple of the price of work.
    pub(crate) surcharge: u64,
    pub(crate) effects: Vec<Effect>,
}

/// Destination of money that leaves a job.
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

    /// The job named by the command.
    ///
    /// - Errors: `UnknownJob`
    pub(crate) fn named(&self) -> Result<&Job, Refusal> {
        self.state.job(self.id).ok_or(Refusal::UnknownJob { job: self.id })
    }

    /// The job named by the command, if it is in one of these stages and not decided.
    ///
    /// - Errors: `UnknownJob`, `JobNotOpen`
    pub(crate) fn named_in(&self, stages: &[Stage]) -> Result<&Job, Refusal> {
        let job = self.named()?;
        let is_in = stages.contains(&job.stage) && job.decision.is_none();
        is_in.then_some(job).ok_or(Refusal::JobNotOpen { job: self.id, stage: job.stage })
    }

    /// Checks that the time is within a window.
    ///
    /// - Errors: `NotYet`, `Closed`
    pub(crate) fn check_window(&self, opens: Timestamp, close: Timestamp) -> Result<(), Refusal> {
        let now = self.now();
        if now < opens {
            return Err(Refusal::NotYet { opens, now });
        }
        if now < close { Ok(()) } else { Err(Refusal::Closed { close, now }) }
    }

    /// The job, whose existence was checked before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn job(&self) -> &Job {
        self.state.known(self.id)
    }

    /// The job, mutably.
    pub(crate) fn job_mut(&mut self) -> &mut Job {
        self.state.known_mut(self.id)
    }

    /// A submission, whose existence was checked before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn submission(&self, number: u32) -> &Submission {
        self.job().known(number)
    }

    /// The submission, mutably.
    pub(crate) fn submission_mut(&mut self, number: u32) -> &mut Submission {
        self.job_mut().known_mut(number)
    }

    /// Expects a blob in a slot of the job; returns whether it is in the deployment's drive.
    pub(crate) fn expect(&mut self, key: SlotKey, blob: BlobRef) -> bool {
        let State { jobs, drive, .. } = &mut *self.state;
        let job = there(jobs.get_mut(&self.id), "the job was looked up before");
        job.slots.expect(drive, key, blob);
        job.slots.is_whole(key)
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.effects.push(Effect::Event(event));
    }

    /// Moves the sender's stake to escrow: a command's last check.
    ///
    /// - Errors: as for [`Ledger::transfer`](crate::ledger::Ledger)
    pub(crate) fn escrow(&mut self, stake: Amount) -> Result<(), Refusal> {
        let asset = self.job().terms.asset;
        self.state.ledger.transfer(TransferKind::Escrow, self.context.sender, asset, stake)
    }

    /// Pays an amount that has been deducted from the job's holdings.
    ///
    /// - Panics: if the ledger does not hold it, which is a bug
    pub(crate) fn pay(&mut self, to: Address, share: Share, amount: Amount, route: Route) {
        if amount == Amount::ZERO {
            return;
        }
        let (job, asset) = (self.id, self.job().terms.asset);
        let (kind, voucher) = match route {
            Route::Wallet => (TransferKind::Payout, true),
            Route::Balance => (TransferKind::Release, false),
        };
        let payment = self.state.ledger.transfer(kind, to, asset, amount);
        possible(payment, "what a job holds is in escrow");
        self.emit(Event::Paid { job, to, share, amount, voucher });
        if voucher {
            self.effects.push(Effect::Pay { to, asset, amount });
        }
    }
}
