//! Attest: a drawn miner commits to its results for a page of models.

use blobs::Digest;

use crate::{
    effect::Event, input::Input, job::Job, refusal::Refusal, stage::Stage, units::Timestamp,
};

pub(crate) fn apply(input: &mut Input<'_>, page: u32, commitment: Digest) -> Result<(), Refusal> {
    let (job, miner) = (input.id, input.sender());
    let seat = check_seat(input, |job| [job.evaluating_since, job.attest_until()])?;
    let pages = input.job().pages();
    if page >= pages {
        return Err(Refusal::UnknownPage { page, pages });
    }
    let seat = input.job_mut().seats.get_mut(seat).ok_or(Refusal::NotSeated {})?;
    if seat.attested.contains_key(&page) {
        return Err(Refusal::AlreadyAttested { page });
    }

    // Nothing below can fail.
    seat.attested.insert(page, commitment);
    input.emit(Event::Attested { job, page, miner, commitment });
    Ok(())
}

/// Index of the sender's seat, if the job is in this window of its attestations.
pub(super) fn check_seat(
    input: &Input<'_>,
    window: impl Fn(&Job) -> [Option<Timestamp>; 2],
) -> Result<usize, Refusal> {
    let job = input.named_in(&[Stage::Evaluating])?;
    let [Some(opens), Some(close)] = window(job) else { return Err(Refusal::NoMiners {}) };
    input.check_window(opens, close)?;
    job.seat_of(input.sender()).ok_or(Refusal::NotSeated {})
}
