//! The stages of a job.

use blobs::names;

names! {
    /// Stage of a job. Each stage has a deadline, after which anyone can advance the job.
    Stage: "a stage" {
        /// Waits for its blobs and its base model's scores, until the close.
        Announced = "announced",
        /// Accepts submissions, until the close.
        Open = "open",
        /// Accepts keys, if it is sealed.
        Revealing = "revealing",
        /// Submissions are evaluated, then paid for.
        Evaluating = "evaluating",
        /// Ended by settlement.
        Settled = "settled",
        /// Ended before it opened, or before anyone submitted.
        Cancelled = "cancelled",
    }
}

impl Stage {
    /// All stages before the job ends.
    pub(crate) const LIVE: [Self; 4] =
        [Self::Announced, Self::Open, Self::Revealing, Self::Evaluating];

    /// Whether the job has not ended.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Settled | Self::Cancelled)
    }
}
