//! Where evaluations are beyond the machine: it looks at rows drawn after all seats have said what
//! they find, and whoever says otherwise of one of them is wrong.

use blobs::Digest;

use crate::{
    attestation::Attestation, command::Context, effect::Effect, evaluation::Evaluated,
    refusal::ModelRefusal, results::Results, seats, shuffle::SeededShuffle, state::State,
    units::JobId,
};

/// Draws the rows: with the seed of the seats, the salts that their attestations were revealed
/// with, and `prevRandao` of the input that draws.
pub(crate) fn draw(state: &mut State, context: &Context, id: JobId) {
    let job = state.known_mut(id);
    let (Some(rows), Some(seed)) = (job.terms.sample_rows(), job.seed) else { return };
    let seed = Digest::of(&[context.prev_randao, seed.0, job.salts.0].concat());
    let [rows, all] =
        [rows, job.terms.offer.rows].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
    let drawn = SeededShuffle::new(seed, all).take(rows);
    job.sample = drawn.map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect();
    job.sample.sort_unstable();
}

/// The machine has looked at a model's sampled rows: of the answers that say the same of them, the
/// one of most seats stands, the first revealed if as many say another. `None` is the base model.
pub(crate) fn conclude(
    state: &mut State,
    id: JobId,
    number: Option<u32>,
    effects: &mut Vec<Effect>,
) {
    let job = state.known(id);
    let (answers, evaluated) = match number {
        None => (&job.base_answers, &job.base_on_hold_out),
        Some(number) => (&job.known(number).answers, &job.known(number).evaluated),
    };
    let seen = evaluated.finding().and_then(|finding| finding.results.clone());
    let is_right = |answer: &Attestation| match &seen {
        Some(seen) => {
            let said = answers.results(answer.results);
            said.and_then(|said| said.of_rows(&job.sample)).as_ref() == Some(seen)
        }
        None => *answer == Attestation::UNFIT,
    };
    let (right, wrong): (Vec<_>, Vec<_>) =
        answers.by_seats.iter().copied().partition(|(answer, _)| is_right(answer));
    let mut stands: Option<(Attestation, usize)> = None;
    for (answer, by) in &right {
        if stands.is_none_or(|(_, most)| by.len() > most) {
            stands = Some((*answer, by.len()));
        }
    }
    let stands = stands.map(|(answer, _)| answer);
    let results = stands.and_then(|answer| answers.results(answer.results).cloned());
    let seats = 0..job.seats.len();
    let wrong: Vec<_> =
        seats.filter(|seat| wrong.iter().any(|(_, by)| by.contains(*seat))).collect();
    seats::blame_wrong(state, id, number, wrong, effects);
    stand(state, id, number, stands, results);
    if let Some(number) = number {
        seats::note(state, id, number, stands.unwrap_or(Attestation::UNFIT), effects);
    }
}

/// What stands takes the place of what was seen.
fn stand(
    state: &mut State,
    id: JobId,
    number: Option<u32>,
    stands: Option<Attestation>,
    results: Option<Results>,
) {
    let job = state.known_mut(id);
    let evaluated = match number {
        None => &mut job.base_on_hold_out,
        Some(number) => &mut job.known_mut(number).evaluated,
    };
    match (evaluated, stands.and_then(|answer| answer.scores())) {
        (Evaluated::Done(finding), Some(scores)) => {
            (finding.scores, finding.results) = (scores, results);
        }
        (evaluated @ Evaluated::Done(_), None) => {
            *evaluated = Evaluated::Failed(ModelRefusal::AttestedOtherwise {});
        }
        (Evaluated::Waiting | Evaluated::UnderWay(_) | Evaluated::Failed(_), _) => {}
    }
}
