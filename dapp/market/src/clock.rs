//! The market's clock: block time less the machine's lag.
//!
//! Work adds its machine time to the lag; elapsed time reduces it. So nobody can push a deadline
//! past others by keeping the machine busy: while inputs wait, the clock waits with them. After
//! that it catches up by a tenth of the elapsed time, so that no window is shortened by more.

use serde::{Deserialize, Serialize};

use crate::units::Timestamp;

const MICROSECONDS: u64 = 1_000_000;
/// The clock gains one second in this many.
const CATCH_UP: u64 = 10;

/// The market's clock. It is monotonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    block_time: Timestamp,
    now: Timestamp,
    lag_us: u64,
}

impl Clock {
    /// The current time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Lag of the machine in seconds, rounded down.
    pub const fn lag_seconds(&self) -> u64 {
        self.lag_us / MICROSECONDS
    }

    /// Advances to a block's time.
    pub(crate) fn observe(&mut self, block_time: Timestamp) {
        let passed = block_time.0.saturating_sub(self.block_time.0);
        self.lag_us = self.lag_us.saturating_sub(passed.saturating_mul(MICROSECONDS));
        self.block_time = self.block_time.max(block_time);
        let behind = Timestamp(self.block_time.0.saturating_sub(self.lag_seconds()));
        let caught_up = self.now.after(passed).after(passed / CATCH_UP);
        self.now = self.now.max(behind.min(caught_up));
    }

    /// Adds the machine time of work to the lag.
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
        assert_eq!(shows(1_050, 0), (1_028, 0));
        assert_eq!(shows(1_049, 0), (1_028, 0));
        assert_eq!(shows(1_150, 0), (1_138, 0));
        assert_eq!(shows(1_450, 0), (1_450, 0));
    }

    #[test]
    fn no_window_is_shortened_by_more_than_a_tenth() {
        let mut clock = Clock::default();
        clock.observe(Timestamp(1_000));
        clock.charge(3_600 * MICROSECONDS);
        clock.observe(Timestamp(2_801));
        let opens = clock.now();
        for block_time in (2_801..=2_801 + 3_600).step_by(12) {
            clock.observe(Timestamp(block_time));
            let passed = clock.now().0 - opens.0;
            assert!(passed <= (block_time - 2_801) * 11 / 10, "{block_time}");
        }
    }
}
