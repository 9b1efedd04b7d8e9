//! The meter: what one input has cost so far, so that none costs more than it may.
//!
//! Evaluations say what they cost; what the market itself does with bytes has prices. Whatever can
//! wait begins only if all of it fits, and goes on in another input if it does not.

use crate::{
    settings::{Settings, Speed},
    units::Work,
};

/// Counts the work of one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    /// What the input may cost.
    limit: Work,
    /// What its sender wants it to cost, once it has brought something closer to its end.
    wanted: Work,
    spent: Work,
    /// The part of it that answered rows.
    float: Work,
    has_advanced: bool,
}

impl Meter {
    /// The meter of an input with so many bytes of payload.
    pub(crate) const fn new(settings: &Settings, payload_bytes: u64) -> Self {
        let prices = &settings.prices;
        let spent = prices.input.plus(prices.payload_byte.times(payload_bytes));
        let limit = settings.input_work;
        Self { limit, wanted: limit, spent, float: Work(0), has_advanced: false }
    }

    /// Takes note that the sender wants the input to cost at most so much.
    pub(crate) fn want(&mut self, work: Work) {
        self.wanted = work.min(self.limit);
    }

    /// Puts work on the meter.
    pub(crate) const fn spend(&mut self, work: Work) {
        self.spent = self.spent.plus(work);
    }

    /// Puts work on the meter that brought something closer to its end.
    pub(crate) const fn advance(&mut self, work: Work) {
        self.spend(work);
        self.has_advanced = true;
    }

    /// Puts work on the meter that answered rows.
    pub(crate) const fn answer(&mut self, work: Work) {
        self.advance(work);
        self.float = self.float.plus(work);
    }

    /// What may still be spent.
    pub(crate) const fn left(&self) -> Work {
        self.wanted.minus(self.spent)
    }

    /// Whether so much more may be done.
    pub(crate) fn fits(&self, work: Work) -> bool {
        let most = if self.has_advanced { self.wanted } else { self.limit };
        self.spent.plus(work) <= most
    }

    /// Whether something may begin that cannot be divided: if it fits, or if it would fit no input
    /// at all and is the first that is done in this one.
    pub(crate) fn may_begin(&self, settings: &Settings, work: Work) -> bool {
        self.fits(work) || !(self.has_advanced || Self::new(settings, 0).fits(work))
    }

    /// How long a machine takes, in microseconds, rounded up.
    pub(crate) fn microseconds(&self, speed: &Speed) -> u64 {
        let float = microseconds(self.float, speed.float);
        float.saturating_add(microseconds(self.spent.minus(self.float), speed.integer))
    }
}

fn microseconds(work: Work, speed: u64) -> u64 {
    let time = u128::from(work.0).saturating_mul(1_000_000).checked_div(speed.into());
    time.and_then(|time| u64::try_from(time).ok()).unwrap_or(u64::MAX).saturating_add(1)
}
