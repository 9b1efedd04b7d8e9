//! Show: an account that has submitted shows an open model on the public board.

use blobs::BlobRef;

use super::submit::check_open;
use crate::{
    context::{Slot, Target},
    effect::Event,
    input::Input,
    judging,
    refusal::Refusal,
    store::SlotKey,
};

pub(crate) fn apply(input: &mut Input<'_>, model: BlobRef) -> Result<(), Refusal> {
    let client = input.sender();
    let job = check_open(input)?;
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
    let stake = job.terms.show_stake(&input.state.settings)?;
    input.escrow(stake)?;

    // Nothing below can fail.
    let is_whole = input.expect(SlotKey::of(Slot::Shown, number), model);
    let shows = &mut input.submission_mut(number).board;
    shows.shown = shows.shown.saturating_add(1);
    (shows.model, shows.stake) = (Some(model), stake);
    let (job, submission) = (input.id, number);
    input.emit(Event::ModelShown { job, submission, client, model, stake });
    if is_whole {
        judging::go_on_for_free(input, Target::Shown(number));
    }
    Ok(())
}
