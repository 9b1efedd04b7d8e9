//! Mining: evaluating for competitions, for a share of their fees.
//!
//! A round looks at every competition and does what its windows ask of this account. What was
//! found, and how far Ethereum was read, is kept encrypted before anything is sent, and salts are
//! derived from the account's key, so a miner that was killed goes on where it was.

mod attest;
mod object;
mod state;

pub use self::object::Checked;

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};
use market::{Amount, Asset, Command, JobId, Stage, Timestamp};
use serde::Serialize;
use wire::{AnyJobView, CompetitionView, MinersView, Paging, Query};

use self::state::State;
use super::{
    competition::settle,
    funding::{Funding, send_paid},
    money,
};
use crate::{
    args::Mine,
    chain::Sender,
    config::Config,
    convert::{as_text, to_market},
    follow::Processed,
    session::{Currency, Session, Spent},
    talk::{Ending, Refused},
    vault::Vault,
};

/// Said of an entry that is doubted now.
const OBJECTED: &str = "objected";

/// Said of a competition that could not be attended to.
const FAILED: &str = "failed";

/// One account that mines.
#[derive(Clone, Debug)]
pub struct Miner<'a> {
    /// The market.
    pub session: &'a Session,
    /// Who signs.
    pub sender: &'a Sender,
    /// What it keeps to itself.
    pub vault: &'a Vault,
    /// Only these competitions; all when there are none.
    pub jobs: Vec<JobId>,
    /// Whether it takes new work.
    pub enlists: bool,
}

/// Something a miner did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// What: `enlisted`, `retired`, `settled`, `attested`, `unveiled`, `objected`, `failed`, or the
    /// name of a refusal.
    pub deed: String,
    /// For which competition; nothing for all.
    pub job: Option<u32>,
    /// Of which page or entry.
    pub of: Option<u32>,
}

/// What mining came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Mined {
    /// What was done, in order.
    pub deeds: Vec<Deed>,
    /// Fees and forfeits of others, by asset.
    pub earned: Vec<Earned>,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
}

