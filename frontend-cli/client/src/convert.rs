//! Conversions between the market's types and Ethereum's, and helpers for results in JSON.

use std::fmt::Display;

use alloy::primitives::{Address, U256};
use market::{Amount, Context, Timestamp};
use serde::Serializer;

use crate::chain::Advance;

/// An account as alloy's type.
#[must_use]
pub fn to_ethereum(account: market::Address) -> Address {
    account.0.into()
}

/// An account as the market's type.
#[must_use]
pub fn to_market(account: Address) -> market::Address {
    market::Address(account.into())
}

/// Sender, block and time of an input, as the market's context.
#[must_use]
pub fn context(input: &Advance) -> Context {
    Context {
        sender: to_market(input.msg_sender),
        block_time: Timestamp(input.block_timestamp),
        chain_id: input.chain_id,
        app: to_market(input.app_contract),
        block: input.block_number,
        prev_randao: input.prev_randao.0,
        input: input.index,
        payload_bytes: input.payload.len() as u64,
    }
}

/// An amount as alloy's type.
#[must_use]
pub fn to_word(amount: Amount) -> U256 {
    U256::from_limbs(amount.0.0)
}

/// An amount as the market's type.
#[must_use]
pub fn to_amount(word: U256) -> Amount {
    Amount(market::U256(word.into_limbs()))
}

/// `#[serde(serialize_with)]` for integers that JSON holds as decimal strings.
pub fn as_text<T: Display, S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_accounts_keep_their_value() {
        let amount = Amount(market::U256::MAX - 5);
        assert_eq!(to_amount(to_word(amount)), amount);
        assert_eq!(to_word(amount).to_string(), amount.to_string());
        let account = market::Address([7; 20]);
        assert_eq!(to_market(to_ethereum(account)), account);
    }
}
