//! Commands that cost money: with a deposit on which they ride, or from the free balance.

use alloy::primitives::Bytes;
use anyhow::Result;
use market::{Amount, Command};

use super::money;
use crate::{
    chain::Sender,
    follow::Processed,
    session::{Currency, Session, Spent},
    talk::Refused,
};

/// Where the money comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funding {
    /// A deposit, on which the command rides.
    Deposit,
    /// The free balance.
    Balance,
}

impl Funding {
    /// As it was asked for.
    #[must_use]
    pub const fn new(from_balance: bool) -> Self {
        if from_balance { Self::Balance } else { Self::Deposit }
    }
}

/// Sends a command with what it costs.
///
/// - Errors: `WalletTooSmall`, `InsufficientBalance`; what the market refuses is in the answer
pub async fn send_paid(
    session: &Session,
    sender: &Sender,
    (currency, price): (&Currency, Amount),
    command: &Command,
    funding: Funding,
    spent: &mut Spent,
) -> Result<Processed> {
    let sent = match funding {
        Funding::Deposit => {
            let payload: Bytes = wire::encode_command(command).into();
            money::send_deposit(session, sender, currency, price, payload).await?
        }
        Funding::Balance => {
            let free = session.free_balance(sender.address(), currency.asset).await?;
            if free < price {
                let (needs, has) = (currency.show(price), currency.show(free));
                let why = format_args!("needs {needs}, the free balance is {has}");
                return Err(Refused::new("InsufficientBalance", why).into());
            }
            session.send(sender, command).await?
        }
    };
    spent.add(&sent);
    let processed = session.follow(&sent).await?;
    if funding == Funding::Deposit && !processed.refusals.is_empty() {
        session.talk.say(format_args!(
            "the deposit of {} is your free balance: use it with --from-balance or `deml withdraw`",
            currency.show(price)
        ));
    }
    Ok(processed)
}
