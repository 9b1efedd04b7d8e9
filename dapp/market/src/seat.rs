//! A seat: a drawn miner and what it owes.

use std::collections::BTreeMap;

use blobs::{Digest, names};
use serde::{Deserialize, Serialize};

use crate::units::Address;

names! {
    /// Why a bond is lost.
    Offence: "why a bond is lost" {
        /// A drawn miner left a page without attestations.
        Silent = "silent",
        /// Something attested is not so.
        Wrong = "wrong",
        /// A model's bytes did not come.
        NotDelivered = "not_delivered",
        /// A model, or the hold-out, was not revealed, or the hold-out does not fit.
        NotRevealed = "not_revealed",
    }
}

/// A drawn miner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Who.
    pub miner: Address,
    /// The commitment to each page that is not revealed yet.
    pub attested: BTreeMap<u32, Digest>,
    /// How many pages were revealed.
    pub revealed: u32,
    /// Why its bond is lost.
    pub offence: Option<Offence>,
}

impl Seat {
    pub(crate) const fn new(miner: Address) -> Self {
        Self { miner, attested: BTreeMap::new(), revealed: 0, offence: None }
    }
}

/// A set of seats; there are at most as many as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatSet(u128);

impl SeatSet {
    /// How many.
    pub fn len(&self) -> usize {
        usize::try_from(self.0.count_ones()).unwrap_or_default()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether this seat is among them.
    pub fn contains(&self, seat: usize) -> bool {
        self.0 & bit(seat) != 0
    }

    pub(crate) fn insert(&mut self, seat: usize) {
        self.0 |= bit(seat);
    }
}

fn bit(seat: usize) -> u128 {
    u32::try_from(seat).ok().and_then(|seat| 1_u128.checked_shl(seat)).unwrap_or_default()
}
