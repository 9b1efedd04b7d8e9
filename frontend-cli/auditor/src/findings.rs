//! All divergences that an audit found, earliest first.

use super::divergence::{Divergence, SeenIn};
use super::evaluation::ToldEvaluation;

/// Maximum of listed divergences; later ones are only counted.
const LISTED: usize = 100;

/// The divergences of an audit, earliest first. Each is independent of the others: after one, the
/// audit continues with the reported values.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<(Divergence, Option<ToldEvaluation>)>,
    left_out: u64,
}

impl Findings {
    /// Adds one, with the evaluation if a score is wrong; keeps the earliest, and one per output.
    pub(super) fn add(&mut self, wrong: Divergence, evaluation: Option<ToldEvaluation>) {
        let is_same = |(found, _): &(Divergence, _)| {
            let location = (found.input, found.output);
            wrong.output.is_some() && location == (wrong.input, wrong.output)
        };
        if self.found.iter().any(is_same) {
            return;
        }
        let index = self.found.partition_point(|(found, _)| !wrong.is_before(found));
        self.found.insert(index, (wrong, evaluation));
        if self.found.len() > LISTED {
            self.found.pop();
            self.left_out += 1;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Marks divergences of the node as claimed on Ethereum, up to an input.
    pub(super) fn claimed_up_to(&mut self, last_input: u64) {
        let claimed = self.found.iter_mut().map(|(found, _)| found);
        claimed
            .filter(|found| found.input.is_some_and(|input| input <= last_input))
            .for_each(|found| found.seen_in = SeenIn::Claim);
    }

    /// Those with an evaluation, for the drill-down.
    pub(super) fn scores(&mut self) -> impl Iterator<Item = (&mut Divergence, &ToldEvaluation)> {
        self.found.iter_mut().filter_map(|(found, evaluation)| Some((found, evaluation.as_ref()?)))
    }

    /// The first, the others, and the number of unlisted ones.
    pub(super) fn into_parts(self) -> (Option<Divergence>, Vec<Divergence>, u64) {
        let mut all = self.found.into_iter().map(|(found, _)| found);
        (all.next(), all.collect(), self.left_out)
    }
}