/// What a miner earned of an asset since the market began, as vouchers.
#[derive(Clone, Debug, Serialize)]
pub struct Earned {
    /// Of what.
    #[serde(serialize_with = "as_text")]
    pub asset: Asset,
    /// How much.
    #[serde(serialize_with = "as_text")]
    pub amount: Amount,
    /// Bonds that were lost.
    #[serde(serialize_with = "as_text")]
    pub lost: Amount,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Deed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.deed)?;
        let what = if self.deed == OBJECTED { "to entry" } else { "page" };
        match (self.job, self.of) {
            (Some(job), Some(of)) => write!(out, " {what} {of} of competition {job}"),
            (Some(job), None) => write!(out, " for competition {job}"),
            (None, _) => out.write_str(" for all competitions"),
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

/// Mines once, or until it is ended.
pub async fn run(config: &Config, mine: Mine) -> Result<Ending> {
    let session = config.session()?;
    let (sender, vault) = config.signer(&session).await?;
    if let Some(deposit) = mine.deposit {
        config.talk.say(money::deposit(&session, &sender, deposit).await?);
    }
    let miner = Miner {
        session: &session,
        sender: &sender,
        vault: &vault,
        jobs: mine.job.into_iter().map(JobId).collect(),
        enlists: !mine.retire,
    };
    if mine.once {
        let mined = miner.round().await?;
        config.talk.answer(&mined)?;
        let has_failed = mined.deeds.iter().any(|deed| deed.deed == FAILED);
        ensure!(!has_failed, "not all could be done: see above");
        return Ok(Ending::Done);
    }
    config.talk.say("mining until Ctrl-C");
    let mut known = Vec::new();
    loop {
        match miner.round().await {
            Ok(mined) => {
                let earned: Vec<Amount> = mined.earned.iter().map(|sum| sum.amount).collect();
                if !mined.deeds.is_empty() || earned != known {
                    config.talk.answer(&mined)?;
                }
                known = earned;
            }
            // The node or the chain may be away for a while; a miner that gives up loses its bond.
            Err(why) => config.talk.say(format_args!("trying again: {why:#}")),
        }
        tokio::time::sleep(session.patience.pause.max(Duration::from_secs(1))).await;
    }
}

impl Miner<'_> {
    /// Does what there is to do now.
    ///
    /// What the market refuses is a deed of its own: another miner was faster, or a window closed.
    ///
    /// A competition that lacks something is a deed, too, and said on the way.
    ///
    /// - Errors: chain or node are not there
    pub async fn round(&self) -> Result<Mined> {
        let (place, mut state) = self.state().await?;
        let mut mined = Mined::default();
        if self.jobs.is_empty() {
            self.stand(&mut mined).await?;
        }
        let jobs: Vec<AnyJobView> = self.session.all(Query::Jobs).await?;
        let has_ended = |job: JobId| {
            let view = usize::try_from(job.0).ok().and_then(|place| jobs.get(place));
            let view =
                view.map(|view| !matches!(view, AnyJobView::Competition(view) if is_live(view)));
            view == Some(true)
        };
        state.retain(|job| !has_ended(job));
        for job in &jobs {
            let AnyJobView::Competition(view) = job else { continue };
            if is_live(view) && (self.jobs.is_empty() || self.jobs.contains(&view.job)) {
                // Others must not wait for what this one lacks.
                if let Err(why) = self.attend(view, &mut state, &mut mined).await {
                    self.session.talk.say(format_args!("competition {}: {why:#}", view.job));
                    mined.note(FAILED, Some(view.job), None);
                }
            }
        }
        self.count(&mut state).await?;
        if state.place() != place || !mined.deeds.is_empty() {
            self.keep(&state)?;
        }
        mined.earned = self.earned(&jobs, &state).await;
        Ok(mined)
    }

    /// Joins the list for all competitions, or leaves it.
    async fn stand(&self, mined: &mut Mined) -> Result<()> {
        let me = to_market(self.sender.address());
        let listed: Vec<String> = self.session.all(Query::Miners).await?;
        let is_listed = listed.contains(&me.to_string());
        let (command, deed) = match (self.enlists, is_listed) {
            (true, false) => (Command::Enlist { job: None }, "enlisted"),
            (false, true) => (Command::Retire, "retired"),
            _ => return Ok(()),
        };
        self.send(&command, (deed, None, None), mined).await
    }

    /// Does what a competition's windows ask for.
    async fn attend(
        &self,
        view: &CompetitionView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let job = view.job;
        self.enlist(view, state, mined).await?;
        let now = self.session.moment().await?;
        if now >= view.stage_deadline {
            match settle::settle(self.session, self.sender, job).await {
                Ok(settled) => {
                    mined.spent.absorb(settled.spent);
                    mined.note("settled", Some(job), None);
                }
                Err(why) if settle::is_early(&why) => {}
                Err(why) => mined.note(&refusal(why)?, Some(job), None),
            }
        }
        let view = self.session.competition(job).await?;
        if view.decision.is_some() || view.hold_out.is_none() {
            return Ok(());
        }
        let now = self.session.moment().await?;
        let windows = view.windows;
        let within = |opens: Timestamp, closes: Timestamp| now >= opens && now < closes;
        if within(windows.reveal_until, windows.attest_until) {
            self.attest(&view, state, mined).await?;
        } else if within(windows.attest_until, windows.unveil_until) {
            self.unveil(&view, state, mined).await?;
        } else if within(windows.unveil_until, windows.object_until) {
            self.object(&view, state, mined).await?;
        }
        Ok(())
    }

    /// Offers to evaluate for one competition.
    async fn enlist(
        &self,
        view: &CompetitionView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let (job, terms) = (view.job, &view.terms);
        let offers = self.enlists && self.jobs.contains(&job) && !state.of(job).enlisted;
        if !offers || view.stage != Stage::Open || terms.miners == 0 {
            return Ok(());
        }
        let me = to_market(self.sender.address());
        let paging = Paging { offset: 0, limit: Paging::MAX_LIMIT };
        let miners: MinersView = self.session.ask(&Query::Seats(job, paging)).await?;
        let now = self.session.moment().await?;
        if !miners.enlisted.contains(&me) && now < terms.close {
            let command = Command::Enlist { job: Some(job) };
            self.send_bonded(view, &command, ("enlisted", Some(job), None), mined).await?;
            // The market shows the first of the enlisted only: others ask once.
            state.of(job).enlisted = true;
        }
        Ok(())
    }

    /// Sends a command that takes a miner's bond: from the free balance, or from the wallet where
    /// that is too small and the competition was named.
    async fn send_bonded(
        &self,
        view: &CompetitionView,
        command: &Command,
        (deed, job, of): (&str, Option<JobId>, Option<u32>),
        mined: &mut Mined,
    ) -> Result<()> {
        let Self { session, sender, .. } = *self;
        let (asset, bond) = (view.terms.asset, view.terms.miner_bond);
        let currency = session.currency(asset).await;
        let is_short = session.free_balance(sender.address(), asset).await? < bond;
        let deposits = is_short && self.jobs.contains(&view.job);
        let funding = if deposits { Funding::Deposit } else { Funding::Balance };
        let price = (&currency, bond);
        let sent = send_paid(session, sender, price, command, funding, &mut mined.spent).await;
        match sent.and_then(Processed::accepted) {
            Ok(_) => mined.note(deed, job, of),
            Err(why) => mined.note(&refusal(why)?, job, of),
        }
        Ok(())
    }

    /// Sends a command, and notes what became of it.
    async fn send(
        &self,
        command: &Command,
        (deed, job, of): (&str, Option<JobId>, Option<u32>),
        mined: &mut Mined,
    ) -> Result<()> {
        match self.session.carry_out(self.sender, command).await {
            Ok((_, spent)) => {
                mined.spent.absorb(spent);
                mined.note(deed, job, of);
            }
            Err(why) => mined.note(&refusal(why)?, job, of),
        }
        Ok(())
    }

    /// What this account was paid for attestations, and lost in bonds, in each asset.
    async fn earned(&self, jobs: &[AnyJobView], state: &State) -> Vec<Earned> {
        let mut earned: Vec<Earned> = Vec::new();
        for (job, [amount, lost]) in state.sums() {
            let view = usize::try_from(job.0).ok().and_then(|place| jobs.get(place));
            let Some(AnyJobView::Competition(view)) = view else { continue };
            let asset = view.terms.asset;
            if !earned.iter().any(|sum| sum.asset == asset) {
                let currency = self.session.currency(asset).await;
                earned.push(Earned { asset, amount: Amount::ZERO, lost: Amount::ZERO, currency });
            }
            for sum in earned.iter_mut().filter(|sum| sum.asset == asset) {
                sum.amount = sum.amount.checked_add(amount).unwrap_or(sum.amount);
                sum.lost = sum.lost.checked_add(lost).unwrap_or(sum.lost);
            }
        }
        earned
    }
}

const fn is_live(view: &CompetitionView) -> bool {
    !matches!(view.stage, Stage::Settled | Stage::Cancelled)
}

impl Mined {
    fn note(&mut self, deed: &str, job: Option<JobId>, of: Option<u32>) {
        self.deeds.push(Deed { deed: deed.to_owned(), job: job.map(|job| job.0), of });
    }
}

/// The name of the market's refusal, or what failed.
fn refusal(why: anyhow::Error) -> Result<String> {
    why.downcast::<Refused>().map(|refused| refused.0.refused)
}
