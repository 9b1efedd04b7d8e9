//! Reveal attestation: a drawn miner shows what it has committed to.

use blobs::Digest;

use super::{Context, attest::check_window};
use crate::{
    attestation::{Attestation, AttestationBinding},
    effect::{Effect, Event},
    job::Job,
    refusal::Refusal,
    results::Results,
    state::State,
    units::{JobId, Score, Work},
};

/// What a miner says of a page.
pub(crate) struct Revealed {
    pub(crate) page: u32,
    pub(crate) attestations: Vec<Attestation>,
    pub(crate) results: Vec<u8>,
    pub(crate) salt: [u8; 32],
}

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    revealed: &Revealed,
) -> Result<Vec<Effect>, Refusal> {
    let Revealed { page, attestations, results, salt } = revealed;
    let (page, miner, now) = (*page, context.sender, state.now());
    let job = state.named(id)?;
    check_window(job, id, [job.attest_until(), job.attestations_until()], now)?;
    let index = job.seat_of(miner).ok_or(Refusal::NotSeated {})?;
    let commitment = job.seats.get(index).and_then(|seat| seat.attested.get(&page));
    let commitment = *commitment.ok_or(Refusal::NotAttested { page })?;
    let Context { chain_id, app, .. } = *context;
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
    let hashing = state.settings.prices.hashed_byte;
    let hashed = u64::try_from(results.len()).unwrap_or(u64::MAX);
    let results = check_results(job, attestations, results)?;

    // Nothing below can fail.
    state.meter.advance(Work(hashing.saturating_mul(hashed)));
    let job = state.known_mut(id);
    // The worst class does not follow from results, and is not asked for.
    let is_sampled = job.terms.sample_rows().is_some();
    for (model, answer) in models.into_iter().zip(attestations) {
        let worst_class = if is_sampled { Score(0) } else { answer.worst_class };
        let answers = match model {
            None => &mut job.base_answers,
            Some(number) => &mut job.known_mut(number).answers,
        };
        answers.add(index, Attestation { worst_class, ..*answer });
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
    Ok(vec![Effect::Event(Event::AttestationRevealed { job: id, page, miner })])
}

/// The results that are shown where the machine only samples: they are those attested, and the
/// score follows from them.
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
