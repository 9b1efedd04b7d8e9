//! The meter: the cost of one input so far, which must not exceed a limit.
//!
//! Evaluations report their cost; the market's own work on bytes has prices. Work that can wait is
//! begun only if all of it fits, and otherwise continues in another input.

use crate::{
    settings::{Settings, Speed},
    units::Work,
};

/// Counts the work done by one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    /// Maximum work of the input.
    limit: Work,
    /// Maximum work that its sender wants, once the input has made progress.
    wanted: Work,
    spent: Work,
    /// The part of the work that answered rows.
    float: Work,
    has_advanced: bool,
}

impl Meter {
    /// The meter of an input with this many bytes of payload.
    pub(crate) const fn new(settings: &Settings, payload_bytes: u64) -> Self {
        let prices = &settings.prices;
        let spent = prices.input.plus(prices.payload_byte.times(payload_bytes));
        let limit = settings.input_work;
        Self { limit, wanted: limit, spent, float: Work(0), has_advanced: false }
    }

    /// Sets the most work that the sender wants the input to do.
    pub(crate) fn want(&mut self, work: Work) {
        self.wanted = work.min(self.limit);
    }

    /// Counts work.
    pub(crate) const fn spend(&mut self, work: Work) {
        self.spent = self.spent.plus(work);
    }

    /// Counts work that made progress.
    pub(crate) const fn advance(&mut self, work: Work) {
        self.spend(work);
        self.has_advanced = true;
    }

    /// Counts work that answered rows.
    pub(crate) const fn answer(&mut self, work: Work) {
        self.advance(work);
        self.float = self.float.plus(work);
    }

    /// Work that may still be done.
    pub(crate) const fn left(&self) -> Work {
        self.wanted.minus(self.spent)
    }

    /// Whether this much more work may be done.
    pub(crate) fn fits(&self, work: Work) -> bool {
        let most = if self.has_advanced { self.wanted } else { self.limit };
        self.spent.plus(work) <= most
    }

    /// Whether indivisible work may begin: if it fits, or if it would fit no input at all and is
    /// the first work of this one.
    pub(crate) fn may_begin(&self, settings: &Settings, work: Work) -> bool {
        self.fits(work) || !(self.has_advanced || Self::new(settings, 0).fits(work))
    }

    /// Machine time in microseconds, rounded up.
    pub(crate) fn microseconds(&self, speed: &Speed) -> u64 {
        let float = microseconds(self.float, speed.float);
        float.saturating_add(microseconds(self.spent.minus(self.float), speed.integer))
    }
}

fn microseconds(work: Work, speed: u64) -> u64 {
    let time = u128::from(work.0).saturating_mul(1_000_000).checked_div(speed.into());
    time.and_then(|time| u64::try_from(time).ok()).unwrap_or(u64::MAX).saturating_add(1)
}
