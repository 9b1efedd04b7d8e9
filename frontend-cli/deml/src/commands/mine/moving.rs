//! Advancing jobs: not a miner's duty, and done only within a day's budget.

use anyhow::Result;
use market::{Stage, Target, Timestamp};
use wire::{JobList, JobView, Query, SubmissionStateView, SubmissionView};

use super::{Mined, Miner, refusal, state::State};
use crate::{
    budget::Budget,
    commands::job::{evaluate, settle},
};

const DAY_SECONDS: u64 = 86_400;

impl Miner<'_> {
    /// The budget left today.
    pub(super) fn left_today(&self, now: Timestamp, state: &mut State) -> Budget {
        let day = now.0 / DAY_SECONDS;
        if state.budget.is_none_or(|(of, _)| of != day) {
            state.budget = Some((day, self.daily));
        }
        let left = state.budget.map_or(self.daily, |(_, left)| left);
        Budget { surcharge: self.daily.surcharge, ..left }
    }

    /// Advances a job in which this account has a bond, as far as the budget allows.
    pub(super) async fn move_on(
        &self,
        view: &JobView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let now = self.session.moment().await?;
        if !state.of(view.job).enlisted || now < due(view).max(state.of(view.job).waits_until) {
            return Ok(());
        }
        let mut budget = self.left_today(now, state);
        let before = budget;
        let moved = self.spend(view, &mut budget, state, mined).await;
        if budget != before {
            state.budget = Some((now.0 / DAY_SECONDS, budget));
        }
        moved
    }

    async fn spend(
        &self,
        view: &JobView,
        budget: &mut Budget,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let Self { session, sender, .. } = *self;
        // Nothing is evaluated until the expired windows are settled.
        if view.judging_since.is_none() {
            self.settle(view, budget, state, mined).await?;
        }
        let view = &session.job(view.job).await?;
        if view.judging_since.is_none() {
            return Ok(());
        }
        for target in self.pending(view).await? {
            if !budget.allows_one(session).await? {
                return Ok(());
            }
            match evaluate::carry_on(session, sender, view.job, target, budget).await {
                Ok(evaluated) if evaluated.spent.inputs.is_empty() => {}
                Ok(evaluated) => {
                    mined.spent.absorb(evaluated.spent);
                    let of =
                        if let Target::Submission(number) = target { Some(number) } else { None };
                    mined.note("evaluated", view, of);
                }
                Err(why) => mined.note(&refusal(why)?, view, None),
            }
        }
        self.settle(view, budget, state, mined).await
    }

    async fn settle(
        &self,
        view: &JobView,
        budget: &mut Budget,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let Self { session, sender, .. } = *self;
        if !view.stage.is_live() || !budget.allows_one(session).await? {
            return Ok(());
        }
        match settle::settle(session, sender, view.job, budget).await {
            Ok(settled) => {
                state.of(view.job).waits_until = Timestamp(settled.next.unwrap_or(0));
                if !settled.spent.inputs.is_empty() {
                    mined.spent.absorb(settled.spent);
                    mined.note("settled", view, None);
                }
            }
            Err(why) => {
                if let Some(until) = settle::opens_at(&why) {
                    state.of(view.job).waits_until = until;
                } else {
                    mined.note(&refusal(why)?, view, None);
                }
            }
        }
        Ok(())
    }

    /// The targets the machine has yet to evaluate in a job under judging.
    async fn pending(&self, view: &JobView) -> Result<Vec<Target>> {
        let has_begun = view.stage == Stage::Evaluating && view.decision.is_none();
        let now = self.session.moment().await?;
        if !has_begun || view.windows.attestations_until.is_some_and(|until| now < until) {
            return Ok(Vec::new());
        }
        let base = view.base_on_hold_out.is_none() && view.hold_out.is_some();
        let list = |paging| Query::List(view.job.into(), JobList::Submissions, paging);
        let all: Vec<SubmissionView> = self.session.all(list).await?;
        let waits =
            |one: &&SubmissionView| one.state == SubmissionStateView::Whole && one.scores.is_none();
        let models = all.iter().filter(waits).map(|one| Target::Submission(one.submission));
        Ok(base.then_some(Target::BaseOnHoldOut).into_iter().chain(models).collect())
    }
}

/// Time from which a job can be advanced.
fn due(view: &JobView) -> Timestamp {
    match view.stage {
        _ if view.decision.is_some() => Timestamp(0),
        Stage::Announced | Stage::Open => view.windows.close,
        Stage::Revealing => view.windows.reveal_until,
        Stage::Evaluating | Stage::Settled | Stage::Cancelled => {
            view.windows.attestations_until.unwrap_or(view.windows.reveal_until)
        }
    }
}
