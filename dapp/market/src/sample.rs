//! Evaluations beyond the machine's capacity: it evaluates a sample of rows, drawn after all seats
//! have attested their results; a seat that attested anything else for one of them is wrong.

use blobs::Digest;

use crate::{
    attestation::Attestation, context::Target, evaluation::Evaluated, input::Input,
    refusal::ModelRefusal, results::Results, seats, shuffle::SeededShuffle,
};

/// Draws the rows: with the seed of the seats, the salts that their attestations were revealed
/// with, and `prevRandao` of the input that draws.
pub(crate) fn draw(input: &mut Input<'_>) {
    let randao = input.context.prev_randao;
    let job = input.job_mut();
    let (Some(rows), Some(seed)) = (job.terms.sample_rows(), job.seed) else { return };
    let seed = Digest::of(&[randao, seed.0, job.salts.0].concat());
    let [rows, all] =
        [rows, job.terms.offer.rows].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
    let drawn = SeededShuffle::new(seed, all).take(rows);
    job.sample = drawn.map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect();
    job.sample.sort_unstable();
}

/// Concludes a model's sampled evaluation: of the attestations that agree with the machine on the
/// sample, the one of most seats stands, of equals the one revealed first. `None`: the base model.
pub(crate) fn conclude(input: &mut Input<'_>, number: Option<u32>) {
    let job = input.job();
    let target = number.map_or(Target::BaseOnHoldOut, Target::Submission);
    let answers = number.map_or(&job.base_answers, |number| &job.known(number).answers);
    let evaluated = job.evaluated(target);
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
    seats::blame_wrong(input, number, wrong);
    stand(input.job_mut().evaluated_mut(target), stands, results);
    if let Some(number) = number {
        seats::note(input, number, stands.unwrap_or(Attestation::UNFIT));
    }
}

/// Replaces the machine's result on the sample by the attestation that stands.
fn stand(evaluated: &mut Evaluated, stands: Option<Attestation>, results: Option<Results>) {
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
