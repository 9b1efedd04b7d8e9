//! Mining: evaluating for jobs with miners, for a share of their pools.
//!
//! A round visits the chosen jobs, and those that hold a bond of this account, and does what their
//! windows require, most urgent first; then it enlists, and last it advances jobs, within a day's
//! budget. Findings and read progress are stored encrypted before anything is sent, and salts are
//! derived from the account's key, so a killed miner resumes where it was.

mod attest;
mod choice;
mod moving;
mod state;

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};
use clap::Args;
use client::{
    chain::Sender,
    convert::{address, to_market},
    follow::Processed,
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    quantity::{Money, payment},
    session::{Currency, Session, TransactionCost},
    vault::Vault,
};
use market::{Amount, Asset, Command, Stage};
use serde::Serialize;
use wire::JobView;

pub use self::choice::{Choice, Limits};
use self::state::{State, Sums};
use super::funding::{Funding, send_paid};
use crate::{
    budget::{Budget, Caps},
    commands::sending::{Calldata, Sending},
    config::Config,
};

/// Arguments of `deml mine`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 5 mine --job 0 --deposit 3ether
  deml --account 5 mine --all-matching --max-bond 1ether --min-pool 0.5ether

It offers to evaluate for the jobs that are named, or that keep within the limits, and attests and
reveals what it found until Ctrl-C. Started again, it goes on. The bond of each job comes from the
free balance, which --deposit fills.")]
pub struct Mine {
    /// Mine for this job; can be given more than once
    #[arg(long, required_unless_present = "all_matching")]
    pub job: Vec<JobRef>,
    /// Mine for every job within the limits
    #[arg(long, conflicts_with = "job", requires = "max_bond", requires = "min_pool")]
    pub all_matching: bool,
    /// Only where the bond is at most this
    #[arg(long, value_name = "AMOUNT")]
    pub max_bond: Option<Money>,
    /// Only where the sponsor's pool is at least this
    #[arg(long, value_name = "AMOUNT")]
    pub min_pool: Option<Money>,
    /// Only jobs in this asset: ether, or a token's address
    #[arg(long, value_parser = asset)]
    pub asset: Option<market::Asset>,
    /// Deposit this much first
    #[arg(long, value_name = "AMOUNT", value_parser = payment)]
    pub deposit: Option<Money>,
    /// Do what is due now, then exit
    #[arg(long)]
    pub once: bool,
    /// Limits on advancing jobs, in total; the miner's own duties come first and do not count.
    #[command(flatten)]
    pub caps: Caps,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

fn asset(text: &str) -> Result<market::Asset> {
    match text {
        "ether" => Ok(market::Asset::Ether),
        token => Ok(market::Asset::Erc20(to_market(address(token)?))),
    }
}

/// Name of the deed recorded for a job whose duties failed.
const FAILED: &str = "failed";

/// An account that mines.
#[derive(Clone, Debug)]
pub struct Miner<'a> {
    /// The market.
    pub session: &'a Session,
    /// The signing account.
    pub sender: &'a Sender,
    /// Its private storage.
    pub vault: &'a Vault,
    /// Its choice of jobs.
    pub choice: Choice,
    /// Daily limits on advancing jobs; the miner's own duties do not count.
    pub daily: Budget,
}

/// An action of a miner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// Its kind: `enlisted`, `attested`, `revealed`, `evaluated`, `settled`, `failed`, or the name
    /// of a refusal.
    pub deed: String,
    /// The job's number.
    pub job: u32,
    /// The page or submission.
    pub of: Option<u32>,
}

/// Result of mining.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Mined {
    /// Actions, in order.
    pub deeds: Vec<Deed>,
    /// Pay and lost bonds, by asset.
    pub earned: Vec<Earned>,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
}

/// A miner's earnings in an asset, from the jobs it took part in.
#[derive(Clone, Debug, Serialize)]
pub struct Earned {
    /// The asset.
    pub asset: Asset,
    /// Earnings, not counting returned bonds.
    pub amount: Amount,
    /// Lost bonds.
    pub lost: Amount,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Deed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deed, job, of } = self;
        let what = if deed == "evaluated" { "submission" } else { "page" };
        match of {
            Some(of) => write!(out, "{deed} {what} {of} of job {job}"),
            None => write!(out, "{deed} for job {job}"),
        }
    }
}

impl fmt::Display for Mined {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for deed in &self.deeds {
            writeln!(out, "{deed}")?;
        }
        if self.deeds.is_empty() {
            writeln!(out, "nothing to do now")?;
        }
        for Earned { amount, lost, currency, .. } in &self.earned {
            let (amount, lost) = (currency.show(*amount), currency.show(*lost));
            writeln!(out, "earned {amount} so far, lost {lost} in bonds")?;
        }
        write!(out, "  {}", self.spent)
    }
}

