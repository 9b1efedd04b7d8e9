//! The commands of `deml`: one file each, with its arguments, what it sends, its result and its
//! display; this one only dispatches.

pub mod account;
pub mod audit;
pub mod balance;
pub mod bits;
pub mod box_exec;
pub mod claim;
pub mod competition;
pub mod dashboard;
pub mod data;
pub mod demo;
pub mod deposit;
pub mod devnet;
pub mod funding;
pub mod genesis;
pub mod guard;
pub mod help;
pub mod job;
pub mod message;
pub mod mine;
pub mod model;
pub mod proof;
pub mod score;
pub mod sending;
pub mod show;
pub mod submit;
pub mod train;
pub mod train_worker;
pub mod trainer;
pub mod watch;
pub mod withdraw;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::{config::Config, interrupt::until_interrupted};

/// The command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a complete market on this computer: deposits, training, evaluation, paid wallets
    Demo(demo::Demo),
    /// Run a market on this computer until Ctrl-C, for development
    Devnet(devnet::Devnet),
    /// Make and check the genesis of a deployment
    #[command(subcommand)]
    Genesis(genesis::Genesis),
    /// Find competitions: jobs with one prize
    #[command(subcommand)]
    Competition(competition::Competition),
    /// Serve the market's page: jobs, scores, and payments through a wallet
    Dashboard(dashboard::Dashboard),
    /// Open, inspect and end jobs
    #[command(subcommand)]
    Job(job::Job),
    /// Pack, seal and publish datasets
    #[command(subcommand)]
    Data(data::Data),
    /// Inspect and fetch models
    #[command(subcommand)]
    Model(model::Model),
    /// Train a model on data that stays on this computer, or on workers that you name
    Train(Box<train::Train>),
    /// Write, try and publish trainers that others run on their own data
    #[command(subcommand)]
    Trainer(trainer::Trainer),
    /// Score a model exactly as the market would
    Score(score::Score),
    /// Enter a model for a job's award, openly or sealed as the job asks
    Submit(submit::Submit),
    /// Show an open model on a job's public board
    Show(show::Show),
    /// Write to a job's sponsor or its clients, encrypted, and read what they write
    #[command(subcommand)]
    Message(message::Message),
    /// Evaluate for jobs with miners, for a share of their pools
    Mine(mine::Mine),
    /// Show wallet, free balance and vouchers
    Balance(balance::Balance),
    /// Deposit money into the market
    Deposit(deposit::Deposit),
    /// Withdraw free balance from the market, as a voucher
    Withdraw(withdraw::Withdraw),
    /// Execute vouchers that are proven on Ethereum
    Claim(claim::Claim),
    /// Prove outputs to anyone, and verify such proofs
    Proof(proof::Proof),
    /// Check every decision of the market against Ethereum
    Audit(audit::Audit),
    /// Audit each epoch as it is claimed, and raise an alert on any divergence
    Watch(watch::Watch),
    /// Create and list encrypted keystores
    #[command(subcommand)]
    Account(account::Account),
    /// Print a command's help, or the options of every command
    Help(help::Help),
    /// Run a program and end it when standard input closes; for the devnet's own use
    #[command(hide = true)]
    Guard(guard::Guard),
    /// Run a stage of the box that trainers are in; for this program's own use
    #[command(hide = true)]
    BoxExec(box_exec::BoxExec),
    /// Work on a task of a training; for engines
    #[command(hide = true)]
    TrainWorker(train_worker::TrainWorker),
}

/// Runs the command.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, command: Command) -> Result<ExitStatus> {
    match command {
        Command::Demo(demo) => demo::run(config, demo).await,
        Command::Devnet(devnet) => devnet::run(config, devnet).await,
        Command::Genesis(genesis) => genesis::run(config, genesis),
        Command::Competition(competition) => competition::run(config, competition).await,
        Command::Dashboard(dashboard) => dashboard::run(config, dashboard).await,
        Command::Job(job) => job::run(config, job).await,
        Command::Data(data) => data::run(config, data).await,
        Command::Model(model) => model::run(config, model).await,
        Command::Train(train) => train::run(config, *train).await,
        Command::TrainWorker(asked) => train_worker::run(asked).await,
        Command::Trainer(trainer) => trainer::run(config, trainer).await,
        Command::Score(score) => score::run(config, score).await,
        Command::Submit(submit) => submit::run(config, submit).await,
        Command::Show(show) => show::run(config, show).await,
        Command::Message(message) => message::run(config, message).await,
        Command::Mine(mine) => mine::run(config, mine).await,
        Command::Balance(balance) => balance::run(config, balance).await,
        Command::Deposit(deposit) => deposit::run(config, deposit).await,
        Command::Withdraw(withdraw) => withdraw::run(config, withdraw).await,
        Command::Claim(claim) => claim::run(config, claim).await,
        Command::Proof(proof) => proof::run(config, proof).await,
        Command::Audit(audit) => until_interrupted(audit::run(config, audit)).await,
        Command::Watch(watch) => until_interrupted(watch::run(config, watch)).await,
        Command::Account(account) => account::run(config, account),
        Command::Help(help) => help::run(config.printer, &help),
        // `main` runs them before anything else.
        Command::Guard(_) | Command::BoxExec(_) => Ok(ExitStatus::Done),
    }
}
