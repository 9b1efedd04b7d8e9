//! Inputs from the chain: a portal's deposit, or a message from its sender.
//!
//! A deposit is genuine only from the configured portals; the same bytes from anyone else are an
//! ordinary message.

use market::{Address, Amount, Asset, Context, U256};

use crate::{genesis::Genesis, refused::InputRefused};

/// An amount deposited with a portal for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Asset of the deposit.
    pub asset: Asset,
    /// Amount of the deposit.
    pub amount: Amount,
}

/// One input: the credit is booked first, then the command is tried; neither depends on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    /// The context of the command: its sender is the depositor, or else the sender of the message.
    pub context: Context,
    /// The deposit; `None` for an ordinary message.
    pub credit: Option<Credit>,
    /// The calldata of a command, not decoded; `None` for a deposit without one.
    pub command: Option<&'a [u8]>,
}

impl<'a> Input<'a> {
    /// Reads an input; the sender in the context is that of the message.
    ///
    /// - Errors: `DepositTooShort` for a truncated payload of a portal
    pub fn read(
        genesis: &Genesis,
        context: Context,
        payload: &'a [u8],
    ) -> Result<Self, InputRefused> {
        let sender = context.sender;
        let (account, credit, data) = if sender == genesis.ether_portal {
            ether(payload)?
        } else if sender == genesis.erc20_portal {
            erc20(payload)?
        } else {
            return Ok(Self { context, credit: None, command: Some(payload) });
        };
        let context = Context { sender: account, ..context };
        let command = (!data.is_empty()).then_some(data);
        Ok(Self { context, credit: Some(credit), command })
    }
}

type Deposit<'a> = (Address, Credit, &'a [u8]);

/// ```text
/// byte  0       depositor
/// byte 20       amount in wei, big-endian
/// byte 52       execLayerData
/// ```
fn ether(payload: &[u8]) -> Result<Deposit<'_>, InputRefused> {
    let whole = || {
        let (sender, rest) = payload.split_first_chunk()?;
        let (amount, data) = rest.split_first_chunk()?;
        Some((Address(*sender), credit(Asset::Ether, amount), data))
    };
    whole().ok_or(InputRefused::DepositTooShort { needed: 52, found: length(payload) })
}

/// ```text
/// byte  0       token
/// byte 20       depositor
/// byte 40       amount in the token's smallest unit, big-endian
/// byte 72       execLayerData
/// ```
fn erc20(payload: &[u8]) -> Result<Deposit<'_>, InputRefused> {
    let whole = || {
        let (token, rest) = payload.split_first_chunk()?;
        let (sender, rest) = rest.split_first_chunk()?;
        let (amount, data) = rest.split_first_chunk()?;
        Some((Address(*sender), credit(Asset::Erc20(Address(*token)), amount), data))
    };
    whole().ok_or(InputRefused::DepositTooShort { needed: 72, found: length(payload) })
}

fn credit(asset: Asset, amount: &[u8; 32]) -> Credit {
    Credit { asset, amount: Amount(U256::from_big_endian(amount)) }
}

fn length(payload: &[u8]) -> u64 {
    u64::try_from(payload.len()).unwrap_or(u64::MAX)
}

/// The payload that the Ether portal creates for a deposit.
#[must_use]
pub fn encode_ether_deposit(account: Address, amount: Amount, command: &[u8]) -> Vec<u8> {
    [&account.0, big_endian(amount).as_slice(), command].concat()
}

/// The payload that the ERC-20 portal creates for a deposit.
#[must_use]
pub fn encode_erc20_deposit(
    token: Address,
    account: Address,
    amount: Amount,
    command: &[u8],
) -> Vec<u8> {
    [&token.0, &account.0, big_endian(amount).as_slice(), command].concat()
}

fn big_endian(amount: Amount) -> [u8; 32] {
    let mut bytes = [0; 32];
    amount.0.to_big_endian(&mut bytes);
    bytes
}
