//! How amounts of an asset are written.

use market::{Amount, Asset};
use serde::{Deserialize, Serialize};

use crate::quantity::{self, ETHER_DECIMALS};

/// An asset, and the format of its amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// The asset.
    pub asset: Asset,
    /// Decimal places of a whole unit.
    pub decimals: u8,
    /// Symbol of a whole unit.
    pub symbol: String,
}

impl Currency {
    /// Ether.
    #[must_use]
    pub fn ether() -> Self {
        Self { asset: Asset::Ether, decimals: ETHER_DECIMALS, symbol: "ether".to_owned() }
    }

    /// Formats an amount.
    #[must_use]
    pub fn show(&self, amount: Amount) -> String {
        format!("{} {}", quantity::decimal(amount, self.decimals), self.symbol)
    }
}
