//! Show: an account that has submitted shows an open model on the public board.

use blobs::BlobRef;

use super::{Context, submit::check_open};
use crate::{
    command::{Slot, Target},
    effect::{Effect, Event},
    judge::Judge,
    judging,
    ledger::Kind,
    refusal::Refusal,
    state::State,
    store::SlotKey,
    units::{JobId, SubmissionId},
    work::Worker,
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    model: BlobRef,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let client = context.sender;
    let job = state.named(id)?;
    check_open(job, id, state.now())?;
    let board = job.terms.offer.board.filter(|_| job.terms.sample_rows().is_none());
    let board = board.ok_or(Refusal::NoBoard {})?;
    let number = job.submission_of(client).ok_or(Refusal::NotSubmitted {})?;
    if job.known(number).verdict().is_some() {
        return Err(Refusal::NotSubmitted {});
    }
    let shows = &job.known(number).board;
    if shows.model.is_some() {
        return Err(Refusal::ShowPending {});
    }
    if shows.shown >= board.quota {
        return Err(Refusal::QuotaUsed { quota: board.quota });
    }
    let (size, largest) = (model.size, job.terms.offer.max_model_bytes);
    if size == 0 || size > largest {
        return Err(Refusal::BlobSizeOutOfRange { size, largest });
    }
    let stake = job.terms.show_stake(&state.settings)?;
    let transfer = state.ledger.prepare(Kind::Escrow, client, job.terms.asset, stake)?;

    // Nothing below can fail.
    state.ledger.post(transfer);
    let key = SlotKey::of(Slot::Shown, number);
    let State { jobs, drive, .. } = state;
    let job = crate::invariant::there(jobs.get_mut(&id), "the job was looked up before");
    job.slots.expect(drive, key, model);
    let is_whole = job.slots.is_whole(key);
    let shows = &mut job.known_mut(number).board;
    shows.shown = shows.shown.saturating_add(1);
    (shows.model, shows.stake) = (Some(model), stake);
    let submission = SubmissionId { job: id, index: number };
    let mut effects = vec![Effect::Event(Event::ModelShown { submission, client, model, stake })];
    if is_whole && state.may_go_on() {
        let worker = Worker::new(client);
        judging::go_on(state, id, Target::Shown(number), worker, judge, &mut effects);
    }
    Ok(effects)
}
