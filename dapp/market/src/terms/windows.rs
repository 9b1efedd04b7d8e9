//! Deadlines of a job, by the market's clock.

use super::{Sealing, Terms};
use crate::{settings::Settings, units::Timestamp};

impl Terms {
    /// Deadline for revealing keys.
    pub fn reveal_until(&self) -> Timestamp {
        match self.sealing {
            Sealing::Open { .. } => self.close,
            Sealing::Sealed { reveal_seconds, .. } => self.close.after(reveal_seconds.into()),
        }
    }

    /// Time that the machine has for all possible submissions and the base model.
    pub fn evaluation_window(&self, settings: &Settings) -> u64 {
        let models = u64::from(self.places).saturating_add(1);
        settings.evaluation_window(self.evaluation_work(settings).times(models))
    }

    /// Time at which a job that has not ended returns all stakes, whatever went wrong: its latest
    /// regular end, plus the machine's window once more.
    pub fn last_date(&self, settings: &Settings) -> Timestamp {
        let attest = self.miners().map_or(0, |miners| u64::from(miners.attest_seconds));
        let evaluation = self.evaluation_window(settings);
        self.reveal_until()
            .after(settings.windows.delivery_seconds)
            .after(attest.saturating_mul(2))
            .after(evaluation.saturating_mul(2))
    }
}
