//! What `deml` can be asked for: one file a command, and here who calls which.
//!
//! Each command is a function that takes typed arguments and returns a typed answer, which is shown
//! as text or as JSON; programs call the same functions.

pub mod account;
pub mod audit;
pub mod bits;
pub mod calldata;
pub mod cancel;
pub mod claim;
pub mod data;
pub mod devnet;
pub mod evaluate;
pub mod funding;
pub mod job_open;
pub mod job_view;
pub mod mine;
pub mod model;
pub mod money;
pub mod proof;
pub mod reveal;
pub mod score;
pub mod settle;
pub mod show;
pub mod submit;
pub mod train;
pub mod watch;

use alloy::{primitives::Bytes, signers::local::PrivateKeySigner};
use anyhow::{Context, Result};
use auditor::Unchecked;
use client::{
    convert::to_market,
    delivery::{self, Holding},
    files,
    jobs::JobRef,
    keystore,
    seals::Scope,
    talk::Ending,
};
use wire::JobKey;

use self::{
    calldata::{Calldata, DepositCalldata},
    data::Publication,
};
use crate::{
    args::{self, Command},
    config::Config,
    demo,
    effort::Speed,
};

/// Does what was asked for.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, command: Command) -> Result<Ending> {
    match command {
        Command::Demo(demo) => {
            if let Some(lie) = demo.sabotage {
                let report = demo::sabotaged(config.talk, lie).await?;
                config.talk.answer(&report)?;
                return Ok(report.ending());
            }
            match demo.play {
                None => config.talk.answer(&demo::run(config.talk, demo.dapp).await?)?,
                Some(args::DemoPlay::Competition { silent_sponsor }) => {
                    let played = demo::competition::run(config.talk, demo.dapp, silent_sponsor);
                    config.talk.answer(&played.await?)?;
                }
            }
            Ok(Ending::Done)
        }
        Command::Devnet(devnet) => devnet::run(config.talk, devnet).await,
        Command::Job(job) => run_job(config, job).await,
        Command::Data(data) => run_data(config, data).await,
        Command::Model(model) => run_model(config, model).await,
        Command::Train(train) => run_train(config, train).await,
        Command::Score(score) => run_score(config, score).await,
        Command::Submit(submit) => submit::run(config, submit).await,
        Command::Show(show) => show::run(config, show).await,
        Command::Mine(mine) => mine::run(config, mine).await,
        Command::Balance(balance) => run_balance(config, balance).await,
        Command::Deposit(deposit) => run_deposit(config, deposit).await,
        Command::Withdraw(withdraw) => run_withdraw(config, withdraw).await,
        Command::Claim(claim) => run_claim(config, claim).await,
        Command::Proof(proof) => run_proof(config, proof).await,
        Command::Audit(audit) => {
            let report = audit::run(config, audit).await;
            if let (true, Err(error)) = (config.talk.json, &report) {
                config.talk.answer(&Unchecked::new(error))?;
            }
            let report = report?;
            config.talk.answer(&report)?;
            Ok(report.ending())
        }
        Command::Watch(watch) => watch::run(config, watch).await,
        Command::Account(account) => run_account(config, account),
        // `main` runs it without any of this.
        Command::Guard(_) => Ok(Ending::Done),
    }
}

async fn run_job(config: &Config, job: args::Job) -> Result<Ending> {
    let talk = config.talk;
    match job {
        args::Job::List(page) => {
            talk.answer(&job_view::list(&config.session()?, &page).await?)?;
        }
        args::Job::Show(show) => {
            let shown = job_view::show(&config.session()?, show.job, show.submissions).await?;
            talk.answer(&shown)?;
        }
        args::Job::Board(one) => {
            talk.answer(&job_view::board(&config.session()?, one.job).await?)?;
        }
        args::Job::Leaderboard(one) => {
            talk.answer(&job_view::leaderboard(&config.session()?, one.job).await?)?;
        }
        args::Job::Open(open) => return job_open::run(config, *open).await,
        args::Job::Cancel(cancel) => return cancel::run(config, cancel).await,
        args::Job::Settle(settle) => return settle::run(config, settle).await,
        args::Job::Evaluate(evaluate) => return evaluate::run(config, evaluate).await,
        args::Job::Reveal(reveal) => return reveal::run(config, reveal).await,
    }
    Ok(Ending::Done)
}

