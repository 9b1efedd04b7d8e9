//! Timeline of the audited history, for people to read.

use alloy::primitives::B256;
use client::chain::Advance;
use client::payment::Payment;
use client::quantity::{money, percent};
use client::words::heading;
use wire::Notice;

use super::decoded::{DecodedInput, DecodedOutput};
use super::summary::{JobSummaries, offer, title};

/// Maximum of moments kept; later ones are only counted.
const KEPT: usize = 5_000;

/// Moments in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The recorded moments.
    pub moments: Vec<TimelineEntry>,
    /// Number of later moments.
    pub left_out: u64,
}

/// A moment of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Unix time in seconds, if known.
    pub time: Option<u64>,
    /// The input it happened at.
    pub input: Option<u64>,
    /// The transaction that proves it.
    pub transaction: B256,
    /// Description.
    pub words: String,
}

impl Timeline {
    /// Adds a moment.
    pub(super) fn tell(&mut self, telling: TimelineEntry) {
        if self.moments.len() < KEPT {
            self.moments.push(telling);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds the outcome of an input.
    pub(super) fn input(
        &mut self,
        input: &Advance,
        transaction: B256,
        decoded: &DecodedInput,
        jobs: &JobSummaries,
    ) {
        let credit = decoded.credit.map(|credit| {
            let (sender, amount) = (decoded.context.sender, credit.amount);
            format!("{sender} deposits {}", money(credit.asset, amount))
        });
        let outputs = decoded.outputs.iter().filter_map(|output| words(output, jobs));
        for words in credit.into_iter().chain(outputs) {
            let (time, input) = (Some(input.block_timestamp), Some(input.index));
            self.tell(TimelineEntry { time, input, transaction, words });
        }
    }
}

fn words(output: &DecodedOutput, jobs: &JobSummaries) -> Option<String> {
    match output {
        DecodedOutput::Notice(notice) => Some(notice_words(notice, jobs)),
        DecodedOutput::Payment(Payment { to, asset, amount }) => {
            Some(format!("a voucher pays {} to {to}", money(*asset, *amount)))
        }
        DecodedOutput::Call(_) => Some("a voucher tells the registry of a winner".to_owned()),
        DecodedOutput::Other => None,
    }
}

fn notice_words(notice: &Notice, jobs: &JobSummaries) -> String {
    match notice {
        Notice::JobOpened { job, number, sponsor, terms, .. } => {
            let title = title(&terms.title);
            let offer = offer(terms);
            format!("job {number} {title:?} ({job}) opens: {sponsor} offers {offer}")
        }
        Notice::BlobStored { digest, size, .. } => {
            format!("blob {digest} of {size} bytes is whole")
        }
        Notice::JobReady { job, base } => {
            format!("{} takes models; the base model has {}", short(job), percent(base.score))
        }
        Notice::Submitted { job, submission, client, .. } => {
            format!("{client} makes submission {submission} to {}", short(job))
        }
        Notice::ShowEvaluated { job, submission, board, .. } => match board.score {
            Some(score) => {
                format!("the board of {} has {submission} with {}", short(job), percent(score))
            }
            None => format!("the board of {} does not move: {}", short(job), board.reason),
        },
        Notice::SeatsDrawn { job, miners, .. } => {
            format!("{} draws {} miners", short(job), miners.len())
        }
        Notice::ModelRevealed { job, submission, .. } => {
            format!("submission {submission} of {} is revealed", short(job))
        }
        Notice::HoldOutRevealed { job, .. } => {
            format!("the hold-out of {} is revealed", short(job))
        }
        Notice::HoldOutReady { job, base } => {
            let score = percent(base.score);
            format!("the base model of {} earns {score} on the hold-out", short(job))
        }
        Notice::AttestationRevealed { job, page, miner } => {
            format!("{miner} reveals its attestations of page {page} of {}", short(job))
        }
        Notice::ModelEvaluated { job, submission, attestation, .. } => {
            let score = percent(attestation.score);
            format!("submission {submission} of {} is found to earn {score}", short(job))
        }
        Notice::SubmissionDecided { job, submission, verdict, .. } => {
            let score = verdict.scores.map(|scores| format!(" with {}", percent(scores.score)));
            let score = score.unwrap_or_default();
            if verdict.accepted {
                format!("submission {submission} of {} is accepted{score}", short(job))
            } else {
                let reason = &verdict.reason;
                format!("submission {submission} of {} is refused{score}: {reason}", short(job))
            }
        }
        Notice::ModelShown { job, submission, client, .. } => {
            format!("{client} shows a model on the board of {}, as {submission}", short(job))
        }
        Notice::Enlisted { job, miner } => format!("{miner} enlists for {}", short(job)),
        Notice::Attested { job, page, miner, .. } => {
            format!("{miner} commits to its attestations of page {page} of {}", short(job))
        }
        Notice::Compared { job, best, other, separated, .. } => {
            let told = if *separated { "can" } else { "cannot" };
            format!("submission {other} of {} {told} be told from {best}", short(job))
        }
        other => end_words(other, jobs),
    }
}

/// What ends something, and what moves money.
fn end_words(notice: &Notice, jobs: &JobSummaries) -> String {
    match notice {
        Notice::Forfeited { job, account, bond, offence } => {
            let (bond, offence) = (jobs.money(*job, *bond), heading(&format!("{offence:?}")));
            format!("{account} loses a bond of {bond} in {}: {offence}", short(job))
        }
        Notice::JobDecided { job, decision } => {
            format!("{} is decided: {}", short(job), decision.outcome)
        }
        Notice::Paid { job, to, share, amount, .. } => {
            format!("{} pays {} to {to} ({share})", short(job), jobs.money(*job, *amount))
        }
        Notice::JobEnded { job, payouts, .. } => {
            format!("{} ends after {payouts} payments for models", short(job))
        }
        Notice::WorkPaid { job, worker, earned, operator, .. } => {
            let [earned, operator] = [earned, operator].map(|amount| jobs.money(*job, *amount));
            format!("{} pays {earned} to {worker} for work, {operator} to the operator", short(job))
        }
        Notice::MessageKeyPublished { account, .. } => {
            format!("{account} publishes a key for messages")
        }
        Notice::MessageSent { job, submission, from, to, .. } => {
            format!("{from} writes to {to} about submission {submission} of {}", short(job))
        }
        Notice::Returned { account, asset, amount } => {
            format!("{} go back to {account}", money(*asset, *amount))
        }
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// A job's abbreviated name.
fn short(job: &market::JobId) -> String {
    format!("job {:.10}", job.to_string())
}
