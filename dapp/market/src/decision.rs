//! A decision: how a job ends and who gets what, to the last unit.

use blobs::names;
use serde::{Deserialize, Serialize};

use crate::units::Amount;

names! {
    /// How a job ended.
    Outcome: "an outcome" {
        /// Before anyone submitted: by its sponsor, or as its blobs were not here or not fit.
        Cancelled = "cancelled",
        /// Nobody submitted.
        NobodySubmitted = "nobody_submitted",
        /// Nobody revealed.
        NobodyRevealed = "nobody_revealed",
        /// The sponsor did not reveal a hold-out that fits: those who revealed share the award.
        SponsorFailed = "sponsor_failed",
        /// No model was accepted.
        NoWinner = "no_winner",
        /// Somebody won.
        Won = "won",
        /// What decides was not evaluated in time, or the last date passed: each has its own.
        Returned = "returned",
    }
}

/// Who gets what, beside the rest of each stake. Each sum is divided into equal parts, rounded
/// down; the first who is paid takes what is left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// How it ended.
    pub outcome: Outcome,
    /// Who takes the prize.
    pub winner: Option<u32>,
    /// The prize.
    pub prize: Amount,
    /// What those who revealed share.
    pub shared: Amount,
    /// How many they are.
    pub revealed: u32,
    /// What right seats share: pool and buy-ins.
    pub fees: Amount,
    /// What they share of lost bonds.
    pub forfeits: Amount,
    /// How many they are.
    pub right_seats: u32,
    /// What is lost of the sponsor's bond.
    pub sponsor_loses: Amount,
}

/// How far payments have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paying {
    /// The first submission that is not paid.
    pub(crate) submission: u32,
    /// The first enlisted miner that is not paid.
    pub(crate) miner: usize,
    /// How many of those who share were paid.
    pub(crate) revealed: u32,
    /// How many right seats were paid.
    pub(crate) seats: u32,
    /// What is left of the fees.
    pub(crate) fees: Amount,
    /// What is left of what those who revealed share.
    pub(crate) shared: Amount,
}
