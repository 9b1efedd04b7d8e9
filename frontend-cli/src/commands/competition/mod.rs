//! Competitions: opened, entered, shown on the board, revealed, doubted, settled.

pub mod board;
pub mod enter;
pub mod object;
pub mod open;
pub mod publish;
pub mod reveal;
pub mod settle;
pub mod show;

use alloy::primitives::Bytes;
use anyhow::Result;
use market::{Amount, Command, JobId};

use super::{job_open::Funding, money};
use crate::{
    args::{self, Competition},
    chain::Sender,
    competition_terms,
    config::Config,
    files,
    follow::Processed,
    session::{Currency, Session, Spent},
    talk::{Ending, Refused},
};

/// Does what was asked of a competition.
pub async fn run(config: &Config, competition: Competition) -> Result<Ending> {
    let session = config.session()?;
    match competition {
        Competition::Open(open) => {
            let draft = competition_terms::draft(&open)?;
            let (sender, vault) = config.signer(&session).await?;
            let plan = open::plan(&session, &draft).await?;
            let funding = funding(open.from_balance);
            config.talk.answer(&open::open(&session, &sender, &vault, &plan, funding).await?)?;
        }
        Competition::Show(number) => {
            config.talk.answer(&show::show(&session, JobId(number.job)).await?)?;
        }
        Competition::Enter(enter) => {
            let model = files::read(&enter.model)?;
            let (sender, vault) = config.signer(&session).await?;
            let (job, funding) = (JobId(enter.job), funding(enter.from_balance));
            let entered = enter::enter(&session, &sender, &vault, job, &model, funding).await?;
            config.talk.answer(&entered)?;
        }
        Competition::Publish(publish) => {
            let model = files::read(&publish.model)?;
            let (sender, _) = config.signer(&session).await?;
            let shown = publish::publish(&session, &sender, JobId(publish.job), &model).await?;
            config.talk.answer(&shown)?;
            return Ok(shown.ending());
        }
        Competition::Reveal(args::CompetitionReveal { job, wait }) => {
            let (sender, vault) = config.signer(&session).await?;
            let revealed = reveal::reveal(&session, &sender, &vault, JobId(job), wait).await?;
            config.talk.answer(&revealed)?;
        }
        Competition::Object(args::CompetitionObject { job, entry, from_balance }) => {
            let (sender, vault) = config.signer(&session).await?;
            let (of, funding) = ((JobId(job), entry), funding(from_balance));
            let objected = object::object(&session, &sender, &vault, of, funding).await?;
            config.talk.answer(&objected)?;
        }
        Competition::Settle(number) => {
            let (sender, _) = config.signer(&session).await?;
            config.talk.answer(&settle::settle(&session, &sender, JobId(number.job)).await?)?;
        }
        Competition::Board(number) => {
            config.talk.answer(&board::board(&session, JobId(number.job)).await?)?;
        }
    }
    Ok(Ending::Done)
}

const fn funding(from_balance: bool) -> Funding {
    if from_balance { Funding::Balance } else { Funding::Deposit }
}

/// Sends a command with what it costs: with a deposit, on which it rides, or from the free balance.
///
/// - Errors: `WalletTooSmall`, `InsufficientBalance`
pub(crate) async fn send_paid(
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
