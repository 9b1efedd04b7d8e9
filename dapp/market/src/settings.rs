//! What a deployment fixes at genesis.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    prices::Prices,
    refusal::Refusal,
    units::{Address, Amount, Asset, Work},
};

/// What a deployment fixes at genesis.
///
/// - Units: bytes; seconds of the market's clock; instructions
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The assets that are kept and paid in, and what things cost in each.
    pub assets: BTreeMap<Asset, AssetPrices>,
    /// Who has the floor of the rent and a part of the price of work.
    pub operator: Address,
    /// An account nobody owns: takes what must be lost.
    pub sink: Address,
    /// The operator's part of the price of work, in parts per million.
    pub operator_ppm: u32,
    /// Largest blob.
    #[serde(with = "blobs::exact")]
    pub max_blob_bytes: u64,
    /// All bytes that jobs reserve, beside those of the drive.
    #[serde(with = "blobs::exact")]
    pub max_stored_bytes: u64,
    /// Most balances that are kept; what there is no record for leaves as a voucher.
    pub max_balances: u32,
    /// Work that one input may cost at most.
    pub input_work: Work,
    /// What is not evaluation costs.
    pub prices: Prices,
    /// How fast a machine is.
    pub speed: Speed,
    /// Longest time a job may be open.
    #[serde(with = "blobs::exact")]
    pub max_window_seconds: u64,
    /// The shortest windows.
    pub windows: Windows,
    /// With each such lag of the machine, the surcharge on its work doubles.
    #[serde(with = "blobs::exact")]
    pub surcharge_lag_seconds: u64,
}

/// What things cost in an asset.
///
/// - Units: the asset's smallest unit
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetPrices {
    /// A smaller balance is not kept.
    pub account_minimum: Amount,
    /// For a billion instructions.
    pub work: Amount,
    /// For a mebibyte and a day, in an empty store.
    pub rent: Amount,
    /// For each byte of a submitted model; returned when it is whole and, if sealed, revealed.
    pub place_bond: Amount,
}

/// Instructions a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// Of a machine that answers rows: its floating point is emulated.
    #[serde(with = "blobs::exact")]
    pub float: u64,
    /// Of a machine that does anything else.
    #[serde(with = "blobs::exact")]
    pub integer: u64,
    /// Of a miner, who answers rows natively.
    #[serde(with = "blobs::exact")]
    pub mining: u64,
}

/// The shortest windows, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// For the bytes of a submission to arrive.
    #[serde(with = "blobs::exact")]
    pub delivery_seconds: u64,
    /// For keys.
    #[serde(with = "blobs::exact")]
    pub reveal_seconds: u64,
    /// For each of committing to attestations and revealing them.
    #[serde(with = "blobs::exact")]
    pub attest_seconds: u64,
    /// For the machine's evaluations, beside the time that their work takes.
    #[serde(with = "blobs::exact")]
    pub evaluation_seconds: u64,
}

impl Settings {
    /// What things cost in an asset; nothing in one that is not kept.
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

    /// How long a machine takes for work on rows, in seconds, rounded up.
    pub const fn machine_seconds(&self, work: Work) -> u64 {
        seconds(work, self.speed.float)
    }

    /// How long a machine takes for work that is not on rows, in seconds, rounded up.
    pub const fn reading_seconds(&self, work: Work) -> u64 {
        seconds(work, self.speed.integer)
    }

    /// How long a miner takes for work on rows, in seconds, rounded up.
    pub const fn mining_seconds(&self, work: Work) -> u64 {
        seconds(work, self.speed.mining)
    }

    /// A window for machine evaluations of so much work: its floor, and twice what the work takes.
    pub const fn evaluation_window(&self, work: Work) -> u64 {
        let takes = self.machine_seconds(work).saturating_mul(2);
        self.windows.evaluation_seconds.saturating_add(takes)
    }

    /// Checks that a blob has a possible size.
    ///
    /// - Errors: `BlobSizeOutOfRange`
    pub(crate) fn check_size(&self, size: u64) -> Result<(), Refusal> {
        let largest = self.max_blob_bytes;
        let fits = (1..=largest).contains(&size);
        fits.then_some(()).ok_or(Refusal::BlobSizeOutOfRange { size, largest })
    }

    /// Checks that a window has a possible length.
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
