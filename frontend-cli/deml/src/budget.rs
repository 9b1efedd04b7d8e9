//! Limits on what a command may send and pay to advance a job: they bound every loop, whatever a
//! node answers.

use alloy::providers::Provider as _;
use anyhow::{Context as _, Result};
use clap::Args;
use client::{
    printer::Refused,
    quantity::{Money, Unit},
    session::{Session, TransactionCost},
};
use market::{Amount, Asset};
use serde::{Deserialize, Serialize};
use twin::transactions::INPUT_GAS;

/// Limits on the inputs that advance something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct Caps {
    /// Send at most this many inputs to advance it
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub max_inputs: u32,
    /// Spend at most this much on their gas
    #[arg(long, value_name = "AMOUNT", default_value = "0.01ether")]
    pub max_cost: Money,
    /// Pay at most this surcharge per input while the machine lags, from the free balance [default:
    /// nothing]
    #[arg(long, value_name = "AMOUNT")]
    pub max_surcharge: Option<Money>,
}

/// Remaining allowance for sending and paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Number of inputs.
    pub inputs: u32,
    /// Their gas fees, in wei.
    pub fee_wei: u128,
    /// Maximum surcharge per input while the machine lags, in units of the job's asset.
    #[serde(skip)]
    pub surcharge: Amount,
}

impl Default for Budget {
    /// Default limits of a command.
    fn default() -> Self {
        Self { inputs: 16, fee_wei: 10_000_000_000_000_000, surcharge: Amount::ZERO }
    }
}

impl Budget {
    /// The limits given by the arguments, for a job that is paid in `asset`.
    ///
    /// - Errors: the gas limit is in tokens; the surcharge is in another asset than the job's
    pub async fn new(session: &Session, caps: &Caps, asset: Asset) -> Result<Self> {
        let fee = match caps.max_cost.unit {
            Unit::Ether(_) => caps.max_cost.amount(0)?.0,
            Unit::Token | Unit::TokenUnits => {
                let why = "--max-cost is for gas, which is paid in ether";
                return Err(Refused::new("WrongAsset", why).into());
            }
        };
        let surcharge = match caps.max_surcharge {
            None => Amount::ZERO,
            Some(money) => {
                let (currency, amount) = session.money(money).await?;
                if currency.asset != asset {
                    let why = format_args!("--max-surcharge is paid in {asset}, as the job is");
                    return Err(Refused::new("WrongAsset", why).into());
                }
                amount
            }
        };
        let fee_wei = fee.min(u128::MAX.into()).as_u128();
        Ok(Self { inputs: caps.max_inputs, fee_wei, surcharge })
    }

    /// Whether one more input fits, at the current gas price.
    pub async fn allows_one(&self, session: &Session) -> Result<bool> {
        if self.inputs == 0 {
            return Ok(false);
        }
        Ok(fee(session, INPUT_GAS).await? <= self.fee_wei)
    }

    /// Deducts a transaction's cost.
    pub fn note(&mut self, spent: &TransactionCost) {
        let inputs = u32::try_from(spent.inputs.len()).unwrap_or(u32::MAX);
        self.inputs = self.inputs.saturating_sub(inputs.max(1));
        self.fee_wei = self.fee_wei.saturating_sub(spent.fee_wei);
    }
}

/// Current price of this much gas, in wei.
pub async fn fee(session: &Session, gas: u64) -> Result<u128> {
    if session.chain.is_gas_free().await? {
        return Ok(0);
    }
    let price = session.chain.provider().get_gas_price().await;
    let price = price.context("the Ethereum node does not say what gas costs")?;
    Ok(price.saturating_mul(gas.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_taken_off_and_an_input_always_counts() {
        let mut budget = Budget { inputs: 3, fee_wei: 100, surcharge: Amount::ZERO };
        budget.note(&TransactionCost { inputs: vec![7], gas_used: 1, fee_wei: 40 });
        assert_eq!((budget.inputs, budget.fee_wei), (2, 60));
        budget.note(&TransactionCost::default());
        budget.note(&TransactionCost { inputs: vec![8, 9], gas_used: 1, fee_wei: 70 });
        assert_eq!((budget.inputs, budget.fee_wei), (0, 0));
    }
}
