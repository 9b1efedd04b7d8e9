//! What happened, for people to read: the story an audit went over.

use alloy::primitives::B256;
use market::{Amount, Asset};
use wire::Notice;

use super::told::{Saying, Told};
use crate::chain::Advance;
use crate::payment::Payment;
use crate::quantity::{ETHER_DECIMALS, decimal, percent};

/// How many moments are kept; what comes after them is only counted.
const KEPT: usize = 5_000;

/// Moments in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What is told.
    pub moments: Vec<Telling>,
    /// Moments beyond those.
    pub left_out: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// Seconds since 1970, where it is known.
    pub time: Option<u64>,
    /// The input it happened at.
    pub input: Option<u64>,
    /// The transaction that shows it.
    pub transaction: B256,
    /// In words.
    pub words: String,
}

impl Timeline {
    /// Tells one more thing.
    pub(super) fn tell(&mut self, telling: Telling) {
        if self.moments.len() < KEPT {
            self.moments.push(telling);
        } else {
            self.left_out += 1;
        }
    }

    /// Tells what an input led to.
    pub(super) fn input(&mut self, input: &Advance, transaction: B256, told: &Told) {
        let credit = told.credit.map(|credit| {
            let (sender, amount) = (told.context.sender, credit.amount);
            format!("{sender} deposits {}", money(credit.asset, amount))
        });
        for words in credit.into_iter().chain(told.sayings.iter().filter_map(words)) {
            let (time, input) = (Some(input.block_timestamp), Some(input.index));
            self.tell(Telling { time, input, transaction, words });
        }
    }
}

fn words(saying: &Saying) -> Option<String> {
    match saying {
        Saying::Notice(notice) => Some(notice_words(notice)),
        Saying::Payment(Payment { to, asset, amount }) => {
            Some(format!("a voucher pays {} to {to}", money(*asset, *amount)))
        }
        Saying::Call(to) => Some(format!("a voucher calls {to}")),
        Saying::Other => None,
    }
}

fn notice_words(notice: &Notice) -> String {
    match notice {
        Notice::JobOpened { job, sponsor, terms } => {
            let title = terms.title.iter().take_while(|byte| **byte != 0).copied().collect();
            let title = String::from_utf8(title).unwrap_or_default();
            let (rewards, reward) = (terms.rewards, money(terms.asset, terms.reward));
            format!("job {job} {title:?} opens: {sponsor} offers {rewards} rewards of {reward}")
        }
        Notice::BlobStored { digest, size, .. } => {
            format!("blob {digest} of {size} bytes is whole")
        }
        Notice::JobReady { job, base_score, .. } => {
            format!("job {job} takes models better than {}", percent(*base_score))
        }
        Notice::ModelSubmitted { job, submission, client, .. } => {
            format!("{client} enters model {submission} for job {job}")
        }
        Notice::ModelScored { job, submission, score, accepted, .. } => {
            let verdict = if *accepted { "accepted" } else { "not accepted" };
            format!("model {submission} of job {job} earns {}: {verdict}", percent(*score))
        }
        Notice::ModelRefused { job, submission, reason, .. } => {
            format!("model {submission} of job {job} is refused: {reason}")
        }
        Notice::JobCancelled { job, refund, .. } => {
            format!("job {job} is cancelled; {refund} units go back")
        }
        Notice::JobSettled { job, payouts, remainder, .. } => {
            format!("job {job} ends after {payouts} rewards; {remainder} units go back")
        }
    }
}

fn money(asset: Asset, amount: Amount) -> String {
    match asset {
        Asset::Ether => format!("{} ether", decimal(amount, ETHER_DECIMALS)),
        Asset::Erc20(token) => format!("{amount} units of {token}"),
    }
}
