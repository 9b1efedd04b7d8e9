//! A client's part in a job, before and after it has submitted: what would come of a model, and the
//! transactions that a wallet is to sign.

use blobs::{BlobRef, Digest, Opening, blob_ref};
use drafts::{Currency, words::Told};
use market::{
    Address, Amount, Award, Command, Metric, Refusal, SealedBlob, Sealing, Slot, Stage,
    SubmittedModel, Target, Timestamp, Verdict, Work,
};
use serde::{Deserialize, Serialize};
use wire::{JobView, RefusalView, SubmissionStateView, SubmissionView, job_name};

use crate::{
    error::{Error, OrReport as _, Result},
    inspection::PROFILE,
    rehearsal::{self, Drive, Rehearsal},
    transactions::{Contracts, Purse, Transaction, Way},
};

/// A job as a client meets it; made by the server of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The chain.
    pub chain_id: u64,
    /// The market's application.
    pub application: Address,
    /// The contracts that take inputs.
    pub contracts: Contracts,
    /// The job.
    pub job: JobView,
    /// The deployment's settings.
    pub settings: market::Settings,
    /// The market's clock.
    pub now: Timestamp,
    /// How amounts of the job's asset are written.
    pub currency: Currency,
    /// The dataset that models can be evaluated on now, and whether it is the hold-out.
    pub decides: Option<(BlobRef, bool)>,
    /// Who looks at it.
    pub client: Option<Client>,
}

/// An account that may submit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// Its address.
    pub account: Address,
    /// Its free balance of the job's asset.
    pub free: Amount,
    /// How much of a token the portal may take.
    pub allowance: Amount,
    /// Its submission.
    pub submission: Option<SubmissionView>,
    /// How much of that submission's bytes the market has.
    pub received: u64,
}

/// The secrets of a sealed model.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Seal {
    /// Random; encrypts this one model.
    pub key: Digest,
    /// Random; hides which model it is.
    pub salt: Digest,
}

/// A model that was sealed, and its secrets.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sealed {
    /// The model.
    pub plain: BlobRef,
    /// Its secrets.
    pub seal: Seal,
}

/// What would come of a model.
#[derive(Clone, Debug, Serialize)]
pub struct Outlook {
    /// The model.
    pub model: BlobRef,
    /// Its score in parts per million; `None` if it cannot be evaluated.
    pub score: Option<u32>,
    /// Its score by the threshold's metric.
    pub threshold_score: Option<u32>,
    /// The threshold's metric.
    pub threshold_metric: Metric,
    /// The base model's score.
    pub base: u32,
    /// Whether it is scored on the public slice, as the hold-out is sealed.
    pub is_on_slice: bool,
    /// Whether it would be accepted.
    pub accepted: bool,
    /// Why not.
    pub refusal: Option<Told>,
    /// Why it cannot be evaluated, in more words.
    pub explanation: Option<String>,
    /// What it would be paid, or can win.
    pub pays: String,
    /// The stake for submitting it.
    pub stake: String,
    /// The part of the stake that would be used up; `None` while the hold-out is sealed.
    pub cost: Option<String>,
    /// Instructions of its evaluation.
    pub work: Option<u64>,
    /// Inputs for its bytes, and then to evaluate it.
    pub inputs: [u32; 2],
}

impl Entry {
    /// Checks that the job's name is the hash of its terms.
    ///
    /// - Errors: `WrongName`
    fn check_name(&self) -> Result<()> {
        let JobView { job, sponsor, salt, terms, .. } = &self.job;
        if job_name(self.chain_id, self.application, *sponsor, *salt, terms) == *job {
            return Ok(());
        }
        let why = "the job's name is not the hash of its terms: do not trust the node";
        Err(Error::refused("WrongName", why))
    }

    /// The same, if the job's name is the hash of its terms.
    pub(crate) fn named(self) -> Result<Self> {
        self.check_name().map(|()| self)
    }

