//! What a deployment fixes at genesis, as a JSON file of the machine's drive.

use std::collections::BTreeSet;

use blobs::{MAX_INFLATED_BYTES, MAX_PAYLOAD_BYTES};
use market::{Address, Prices, Settings, Work};
use serde::{Deserialize, Serialize};

use crate::{json, output::registry_address};

/// Everything a deployment can choose; what the file leaves out has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// Whose payloads are deposits of Ether.
    #[serde(with = "json::text")]
    pub ether_portal: Address,
    /// Whose payloads are deposits of tokens.
    #[serde(with = "json::text")]
    pub erc20_portal: Address,
    /// Where settled jobs are recorded on L1.
    #[serde(with = "json::text")]
    pub registry: Address,
    /// Tokens that rewards may be paid in, beside Ether.
    #[serde(with = "json::addresses")]
    pub allowed_tokens: BTreeSet<Address>,
    /// Largest blob, in bytes.
    pub max_blob_bytes: u64,
    /// All bytes the market keeps, beside those of the drive.
    pub max_stored_bytes: u64,
    /// Instructions one input may cost in the application, as predicted: the default is two fifths
    /// of what a node's time limit allows a slow machine.
    pub input_work: u64,
    /// Longest time a job may be open, in seconds.
    pub max_window_seconds: u64,
    /// How long after its deadline a job waits for pending evaluations, in seconds.
    pub evaluation_window_seconds: u64,
}

impl Default for Genesis {
    /// The portals of Cartesi Rollups 2.2.0 and the registry, at their addresses on every chain.
    fn default() -> Self {
        Self {
            ether_portal: Address(*b"\xA6\x32\xc5\xc0\x58\x12\xc6\xa6\x14\x9B\x7A\xf5\xC5\x61\x17\xd1\xD2\x60\x38\x28"),
            erc20_portal: Address(*b"\xAC\xA6\x58\x6A\x0C\xf0\x5b\xD8\x31\xf2\x50\x1E\x7B\x4a\xea\x55\x0d\xA6\x56\x2D"),
            registry: registry_address(),
            allowed_tokens: BTreeSet::new(),
            max_blob_bytes: 4_194_304,
            max_stored_bytes: 67_108_864,
            input_work: 2_000_000_000,
            max_window_seconds: 31_536_000,
            evaluation_window_seconds: 86_400,
        }
    }
}

/// Why a genesis file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GenesisRefused {
    /// Not JSON, a value of the wrong kind, or an unknown key.
    #[error("not a genesis file: {0}")]
    Malformed(serde_json::Error),
    /// Ether and tokens would arrive through the same portal.
    #[error("ether_portal and erc20_portal are the same address {0}")]
    SamePortals(Address),
    /// Something must be allowed.
    #[error("{0} must not be zero")]
    Zero(&'static str),
    /// A chunk could cost more than an input may.
    #[error("input_work {found} is less than the {least} that a chunk can take")]
    InputWorkTooSmall {
        /// `input_work`
        found: u64,
        /// What a chunk can take, and the end of an evaluation with it.
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

impl Genesis {
    /// Reads and checks a genesis file.
    pub fn parse(text: &str) -> Result<Self, GenesisRefused> {
        let genesis: Self = serde_json::from_str(text).map_err(GenesisRefused::Malformed)?;
        let zero = |address: &Address| *address == Address::default();
        for (name, is_zero) in [
            ("ether_portal", zero(&genesis.ether_portal)),
            ("erc20_portal", zero(&genesis.erc20_portal)),
            ("registry", zero(&genesis.registry)),
            ("an address of allowed_tokens", genesis.allowed_tokens.iter().any(zero)),
            ("max_blob_bytes", genesis.max_blob_bytes == 0),
            ("input_work", genesis.input_work == 0),
            ("max_window_seconds", genesis.max_window_seconds == 0),
        ] {
            if is_zero {
                return Err(GenesisRefused::Zero(name));
            }
        }
        if genesis.ether_portal == genesis.erc20_portal {
            return Err(GenesisRefused::SamePortals(genesis.ether_portal));
        }
        let (largest, stored) = (genesis.max_blob_bytes, genesis.max_stored_bytes);
        if largest > stored {
            return Err(GenesisRefused::BlobExceedsStore { largest, stored });
        }
        let (found, least) = (genesis.input_work, Self::least_input_work().0);
        if found < least {
            return Err(GenesisRefused::InputWorkTooSmall { found, least });
        }
        Ok(genesis)
    }

    /// What an input can cost that cannot wait: the largest chunk, and a model refused unread.
    #[must_use]
    pub fn least_input_work() -> Work {
        let prices = Prices::COUNTED;
        let chunk = prices.chunk(MAX_PAYLOAD_BYTES as u64, MAX_INFLATED_BYTES as u64);
        chunk.plus(Work(prices.input)).plus(Work(prices.ending))
    }

    /// The part that concerns the market's rules.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            allowed_tokens: self.allowed_tokens.clone(),
            max_blob_bytes: self.max_blob_bytes,
            max_stored_bytes: self.max_stored_bytes,
            input_work: Work(self.input_work),
            prices: Prices::COUNTED,
            max_window_seconds: self.max_window_seconds,
            evaluation_window_seconds: self.evaluation_window_seconds,
        }
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
        assert_eq!(default.settings().input_work, Work(2_000_000_000));
    }

    #[test]
    fn wrong_files_are_refused_in_words() {
        let token = "0x7070707070707070707070707070707070707070";
        for (text, message) in [
            ("", "not a genesis file: EOF"),
            (r#"{"input_wrok": 1}"#, "not a genesis file: unknown field `input_wrok`"),
            (r#"{"input_work": "1"}"#, "not a genesis file: invalid type: string"),
            (r#"{"registry": "0x12"}"#, "not a genesis file: \"0x12\" is not an address"),
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
