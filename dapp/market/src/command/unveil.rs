//! Unveil: a drawn miner shows the attestations it has committed to.

use super::{Context, attest::check_window};
use crate::{
    competition::{Attestation, Competition, Desk},
    effect::{Effect, Event},
    market::Market,
    refusal::Refusal,
    results::Results,
    units::{JobId, Score},
};

/// What a miner says of a page.
pub(crate) struct Answers {
    pub(crate) page: u32,
    pub(crate) attestations: Vec<Attestation>,
    pub(crate) results: Vec<u8>,
    pub(crate) salt: [u8; 32],
}

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    answers: &Answers,
) -> Result<Vec<Effect>, Refusal> {
    let Answers { page, attestations, results, salt } = answers;
    let (page, miner) = (*page, context.sender);
    let job = market.competition_or_refuse(id)?;
    check_window(job, id, [job.terms.attest_until(), job.terms.unveil_until()], context.now)?;
    let place = job.seat_of(miner).ok_or(Refusal::NotSeated {})?;
    let commitment = job.seats.get(place).and_then(|seat| seat.attested.get(&page));
    let commitment = *commitment.ok_or(Refusal::NotAttested { page })?;
    let desk = Desk { chain_id: context.chain_id, app: context.app, job: id, miner, page };
    if desk.commitment(attestations, salt) != commitment {
        return Err(Refusal::WrongCommitment {});
    }
    let [needed, found] = [job.page(page).len(), attestations.len()];
    if needed != found {
        let [needed, found] = [needed, found].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        return Err(Refusal::AttestationCount { needed, found });
    }
    let results = check_results(market, job, attestations, results)?;
    let first = usize::try_from(page.saturating_mul(job.page_models())).unwrap_or(usize::MAX);

    // Nothing below can fail.
    if let Some(job) = market.competitions.get_mut(&id) {
        let is_theirs = job.terms.miners_only;
        for (model, answer) in job.models.iter_mut().skip(first).zip(attestations) {
            // The worst class does not follow from results, and is not asked for.
            let worst_class = if is_theirs { Score(0) } else { answer.worst_class };
            model.answer(place, Attestation { worst_class, ..*answer });
            if let Some((results, bytes)) = &results
                && model.results(answer.results).is_none()
            {
                market.shelf.keep(*bytes);
                model.results.push((answer.results, results.clone()));
            }
        }
        if let Some(seat) = job.seats.get_mut(place) {
            seat.attested.remove(&page);
            seat.unveiled = seat.unveiled.saturating_add(1);
        }
    }
    Ok(vec![Effect::Event(Event::Unveiled { job: id, page, miner })])
}

/// The results that are shown in competitions for miners only, and how many bytes they have: they
/// are those attested, and the score follows from them.
fn check_results(
    market: &Market,
    job: &Competition,
    attestations: &[Attestation],
    bytes: &[u8],
) -> Result<Option<(Results, u64)>, Refusal> {
    let mismatch = Err(Refusal::ResultsMismatch {});
    match (job.terms.miners_only, attestations) {
        (true, [answer]) if *answer != Attestation::UNFIT => {
            let metric = job.terms.metric;
            let Some(results) = Results::from_bytes(metric, job.rows, bytes) else {
                return mismatch;
            };
            if results.digest() != answer.results || results.score(metric) != Some(answer.score) {
                return mismatch;
            }
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            market.shelf.check_keep(size)?;
            Ok(Some((results, size)))
        }
        _ if bytes.is_empty() => Ok(None),
        _ => mismatch,
    }
}
