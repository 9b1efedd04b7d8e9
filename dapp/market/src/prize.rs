//! The prize: it goes to the earliest commitment that the exact test cannot tell from the best.
//!
//! A copy is always later than its original, so copies gain nothing here, nor do more accounts.

use crate::{effect::Event, input::Input, significance::separated, terms::Award, units::Score};

/// What comes of looking for the winner.
pub(crate) enum Search {
    /// Others are still to be compared.
    Unfinished,
    /// No model is acceptable.
    Nobody,
    Winner(u32),
}

/// Compares the best submission with the next that was committed to before it.
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
    // One that was not evaluated is out.
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