/// Mines once, or until it is interrupted.
pub async fn run(config: &Config, mine: Mine) -> Result<ExitStatus> {
    let session = config.session()?;
    let choice = Choice::new(&session, &mine).await?;
    let jobs = choice.jobs(&session, std::iter::empty()).await?;
    if mine.sending.calldata {
        let commands: Vec<_> = jobs.iter().map(|job| Command::Enlist { job: job.job }).collect();
        return Calldata::inputs(&commands).answer(&config.printer);
    }
    let (sender, vault) = config.signer(&session).await?;
    let _alone = vault.lock(state::NAME, "miner")?;
    if let Some(deposit) = mine.deposit {
        config.printer.say(super::deposit::deposit(&session, &sender, deposit).await?);
    }
    let asset = mine.asset.or(jobs.first().map(|job| job.terms.asset)).unwrap_or(Asset::Ether);
    let daily = Budget::new(&session, &mine.caps, asset).await?;
    let miner = Miner { session: &session, sender: &sender, vault: &vault, choice, daily };
    if mine.once {
        let mined = miner.round().await?;
        config.printer.answer(&mined)?;
        let has_failed = mined.deeds.iter().any(|deed| deed.deed == FAILED);
        ensure!(!has_failed, "not all could be done: see above");
        return Ok(ExitStatus::Done);
    }
    config.printer.say("mining until Ctrl-C");
    let mut known = Vec::new();
    loop {
        match miner.round().await {
            Ok(mined) => {
                let earned: Vec<Amount> = mined.earned.iter().map(|sum| sum.amount).collect();
                if !mined.deeds.is_empty() || earned != known {
                    config.printer.answer(&mined)?;
                }
                known = earned;
            }
            // The node or chain may be down for a while; a miner that gives up loses its bond.
            Err(why) => config.printer.say(format_args!("trying again: {why:#}")),
        }
        tokio::time::sleep(session.patience.pause.max(Duration::from_secs(1))).await;
    }
}

/// A miner's duties, in the order in which a round performs them for all jobs.
#[derive(Clone, Copy, Debug)]
enum Duty {
    Reveal,
    Attest,
    Enlist,
    MoveOn,
}

impl Miner<'_> {
    /// Does what is due now.
    ///
    /// A refusal by the market is recorded as a deed: another miner was faster, or a window closed.
    ///
    /// The failure of a single job is recorded and printed, too.
    ///
    /// - Errors: chain or node unavailable
    pub async fn round(&self) -> Result<Mined> {
        let (progress, mut state) = self.state().await?;
        let mut mined = Mined::default();
        let before = state.budget;
        let jobs = self.choice.jobs(self.session, state.enlisted()).await?;
        state.retain(|job| jobs.iter().any(|view| view.job == job));
        jobs.iter().for_each(|view| state.attend(view));
        for duty in [Duty::Reveal, Duty::Attest, Duty::Enlist, Duty::MoveOn] {
            for view in &jobs {
                let done = match duty {
                    Duty::Reveal => self.reveal(view, &mut state, &mut mined).await,
                    Duty::Attest => self.attest(view, &mut state, &mut mined).await,
                    Duty::Enlist => self.enlist(view, &mut state, &mut mined).await,
                    Duty::MoveOn => self.move_on(view, &mut state, &mut mined).await,
                };
                // One job's failure must not hold up the others.
                if let Err(why) = done {
                    self.session.printer.say(format_args!("job {}: {why:#}", view.number));
                    mined.note(FAILED, view, None);
                }
            }
        }
        self.count(&mut state).await?;
        if state.progress() != progress || state.budget != before || !mined.deeds.is_empty() {
            self.keep(&state)?;
        }
        mined.earned = self.earned(&state).await;
        Ok(mined)
    }

    /// Enlists for a job, with the bond its terms require.
    async fn enlist(&self, view: &JobView, state: &mut State, mined: &mut Mined) -> Result<()> {
        let Self { session, sender, .. } = *self;
        let Some(miners) = view.terms.miners() else { return Ok(()) };
        let is_open = matches!(view.stage, Stage::Announced | Stage::Open);
        if !is_open || !self.choice.allows(view) || state.of(view.job).enlisted {
            return Ok(());
        }
        if session.moment().await? >= view.windows.close {
            return Ok(());
        }
        let currency = session.currency(view.terms.asset).await;
        let funding = match &self.choice {
            Choice::Named(_) => Funding::Deposit,
            Choice::Matching(_) => Funding::Balance,
        };
        let (price, command) = ((&currency, miners.bond), Command::Enlist { job: view.job });
        let sent = send_paid(session, sender, price, &command, funding, &mut mined.spent).await;
        let deed = match sent.and_then(Processed::accepted) {
            Ok(_) => "enlisted".to_owned(),
            Err(why) => refusal(why)?,
        };
        // The market lists only the first enlisted miners, so a miner that lost its state enlists
        // again.
        let is_in = ["enlisted", "AlreadyEnlisted"].contains(&deed.as_str());
        state.of(view.job).enlisted = is_in;
        mined.note(&deed, view, None);
        Ok(())
    }

    /// Sends a command, and records its outcome.
    async fn send(
        &self,
        command: &Command,
        (deed, view, of): (&str, &JobView, Option<u32>),
        mined: &mut Mined,
    ) -> Result<()> {
        match self.session.carry_out(self.sender, command).await {
            Ok((_, spent)) => {
                mined.spent.absorb(spent);
                mined.note(deed, view, of);
            }
            Err(why) => mined.note(&refusal(why)?, view, of),
        }
        Ok(())
    }

    /// This account's earnings and lost bonds in each asset.
    async fn earned(&self, state: &State) -> Vec<Earned> {
        let mut earned: Vec<Earned> = Vec::new();
        for &Sums { asset, earned: amount, lost, .. } in state.sums() {
            match earned.iter_mut().find(|sum| sum.asset == asset) {
                Some(sum) => {
                    sum.amount = sum.amount.checked_add(amount).unwrap_or(sum.amount);
                    sum.lost = sum.lost.checked_add(lost).unwrap_or(sum.lost);
                }
                None => {
                    let currency = self.session.currency(asset).await;
                    earned.push(Earned { asset, amount, lost, currency });
                }
            }
        }
        earned
    }
}

impl Mined {
    fn note(&mut self, deed: &str, view: &JobView, of: Option<u32>) {
        self.deeds.push(Deed { deed: deed.to_owned(), job: view.number, of });
    }
}

/// The name of the market's refusal, or the error.
fn refusal(why: anyhow::Error) -> Result<String> {
    why.downcast::<Refused>().map(|refused| refused.0.refused)
}
