//! Genesis settings of a deployment, in a JSON file on the machine's drive.

use std::collections::BTreeMap;

use blobs::{MAX_INFLATED_BYTES, MAX_PAYLOAD_BYTES};
use market::{Address, Amount, Asset, AssetPrices, Prices, Settings, Speed, Windows, Work};
use serde::{
    Deserialize, Serialize,
    de::{Deserializer, Error as _},
};
use serde_json::{Map, Value, from_value};

use crate::output::registry_address;

/// All settings of a deployment; keys missing in the file have defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Genesis {
    /// Portal whose payloads are deposits of Ether.
    pub ether_portal: Address,
    /// Portal whose payloads are deposits of tokens.
    pub erc20_portal: Address,
    /// Contract on L1 that records settled jobs.
    pub registry: Address,
    /// Settings of the market; in the file their keys are beside the others.
    #[serde(flatten)]
    pub settings: Settings,
}

impl Default for Genesis {
    /// The portals of Cartesi Rollups 2.2.0 and the registry, at their addresses on every chain.
    fn default() -> Self {
        Self {
            ether_portal: Address(*b"\xA6\x32\xc5\xc0\x58\x12\xc6\xa6\x14\x9B\x7A\xf5\xC5\x61\x17\xd1\xD2\x60\x38\x28"),
            erc20_portal: Address(*b"\xAC\xA6\x58\x6A\x0C\xf0\x5b\xD8\x31\xf2\x50\x1E\x7B\x4a\xea\x55\x0d\xA6\x56\x2D"),
            registry: registry_address(),
            settings: default_settings(),
        }
    }
}

/// An account without an owner: the customary burn address.
const SINK: Address = Address(*b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xde\xad");

/// The default settings: Ether alone, and no account earns as the operator.
///
/// - Units: wei per billion instructions, per mebibyte and day, and per byte; the work of an input
///   is two fifths of what a slow machine can do within a node's time limit
fn default_settings() -> Settings {
    let ether = AssetPrices {
        account_minimum: Amount::new(100_000_000_000_000),
        work: Amount::new(100_000_000_000_000),
        rent: Amount::new(100_000_000_000_000),
        place_bond: Amount::new(10_000_000_000),
    };
    Settings {
        assets: BTreeMap::from([(Asset::Ether, ether)]),
        operator: SINK,
        sink: SINK,
        operator_ppm: 200_000,
        max_blob_bytes: 4_194_304,
        max_stored_bytes: 67_108_864,
        max_balances: 100_000,
        input_work: Work(2_000_000_000),
        prices: Prices::COUNTED,
        speed: Speed { float: 80_000_000, integer: 270_000_000, mining: 1_000_000_000 },
        max_window_seconds: 31_536_000,
        windows: Windows {
            delivery_seconds: 3_600,
            reveal_seconds: 3_600,
            attest_seconds: 3_600,
            evaluation_seconds: 3_600,
        },
        surcharge_lag_seconds: 300,
    }
}

/// Reason why a genesis file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GenesisRefused {
    /// Not JSON, a value of the wrong type, or an unknown key.
    #[error("not a genesis file: {0}")]
    Malformed(serde_json::Error),
    /// Deposits of Ether and tokens could not be distinguished.
    #[error("ether_portal and erc20_portal are the same address {0}")]
    SamePortals(Address),
    /// A quantity or address that must not be zero.
    #[error("{0} must not be zero")]
    Zero(&'static str),
    /// The operator's part exceeds the whole.
    #[error("operator_ppm {0} is more than 1000000, which is all")]
    PartAboveAll(u32),
    /// No asset could be kept or paid in.
    #[error("assets must name at least one asset")]
    NoAssets,
    /// Using the market would be free, or balances could fill the ledger.
    #[error("{price} of {asset} must not be zero")]
    FreeOfCharge {
        /// Name of the price.
        price: &'static str,
        /// Asset of the price.
        asset: Asset,
    },
    /// A chunk could cost more than the limit of an input.
    #[error("input_work {found} is less than the {least} that a chunk can take")]
    InputWorkTooSmall {
        /// `input_work`
        found: u64,
        /// Cost of the largest chunk, and of ending an evaluation with it.
        least: u64,
    },
    /// The largest blob could never be stored.
    #[error("max_blob_bytes {largest} is more than max_stored_bytes {stored}")]
    BlobExceedsStore {
        /// `max_blob_bytes`
        largest: u64,
        /// `max_stored_bytes`
        stored: u64,
    },
}

/// Merges the file's keys into the defaults; the market's part refuses unknown keys.
impl<'a> Deserialize<'a> for Genesis {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        let wrong = D::Error::custom::<serde_json::Error>;
        let default = serde_json::to_value(Self::default()).map_err(wrong)?;
        let mut keys = Map::deserialize(default).map_err(wrong)?;
        keys.extend(Map::deserialize(from)?);
        let mut address = |key| from_value(keys.remove(key).unwrap_or_default()).map_err(wrong);
        Ok(Self {
            ether_portal: address("ether_portal")?,
            erc20_portal: address("erc20_portal")?,
            registry: address("registry")?,
            settings: from_value(Value::Object(keys)).map_err(wrong)?,
        })
    }
}

