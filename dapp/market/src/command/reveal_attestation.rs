//! Reveal attestation: a drawn miner reveals attestations that it committed to.

use blobs::Digest;

use super::attest::check_seat;
use crate::{
    attestation::{Attestation, AttestationBinding},
    context::Context,
    effect::Event,
    input::Input,
    job::Job,
    refusal::Refusal,
    results::Results,
    units::Score,
};

/// Arguments of the command.
pub(crate) struct Revealed {
    pub(crate) page: u32,
    pub(crate) attestations: Vec<Attestation>,
    pub(crate) results: Vec<u8>,
    pub(crate) salt: [u8; 32],
}

pub(crate) fn apply(input: &mut Input<'_>, revealed: &Revealed) -> Result<(), Refusal> {
    let Revealed { page, attestations, results, salt } = revealed;
    let (id, page, miner) = (input.id, *page, input.sender());
    let index = check_seat(input, |job| [job.attest_until(), job.attestations_until()])?;
    let job = input.job();
    let commitment = job.seats.get(index).and_then(|seat| seat.attested.get(&page));
    let commitment = *commitment.ok_or(Refusal::NotAttested { page })?;
    let Context { chain_id, app, .. } = *input.context;
    let binding = AttestationBinding { chain_id, app, job: id, miner, page };
    if binding.commitment(attestations, salt) != commitment {
        return Err(Refusal::WrongCommitment {});
    }
    let models = job.page(page);
    let [needed, found] = [models.len(), attestations.len()];
    if needed != found {
        let [needed, found] = [needed, found].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        return Err(Refusal::AttestationCount { needed, found });
    }
    let hashed = u64::try_from(results.len()).unwrap_or(u64::MAX);
    let results = check_results(job, attestations, results)?;

    // Nothing below can fail.
    let hashing = input.state.settings.prices.hashed_byte.times(hashed);
    input.state.meter.advance(hashing);
    let job = input.job_mut();
    // The threshold's score cannot be derived from the results, and is ignored.
    let is_sampled = job.terms.sample_rows().is_some();
    for (model, answer) in models.into_iter().zip(attestations) {
        let threshold_score = if is_sampled { Score(0) } else { answer.threshold_score };
        let answers = match model {
            None => &mut job.base_answers,
            Some(number) => &mut job.known_mut(number).answers,
        };
        answers.add(index, Attestation { threshold_score, ..*answer });
        if let Some(results) = &results
            && answers.results(answer.results).is_none()
        {
            answers.results.push((answer.results, results.clone()));
        }
    }
    job.salts = Digest::of(&[job.salts.0, *salt].concat());
    if let Some(seat) = job.seats.get_mut(index) {
        seat.attested.remove(&page);
        seat.revealed = seat.revealed.saturating_add(1);
    }
    input.emit(Event::AttestationRevealed { job: id, page, miner });
    Ok(())
}

/// Parses the results that a seat reveals if the machine only samples, and checks that digest and
/// score match its attestation.
fn check_results(
    job: &Job,
    attestations: &[Attestation],
    bytes: &[u8],
) -> Result<Option<Results>, Refusal> {
    let mismatch = Err(Refusal::ResultsMismatch {});
    match (job.terms.sample_rows(), attestations) {
        (Some(_), [answer]) if *answer != Attestation::UNFIT => {
            let metric = job.terms.offer.metric;
            let Some(results) = Results::from_bytes(metric, job.terms.offer.rows, bytes) else {
                return mismatch;
            };
            if results.digest() != answer.results || results.score(metric) != Some(answer.score) {
                return mismatch;
            }
            Ok(Some(results))
        }
        _ if bytes.is_empty() => Ok(None),
        _ => mismatch,
    }
}
