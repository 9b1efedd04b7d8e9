//! Rent: the price of reserving bytes for a time. It rises steeply as the store fills.
//!
//! A byte costs the floor times `1 + 1000·x³`, where `x` is the fill level of the store at that
//! byte; a reservation pays the integral, so splitting it among jobs gains nothing.

use primitive_types::U256;
use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    units::{Amount, Timestamp},
};

/// Extra cost of a byte in a full store, as a multiple of the floor.
const STEEPNESS: u64 = 1_000;
/// Unit of the floor's price: a mebibyte and a day, in byte seconds.
const MEBIBYTE_DAY: u64 = 1_048_576 * 86_400;

/// Price of a reservation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rent {
    /// The whole price.
    pub all: Amount,
    /// The part at the floor price, which the operator gets; the rest goes to the sink.
    pub floor: Amount,
}

impl Rent {
    /// The part of this price for the time from `opened` to `now`, where all of it is for the time
    /// up to `last_date`: at least for the shortest time charged; rounded up, the floor's part
    /// down.
    #[must_use]
    pub fn used(
        self,
        (opened, last_date): (Timestamp, Timestamp),
        now: Timestamp,
        least_seconds: u64,
    ) -> Option<Self> {
        let all = last_date.0.saturating_sub(opened.0).max(1);
        let used = now.0.saturating_sub(opened.0).max(least_seconds).min(all);
        let Self { all: price, floor } = self;
        let price = price.scaled_up(used.into(), all.into())?;
        Some(Self { all: price, floor: floor.scaled_down(used.into(), all.into())? })
    }
}

/// The price of reserving `bytes` more for this many seconds, with `reserved` bytes of a store's
/// `capacity` taken; `floor` is the price of a mebibyte and a day in an empty one. Rounded up.
///
/// - Errors: `StoreFull`, `AwardOverflow`
pub fn price(
    floor: Amount,
    capacity: u64,
    reserved: u64,
    bytes: u64,
    seconds: u64,
) -> Result<Rent, Refusal> {
    let free = capacity.saturating_sub(reserved);
    if bytes > free {
        return Err(Refusal::StoreFull { needed: bytes, free });
    }
    let overflow = Refusal::AwardOverflow {};
    let time = U256::from(bytes).checked_mul(seconds.into()).ok_or(overflow)?;
    let by_floor = floor.scaled_up(time, MEBIBYTE_DAY.into()).ok_or(overflow)?;
    let over = steep_bytes(capacity, reserved, bytes).ok_or(overflow)?;
    let over = over.checked_mul(seconds.into()).ok_or(overflow)?;
    let over = floor.scaled_up(over, MEBIBYTE_DAY.into()).ok_or(overflow)?;
    let all = by_floor.checked_add(over).ok_or(overflow)?;
    Ok(Rent { all, floor: by_floor })
}

/// `∫ 1000·(x/capacity)³ dx` from `reserved` on over `bytes`, rounded up.
fn steep_bytes(capacity: u64, reserved: u64, bytes: u64) -> Option<U256> {
    let fourth = |x: u64| U256::from(x).checked_pow(4.into());
    let area = fourth(reserved.checked_add(bytes)?)?.checked_sub(fourth(reserved)?)?;
    let divisor = U256::from(capacity).checked_pow(3.into())?.checked_mul(4.into())?;
    let scaled = area.checked_mul(STEEPNESS.into())?;
    scaled.checked_add(divisor)?.checked_sub(U256::one())?.checked_div(divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const DAY: u64 = 86_400;

    fn all(reserved: u64, bytes: u64) -> u128 {
        price(Amount::new(1_000_000), 64 * MIB, reserved, bytes, DAY).unwrap().all.0.as_u128()
    }

    #[test]
    fn an_empty_store_costs_the_floor_and_a_full_one_a_thousand_times_it() {
        assert!((1_000_000..1_002_000).contains(&all(0, MIB)), "{}", all(0, MIB));
        let last = all(63 * MIB, MIB);
        assert!((950_000_000..1_001_000_000).contains(&last), "{last}");
        // The whole store: 64 · (1 + 1000 / 4).
        assert!((16_063_999_999..=16_064_000_002).contains(&all(0, 64 * MIB)));
    }

    #[test]
    fn dividing_a_reservation_gains_nothing() {
        let whole = all(7 * MIB, 20 * MIB);
        let parts: u128 = (0..40).map(|part| all(7 * MIB + part * MIB / 2, MIB / 2)).sum();
        assert!(parts >= whole && parts < whole + 100, "{parts} {whole}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = price(Amount::new(1), 64 * MIB, 60 * MIB, 5 * MIB, 1);
        assert_eq!(refused, Err(Refusal::StoreFull { needed: 5 * MIB, free: 4 * MIB }));
    }
}