impl Genesis {
    /// Reads and checks a genesis file.
    ///
    /// - Errors: the first reason to refuse it
    pub fn parse(text: &str) -> Result<Self, GenesisRefused> {
        let genesis: Self = serde_json::from_str(text).map_err(GenesisRefused::Malformed)?;
        genesis.check_zeros()?;
        genesis.check_assets()?;
        if genesis.ether_portal == genesis.erc20_portal {
            return Err(GenesisRefused::SamePortals(genesis.ether_portal));
        }
        let settings = &genesis.settings;
        if settings.operator_ppm > 1_000_000 {
            return Err(GenesisRefused::PartAboveAll(settings.operator_ppm));
        }
        let (largest, stored) = (settings.max_blob_bytes, settings.max_stored_bytes);
        if largest > stored {
            return Err(GenesisRefused::BlobExceedsStore { largest, stored });
        }
        let least = Self::least_input_work(&settings.prices).0;
        let found = settings.input_work.0;
        if found < least {
            return Err(GenesisRefused::InputWorkTooSmall { found, least });
        }
        Ok(genesis)
    }

    fn check_zeros(&self) -> Result<(), GenesisRefused> {
        let zero = Address::default();
        let Settings { speed, windows, .. } = self.settings;
        for (name, is_zero) in [
            ("ether_portal", self.ether_portal == zero),
            ("erc20_portal", self.erc20_portal == zero),
            ("registry", self.registry == zero),
            ("operator", self.settings.operator == zero),
            ("sink", self.settings.sink == zero),
            ("max_blob_bytes", self.settings.max_blob_bytes == 0),
            ("max_balances", self.settings.max_balances == 0),
            ("input_work", self.settings.input_work == Work(0)),
            ("speed.float", speed.float == 0),
            ("speed.integer", speed.integer == 0),
            ("speed.mining", speed.mining == 0),
            ("max_window_seconds", self.settings.max_window_seconds == 0),
            ("windows.delivery_seconds", windows.delivery_seconds == 0),
            ("windows.reveal_seconds", windows.reveal_seconds == 0),
            ("windows.attest_seconds", windows.attest_seconds == 0),
            ("windows.evaluation_seconds", windows.evaluation_seconds == 0),
            ("surcharge_lag_seconds", self.settings.surcharge_lag_seconds == 0),
        ] {
            if is_zero {
                return Err(GenesisRefused::Zero(name));
            }
        }
        Ok(())
    }

