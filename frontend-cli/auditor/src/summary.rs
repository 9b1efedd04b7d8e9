//! A summary of the audited market for its page: what was audited, and each job with its money.

use alloy::primitives::{Address, B256};
use anyhow::Result;
use application::Dapp;
use client::chain::Line;
use client::printer::one_line;
use client::quantity::{count, money, percent};
use market::{Address as Account, Amount, Asset, Award, JobId, Score, Share, Terms};
use wire::Notice;

use super::decoded::DecodedInput;
use super::evidence::Target;
use super::{Audit, Report};

/// Maximum of summarised jobs; later ones are only counted.
const KEPT: usize = 1_000;

/// What an audit was about, and how it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The chain.
    pub chain_id: u64,
    /// The application.
    pub application: Address,
    /// The line of its contracts; `None` for addresses of one's own.
    pub line: Option<Line>,
    /// The template that it was deployed from.
    pub template: B256,
    /// Time of the last audited block, in seconds since 1970.
    pub time: u64,
    /// What replayed the inputs.
    pub replayed_by: String,
    /// Whether a node's answers were compared.
    pub is_compared: bool,
}

impl Audit {
    /// The subject of a report.
    ///
    /// - Errors: Ethereum does not answer
    pub async fn subject(&self, report: &Report) -> Result<Subject> {
        let target = Target::read(&self.chain, self.application, report.block).await?;
        Ok(Subject {
            chain_id: target.chain_id,
            application: target.application,
            line: self.chain.contracts().line(),
            template: target.template,
            time: self.chain.time_of(report.block).await?,
            replayed_by: match &self.engine.dapp {
                None => "the application inside of deml".to_owned(),
                Some(Dapp::Program(file)) => format!("the program {}", file.display()),
                Some(Dapp::Machine(folder)) => format!("the machine in {}", folder.display()),
            },
            is_compared: self.node.is_some(),
        })
    }
}

/// A job's outcome and money, as its notices state them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSummary {
    /// Its name.
    pub job: JobId,
    /// Its number.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Its sponsor.
    pub sponsor: Account,
    /// The asset that it is paid in.
    pub asset: Asset,
    /// Its award, in words.
    pub offer: String,
    /// How far it has come, in words.
    pub state: String,
    /// Number of submissions.
    pub submitted: u64,
    /// Number of accepted ones.
    pub accepted: u64,
    /// The best score of a decided submission.
    pub best: Option<Score>,
    /// Paid to those whose models were accepted, with the rest of their stakes.
    pub rewarded: Amount,
    /// Paid otherwise: work, rent, fees, bonds, and what returned.
    pub paid: Amount,
    /// Still in escrow.
    pub held: Amount,
}

/// All jobs in order, and the number of those left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobSummaries {
    /// The summarised jobs.
    pub jobs: Vec<JobSummary>,
    /// Number of later jobs.
    pub left_out: u64,
}

impl JobSummaries {
    /// Adds what an input did.
    pub(super) fn take(&mut self, input: &DecodedInput) {
        for (_, notice) in input.notices() {
            match notice {
                Notice::JobOpened { job, number, sponsor, terms, .. } => {
                    self.open(*job, *number, *sponsor, terms);
                }
                other => {
                    let known = self.jobs.iter_mut().rev();
                    let known = known.into_iter().find(|known| Some(known.job) == other.job());
                    if let Some(known) = known {
                        known.take(other);
                    }
                }
            }
        }
    }

    /// An amount in a job's asset; in units where the job is not known.
    pub(super) fn money(&self, job: JobId, amount: Amount) -> String {
        match self.jobs.iter().rev().find(|known| known.job == job) {
            Some(known) => money(known.asset, amount),
            None => format!("{amount} units"),
        }
    }

    fn open(&mut self, job: JobId, number: u32, sponsor: Account, terms: &Terms) {
        if self.jobs.len() >= KEPT {
            self.left_out += 1;
            return;
        }
        self.jobs.push(JobSummary {
            job,
            number,
            title: title(&terms.title),
            sponsor,
            asset: terms.asset,
            offer: offer(terms),
            state: "waits for its blobs".to_owned(),
            submitted: 0,
            accepted: 0,
            best: None,
            rewarded: Amount::ZERO,
            paid: Amount::ZERO,
            held: Amount::ZERO,
        });
    }
}

impl JobSummary {
    fn take(&mut self, notice: &Notice) {
        match notice {
            Notice::JobReady { base, .. } => {
                self.state = format!("open; its base model has {}", percent(base.score));
            }
            Notice::Submitted { .. } => self.submitted += 1,
            Notice::SubmissionDecided { verdict, .. } => {
                self.accepted += u64::from(verdict.accepted);
                self.best = self.best.max(verdict.scores.map(|scores| scores.score));
            }
            Notice::WorkPaid { earned, operator, .. } => {
                self.paid = sum(sum(self.paid, *earned), *operator);
            }
            Notice::Paid { share: Share::Reward, amount, .. } => {
                self.rewarded = sum(self.rewarded, *amount);
            }
            Notice::Paid { amount, .. } => self.paid = sum(self.paid, *amount),
            Notice::JobDecided { decision, .. } => {
                let outcome = decision.outcome.to_string().replace('_', " ");
                self.state = format!("decided: {outcome}");
            }
            Notice::JobEnded { payouts, .. } => {
                let paid = count((*payouts).into(), "model");
                self.state = match self.state.strip_prefix("decided: ") {
                    Some(outcome) => format!("ended, {outcome}: {paid} paid"),
                    None => format!("ended: {paid} paid"),
                };
            }
            _ => {}
        }
    }
}

/// A job's award in words.
pub(super) fn offer(terms: &Terms) -> String {
    match terms.award {
        Award::Rewards { reward, count: rewards } => {
            format!("{} of {}", count(rewards.into(), "reward"), money(terms.asset, reward))
        }
        Award::Prize { prize, .. } => format!("{} for the best model", money(terms.asset, prize)),
    }
}

/// A job's title, on one line.
pub(super) fn title(padded: &[u8; 32]) -> String {
    let title = padded.iter().take_while(|byte| **byte != 0).copied().collect();
    one_line(&String::from_utf8(title).unwrap_or_default()).into_owned()
}

/// Totals for show; the ledger's are the checked ones.
fn sum(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(one)
}
