//! Commands as hex, for other Ethereum tools: payloads for the InputBox, or data for a deposit.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::primitives::{B256, Bytes};
use anyhow::{Context, Result};
use blobs::{Digest, Opening};
use market::{Attestation, Command, CompetitionTerms, JobId, Score, Timestamp, Work};
use serde::Serialize;
use wire::Genesis;

use crate::{
    args::{EncodeCommand, EncodeOpenCompetition, EncodeSealed, TermsDraft},
    commands::competition::open,
    competition_terms,
    config::Config,
    convert::to_market,
    delivery,
    files::{self, File},
    native::{self, JobBytes},
    quantity::{Money, Unit},
    seals::{self, Seal},
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
        EncodeCommand::OpenCompetition(open) => vec![open_competition(config, open).await?],
        EncodeCommand::Enter(enter) => {
            let (job, seal, file) = sealed(config, enter).await?;
            vec![Command::Enter { job, model: seal.sealed(&file.bytes).0 }]
        }
        EncodeCommand::Reveal(reveal) => {
            let (job, seal, _) = sealed(config, reveal).await?;
            let Opening { key, salt, plain: plaintext } = seal.opening()?;
            vec![Command::Reveal { job, key, salt, plaintext }]
        }
        EncodeCommand::Show(show) => {
            vec![Command::Show { job: JobId(show.job), model: files::read(&show.model)?.blob }]
        }
        EncodeCommand::Enlist(enlist) => vec![Command::Enlist { job: enlist.job.map(JobId) }],
        EncodeCommand::Retire => vec![Command::Retire],
        EncodeCommand::Attest(attest) => vec![Command::Attest {
            job: JobId(attest.job),
            page: attest.page,
            commitment: Digest(attest.commitment.0),
        }],
        EncodeCommand::Unveil(unveil) => vec![Command::Unveil {
            job: JobId(unveil.job),
            page: unveil.page,
            attestations: unveil
                .attestation
                .iter()
                .map(|text| attestation(text))
                .collect::<Result<_>>()?,
            results: unveil.results.to_vec(),
            salt: unveil.salt.0,
        }],
        EncodeCommand::Object(object) => {
            vec![Command::Object { job: JobId(object.job), entry: object.entry }]
        }
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

/// A competition whose hold-out this account has sealed for the number it will get.
async fn open_competition(
    config: &Config,
    EncodeOpenCompetition { job, open }: &EncodeOpenCompetition,
) -> Result<Command> {
    let draft = competition_terms::draft(open)?;
    let session = config.session()?;
    let plan = open::plan(&session, &draft).await?;
    let hold_out = EncodeSealed { job: *job, file: plan.files.hold_out.path.clone() };
    let (job, seal, file) = sealed(config, &hold_out).await?;
    let hold_out = seal.sealed(&file.bytes).0;
    let terms = CompetitionTerms { hold_out, ..plan.terms };
    Ok(Command::OpenCompetition { job, terms: Box::new(terms) })
}

/// What this account has sealed for a competition, and the file.
///
/// - Errors: it has not sealed that file for that competition on this computer
async fn sealed(
    config: &Config,
    EncodeSealed { job, file }: &EncodeSealed,
) -> Result<(JobId, Seal, File)> {
    let file = files::read(file)?;
    let (_, vault) = config.signer(&config.session()?).await?;
    let is_it = |seal: &Seal| {
        seal.job == *job && seal.opening().is_ok_and(|opening| opening.plain == file.blob)
    };
    let seal = seals::list(&vault)?.into_iter().rfind(is_it);
    let seal = seal.with_context(|| {
        format!("{} is not sealed for job {job}: see `deml data seal`", file.path.display())
    })?;
    Ok((JobId(*job), seal, file))
}

/// An attestation written as `SCORE,WORST_CLASS,RESULTS`.
fn attestation(text: &str) -> Result<Attestation> {
    let read = || {
        let mut parts = text.split(',');
        let mut number = || parts.next()?.parse().ok().map(Score);
        let (score, worst_class) = (number()?, number()?);
        let results: B256 = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Attestation {
            score,
            worst_class,
            results: Digest(results.0),
        })
    };
    read().with_context(|| {
        format!("{text:?} is not an attestation like 950000,900000,0x…: parts per million, digest")
    })
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
