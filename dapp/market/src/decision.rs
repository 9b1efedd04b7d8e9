//! A decision: the outcome of a job and the division of all its money, to the last unit.

use blobs::names;
use serde::{Deserialize, Serialize};

use crate::units::Amount;

names! {
    /// Outcome of a job.
    Outcome: "an outcome" {
        /// Ended before anyone submitted: by its sponsor, or as its blobs were missing or unfit.
        Cancelled = "cancelled",
        /// Nobody submitted.
        NobodySubmitted = "nobody_submitted",
        /// Nobody revealed.
        NobodyRevealed = "nobody_revealed",
        /// The sponsor revealed no valid hold-out: those who revealed share the award.
        SponsorFailed = "sponsor_failed",
        /// No model was accepted.
        NoWinner = "no_winner",
        /// A model won.
        Won = "won",
        /// A required evaluation was late, or the last date passed: stakes are returned.
        Returned = "returned",
    }
}

/// Division of a job's money, besides the rest of each stake. Each sum is divided into equal parts,
/// rounded down; the first one paid also gets the remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Outcome of the job.
    pub outcome: Outcome,
    /// Submission that gets the prize.
    pub winner: Option<u32>,
    /// Amount of the prize.
    pub prize: Amount,
    /// Amount shared by those who revealed.
    pub shared: Amount,
    /// Number of those who revealed.
    pub revealed: u32,
    /// Fees shared by right seats: pool and buy-ins.
    pub fees: Amount,
    /// Lost bonds shared by right seats.
    pub forfeits: Amount,
    /// Number of right seats.
    pub right_seats: u32,
    /// Lost part of the sponsor's bond.
    pub sponsor_loses: Amount,
}

/// Progress of the payments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paying {
    /// First submission that is not paid yet.
    pub(crate) submission: u32,
    /// First enlisted miner that is not paid yet.
    pub(crate) miner: usize,
    /// Number of sharing submissions paid so far.
    pub(crate) revealed: u32,
    /// Number of right seats paid so far.
    pub(crate) seats: u32,
    /// Fees not paid yet.
    pub(crate) fees: Amount,
    /// Shared amount not paid yet.
    pub(crate) shared: Amount,
}
