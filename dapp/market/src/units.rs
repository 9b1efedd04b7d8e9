//! The market's units: distinct integer types with checked arithmetic.

use std::fmt;

use blobs::{hexadecimal, texts};
use primitive_types::U256;
use serde::{Deserialize, Serialize};

/// A wallet or contract on Ethereum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(pub [u8; 20]);

/// Asset of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asset {
    /// The chain's native currency.
    Ether,
    /// The ERC-20 token at this address.
    Erc20(Address),
}

impl fmt::Display for Asset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ether => out.write_str("ether"),
            Self::Erc20(token) => fmt::Display::fmt(token, out),
        }
    }
}

/// Money, in the smallest unit of its asset (wei for Ether).
///
/// As wide as an ERC-20 balance, so that whatever a portal reports can be credited.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub U256);

impl Amount {
    /// Zero.
    pub const ZERO: Self = Self(U256::zero());

    /// Converts from 128 bits.
    #[must_use]
    pub fn new(units: u128) -> Self {
        Self(U256::from(units))
    }

    /// The sum; `None` if it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` if it would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// This amount times `times`; `None` if it does not fit.
    #[must_use]
    pub fn checked_times(self, times: u64) -> Option<Self> {
        self.0.checked_mul(U256::from(times)).map(Self)
    }

    /// `self · numerator / denominator`, rounded up; `None` if the product does not fit or the
    /// denominator is zero.
    #[must_use]
    pub fn scaled_up(self, numerator: U256, denominator: U256) -> Option<Self> {
        let product = self.0.checked_mul(numerator)?;
        let quotient = product.checked_div(denominator)?;
        let rest = product.checked_rem(denominator)?;
        if rest.is_zero() {
            Some(Self(quotient))
        } else {
            quotient.checked_add(U256::one()).map(Self)
        }
    }

    /// `self · numerator / denominator`, rounded down; `None` as for
    /// [`scaled_up`](Self::scaled_up).
    #[must_use]
    pub fn scaled_down(self, numerator: U256, denominator: U256) -> Option<Self> {
        self.0.checked_mul(numerator)?.checked_div(denominator).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

hexadecimal! {
    Address(20): "an address (0x and 40 hexadecimal digits)";
    JobId(32): "a job's name (0x and 64 hexadecimal digits)";
}

texts! {
    Asset: "\"ether\" or a token's address", |text| {
        if text == "ether" { Some(Self::Ether) } else { Address::read(text).map(Self::Erc20) }
    };
    Option<Address>, |asset| match asset { Self::Ether => None, Self::Erc20(token) => Some(token) },
    |token| token.map_or(Self::Ether, Self::Erc20);
    // The parser reads an empty text as zero.
    Amount: "an amount in the asset's smallest unit (decimal digits)", |text| {
        (!text.is_empty()).then(|| U256::from_dec_str(text).ok().map(Self)).flatten()
    };
    [u64; 4], |amount| amount.0.0, |limbs| Self(U256(limbs));
}

/// Declares a unit: a transparent, ordered integer shown as its number.
macro_rules! unit {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(Serialize, Deserialize)]
        pub struct $name(#[serde(with = "blobs::exact")] pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, out)
            }
        }
    };
}

unit! {
    /// A time of the market's clock, in seconds since 1970: block time less the machine's lag.
    Timestamp
}
unit! {
    /// Work, in instructions of the machine's processor (RISC-V, RV64GC), predicted from shapes and
    /// lengths before anything runs; an upper bound, which counts rows as if they had no zeros.
    Work
}

/// Score of a model, in parts per million; larger is better, at most 1,000,000.
///
/// Shown as that integer, and by `{:#}` as a percentage with three decimals, rounded down.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Score(pub u32);

impl fmt::Display for Score {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ppm) = *self;
        if out.alternate() {
            write!(out, "{}.{:03} %", ppm / 10_000, ppm / 10 % 1_000)
        } else {
            write!(out, "{ppm}")
        }
    }
}

impl Score {
    /// The perfect score.
    pub const MAX: Self = Self(1_000_000);

    /// Gain of this score over `other`; zero if there is none.
    #[must_use]
    pub const fn gain_over(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Timestamp {
    /// The time `seconds` later, saturating.
    #[must_use]
    pub const fn after(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl Work {
    /// The sum, saturating.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This work times `times`, saturating.
    #[must_use]
    pub const fn times(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }

    /// The work left after `spent`, at least zero.
    #[must_use]
    pub const fn minus(self, spent: Self) -> Self {
        Self(self.0.saturating_sub(spent.0))
    }
}

/// A job's name: the SHA-256 of chain, application, sponsor, salt and terms. Whoever names a job
/// consents to its terms.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JobId(pub [u8; 32]);
