//! A seat: a drawn miner and its obligations.

use std::collections::BTreeMap;

use blobs::{Digest, names};
use serde::{Deserialize, Serialize};

use crate::units::Address;

names! {
    /// Reason why a bond is lost.
    Offence: "why a bond is lost" {
        /// A drawn miner did not attest a page.
        Silent = "silent",
        /// An attestation is incorrect.
        Wrong = "wrong",
        /// A model's bytes did not arrive.
        NotDelivered = "not_delivered",
        /// A model, or the hold-out, was not revealed, or the hold-out does not fit.
        NotRevealed = "not_revealed",
    }
}

/// A drawn miner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Account of the miner.
    pub miner: Address,
    /// Commitments to pages that are not revealed yet.
    pub attested: BTreeMap<u32, Digest>,
    /// Number of pages revealed.
    pub revealed: u32,
    /// Reason why its bond is lost; `None` if it is not.
    pub offence: Option<Offence>,
}

impl Seat {
    pub(crate) const fn new(miner: Address) -> Self {
        Self { miner, attested: BTreeMap::new(), revealed: 0, offence: None }
    }
}

/// A set of seats; a bit for each possible one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatSet(u128);

impl SeatSet {
    /// Number of seats.
    pub fn len(&self) -> usize {
        usize::try_from(self.0.count_ones()).unwrap_or_default()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether this seat is in the set.
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
