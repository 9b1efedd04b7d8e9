//! The market's clock: block time less the machine's lag.
//!
//! Work adds to the lag what it takes a machine, time takes it away. So whoever keeps the machine
//! busy moves no deadline past anyone: while inputs wait, the clock waits with them.

use crate::units::Timestamp;

const MICROSECONDS: u64 = 1_000_000;

/// The market's clock. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Clock {
    block_time: Timestamp,
    now: Timestamp,
    lag_us: u64,
}

impl Clock {
    /// What it shows.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// By how many seconds the machine lags, rounded down.
    #[must_use]
    pub const fn lag_seconds(&self) -> u64 {
        self.lag_us / MICROSECONDS
    }

    /// Takes note of a block's time.
    pub(crate) fn observe(&mut self, block_time: Timestamp) {
        let passed = block_time.0.saturating_sub(self.block_time.0);
        self.lag_us = self.lag_us.saturating_sub(passed.saturating_mul(MICROSECONDS));
        self.block_time = self.block_time.max(block_time);
        let behind = Timestamp(self.block_time.0.saturating_sub(self.lag_seconds()));
        self.now = self.now.max(behind);
    }

    /// Takes note of work, by what it takes a machine.
    pub(crate) const fn charge(&mut self, microseconds: u64) {
        self.lag_us = self.lag_us.saturating_add(microseconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_while_the_machine_lags_and_never_goes_back() {
        let mut clock = Clock::default();
        let mut shows = |block_time, busy_seconds: u64| {
            clock.observe(Timestamp(block_time));
            clock.charge(busy_seconds * MICROSECONDS);
            (clock.now().0, clock.lag_seconds())
        };
        assert_eq!(shows(1_000, 25), (1_000, 25));
        assert_eq!(shows(1_012, 25), (1_000, 38));
        assert_eq!(shows(1_024, 0), (1_000, 26));
        assert_eq!(shows(1_050, 0), (1_050, 0));
        assert_eq!(shows(1_049, 0), (1_050, 0));
    }
}
