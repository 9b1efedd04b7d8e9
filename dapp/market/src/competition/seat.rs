//! A seat: a drawn miner and what it owes.

use std::collections::BTreeMap;

use blobs::Digest;

use super::Offence;
use crate::units::Address;

/// A drawn miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Who.
    pub miner: Address,
    /// The commitment to each page that is not unveiled yet.
    pub attested: BTreeMap<u32, Digest>,
    /// How many pages were unveiled.
    pub unveiled: u32,
    /// Why its bond is lost.
    pub offence: Option<Offence>,
}

impl Seat {
    pub(crate) const fn new(miner: Address) -> Self {
        Self { miner, attested: BTreeMap::new(), unveiled: 0, offence: None }
    }
}

/// A set of seats; there are at most as many as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeatSet(u128);

impl SeatSet {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.0.count_ones()).unwrap_or_default()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether this seat is among them.
    #[must_use]
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
