//! Show: an entrant publishes an open model, which is scored on the public slice.

use blobs::BlobRef;

use super::{Context, enter::check_open, open_job::check_size};
use crate::{
    competition::Show,
    effect::{Effect, Event},
    market::Market,
    refusal::Refusal,
    shelf::Purpose,
    units::{JobId, SubmissionId},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    model: BlobRef,
) -> Result<Vec<Effect>, Refusal> {
    let entrant = context.sender;
    let job = market.competition_or_refuse(id)?;
    check_open(job, id, context.now)?;
    if job.terms.miners_only {
        return Err(Refusal::BoardOfMinersOnly {});
    }
    let number = job.entry_of(entrant).ok_or(Refusal::NotEntered {})?;
    let (shows, quota) = (job.entry(number).map_or(0, |entry| entry.shows), job.terms.quota);
    if shows >= quota {
        return Err(Refusal::QuotaUsed { quota });
    }
    check_size(model.size, job.terms.max_model_bytes)?;
    market.shelf.check_expect(entrant, model)?;
    let index = u32::try_from(job.shows.len()).unwrap_or(u32::MAX);

    // Nothing below can fail.
    market.shelf.expect(entrant, model, Purpose::Shown(SubmissionId { job: id, index }));
    if let Some(job) = market.competitions.get_mut(&id) {
        job.shows.push(Show { entry: number, model });
        if let Some(entry) = job.entry_mut(number) {
            entry.shows = entry.shows.saturating_add(1);
        }
    }
    let entry = SubmissionId { job: id, index: number };
    Ok(vec![Effect::Event(Event::ModelShown { entry, entrant, model })])
}
