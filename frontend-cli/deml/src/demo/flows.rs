//! The explanation of every wallet's change by the market's own notices: rewards, work, and the
//! rest. A wallet's change must be exactly their sum.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use market::{Address, Amount, Asset, Award, JobId, Share, Target, Terms, part};
use serde::Serialize;
use wire::Notice;

/// The parts of an account's change in one asset.
///
/// - Units: the asset's smallest unit; positive is gained
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Rewards and prizes: won, or paid.
    #[serde(serialize_with = "client::convert::as_text")]
    pub rewards: i128,
    /// Work of the machine: earned by advancing it or as operator, or paid.
    #[serde(serialize_with = "client::convert::as_text")]
    pub work: i128,
    /// Rent, fees and bonds.
    #[serde(serialize_with = "client::convert::as_text")]
    pub fees: i128,
}

impl Flow {
    /// The total.
    #[must_use]
    pub const fn sum(&self) -> i128 {
        self.rewards + self.work + self.fees
    }
}

/// Everybody's flows, derived from notices.
#[derive(Debug)]
pub(super) struct Flows {
    operator: Address,
    sink: Address,
    flows: BTreeMap<(Address, Asset), Flow>,
    jobs: BTreeMap<JobId, Job>,
}

/// A job's parties and shares.
#[derive(Debug)]
struct Job {
    sponsor: Address,
    terms: Terms,
    clients: BTreeMap<u32, Address>,
    /// The share of those who revealed, their number, and how many of them were paid.
    shared: (Amount, u32, u32),
}

impl Flows {
    /// No flows yet.
    pub(super) const fn new(operator: Address, sink: Address) -> Self {
        Self { operator, sink, flows: BTreeMap::new(), jobs: BTreeMap::new() }
    }

    /// The explanation of an account's change.
    pub(super) fn of(&self, account: Address, asset: Asset) -> Flow {
        self.flows.get(&(account, asset)).copied().unwrap_or_default()
    }

    /// Applies the next notice.
    ///
    /// - Errors: a notice about an unknown job or submission
    pub(super) fn note(&mut self, notice: Notice) -> Result<()> {
        match notice {
            Notice::JobOpened { job, sponsor, terms, stake, .. } => {
                let (clients, shared) = (BTreeMap::new(), (Amount::ZERO, 0, 0));
                let asset = terms.asset;
                self.jobs.insert(job, Job { sponsor, terms: *terms, clients, shared });
                self.flow(sponsor, asset).fees -= signed(stake.total()?)?;
            }
            Notice::Submitted { job, submission, client, stake, .. } => {
                let known = self.jobs.get_mut(&job).context("a submission to no job")?;
                known.clients.insert(submission, client);
                let asset = known.terms.asset;
                self.flow(client, asset).fees -= signed(stake.total()?)?;
            }
            Notice::ModelShown { job, client, stake, .. } => {
                self.flow(client, self.job(job)?.terms.asset).fees -= signed(stake)?;
            }
            Notice::Enlisted { job, miner } => {
                let terms = self.job(job)?.terms;
                let bond = terms.miners().context("a miner of a job without miners")?.bond;
                self.flow(miner, terms.asset).fees -= signed(bond)?;
            }
            Notice::WorkPaid { job, target, worker, earned, operator, surcharge, .. } => {
                self.work(job, target, worker, [earned, operator, surcharge])?;
            }
            Notice::SubmissionDecided { job, client, verdict, .. } if verdict.accepted => {
                if let Award::Rewards { reward, .. } = self.job(job)?.terms.award {
                    self.reward(job, client, reward)?;
                }
            }
            Notice::JobDecided { job, decision } => {
                let known = self.jobs.get_mut(&job).context("a decision of no job")?;
                known.shared = (decision.shared, decision.revealed, 0);
                if let Some(winner) = decision.winner {
                    let winner = *known.clients.get(&winner).context("a winner nobody knows")?;
                    self.reward(job, winner, decision.prize)?;
                }
            }
            Notice::Paid { job, to, share, amount, .. } => {
                self.flow(to, self.job(job)?.terms.asset).fees += signed(amount)?;
                if share == Share::Award {
                    self.share(job, to)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The machine did work: whoever prepaid it pays the worker and the operator, and the worker
    /// pays the surcharge.
    fn work(
        &mut self,
        job: JobId,
        target: Target,
        worker: Address,
        [earned, operator, surcharge]: [Amount; 3],
    ) -> Result<()> {
        let (account, sink) = (self.operator, self.sink);
        let known = self.job(job)?;
        let payer = match target {
            Target::Base | Target::BaseOnHoldOut => known.sponsor,
            Target::Submission(number) | Target::Shown(number) => {
                *known.clients.get(&number).context("work on no submission")?
            }
        };
        let asset = known.terms.asset;
        let [earned, operator, surcharge] =
            [signed(earned)?, signed(operator)?, signed(surcharge)?];
        // The stake it is paid from left the account when it was moved to escrow.
        let paying = self.flow(payer, asset);
        paying.work -= earned + operator;
        paying.fees += earned + operator;
        self.flow(worker, asset).work += earned;
        self.flow(account, asset).work += operator;
        self.flow(worker, asset).fees -= surcharge;
        self.flow(sink, asset).fees += surcharge;
        Ok(())
    }

    /// A share of an award that nobody won.
    fn share(&mut self, job: JobId, to: Address) -> Result<()> {
        let known = self.jobs.get_mut(&job).context("a payment of no job")?;
        let (shared, revealed, paid) = &mut known.shared;
        ensure!(*paid < *revealed, "more shares of an award than those who revealed");
        let amount = part(*shared, *revealed, *paid);
        *paid += 1;
        self.reward(job, to, amount)
    }

    /// Counts as a reward what was counted with the rest of a payment.
    fn reward(&mut self, job: JobId, to: Address, amount: Amount) -> Result<()> {
        let Job { sponsor, terms, .. } = self.job(job)?;
        let (sponsor, asset, amount) = (*sponsor, terms.asset, signed(amount)?);
        for (account, amount) in [(to, amount), (sponsor, -amount)] {
            let flow = self.flow(account, asset);
            flow.rewards += amount;
            flow.fees -= amount;
        }
        Ok(())
    }

    fn job(&self, job: JobId) -> Result<&Job> {
        self.jobs.get(&job).with_context(|| format!("a notice of job {job}, which never opened"))
    }

    fn flow(&mut self, account: Address, asset: Asset) -> &mut Flow {
        self.flows.entry((account, asset)).or_default()
    }
}

/// An amount as a signed integer; all of a demo's fit.
pub(super) fn signed(amount: Amount) -> Result<i128> {
    i128::try_from(amount.0).ok().with_context(|| format!("{amount} is more than a demo has"))
}
