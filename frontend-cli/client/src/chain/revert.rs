//! Turns a node's answer to a reverted call into a message that says what to do.

use alloy::sol_types::SolInterface;
use alloy::transports::{RpcError, TransportErrorKind};
use anyhow::{Error, anyhow};
use reqwest::Url;

use super::bindings::Refusals::RefusalsErrors;
use super::transport;
use crate::http::clipped;

/// A contract reverted; the reason, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Reverted(pub String);

/// An error "cannot WHAT: reason", with the contract's reason in words if there is one.
pub(super) fn explain(what: &str, error: RpcError<TransportErrorKind>, url: &Url) -> Error {
    let Some(answer) = error.as_error_resp() else {
        return transport::plain(error, url).context(format!("cannot {what}"));
    };
    match answer.as_revert_data() {
        Some(data) if !data.is_empty() => {
            Error::new(Reverted(format!("cannot {what}: {}", reason(&data))))
        }
        _ => anyhow!("cannot {what}: {}", clipped(&answer.message)),
    }
}

/// Revert data in words.
fn reason(data: &[u8]) -> String {
    use RefusalsErrors as R;
    match RefusalsErrors::abi_decode(data) {
        Ok(R::Error(error)) => clipped(&error.reason),
        Ok(R::Panic(panic)) => format!("the contract failed with panic code {}", panic.code),
        Ok(R::InputTooLarge(error)) => format!(
            "the input has {} bytes and the InputBox takes {}: split it",
            error.inputLength, error.maxInputLength
        ),
        Ok(R::InvalidOutputsMerkleRoot(_)) => {
            "no accepted claim proves this output yet: wait for the end of its epoch and try again"
                .to_owned()
        }
        Ok(R::OutputNotReexecutable(_)) => "this voucher was executed already".to_owned(),
        Ok(R::OutputNotExecutable(_)) => {
            "this output is not a voucher: there is nothing to execute".to_owned()
        }
        Ok(R::InsufficientFunds(error)) => format!(
            "the application holds {} wei and the voucher pays {}",
            error.balance, error.value
        ),
        Ok(R::NotFirstClaim(_)) => "this epoch is claimed already".to_owned(),
        Ok(R::OwnableUnauthorizedAccount(error)) => {
            format!("{} does not own that contract", error.account)
        }
        Ok(R::ERC20InsufficientBalance(error)) => format!(
            "{} holds {} units of the token and needs {}",
            error.sender, error.balance, error.needed
        ),
        Ok(R::ERC20InsufficientAllowance(error)) => format!(
            "{} may take {} units of the token and needs {}: approve more",
            error.spender, error.allowance, error.needed
        ),
        // All others are shown by name and values: only programs cause them.
        Ok(other) => format!("{other:?}"),
        Err(_) => format!("the contract reverted with {}", alloy::primitives::hex::encode(data)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::bindings::Refusals::{Error as Plain, InvalidOutputsMerkleRoot};
    use alloy::primitives::B256;
    use alloy::sol_types::SolError;

    #[test]
    fn reverts_become_words() {
        let early = InvalidOutputsMerkleRoot { outputsMerkleRoot: B256::ZERO }.abi_encode();
        assert!(reason(&early).contains("wait for the end of its epoch"));
        let plain = Plain { reason: "no".to_owned() }.abi_encode();
        assert_eq!(reason(&plain), "no");
        assert_eq!(reason(&[1, 2]), "the contract reverted with 0102");
    }
}