    /// Scores a model as the job would, and says what it costs and earns.
    ///
    /// - `files`: the base model and the dataset that decides
    /// - Errors: the market's refusal of the submission itself
    pub fn outlook(&self, [base, dataset]: [&[u8]; 2], model: &[u8]) -> Result<Outlook> {
        self.check_name()?;
        let terms = &self.job.terms;
        let Some((decides, is_hold_out)) = self.decides else {
            let why = "the job has no rows that are public: score the model on rows of your own";
            return Err(Error::refused("NothingPublic", why));
        };
        let wrong = || {
            let why = "a file of the job is not the one its terms name: do not trust the store";
            Error::refused("WrongFile", why)
        };
        // An open hold-out is in the terms: another would give another score.
        if matches!(terms.sealing, Sealing::Open { hold_out } if hold_out != decides) {
            return Err(wrong());
        }
        for (bytes, expected) in [(base, terms.offer.base_model), (dataset, decides)] {
            if blob_ref(bytes, expected.profile) != expected {
                return Err(wrong());
            }
        }
        let drive = Drive::from([
            (terms.offer.base_model.cid(), base.to_vec()),
            (decides.cid(), dataset.to_vec()),
        ]);
        let blob = blob_ref(model, PROFILE);
        let explanation = rehearsal::explain(terms, model, dataset);
        let settings = &self.settings;
        let rehearsal =
            rehearsal::rehearse(&|_, _| {}, settings, terms, decides, &drive, (blob, model))?;
        Ok(self.told(rehearsal, blob, model, is_hold_out, explanation))
    }

    fn told(
        &self,
        rehearsal: Rehearsal,
        model: BlobRef,
        bytes: &[u8],
        is_hold_out: bool,
        explanation: Option<String>,
    ) -> Outlook {
        let terms = &self.job.terms;
        let Rehearsal { quote, base, verdict, stake, cost, inputs } = rehearsal;
        let (pays, condition) = match terms.award {
            Award::Rewards { reward, .. } => (reward, ""),
            Award::Prize { prize, .. } => (prize, " if it is the best"),
        };
        let scores = verdict.scores();
        let chunks = blobs::split(bytes, wire::MAX_CHUNK_BYTES).len();
        Outlook {
            model,
            score: scores.map(|scores| scores.score.0),
            threshold_score: scores.map(|scores| scores.threshold_score.0),
            threshold_metric: terms.offer.threshold.metric,
            base: base.score.0,
            is_on_slice: !is_hold_out,
            accepted: verdict.is_accepted(),
            refusal: match verdict {
                Verdict::Accepted(_) => None,
                Verdict::Refused { reason, .. } => Some(Told::from(&RefusalView::from(&reason))),
            },
            explanation,
            pays: format!("{}{condition}", self.show(pays)),
            stake: stake.total().map_or_else(|_| "too much".to_owned(), |all| self.show(all)),
            cost: cost.map(|cost| self.show(cost)),
            work: quote.map(|quote| quote.work.0),
            inputs: [u32::try_from(chunks).unwrap_or(u32::MAX), inputs],
        }
    }

    fn show(&self, amount: Amount) -> String {
        self.currency.show(amount)
    }

    fn client(&self) -> Result<&Client> {
        let why = "connect a wallet first";
        self.client.as_ref().ok_or_else(|| Error::refused("NoAccount", why))
    }

    /// The transactions that submit a model, or go on with it where it was interrupted.
    ///
    /// - Errors: the market's refusal; `AlreadySubmitted` of another model; `NoSeal`
    pub fn submit(&self, model: &[u8], seal: Option<Seal>) -> Result<Vec<Transaction>> {
        self.check_name()?;
        let Client { account, submission, received, .. } = self.client()?;
        let (submitted, bytes) = self.published(*account, model, seal)?;
        let job = self.job.job;
        let chunks = |received| {
            let commands = wire::publishing(job, Slot::Submission, &bytes, received);
            commands.or_report("the market has more bytes than the model")
        };
        match submission {
            Some(own) if own.state != SubmissionStateView::Refused => {
                if own.submitted != submitted {
                    return Err(refused(&Refusal::AlreadySubmitted { submission: own.submission }));
                }
                let rest = match own.state {
                    SubmissionStateView::Expecting => chunks(*received)?,
                    _ => Vec::new(),
                };
                Ok(self.inputs("publish", &rest))
            }
            _ => {
                check_open(&self.job, *account, self.now).map_err(|why| refused(&why))?;
                let published = submitted.published().size;
                let stake = self.job.terms.submission_stake(&self.settings, published);
                let stake = stake.and_then(|stake| stake.total()).map_err(|why| refused(&why))?;
                let command = Command::Submit { job, model: submitted };
                let mut transactions = self.paid("commit to the model", stake, &command)?;
                transactions.extend(self.inputs("publish", &chunks(0)?));
                Ok(transactions)
            }
        }
    }