    fn check_assets(&self) -> Result<(), GenesisRefused> {
        let assets = &self.settings.assets;
        if assets.is_empty() {
            return Err(GenesisRefused::NoAssets);
        }
        if assets.contains_key(&Asset::Erc20(Address::default())) {
            return Err(GenesisRefused::Zero("a token's address"));
        }
        for (&asset, prices) in assets {
            let AssetPrices { account_minimum, work, rent, place_bond } = *prices;
            for (price, amount) in [
                ("account_minimum", account_minimum),
                ("work", work),
                ("rent", rent),
                ("place_bond", place_bond),
            ] {
                if amount == Amount::ZERO {
                    return Err(GenesisRefused::FreeOfCharge { price, asset });
                }
            }
        }
        Ok(())
    }

    /// Largest indivisible cost of an input: the largest chunk, and refusing a model unread.
    #[must_use]
    pub fn least_input_work(prices: &Prices) -> Work {
        let payload = prices.payload_byte.times(MAX_PAYLOAD_BYTES as u64);
        let chunk = prices.chunk(MAX_INFLATED_BYTES as u64);
        chunk.plus(payload).plus(prices.input).plus(prices.ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_defaults_is_the_default() {
        let default = Genesis::default();
        assert_eq!(Genesis::parse("{}").unwrap(), default);
        let written = serde_json::to_string(&default).unwrap();
        assert_eq!(Genesis::parse(&written).unwrap(), default);
        assert_eq!(default.settings.input_work, Work(2_000_000_000));
        assert_eq!(SINK.to_string(), "0x000000000000000000000000000000000000dead");
    }

    #[test]
    fn a_file_says_what_things_cost_in_each_asset() {
        let text = r#"{"operator": "0x0101010101010101010101010101010101010101", "assets": {
            "0x7070707070707070707070707070707070707070":
                {"account_minimum": "5", "work": "6", "rent": "7", "place_bond": "8"}}}"#;
        let settings = Genesis::parse(text).unwrap().settings;
        assert_eq!(settings.operator, Address([1; 20]));
        let prices = settings.asset(Asset::Erc20(Address([0x70; 20])));
        assert_eq!((prices.account_minimum, prices.place_bond), (Amount::new(5), Amount::new(8)));
        assert!(!settings.assets.contains_key(&Asset::Ether));
    }

    #[test]
    fn wrong_files_are_refused_in_words() {
        let token = "0x7070707070707070707070707070707070707070";
        let zero = "0x0000000000000000000000000000000000000000";
        let free = r#"{"account_minimum": "0", "work": "1", "rent": "1", "place_bond": "1"}"#;
        for (text, message) in [
            ("", "not a genesis file: EOF"),
            (r#"{"input_wrok": 1}"#, "not a genesis file: unknown field `input_wrok`"),
            (r#"{"input_work": "one"}"#, "not a genesis file: not an unsigned number"),
            (r#"{"registry": "0x12"}"#, "not a genesis file: \"0x12\" is not an address"),
            (r#"{"assets": {"gold": {}}}"#, "not a genesis file: \"gold\" is not \"ether\" or a"),
            (r#"{"assets": {"ether": {}}}"#, "not a genesis file: missing field `account_minimum`"),
            (r#"{"assets": {}}"#, "assets must name at least one asset"),
            (&format!(r#"{{"assets": {{"ether": {free}}}}}"#), "account_minimum of ether must not"),
            (&format!(r#"{{"operator": "{zero}"}}"#), "operator must not be zero"),
            (r#"{"operator_ppm": 1000001}"#, "operator_ppm 1000001 is more than 1000000"),
            (
                r#"{"speed": {"float": 1, "integer": 0, "mining": 1}}"#,
                "speed.integer must not be zero",
            ),
            (r#"{"input_work": 0}"#, "input_work must not be zero"),
            (r#"{"input_work": 1}"#, "input_work 1 is less than the"),
            (
                r#"{"max_stored_bytes": 1}"#,
                "max_blob_bytes 4194304 is more than max_stored_bytes 1",
            ),
            (
                &format!(r#"{{"ether_portal": "{token}", "erc20_portal": "{token}"}}"#),
                "ether_portal and erc20_portal are the same address 0x7070",
            ),
        ] {
            let refused = Genesis::parse(text).unwrap_err().to_string();
            assert!(refused.starts_with(message), "{text}: {refused}");
        }
    }
}
