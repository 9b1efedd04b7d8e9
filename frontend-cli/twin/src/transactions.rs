//! Transactions for a wallet to sign: commands as inputs of their own, or riding on a deposit.

use drafts::Currency;
use market::{Address, Amount, Asset, Command, U256};
use serde::{Deserialize, Serialize};
use wire::{
    encode_add_input, encode_approve, encode_command, encode_deposit_ether, encode_deposit_tokens,
};

/// The contracts that take inputs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Contracts {
    /// Takes payloads.
    pub input_box: Address,
    /// Takes Ether.
    pub ether_portal: Address,
    /// Takes tokens.
    pub erc20_portal: Address,
}

/// An account's means in an asset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Purse {
    /// The asset.
    pub currency: Currency,
    /// Its free balance in the market.
    pub free: Amount,
    /// How much of a token the portal may take.
    pub allowance: Amount,
}

/// A transaction for a wallet to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transaction {
    what: String,
    to: Address,
    /// Ether to send along, in wei.
    value: String,
    data: String,
}

/// Where a market takes inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) application: Address,
    pub(crate) contracts: Contracts,
}

impl Way {
    /// Each command as an input of its own.
    pub(crate) fn inputs(&self, what: &str, commands: &[Command]) -> Vec<Transaction> {
        let count = commands.len();
        let named = |at: usize| match count {
            1 => what.to_owned(),
            _ => format!("{what}, part {} of {count}", at + 1),
        };
        let inputs = commands.iter().enumerate().map(|(at, command)| {
            let data = encode_add_input(self.application, &encode_command(command));
            transaction(named(at), self.contracts.input_box, U256::zero(), &data)
        });
        inputs.collect()
    }

    /// A command that needs a stake: riding on a deposit of what the free balance is short of.
    pub(crate) fn paid(
        &self,
        what: &str,
        stake: Amount,
        command: &Command,
        purse: &Purse,
    ) -> Vec<Transaction> {
        let Purse { currency, free, allowance } = purse;
        let missing = stake.checked_sub(*free).unwrap_or(Amount::ZERO);
        if missing == Amount::ZERO {
            return self.inputs(what, std::slice::from_ref(command));
        }
        let (app, payload) = (self.application, encode_command(command));
        let Contracts { ether_portal, erc20_portal, .. } = self.contracts;
        let what = format!("{what}, with a deposit of {}", currency.show(missing));
        let Asset::Erc20(token) = currency.asset else {
            let data = encode_deposit_ether(app, &payload);
            return vec![transaction(what, ether_portal, missing.0, &data)];
        };
        let mut transactions = Vec::new();
        if *allowance < missing {
            let data = encode_approve(erc20_portal, missing);
            let what = "let the portal take it".to_owned();
            transactions.push(transaction(what, token, U256::zero(), &data));
        }
        let data = encode_deposit_tokens(token, app, missing, &payload);
        transactions.push(transaction(what, erc20_portal, U256::zero(), &data));
        transactions
    }
}

pub(crate) fn transaction(what: String, to: Address, value: U256, data: &[u8]) -> Transaction {
    Transaction { what, to, value: format!("{value:#x}"), data: crate::outputs::shown(data) }
}

/// Gas of an input without a blob's bytes, rounded up.
pub const INPUT_GAS: u64 = 80_000;

/// Maximum gas per input byte (EIP-7623).
const BYTE_GAS: u64 = 40;

/// Gas of a deposit in addition to the input that it adds.
const DEPOSIT_GAS: u64 = 60_000;

/// Gas of inputs with payloads of these lengths, rounded up; the first may ride on a deposit.
#[must_use]
pub fn gas(payloads: &[usize], has_deposit: bool) -> u64 {
    let each = |bytes: &usize| INPUT_GAS.saturating_add(BYTE_GAS.saturating_mul(*bytes as u64));
    let all = payloads.iter().map(each).fold(0, u64::saturating_add);
    all.saturating_add(if has_deposit { DEPOSIT_GAS } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_of_twenty_kilobytes_is_estimated_within_its_bounds() {
        let estimated = gas(&[324, 20_600], true);
        assert!((900_000..=1_100_000).contains(&estimated), "{estimated}");
    }
}
