//! The settings of a deployment, fixed at genesis.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    prices::Prices,
    refusal::Refusal,
    units::{Address, Amount, Asset, Work},
};

/// The settings of a deployment, fixed at genesis.
///
/// - Units: bytes; seconds of the market's clock; instructions
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Assets that are kept and paid in, with their prices.
    pub assets: BTreeMap<Asset, AssetPrices>,
    /// Account that gets the floor of the rent and a part of the price of work.
    pub operator: Address,
    /// Account without an owner that gets forfeits and other lost money.
    pub sink: Address,
    /// The operator's part of the price of work, in parts per million.
    pub operator_ppm: u32,
    /// Largest blob, in bytes.
    #[serde(with = "blobs::exact")]
    pub max_blob_bytes: u64,
    /// Maximum number of bytes that jobs can reserve, besides those of the drive.
    #[serde(with = "blobs::exact")]
    pub max_stored_bytes: u64,
    /// Maximum number of balances kept; beyond it, a new balance is paid out as a voucher.
    pub max_balances: u32,
    /// Maximum work of one input.
    pub input_work: Work,
    /// Prices of everything but evaluation.
    pub prices: Prices,
    /// Speed of a machine and of a miner.
    pub speed: Speed,
    /// Longest time that a job may be open.
    #[serde(with = "blobs::exact")]
    pub max_window_seconds: u64,
    /// Shortest windows.
    pub windows: Windows,
    /// Lag of the machine for each doubling of the surcharge on its work.
    #[serde(with = "blobs::exact")]
    pub surcharge_lag_seconds: u64,
}

/// Prices in an asset.
///
/// - Units: the asset's smallest unit
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetPrices {
    /// Smallest balance that is kept.
    pub account_minimum: Amount,
    /// Price of a billion instructions.
    pub work: Amount,
    /// Price of a mebibyte and a day, in an empty store.
    pub rent: Amount,
    /// Bond per byte of a submitted model; returned if delivered and, if sealed, revealed.
    pub place_bond: Amount,
}

/// Instructions per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// A machine that answers rows: its floating point is emulated.
    #[serde(with = "blobs::exact")]
    pub float: u64,
    /// A machine that does anything else.
    #[serde(with = "blobs::exact")]
    pub integer: u64,
    /// A miner, which answers rows natively.
    #[serde(with = "blobs::exact")]
    pub mining: u64,
}

/// The shortest windows, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// Delivery of a submission's bytes.
    #[serde(with = "blobs::exact")]
    pub delivery_seconds: u64,
    /// Revealing keys.
    #[serde(with = "blobs::exact")]
    pub reveal_seconds: u64,
    /// Committing to attestations, and again revealing them.
    #[serde(with = "blobs::exact")]
    pub attest_seconds: u64,
    /// The machine's evaluations, besides the time for their work.
    #[serde(with = "blobs::exact")]
    pub evaluation_seconds: u64,
}

impl Settings {
    /// Prices in an asset; zero if it is not kept.
    pub fn asset(&self, asset: Asset) -> AssetPrices {
        self.assets.get(&asset).copied().unwrap_or_default()
    }

    /// The price of work in an asset, rounded up.
    ///
    /// - Errors: `AwardOverflow`
    pub fn work_price(&self, asset: Asset, work: Work) -> Result<Amount, Refusal> {
        let price = self.asset(asset).work.scaled_up(work.0.into(), 1_000_000_000.into());
        price.ok_or(Refusal::AwardOverflow {})
    }

    /// Time that a machine needs for work on rows, in seconds, rounded up.
    pub const fn machine_seconds(&self, work: Work) -> u64 {
        seconds(work, self.speed.float)
    }

    /// Time that a machine needs for other work, in seconds, rounded up.
    pub const fn reading_seconds(&self, work: Work) -> u64 {
        seconds(work, self.speed.integer)
    }

    /// Time that a miner needs for work on rows, in seconds, rounded up.
    pub const fn mining_seconds(&self, work: Work) -> u64 {
        seconds(work, self.speed.mining)
    }

    /// A window for evaluations of this much work by the machine: its floor, and twice their time.
    pub const fn evaluation_window(&self, work: Work) -> u64 {
        let takes = self.machine_seconds(work).saturating_mul(2);
        self.windows.evaluation_seconds.saturating_add(takes)
    }

    /// Checks that a blob's size is allowed.
    ///
    /// - Errors: `BlobSizeOutOfRange`
    pub(crate) fn check_size(&self, size: u64) -> Result<(), Refusal> {
        let largest = self.max_blob_bytes;
        let fits = (1..=largest).contains(&size);
        fits.then_some(()).ok_or(Refusal::BlobSizeOutOfRange { size, largest })
    }

    /// Checks that a window's length is allowed.
    ///
    /// - Errors: `WindowOutOfRange`
    pub(crate) fn check_window(&self, seconds: u32, shortest: u64) -> Result<(), Refusal> {
        let longest = self.max_window_seconds;
        let fits = (shortest.max(1)..=longest).contains(&seconds.into());
        fits.then_some(()).ok_or(Refusal::WindowOutOfRange { seconds, shortest, longest })
    }
}

const fn seconds(work: Work, speed: u64) -> u64 {
    match work.0.checked_add(speed.saturating_sub(1)) {
        Some(sum) => match sum.checked_div(speed) {
            Some(seconds) => seconds,
            None => u64::MAX,
        },
        None => u64::MAX,
    }
}
