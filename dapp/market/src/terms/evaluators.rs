//! The evaluators: who computes the scores.

use blobs::choice;
use serde::{Deserialize, Serialize};

use super::Terms;
use crate::{
    metric::Metric,
    refusal::Refusal,
    settings::Settings,
    units::{Amount, Score},
};

/// The most seats a job can have.
pub const MAX_SEATS: u32 = 100;
/// The most rows that the machine checks.
pub const MAX_SAMPLE_ROWS: u32 = 10_000;

choice! {
    /// Who computes the scores.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Evaluators {
        /// The machine.
        Machine,
        /// Drawn and bonded miners, with the machine as judge, or on samples alone.
        Miners(MinerTerms),
    }
}

/// How miners evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinerTerms {
    /// How many are drawn.
    pub seats: u32,
    /// Lost by a seat that is silent or wrong.
    pub bond: Amount,
    /// What the sponsor pays for evaluating.
    pub pool: Amount,
    /// What each submission pays for it.
    pub buy_in: Amount,
    /// How long attestations are committed to, and then as long revealed.
    pub attest_seconds: u32,
    /// How many rows the machine checks where evaluations are beyond it; zero if it can evaluate
    /// every model whole.
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
        let metric = terms.offer.metric;
        let is_told_by_rows = metric == Metric::Accuracy || metric.is_loss();
        let has_sample = miners.sample_rows <= MAX_SAMPLE_ROWS.min(terms.offer.rows);
        if is_told_by_rows && has_sample && terms.offer.min_worst_class == Score(0) {
            Ok(())
        } else {
            Err(Refusal::SampleTerms {})
        }
    }
}
