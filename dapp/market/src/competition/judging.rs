//! What models are found to be: by miners who agree, or by the machine.

use std::cmp::Reverse;

use super::{
    Attestation, Competition, Finding, Offence, Outcome, Phase, SeatSet, Task, decide, finals,
};
use crate::{
    effect::{Effect, Event},
    job::{self, Stage},
    judge::{Exam, Exhibit, Judge},
    market::Market,
    meter::Meter,
    metric::Marks,
    refusal::ModelRefusal,
    shelf::Purpose,
    turn::{self, Assignment, Found, Turn},
    units::{JobId, SubmissionId, Work},
};

/// Goes on with the evaluation at the head of the queue; whether it came to its end.
pub(super) fn evaluate(
    market: &mut Market,
    id: JobId,
    meter: &mut Meter,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> bool {
    let Some(job) = market.competitions.get(&id) else { return false };
    let Some(task) = job.queue.front().copied() else { return false };
    if task == Task::BaseOnHoldOut && job.terms.miners_only {
        return super::sample::count_rows(market, id, meter, judge, effects);
    }
    let turn = turn::take(&market.settings, prepare(market, id, task), meter, judge);
    let Some(job) = market.competitions.get_mut(&id) else { return false };
    match turn {
        Turn::Waits => false,
        Turn::Unfinished(progress) => {
            job.progress = Some(progress);
            false
        }
        Turn::Finished(result) => {
            job.queue.pop_front();
            job.progress = None;
            effects.extend(conclude(market, id, task, result));
            true
        }
    }
}

/// What a task's evaluation looks at.
pub(super) fn prepare(
    market: &Market,
    id: JobId,
    task: Task,
) -> Result<Assignment<'_>, ModelRefusal> {
    let Market { competitions, shelf, .. } = market;
    let job = competitions.get(&id).ok_or(turn::LOST)?;
    let base = || (job.terms.base_model, shelf.blob(job.terms.base_model.cid()));
    let ((model, bytes), hold_out) = match task {
        Task::Base => (base(), Some(job.terms.public_slice)),
        Task::BaseOnHoldOut => (base(), job.hold_out),
        Task::Show(index) => {
            let show = job.show(index).ok_or(turn::LOST)?;
            let bytes = shelf.waiting(Purpose::Shown(SubmissionId { job: id, index }));
            ((show.model, bytes), Some(job.terms.public_slice))
        }
        Task::Model(position) => {
            let revealed = job.model(position).ok_or(turn::LOST)?;
            let revealed = match revealed.entry {
                None => base(),
                Some(index) => {
                    let bytes = shelf.waiting(Purpose::Model(SubmissionId { job: id, index }));
                    (revealed.model, bytes)
                }
            };
            (revealed, job.hold_out)
        }
    };
    let hold_out = hold_out.ok_or(turn::LOST)?.cid();
    let sampled = job.terms.miners_only && matches!(task, Task::Model(_));
    let exam = Exam {
        model: Exhibit { cid: model.cid(), bytes: bytes.ok_or(turn::LOST)? },
        hold_out: Exhibit { cid: hold_out, bytes: shelf.blob(hold_out).ok_or(turn::LOST)? },
        metric: job.terms.metric,
        rows: sampled.then_some(job.sample.as_slice()),
    };
    let keeps_results = matches!(task, Task::Model(_));
    let prices = &market.settings.prices;
    let checks = match task {
        Task::Model(position) => prices.blaming().plus(job.checking(prices, position)),
        Task::Base | Task::BaseOnHoldOut | Task::Show(_) => Work(0),
    };
    let (under_way, max_work) = (job.progress.as_ref(), job.terms.max_work);
    Ok(Assignment { exam, under_way, max_work, keeps_results, checks })
}

