//! Addresses of the Cartesi Rollups contracts: configuration with known defaults, never constants
//! in the code that uses them.

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
