//! What a transaction offers for its gas, on chains of each age.

use alloy::network::TransactionBuilder as _;
use alloy::providers::Provider as _;
use alloy::rpc::types::TransactionRequest;
use anyhow::{Context, Result};

use super::super::Chain;

/// The price of a unit of gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fees {
    /// One price, which every chain understands.
    Plain(u128),
    /// Up to `most`, of which up to `tip` go to who builds the block.
    Dynamic {
        /// The highest price.
        most: u128,
        /// The part above the base fee.
        tip: u128,
    },
}

impl Fees {
    /// The price given, or what the chain asks for now.
    ///
    /// - Errors: no price is given, and the endpoint does not say one
    pub(super) async fn choose(chain: &Chain, given: Option<u128>) -> Result<Self> {
        if let Some(price) = given {
            return Ok(Self::Plain(price));
        }
        match chain.newest().await?.base_fee_per_gas {
            Some(0) => return Ok(Self::Dynamic { most: 0, tip: 0 }),
            Some(_) => {
                // Some endpoints lack `eth_feeHistory`: the plain price serves as well.
                if let Ok(fees) = chain.provider().estimate_eip1559_fees().await {
                    let (most, tip) = (fees.max_fee_per_gas, fees.max_priority_fee_per_gas);
                    return Ok(Self::Dynamic { most, tip });
                }
            }
            None => {}
        }
        let price = chain.provider().get_gas_price().await;
        let price = price.map_err(|error| chain.plain(error));
        let price = price.context("the endpoint does not say what gas costs: say --gas-price")?;
        // An eighth more: the most by which the base fee rises from one block to the next.
        Ok(Self::Plain(price.saturating_add(price / 8)))
    }

    /// The most that a unit of gas may cost, in wei.
    pub(super) const fn most(self) -> u128 {
        match self {
            Self::Plain(most) | Self::Dynamic { most, .. } => most,
        }
    }

    /// The same transaction with these fees.
    pub(super) fn on(self, request: TransactionRequest) -> TransactionRequest {
        match self {
            Self::Plain(price) => request.with_gas_price(price),
            Self::Dynamic { most, tip } => {
                request.with_max_fee_per_gas(most).with_max_priority_fee_per_gas(tip)
            }
        }
    }
}