async fn run_data(config: &Config, data: args::Data) -> Result<Ending> {
    match data {
        args::Data::Pack(pack) => config.talk.answer(&data::pack(&pack)?)?,
        args::Data::Seal(seal) => {
            let file = files::read(&seal.file)?;
            let session = config.session()?;
            let (sender, vault) = config.signer(&session).await?;
            let scope = match (seal.salt, seal.job) {
                (Some(salt), _) => Scope::HoldOut(salt.0),
                (None, job) => {
                    let job = job.context("for which job? say --job JOB or --salt HEX")?;
                    Scope::Model(session.job(job).await?.job)
                }
            };
            let sealed = data::seal(&session, &sender, &vault, scope, &file, seal.out).await?;
            config.talk.answer(&sealed)?;
        }
        args::Data::Publish(publish) => {
            let file = files::read(&publish.file)?;
            let session = config.session()?;
            let (sender, vault) = config.signer(&session).await?;
            let account = to_market(sender.address());
            let Publication { job, key, blob, bytes } =
                data::publication(&session, account, &vault, &publish.job, file).await?;
            if publish.sending.calldata {
                let received = match delivery::holding(&session, job, key).await? {
                    Holding::Part { received } => received,
                    Holding::Whole | Holding::Nothing => blob.size,
                };
                let chunks = delivery::chunks_from(job, key.slot, &bytes, received)?;
                return Calldata::inputs(&chunks).answer(&config.talk);
            }
            let delivered = delivery::deliver(&session, &sender, (job, key), blob, &bytes);
            config.talk.answer(&delivered.await?)?;
        }
    }
    Ok(Ending::Done)
}

async fn run_model(config: &Config, model: args::Model) -> Result<Ending> {
    match model {
        args::Model::Check(check) => {
            let (file, speed) = (files::read(&check.file)?, Speed::new(check.speed));
            config.talk.answer(&model::check(&file, check.rows, speed)?)?;
        }
        args::Model::Get(get) => {
            let cid = match (get.cid, get.job) {
                (Some(cid), _) => cid,
                (None, job) => {
                    let job = job.context("which model? say --job JOB or --cid CID")?;
                    model::base_of(&config.session()?, &job).await?
                }
            };
            config.talk.answer(&model::get(&config.store()?, cid, get.out).await?)?;
        }
    }
    Ok(Ending::Done)
}

async fn run_train(config: &Config, train: args::Train) -> Result<Ending> {
    let session = if train.job.is_some() { Some(config.session()?) } else { None };
    let course = train::course(session.as_ref(), &train).await?;
    let stop = train::stop_on_interrupt(config.talk);
    config.talk.answer(&trainer::fit::train(config.talk, course, train.out, stop).await?)?;
    Ok(Ending::Done)
}

async fn run_score(config: &Config, score: args::Score) -> Result<Ending> {
    let (file, bits, speed) = (files::read(&score.model)?, score.bits, Speed::new(score.speed));
    let scored = match (score.hold_out, score.job) {
        (Some(hold_out), _) => {
            let hold_out = files::read(&hold_out)?;
            score::on_file(config.talk, file, hold_out, score.metric.into(), bits, speed).await?
        }
        (None, job) => {
            let job = job.context("on what? say --job JOB or --hold-out FILE")?;
            score::for_job(&config.session()?, &job, file, bits, speed).await?
        }
    };
    config.talk.answer(&scored)?;
    Ok(scored.ending())
}

async fn run_balance(config: &Config, balance: args::Balance) -> Result<Ending> {
    let session = config.session()?;
    let account = match balance.address {
        Some(address) => address,
        None => config.account(&session).await?,
    };
    config.talk.answer(&money::balance(&session, account).await?)?;
    Ok(Ending::Done)
}

