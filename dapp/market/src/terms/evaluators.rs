//! The evaluators, which compute the scores.

use blobs::choice;
use serde::{Deserialize, Serialize};

use super::Terms;
use crate::{
    refusal::Refusal,
    settings::Settings,
    units::{Amount, Score},
};

/// Maximum number of seats of a job.
pub const MAX_SEATS: u32 = 100;
/// Maximum number of rows that the machine samples.
pub const MAX_SAMPLE_ROWS: u32 = 10_000;

choice! {
    /// The evaluators, which compute the scores.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Evaluators {
        /// The machine.
        Machine,
        /// Drawn and bonded miners; the machine evaluates as well, or only a sample.
        Miners(MinerTerms),
    }
}

/// Terms for miners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinerTerms {
    /// Number of seats drawn.
    pub seats: u32,
    /// Lost by a seat that is silent or wrong.
    pub bond: Amount,
    /// Paid by the sponsor for evaluation.
    pub pool: Amount,
    /// Paid by each submission for evaluation.
    pub buy_in: Amount,
    /// Time for committing to attestations, and again for revealing them.
    pub attest_seconds: u32,
    /// Rows that the machine samples if evaluations are beyond its capacity; zero if it can
    /// evaluate every model on all rows.
    pub sample_rows: u32,
}

impl Evaluators {
    pub(super) fn check(&self, settings: &Settings, terms: &Terms) -> Result<(), Refusal> {
        let Self::Miners(miners) = self else { return Ok(()) };
        if !terms.sealing.is_sealed() {
            return Err(Refusal::MinersNeedSealing {});
        }
        if !(1..=MAX_SEATS).contains(&miners.seats) {
            return Err(Refusal::SeatsOutOfRange { found: miners.seats, largest: MAX_SEATS });
        }
        let work = terms.offer.max_work.times(terms.places.into());
        let shortest = settings.windows.attest_seconds.max(settings.mining_seconds(work));
        settings.check_window(miners.attest_seconds, shortest)?;
        if miners.sample_rows == 0 {
            return Ok(());
        }
        let is_told_by_rows = terms.offer.metric.is_told_by_rows();
        let has_sample = miners.sample_rows <= MAX_SAMPLE_ROWS.min(terms.offer.rows);
        // Rows are attested by the metric alone: seats could say anything of another's score.
        if is_told_by_rows && has_sample && terms.offer.threshold.min_score == Score(0) {
            Ok(())
        } else {
            Err(Refusal::SampleTerms {})
        }
    }
}