fn conclude(
    market: &mut Market,
    id: JobId,
    task: Task,
    result: Result<Found, ModelRefusal>,
) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    match (task, result) {
        (Task::Base, Ok(found)) => {
            job.base = Some(found.marks);
            job.stage = Stage::Open;
            vec![Effect::Event(Event::JobReady { job: id, base: found.marks })]
        }
        (Task::Base, Err(reason)) => decide::cancel(market, id, Some(reason)),
        (Task::BaseOnHoldOut, Ok(found)) => {
            job.hold_out_base = Some(found.marks);
            vec![Effect::Event(Event::HoldOutReady { job: id, base: found.marks })]
        }
        (Task::BaseOnHoldOut, Err(_)) => hold_out_fails(market, id),
        (Task::Show(index), result) => {
            let marks = result.map(|found| found.marks.score);
            market.shelf.remove(Purpose::Shown(SubmissionId { job: id, index }));
            job.judge_show(id, index, marks).into_iter().collect()
        }
        (Task::Model(position), result) if job.terms.miners_only => {
            let effects = job.found_sample(id, position, result);
            with_base(market, id, position, effects)
        }
        (Task::Model(position), result) => found(job, id, position, result),
    }
}

/// The hold-out does not fit the base model, or nobody evaluated it in time.
pub(super) fn hold_out_fails(market: &mut Market, id: JobId) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    job.hold_out_failed = true;
    if job.stage == Stage::Evaluating {
        return decide::decide(market, id, Outcome::SponsorFailed, Vec::new());
    }
    // Keys are taken to the end, since whoever reveals has a share.
    Vec::new()
}

/// What miners say of the next model stands if they agree and nobody objects; otherwise the
/// machine is to look at it.
pub(super) fn sort(market: &mut Market, id: JobId) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    let Phase::Sorting { next } = job.phase else { return Vec::new() };
    job.phase = Phase::Sorting { next: next.saturating_add(1) };
    let Some(model) = job.models.get(next).filter(|model| model.refusal.is_none()) else {
        return Vec::new();
    };
    let agreed = model.agreed(job.seats.len()).filter(|_| model.objector.is_none());
    let position = u32::try_from(next).unwrap_or(u32::MAX);
    match agreed {
        Some(attestation) => {
            let finding = Finding { attestation, by_machine: false };
            let effects = job.find(id, position, finding, None);
            with_base(market, id, position, effects)
        }
        None => {
            job.enqueue(Task::Model(position));
            Vec::new()
        }
    }
}

/// The machine has looked at a model: those who said otherwise were wrong.
fn found(
    job: &mut Competition,
    id: JobId,
    position: u32,
    result: Result<Found, ModelRefusal>,
) -> Vec<Effect> {
    let (attestation, results, reason) = match result {
        Ok(found) => {
            let (attestation, results) = Attestation::of(found);
            (attestation, results, None)
        }
        Err(reason) => (Attestation::UNFIT, None, Some(reason)),
    };
    let mut effects = job.correct(id, position, attestation);
    let finding = Finding { attestation, by_machine: true };
    if job.model(position).is_some_and(|model| model.finding != Some(finding)) {
        effects.extend(job.find(id, position, finding, reason));
    }
    finals::found(job, position, results);
    effects
}

/// It took too long: what most miners say stands, and what nobody can say is out.
pub(super) fn give_up(market: &mut Market, id: JobId) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    let Some(task) = job.queue.pop_front() else { return Vec::new() };
    job.progress = None;
    match task {
        Task::BaseOnHoldOut => hold_out_fails(market, id),
        Task::Base | Task::Show(_) => Vec::new(),
        Task::Model(position) if matches!(job.phase, Phase::Finals(_)) => {
            finals::give_up(job, position);
            Vec::new()
        }
        Task::Model(position) => {
            let effects = job.find_majority(id, position);
            with_base(market, id, position, effects)
        }
    }
}

