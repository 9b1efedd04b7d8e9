//! What a competition's end comes to: who gets what, to the last unit.

use std::fmt;

use crate::units::Amount;

/// How a competition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Before anyone entered, or its blobs were not there or not fit.
    Cancelled,
    /// Nobody entered.
    NobodyEntered,
    /// Nobody revealed.
    NobodyRevealed,
    /// The sponsor did not reveal a hold-out that fits: the entrants share prize and pool.
    SponsorFailed,
    /// No model was accepted.
    NoWinner,
    /// Somebody won.
    Won,
}

impl Outcome {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 6] = [
        Self::Cancelled,
        Self::NobodyEntered,
        Self::NobodyRevealed,
        Self::SponsorFailed,
        Self::NoWinner,
        Self::Won,
    ];
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Cancelled => "cancelled",
            Self::NobodyEntered => "nobody_entered",
            Self::NobodyRevealed => "nobody_revealed",
            Self::SponsorFailed => "sponsor_failed",
            Self::NoWinner => "no_winner",
            Self::Won => "won",
        })
    }
}

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Of the prize.
    Prize,
    /// Of the fees and forfeits, for right attestations or objections.
    Work,
    /// The entrant's buy-in that no miner earned, and what a failed sponsor owes.
    Entrant,
    /// A bond and nothing else.
    Bond,
}

impl Share {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Prize, Self::Work, Self::Entrant, Self::Bond];
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Prize => "prize",
            Self::Work => "work",
            Self::Entrant => "entrant",
            Self::Bond => "bond",
        })
    }
}

/// Why a bond is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// A drawn miner left a page without attestations.
    Silent,
    /// Something attested is not so.
    Wrong,
    /// Right attestations were doubted.
    Objection,
}

/// Who gets what. Each sum is divided into equal parts, rounded down; the first who is paid takes
/// what is left over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How it ended.
    pub outcome: Outcome,
    /// The winners' entries, the best first.
    pub winners: Vec<u32>,
    /// What they share.
    pub prize: Amount,
    /// Miners that were right in all.
    pub right_miners: u32,
    /// Objections that were right.
    pub right_objectors: u32,
    /// What the right miners share.
    pub fees: Amount,
    /// What right miners and objectors share.
    pub forfeits: Amount,
    /// Entrants that revealed.
    pub revealed: u32,
    /// What they share.
    pub refunds: Amount,
    /// What returns to the sponsor's free balance.
    pub remainder: Amount,
}
