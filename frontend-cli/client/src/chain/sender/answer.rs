//! What an endpoint's answer to a signed transaction means, whatever program wrote it.

use alloy::transports::{RpcError, TransportErrorKind};

use crate::http::clipped;

/// The meaning of an endpoint's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has the transaction already.
    Known,
    /// It may have taken it or not.
    Doubt,
    /// It did not take it; why, and what to do.
    Refused(String),
}

/// What endpoints say, in lower case, and what it means to a person.
const REFUSALS: [(&str, &str); 12] = [
    (
        "replacement transaction underpriced",
        "another transaction of this account with the same number waits for a block and pays as \
         much: wait for it, or give a --gas-price at least a tenth above it",
    ),
    ("underpriced", "the endpoint takes no transaction at this price: give a higher --gas-price"),
    ("less than block base fee", "blocks cost more than it offers: give a higher --gas-price"),
    ("max fee per gas", "blocks cost more than it offers: give a higher --gas-price"),
    ("feetoolow", "blocks cost more than it offers: give a higher --gas-price"),
    ("block gas limit", "it needs more gas than a block has: send less at once"),
    ("insufficient funds", "the wallet has too little Ether for it and its gas: send it some"),
    ("nonce too low", TAKEN),
    ("nonce is too low", TAKEN),
    ("nonce has already been used", TAKEN),
    ("oldnonce", TAKEN),
    ("nonce too high", "an earlier transaction of this account is lost: send that one first"),
];

const TAKEN: &str =
    "another transaction of this account took its number just now: run the command again";

/// Words of endpoints that are busy: they say nothing about the transaction.
const BUSY: [&str; 5] = ["limit", "timeout", "timed out", "busy", "too many"];

impl Answer {
    /// Reads an error.
    pub(super) fn of(error: &RpcError<TransportErrorKind>) -> Self {
        let Some(answer) = error.as_error_resp() else { return Self::Doubt };
        let words = answer.message.to_lowercase();
        let says = |part: &&str| words.contains(part);
        if ["already known", "already imported", "known transaction", "already exists"]
            .iter()
            .any(says)
        {
            return Self::Known;
        }
        if let Some((_, means)) = REFUSALS.iter().find(|(part, _)| words.contains(part)) {
            return Self::Refused((*means).to_owned());
        }
        if answer.code == -32_005 || BUSY.iter().any(says) {
            return Self::Doubt;
        }
        Self::Refused(clipped(&answer.message))
    }
}

#[cfg(test)]
mod tests {
    use alloy::rpc::json_rpc::ErrorPayload;

    use super::*;

    #[test]
    fn what_endpoints_say_becomes_one_sentence() {
        let of = |code: i64, message: &str| {
            let message = message.to_owned().into();
            Answer::of(&RpcError::ErrorResp(ErrorPayload { code, message, data: None }))
        };
        for words in ["already known", "AlreadyKnown: already known", "Known transaction"] {
            assert_eq!(of(-32_000, words), Answer::Known, "{words}");
        }
        for words in ["daily request count exceeded, request rate limited", "request timed out"] {
            assert_eq!(of(-32_000, words), Answer::Doubt, "{words}");
        }
        assert_eq!(of(-32_005, "slow down"), Answer::Doubt);
        for (words, says) in [
            ("replacement transaction underpriced", "a tenth above"),
            ("transaction underpriced: tip needed 1", "at this price"),
            ("max fee per gas less than block base fee: address 0x", "blocks cost more"),
            ("insufficient funds for gas * price + value: have 0 want 1", "too little Ether"),
            ("nonce too low: next nonce 5, tx nonce 4", "run the command again"),
            ("Nonce too high. Expected nonce to be 1", "send that one first"),
            ("exceeds block gas limit", "send less at once"),
        ] {
            match of(-32_000, words) {
                Answer::Refused(why) => assert!(why.contains(says), "{words}: {why}"),
                other => panic!("{words}: {other:?}"),
            }
        }
        assert_eq!(of(-32_602, "invalid sender"), Answer::Refused("invalid sender".to_owned()));
    }
}
