//! Conversions between the market's types and Ethereum's, and helpers for results in JSON.

use std::fmt::Display;

use alloy::primitives::{Address, U256, hex};
use anyhow::{Result, bail, ensure};
use market::{Amount, Context, Timestamp};
use serde::Serializer;

use crate::chain::Advance;

/// An address as people type it: with the letters' case of EIP-55, or all in one case.
///
/// - Errors: a name, another length, or letters of the wrong case, where a digit may be wrong too
pub fn address(text: &str) -> Result<Address> {
    if let Some((name, end)) = text.rsplit_once('.')
        && !name.is_empty()
        && !end.is_empty()
    {
        bail!("{text:?} is a name: look up the address that it stands for, and say that");
    }
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let bytes: [u8; 20] = match hex::decode_to_array(digits) {
        Ok(bytes) if !digits.starts_with("0x") => bytes,
        _ => bail!("{text:?} is not an address: 0x and 40 hexadecimal digits"),
    };
    let address = Address::from(bytes);
    let is_plain = !digits.contains(|digit: char| digit.is_ascii_uppercase())
        || !digits.contains(|digit: char| digit.is_ascii_lowercase());
    ensure!(
        is_plain || address.to_checksum(None)[2..] == *digits,
        "{text} is mistyped, as the case of its letters (EIP-55) tells: copy it once more"
    );
    Ok(address)
}

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
pub fn as_text<T: Display, S: Serializer>(
    value: &T,
    out: S,
) -> std::result::Result<S::Ok, S::Error> {
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

    #[test]
    fn a_mistyped_address_is_refused() {
        let right = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        let known: Address = right.parse().unwrap();
        let upper = format!("0x{}", right[2..].to_uppercase());
        for text in [right, &right[2..], &right.to_lowercase(), &upper] {
            assert_eq!(address(text).unwrap(), known, "{text}");
        }
        for (text, says) in [
            ("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92265", "copy it once more"),
            ("0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "copy it once more"),
            ("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226", "40 hexadecimal digits"),
            ("0x0xf39Fd6e51aad88F6F4ce6aB8827279cffFb922", "40 hexadecimal digits"),
            ("", "40 hexadecimal digits"),
            ("sponsor.eth", "is a name: look up the address"),
        ] {
            let said = address(text).unwrap_err().to_string();
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