/// In competitions for miners only, the list's first model is the base model: others are accepted
/// by what it is found to be, and without that the hold-out does not fit.
fn with_base(
    market: &mut Market,
    id: JobId,
    position: u32,
    mut effects: Vec<Effect>,
) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return effects };
    let Some(base) = job.model(position).filter(|model| model.entry.is_none()) else {
        return effects;
    };
    let marks = base.finding.and_then(|finding| finding.attestation.marks());
    let is_unsaid = base.answers.is_empty();
    job.hold_out_base = marks.filter(|_| base.refusal.is_none());
    match job.hold_out_base {
        Some(base) => effects.push(Effect::Event(Event::HoldOutReady { job: id, base })),
        // No miner came: that is not the sponsor's fault.
        None if is_unsaid => {
            effects.extend(decide::decide(market, id, Outcome::NoWinner, Vec::new()));
        }
        None => effects.extend(hold_out_fails(market, id)),
    }
    effects
}

impl Competition {
    /// Those who attest something else than the machine finds lose their bonds.
    fn correct(&mut self, id: JobId, position: u32, found: Attestation) -> Vec<Effect> {
        let by_machine = |finding: Option<Finding>| finding.is_some_and(|found| found.by_machine);
        let Some(model) = self.model(position).filter(|model| !by_machine(model.finding)) else {
            return Vec::new();
        };
        let wrong = |seat: &usize| {
            let says =
                |(answer, by): &(Attestation, SeatSet)| by.contains(*seat) && *answer != found;
            model.answers.iter().any(says)
        };
        let wrong: Vec<usize> = (0..self.seats.len()).filter(wrong).collect();
        let seats = self.seats.len();
        let objector = model.objector.filter(|_| model.agreed(seats) == Some(found));
        let blamed = wrong.into_iter().filter_map(|seat| self.blame(id, seat, Offence::Wrong));
        let mut effects: Vec<_> = blamed.collect();
        let bond = self.terms.miner_bond;
        effects.extend(
            objector.map(|account| Effect::forfeited(id, account, bond, Offence::Objection)),
        );
        effects
    }

    /// Takes down what a model is found to be, and where that places it.
    pub(super) fn find(
        &mut self,
        id: JobId,
        position: u32,
        finding: Finding,
        reason: Option<ModelRefusal>,
    ) -> Vec<Effect> {
        let marks = finding.attestation.marks();
        let verdict = match (marks, reason) {
            (_, Some(reason)) => Err(reason),
            (None, None) => Err(ModelRefusal::AttestedUnfit {}),
            (Some(marks), None) if self.is_base(position) => Ok(marks.score),
            (Some(marks), None) => self.accept(marks).map(|()| marks.score),
        };
        let Some(model) = self.model_mut(position) else { return Vec::new() };
        let before = model.finding.and_then(|before| before.attestation.marks());
        model.finding = Some(finding);
        model.refusal = verdict.err();
        let (digest, entry) = (model.model.digest, model.entry);
        let agreed = model.answers.iter().find(|(answer, _)| *answer == finding.attestation);
        let agreed = agreed.map_or(0, |(_, by)| u32::try_from(by.len()).unwrap_or(u32::MAX));
        let Some(index) = entry else { return Vec::new() };
        if let Some(before) = before {
            self.ranking.remove(&(Reverse(before.score), index));
        }
        if let Ok(score) = verdict {
            self.ranking.insert((Reverse(score), index));
        }
        let entry = SubmissionId { job: id, index };
        let Finding { attestation, by_machine } = finding;
        let scored = marks.map(|_| Event::EntryScored {
            entry,
            model: digest,
            attestation,
            agreed,
            by_machine,
        });
        let refused = verdict.err();
        let refused = refused.map(|reason| Event::EntryRefused { entry, model: digest, reason });
        scored.into_iter().chain(refused).map(Effect::Event).collect()
    }

    /// Whether the base model is at this position.
    fn is_base(&self, position: u32) -> bool {
        self.model(position).is_some_and(|model| model.entry.is_none())
    }

    /// Whether the terms accept these marks.
    fn accept(&self, marks: Marks) -> Result<(), ModelRefusal> {
        let base = self.hold_out_base.unwrap_or(marks);
        let terms = &self.terms;
        job::assess([terms.min_score, terms.min_gain, terms.min_worst_class], base, marks)
    }
}
