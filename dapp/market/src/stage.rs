//! Where a job is in its life.

use std::fmt;

/// Where a job is in its life. Each stage has a deadline, after which anyone can move the job on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Stage {
    /// Waits for its blobs and its base model's scores, until the close.
    Announced,
    /// Takes submissions, until the close.
    Open,
    /// Takes keys, if it is sealed.
    Revealing,
    /// What was submitted is evaluated, then paid for.
    Evaluating,
    /// Ended by settlement.
    Settled,
    /// Ended before it opened, or before anyone submitted.
    Cancelled,
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

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Announced => "announced",
            Self::Open => "open",
            Self::Revealing => "revealing",
            Self::Evaluating => "evaluating",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
        })
    }
}