    /// What is submitted of a model, and the bytes that are published.
    fn published(
        &self,
        account: Address,
        model: &[u8],
        seal: Option<Seal>,
    ) -> Result<(SubmittedModel, Vec<u8>)> {
        let plain = blob_ref(model, PROFILE);
        if !self.job.terms.sealing.is_sealed() {
            let data = blob_ref(&[], PROFILE);
            return Ok((SubmittedModel::Open { model: plain, data }, model.to_vec()));
        }
        let seal = seal.ok_or_else(no_seal)?;
        let commitment = self.commitment(account, plain, seal);
        let bytes = blobs::seal(&seal.key.0, commitment, model);
        let sealed = SealedBlob { commitment, ciphertext: blob_ref(&bytes, PROFILE) };
        Ok((SubmittedModel::Sealed(sealed), bytes))
    }

    /// The transaction that carries on the evaluation of one's submission.
    ///
    /// - Errors: `NoAccount`, `NothingToDo`
    pub fn evaluate(&self) -> Result<Vec<Transaction>> {
        let Some(own) = &self.client()?.submission else {
            return Err(Error::refused("NothingToDo", "this account has submitted nothing"));
        };
        let (job, target) = (self.job.job, Target::Submission(own.submission));
        let (work, max_surcharge) = (Work(u64::MAX), Amount::ZERO);
        let command = Command::Evaluate { job, target, from: own.step, work, max_surcharge };
        Ok(self.inputs("carry on the evaluation", &[command]))
    }

    /// The transaction that moves the job on.
    #[must_use]
    pub fn settle(&self) -> Vec<Transaction> {
        self.inputs("settle the job", &[Command::Settle { job: self.job.job }])
    }

    /// The transaction that reveals one's sealed model, whose secrets are among these.
    ///
    /// - Errors: `NoAccount`, `NothingToDo`, `NoSeal`
    pub fn reveal(&self, sealed: &[Sealed]) -> Result<Vec<Transaction>> {
        let Client { account, submission, .. } = self.client()?;
        let Some(SubmittedModel::Sealed(own)) = submission.as_ref().map(|one| one.submitted) else {
            return Err(Error::refused("NothingToDo", "this account has sealed nothing"));
        };
        let is_own =
            |one: &&Sealed| self.commitment(*account, one.plain, one.seal) == own.commitment;
        let Sealed { plain, seal: Seal { key, salt } } =
            *sealed.iter().find(is_own).ok_or_else(no_seal)?;
        let job = self.job.job;
        let command = Command::Reveal { job, key: key.0, salt: salt.0, plaintext: plain };
        Ok(self.inputs("reveal the model", &[command]))
    }

    fn commitment(&self, account: Address, plain: BlobRef, Seal { key, salt }: Seal) -> Digest {
        let opening = Opening { key: key.0, salt: salt.0, plain };
        opening.commitment(&blobs::Binding {
            chain_id: self.chain_id,
            app: self.application.0,
            scope: self.job.job.0,
            sender: account.0,
        })
    }

    fn inputs(&self, what: &str, commands: &[Command]) -> Vec<Transaction> {
        self.way().inputs(what, commands)
    }

    /// A command that needs a stake: riding on a deposit of what the free balance is short of.
    fn paid(&self, what: &str, stake: Amount, command: &Command) -> Result<Vec<Transaction>> {
        let Client { free, allowance, .. } = *self.client()?;
        let purse = Purse { currency: self.currency.clone(), free, allowance };
        Ok(self.way().paid(what, stake, command, &purse))
    }

    const fn way(&self) -> Way {
        Way { application: self.application, contracts: self.contracts }
    }
}

pub(crate) fn no_seal() -> Error {
    Error::refused("NoSeal", "the key of the sealed model is not in this browser")
}

/// Whether a job takes a submission of an account, as far as its state shows.
///
/// - Errors: the market's refusal
pub fn check_open(view: &JobView, client: Address, now: Timestamp) -> Result<(), Refusal> {
    let JobView { job, stage, sponsor, terms, .. } = view;
    if client == *sponsor {
        return Err(Refusal::SponsorSubmits {});
    }
    if *stage != Stage::Open {
        return Err(Refusal::JobNotOpen { job: *job, stage: *stage });
    }
    if now >= terms.close {
        return Err(Refusal::Closed { close: terms.close, now });
    }
    match terms.award {
        Award::Rewards { count, .. } if view.rewards_left == 0 => {
            Err(Refusal::NoRewardLeft { rewards: count })
        }
        _ if view.places_taken >= terms.places => {
            Err(Refusal::NoPlaceLeft { places: terms.places })
        }
        _ => Ok(()),
    }
}

fn refused(why: &Refusal) -> Error {
    Error::Refused(why.into())
}
