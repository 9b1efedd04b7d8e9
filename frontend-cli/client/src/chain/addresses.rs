//! Addresses of the Cartesi Rollups contracts: configuration with known defaults, never constants
//! in the code that uses them.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, address};
use serde::{Deserialize, Serialize};

/// The CREATE2 deployer that gives contracts the same address on every chain.
pub const CREATE2_DEPLOYER: Address = address!("4e59b44847b379578588920ca78fbf26c0b4956c");

/// Addresses of the contracts shared by all applications of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contracts {
    /// Takes the inputs of every application.
    pub input_box: Address,
    /// Deposits Ether.
    pub ether_portal: Address,
    /// Deposits ERC-20 tokens.
    pub erc20_portal: Address,
    /// Target of delegate-call vouchers that pay tokens which return nothing.
    pub safe_erc20_transfer: Address,
    /// Deploys applications.
    pub application_factory: Address,
    /// Deploys Authority consensus contracts.
    pub authority_factory: Address,
    /// Deploys Quorum consensus contracts.
    pub quorum_factory: Address,
    /// Deploys an application and its Authority in one transaction.
    pub self_hosted_application_factory: Address,
}

/// A line of the Cartesi Rollups contracts: what their addresses are and how epochs are claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// 2.2.0: a claim is accepted at once.
    #[default]
    #[serde(rename = "2.2.0")]
    V2_2_0,
    /// 3.0.0-alpha: a claim is staged, then accepted.
    #[serde(rename = "3.0.0-alpha")]
    V3Alpha,
}

impl Line {
    /// The line of contracts that answer `version()` with these numbers; only later ones do.
    #[must_use]
    pub const fn of_version(major: u64) -> Option<Self> {
        match major {
            3 => Some(Self::V3Alpha),
            _ => None,
        }
    }

    /// The addresses of its contracts.
    #[must_use]
    pub const fn contracts(self) -> Contracts {
        match self {
            Self::V2_2_0 => Contracts::V2_2_0,
            Self::V3Alpha => Contracts::V3_ALPHA,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::V2_2_0 => "2.2.0",
            Self::V3Alpha => "3.0.0-alpha",
        })
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::V2_2_0, Self::V3Alpha];
        let found = all.into_iter().find(|line| line.to_string() == text);
        found.ok_or_else(|| format!("{text} is no line of contracts: 2.2.0 or 3.0.0-alpha"))
    }
}

impl Contracts {
    /// Cartesi Rollups 2.2.0, at the same addresses on every chain.
    pub const V2_2_0: Self = Self {
        input_box: address!("1b51e2992A2755Ba4D6F7094032DF91991a0Cfac"),
        ether_portal: address!("A632c5c05812c6a6149B7af5C56117d1D2603828"),
        erc20_portal: address!("ACA6586A0Cf05bD831f2501E7B4aea550dA6562D"),
        safe_erc20_transfer: address!("b7C2bcAA4437425cfcE9d233bFf15EF461273D63"),
        application_factory: address!("26E758238CB6eC5aB70ce0dd52aF2d7b82e1972E"),
        authority_factory: address!("5E96408CFE423b01dADeD3bc867E6013135990cc"),
        quorum_factory: address!("1C91Ba8aa5648cdAC77E97eaC781447c646EF239"),
        self_hosted_application_factory: address!("010D3CbB4223F5bCc7b7B03cEE59f3aAea8eDb8A"),
    };

    /// Cartesi Rollups 3.0.0-alpha.6, at the same addresses on the chains that have it.
    pub const V3_ALPHA: Self = Self {
        input_box: address!("346B3df038FE9f8380071eC6514D5a83aD143939"),
        ether_portal: address!("8b53327575ac999bdfa8003f4b5134DFF9027516"),
        erc20_portal: address!("22E57511C30CcE6CDaa742E13CE3b774fDC663b1"),
        safe_erc20_transfer: address!("15E45E779ED795E5ac4643f6C428B161ccDE7A61"),
        application_factory: address!("C549F89cF1ca43eDDECC64Ac2208F4b283B1c483"),
        authority_factory: address!("3C1FE01c542a88A523FF6847eD1E26176c8C4ED0"),
        quorum_factory: address!("1f94009389F408B8D0ADfFcF8BBDCe5552BaCa5F"),
        self_hosted_application_factory: address!("6145C5996a71a379E030aEb0440df79D60833418"),
    };

    /// The line whose addresses these are; `None` for addresses of one's own.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        [Line::V2_2_0, Line::V3Alpha].into_iter().find(|line| line.contracts() == *self)
    }
}

impl Default for Contracts {
    fn default() -> Self {
        Self::V2_2_0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_can_be_overridden() {
        let text = r#"{"input_box":"0x0000000000000000000000000000000000000001"}"#;
        let contracts: Contracts = serde_json::from_str(text).unwrap();
        assert_eq!(contracts.input_box, Address::with_last_byte(1));
        assert_eq!(contracts.ether_portal, Contracts::V2_2_0.ether_portal);
        assert!(serde_json::from_str::<Contracts>(r#"{"inputbox":"0x00"}"#).is_err());
    }
}
