//! Where a job is in its life.

use blobs::names;

names! {
    /// Where a job is in its life. Each stage has a deadline, after which anyone can move the job
    /// on.
    Stage: "a stage" {
        /// Waits for its blobs and its base model's scores, until the close.
        Announced = "announced",
        /// Takes submissions, until the close.
        Open = "open",
        /// Takes keys, if it is sealed.
        Revealing = "revealing",
        /// What was submitted is evaluated, then paid for.
        Evaluating = "evaluating",
        /// Ended by settlement.
        Settled = "settled",
        /// Ended before it opened, or before anyone submitted.
        Cancelled = "cancelled",
    }
}

impl Stage {
    /// All in which the job has not ended.
    pub(crate) const LIVE: [Self; 4] =
        [Self::Announced, Self::Open, Self::Revealing, Self::Evaluating];

    /// Whether the job has not ended.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Settled | Self::Cancelled)
    }
}
