//! The prize: it goes to the earliest commitment that the exact test cannot separate from the best.
//!
//! A copy is always later than its original, so neither copies nor extra accounts gain anything.

use crate::{effect::Event, input::Input, significance::separated, terms::Award, units::Score};

/// Result of a step of the search for the winner.
pub(crate) enum Search {
    /// More comparisons are needed.
    Unfinished,
    /// No model is acceptable.
    Nobody,
    Winner(u32),
}

/// Compares the best submission with the earliest one not yet compared that precedes it.
pub(crate) fn search(input: &mut Input<'_>) -> Search {
    let (id, job) = (input.id, input.job());
    let Award::Prize { significance: Score(significance), .. } = job.terms.award else {
        return Search::Nobody;
    };
    let Some((_, best)) = job.ranking().next() else { return Search::Nobody };
    let Some(&other) = job.whole.range(job.compared.min(best)..best).next() else {
        return Search::Winner(best);
    };
    let results =
        |number| job.known(number).evaluated.finding().and_then(|finding| finding.results.as_ref());
    let pair = results(best).zip(results(other));
    // A submission that was not evaluated is skipped.
    if let Some((best_better, other_better)) = pair.and_then(|(best, other)| best.against(other)) {
        let separated = separated(best_better, other_better, significance);
        input.emit(Event::Compared { job: id, best, other, best_better, other_better, separated });
        if !separated {
            return Search::Winner(other);
        }
    }
    input.job_mut().compared = other.saturating_add(1);
    Search::Unfinished
}
