//! Commands as hex, for other Ethereum tools: payloads for the InputBox, or data for a deposit.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::primitives::Bytes;
use anyhow::{Context, Result};
use market::{Command, JobId, Timestamp, Work};
use serde::Serialize;
use wire::Genesis;

use crate::{
    args::{EncodeCommand, TermsDraft},
    config::Config,
    convert::to_market,
    delivery, files,
    native::{self, JobBytes},
    quantity::{Money, Unit},
    session::Currency,
    terms::{self, Known},
};

/// Encoded commands, one for each input.
#[derive(Clone, Debug, Serialize)]
pub struct Encoded {
    /// Calldata of the market's interface.
    pub payloads: Vec<Bytes>,
}

impl fmt::Display for Encoded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.payloads.iter().map(Bytes::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

/// Encodes a command.
///
/// Ethereum is asked only for the decimal places of a token, where an amount is in whole tokens.
///
/// - Errors: files that cannot be read; terms that are incomplete
pub async fn encode(config: &Config, command: &EncodeCommand) -> Result<Encoded> {
    let commands = match command {
        EncodeCommand::OpenJob(open) => vec![open_job(config, &terms::draft(open)?).await?],
        EncodeCommand::CancelJob(number) => vec![Command::CancelJob { job: JobId(number.job) }],
        EncodeCommand::Publish(publish) => {
            let file = files::read(&publish.file)?;
            delivery::chunks_from(file.blob, &file.bytes, publish.offset)?
        }
        EncodeCommand::Submit(submit) => vec![Command::Submit {
            job: JobId(submit.job),
            model: files::read(&submit.model)?.blob,
            data: files::read(&submit.data)?.blob,
        }],
        EncodeCommand::Evaluate(evaluate) => {
            vec![Command::Evaluate { job: JobId(evaluate.job), work: Work(evaluate.work) }]
        }
        EncodeCommand::Settle(number) => vec![Command::Settle { job: JobId(number.job) }],
        EncodeCommand::Withdraw(withdraw) => {
            let (currency, amount) = money(config, withdraw.amount).await?;
            vec![Command::Withdraw { asset: currency.asset, amount }]
        }
    };
    let payloads = commands.iter().map(|command| wire::encode_command(command).into());
    Ok(Encoded { payloads: payloads.collect() })
}

async fn open_job(config: &Config, draft: &TermsDraft) -> Result<Command> {
    let reward = draft.reward.context("what reward? say --reward 0.5ether")?;
    let (currency, reward) = money(config, reward).await?;
    let files = terms::read_files(draft)?;
    let asset = currency.asset;
    let unknown = Known { asset, reward, now: clock()?, base_work: Work(u64::MAX) };
    let planned = terms::terms(draft, &files, unknown)?;
    let bytes = JobBytes { base: files.base.bytes.clone(), hold_out: files.hold_out.bytes.clone() };
    let (talk, input_work) = (config.talk, Work(Genesis::default().input_work));
    let rehearsed =
        native::in_background(move || native::rehearse_job(&talk, &planned, &bytes, input_work));
    let base_work = rehearsed.await?.0.work;
    let terms = terms::terms(draft, &files, Known { base_work, ..unknown })?;
    Ok(Command::OpenJob(Box::new(terms)))
}

async fn money(config: &Config, money: Money) -> Result<(Currency, market::Amount)> {
    let currency = match (money.unit, config.token()?) {
        (Unit::Ether(_), _) => Currency::ether(),
        (Unit::TokenUnits, Some(token)) => {
            let (asset, symbol) = (market::Asset::Erc20(to_market(token)), token.to_string());
            Currency { asset, decimals: 0, symbol }
        }
        _ => return config.session()?.money(money).await,
    };
    let amount = money.amount(currency.decimals)?;
    Ok((currency, amount))
}

/// This computer's clock, from which durations are counted here.
fn clock() -> Result<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(Timestamp(since.context("this computer's clock is before 1970")?.as_secs()))
}