async fn run_deposit(config: &Config, deposit: args::Deposit) -> Result<Ending> {
    let session = config.session()?;
    if deposit.sending.calldata {
        let (currency, amount) = session.money(deposit.amount).await?;
        let (asset, exec_layer_data) = (currency.asset, Bytes::new());
        let deposit = Some(DepositCalldata { asset, amount, exec_layer_data });
        return Calldata { deposit, payloads: Vec::new() }.answer(&config.talk);
    }
    let sender = config.sender(&session).await?;
    config.talk.answer(&money::deposit(&session, &sender, deposit.amount).await?)?;
    Ok(Ending::Done)
}

async fn run_withdraw(config: &Config, withdraw: args::Withdraw) -> Result<Ending> {
    let session = config.session()?;
    if withdraw.sending.calldata {
        let account = config.account(&session).await?;
        let asked = money::withdrawals(&session, account, &withdraw.amount).await?;
        let commands: Vec<_> = asked.iter().map(money::withdrawal).collect();
        return Calldata::inputs(&commands).answer(&config.talk);
    }
    let sender = config.sender(&session).await?;
    let asked = money::withdrawals(&session, sender.address(), &withdraw.amount).await?;
    let withdrawals = money::withdraw_all(&session, &sender, asked).await?;
    config.talk.answer(&withdrawals)?;
    Ok(Ending::Done)
}

async fn run_claim(config: &Config, claim: args::Claim) -> Result<Ending> {
    let session = config.session()?;
    if claim.sending.calldata {
        let account = config.account(&session).await?;
        let executions = claim::executions(&session, account, &claim.index).await?;
        config.talk.say(format_args!("transactions to {}", executions.application));
        config.talk.answer(&executions)?;
        return Ok(Ending::Done);
    }
    let sender = config.sender(&session).await?;
    let claimed = claim::claim(&session, &sender, &claim.index, claim.wait).await?;
    config.talk.answer(&claimed)?;
    Ok(match claimed.too_early() {
        Some(refused) => {
            config.talk.say_refused(&refused);
            Ending::Refused
        }
        None => Ending::Done,
    })
}

async fn run_proof(config: &Config, proof: args::Proof) -> Result<Ending> {
    match (proof.what, proof.output) {
        (Some(args::ProofWhat::Verify(verify)), _) => {
            let (rpc_url, app) = (config.given_rpc_url(), config.given_app());
            config.talk.answer(&proof::verify(&verify, rpc_url, app).await?)?;
        }
        (Some(args::ProofWhat::Job(job)), _) => {
            let key = match job.job {
                JobRef::Number(number) => JobKey::Number(number),
                JobRef::Name(name) => JobKey::Name(name),
                prefix @ JobRef::Prefix(_) => {
                    JobKey::Name(config.session()?.job(prefix).await?.job)
                }
            };
            prove(config, proof::Wanted::Job(key), job.make).await?;
        }
        (None, output) => {
            let wanted = proof::Wanted::Output(output.context("which output?")?);
            prove(config, wanted, proof.make).await?;
        }
    }
    Ok(Ending::Done)
}

async fn prove(config: &Config, wanted: proof::Wanted, make: args::ProofMake) -> Result<()> {
    let session = config.session()?;
    let made = if make.recompute {
        let replay = args::Replay { engine: make.engine, no_node: true, claim_patience: None };
        let audit = audit::prepare(config, session, replay)?;
        proof::from_ethereum(&audit, wanted, make.out).await?
    } else {
        proof::from_node(&session, wanted, make.out).await?
    };
    config.talk.answer(&made)
}

fn run_account(config: &Config, account: args::Account) -> Result<Ending> {
    let (name, key) = match account {
        args::Account::List => {
            config.talk.answer(&account::Keystores(keystore::list()?))?;
            return Ok(Ending::Done);
        }
        args::Account::New(new) => (new.name, PrivateKeySigner::random()),
        args::Account::Import(import) => (import.name, account::read_key()?),
    };
    let password = keystore::new_password(config.password_file())?;
    config.talk.answer(&keystore::create(&name, &key, &password)?)?;
    Ok(Ending::Done)
}
