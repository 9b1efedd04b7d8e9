//! The InputBox's input hashes, many in one call.
//!
//! A contract-creation call runs its creation code and stores nothing: this code asks the InputBox
//! for each hash and returns the hash of them all. Any Ethereum endpoint supports it.

use alloy::network::TransactionBuilder as _;
use alloy::primitives::{Address, B256, hex, keccak256};
use alloy::providers::Provider as _;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall as _;
use anyhow::Result;
use client::chain::bindings::InputBox;
use client::chain::{Chain, Input, Reverted};

/// Number of hashes per call.
const AT_ONCE: usize = 1_000;

/// The first of the consecutive `inputs` whose hash differs from the InputBox's, with the latter if
/// there is one; `None` if all agree.
///
/// - Errors: the endpoint does not answer
pub(super) async fn first_different(
    chain: &Chain,
    input_box: Address,
    application: Address,
    inputs: &[&Input],
) -> Result<Option<(u64, Option<B256>)>> {
    for part in inputs.chunks(AT_ONCE) {
        let ours: Vec<u8> = part.iter().flat_map(|input| input.hash()).collect();
        let (first, count) = (part[0].advance.index, part.len() as u64);
        let theirs = digest(chain, input_box, application, first, count).await;
        if theirs == Some(keccak256(ours)) {
            continue;
        }
        for input in part {
            let index = input.advance.index;
            let call = InputBox::getInputHashCall {
                appContract: application,
                index: alloy::primitives::U256::from(index),
            };
            match chain.call("read an input's hash", input_box, &call).await {
                Ok(hash) if hash == input.hash() => {}
                Ok(hash) => return Ok(Some((index, Some(hash)))),
                // The InputBox has fewer inputs.
                Err(error) if error.is::<Reverted>() => return Ok(Some((index, None))),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(None)
}

/// The hash of the hashes that the InputBox keeps of `count` consecutive inputs; `None` if the
/// endpoint does not support such a call.
pub async fn digest(
    chain: &Chain,
    input_box: Address,
    application: Address,
    first: u64,
    count: u64,
) -> Option<B256> {
    let request =
        TransactionRequest::default().with_deploy_code(code(input_box, application, first, count));
    let answer = chain.provider().call(request).await.ok()?;
    answer.get(32..64).map(B256::from_slice)
}

/// Creation code that requests the hashes and returns a zero word and the hash of all.
fn code(input_box: Address, application: Address, first: u64, count: u64) -> Vec<u8> {
    let mut selector = [0; 32];
    selector[..4].copy_from_slice(&InputBox::getInputHashCall::SELECTOR);
    let (first, count) = (first.to_be_bytes(), count.to_be_bytes());
    let parts: [&[u8]; 15] = [
        &hex!("7f"), // PUSH32: the call's selector goes to 0, the application to 4
        &selector,
        &hex!("600052 73"), // PUSH1 0 MSTORE, PUSH20
        application.as_slice(),
        &hex!("600452 6000 5b"), // PUSH1 4 MSTORE, PUSH1 0: how many are done; at 62 JUMPDEST
        &hex!("80 67"),          // DUP1, PUSH8
        &first,
        &hex!("01 602452"), // ADD, PUSH1 36 MSTORE: the input's number
        // The answer goes to 128 + 32 · done: PUSH1 32, DUP2 PUSH1 5 SHL PUSH1 128 ADD, PUSH1 68,
        // PUSH1 0, PUSH20
        &hex!("6020 81 60051b 608001 6044 6000 73"),
        input_box.as_slice(),
        // GAS STATICCALL, ISZERO PUSH1 153 JUMPI, PUSH1 1 ADD, DUP1 PUSH8
        &hex!("5a fa 15 609957 600101 80 67"),
        &count,
        // GT PUSH1 62 JUMPI: more to do; SHL: done · 32 bytes from 128 on are hashed into 32
        &hex!("11 603e57 60051b 6080 20 602052"),
        // PUSH1 0 MSTORE at 0, PUSH1 64 PUSH1 0 RETURN
        &hex!("6000600052 6040 6000 f3"),
        &hex!("5b 6000 6000 fd"), // at 153 JUMPDEST: a call reverted, so does this
    ];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The jump targets are literal numbers.
    #[test]
    fn jumps_lead_to_where_they_should() {
        let code = code(Address::repeat_byte(1), Address::repeat_byte(2), 3, 4);
        assert_eq!((code[62], code[153]), (0x5b, 0x5b), "{}", hex::encode(code));
    }
}
