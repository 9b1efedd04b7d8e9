//! Calls of Cartesi's contracts that bring a market's inputs to Ethereum, as calldata.

use ethabi::{ParamType, Token};
use market::{Address, Amount};

use crate::abi::tokens;

/// The InputBox's `addInput`: a payload by itself.
#[must_use]
pub fn encode_add_input(app: Address, payload: &[u8]) -> Vec<u8> {
    call("addInput", &[ParamType::Address, ParamType::Bytes], &tokens!(&app, &payload.to_vec()))
}

/// The Ether portal's `depositEther`: a command, or none, riding on a deposit.
#[must_use]
pub fn encode_deposit_ether(app: Address, command: &[u8]) -> Vec<u8> {
    call("depositEther", &[ParamType::Address, ParamType::Bytes], &tokens!(&app, &command.to_vec()))
}

/// The ERC-20 portal's `depositERC20Tokens`.
#[must_use]
pub fn encode_deposit_tokens(
    token: Address,
    app: Address,
    amount: Amount,
    command: &[u8],
) -> Vec<u8> {
    use ParamType::{Address as Account, Bytes, Uint};
    let arguments = tokens!(&token, &app, &amount, &command.to_vec());
    call("depositERC20Tokens", &[Account, Account, Uint(256), Bytes], &arguments)
}

/// A token's `approve`, which lets a portal take a deposit.
#[must_use]
pub fn encode_approve(spender: Address, amount: Amount) -> Vec<u8> {
    call("approve", &[ParamType::Address, ParamType::Uint(256)], &tokens!(&spender, &amount))
}

fn call(name: &str, types: &[ParamType], arguments: &[Token]) -> Vec<u8> {
    [ethabi::short_signature(name, types).as_slice(), &ethabi::encode(arguments)].concat()
}
