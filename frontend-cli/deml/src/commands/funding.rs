//! Paid commands: riding on a deposit, or paid from the free balance.

use alloy::primitives::Bytes;
use anyhow::Result;
use client::{
    chain::Sender,
    follow::Processed,
    printer::Refused,
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Command};

use crate::commands::deposit::send_deposit;

/// Source of the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funding {
    /// A deposit of the amount missing from the free balance, on which the command rides.
    Deposit,
    /// The free balance.
    Balance,
}

impl Funding {
    /// From the flag `--from-balance`.
    #[must_use]
    pub const fn new(from_balance: bool) -> Self {
        if from_balance { Self::Balance } else { Self::Deposit }
    }
}

/// The amount an account's free balance is short of a price.
pub async fn lacking(
    session: &Session,
    account: alloy::primitives::Address,
    (currency, price): (&Currency, Amount),
) -> Result<Amount> {
    let free = session.free_balance(account, currency.asset).await?;
    Ok(price.checked_sub(free).unwrap_or(Amount::ZERO))
}

/// Sends a command with its payment.
///
/// - Errors: `WalletTooSmall`, `InsufficientBalance`; a refusal by the market is in the result
pub async fn send_paid(
    session: &Session,
    sender: &Sender,
    (currency, price): (&Currency, Amount),
    command: &Command,
    funding: Funding,
    spent: &mut TransactionCost,
) -> Result<Processed> {
    let lacking = lacking(session, sender.address(), (currency, price)).await?;
    if lacking == Amount::ZERO {
        let sent = session.send(sender, command).await?;
        spent.add(&sent);
        return session.follow(&sent).await;
    }
    if funding == Funding::Balance {
        let (needs, lacks) = (currency.show(price), currency.show(lacking));
        let why = format_args!("needs {needs}, the free balance is {lacks} short of it");
        return Err(Refused::new("InsufficientBalance", why).into());
    }
    let payload: Bytes = wire::encode_command(command).into();
    let sent = send_deposit(session, sender, currency, lacking, payload).await?;
    spent.add(&sent);
    let processed = session.follow(&sent).await?;
    if !processed.refusals.is_empty() {
        session.printer.say(format_args!(
            "the deposit of {} is your free balance: use it with --from-balance or `deml withdraw`",
            currency.show(lacking)
        ));
    }
    Ok(processed)
}
