//! A sponsor's part in a job: what would come of its draft in words, the transactions that open the
//! job or go on with it, and what is due afterwards.

use blobs::{Binding, BlobRef, Digest, Opening, blob_ref};
use drafts::{
    Currency, TermsDraft,
    quantity::{ETHER_DECIMALS, Unit, count, date, date_until, decimal},
    scores_text, stake_items,
};
use market::{
    Address, Amount, Asset, Award, Command, Evaluators, JobId, SealedBlob, Sealing, Slot, Stage,
    Target, Terms, Timestamp, Unmet, Work,
};
use serde::{Deserialize, Serialize};
use wire::{JobView, QuoteView, SlotView, encode_command, job_name};

use crate::{
    entry::{Seal, no_seal},
    error::{Error, OrReport as _, Result},
    inspection::PROFILE,
    opening::{self, OpeningFiles, Plan, stake},
    transactions::{Contracts, Purse, Transaction, Way, gas},
};

/// A market as a sponsor meets it; made by the server of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Desk {
    /// The chain.
    pub chain_id: u64,
    /// The market's application.
    pub application: Address,
    /// The contracts that take inputs.
    pub contracts: Contracts,
    /// Settings, clock and store.
    pub market: QuoteView,
    /// The market's clock as of an input in a block mined now.
    pub now: Timestamp,
    /// What gas costs, in wei.
    pub gas_price: u64,
    /// The sponsor; `None` as long as no wallet is connected.
    pub sponsor: Option<Address>,
    /// Its means: of Ether, then of the market's token.
    pub holdings: Vec<Holding>,
    /// Its job, once that is open.
    pub job: Option<JobView>,
    /// The job's blobs.
    pub slots: Vec<SlotView>,
}

/// A sponsor's means in an asset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Holding {
    /// In the market, and what the portal may take.
    pub purse: Purse,
    /// In the wallet.
    pub wallet: Amount,
}

/// What is told under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    name: &'static str,
    words: String,
}

/// What would come of a draft, in words.
#[derive(Clone, Debug, Serialize)]
pub struct Planned {
    /// The terms in JSON, to open the job with.
    terms: String,
    /// Whether its hold-out is sealed, and has a key.
    is_sealed: bool,
    facts: Vec<Fact>,
    /// What goes to escrow, item by item.
    escrow: Vec<Fact>,
    /// Its total.
    total: String,
    /// What can go wrong, and what cannot be taken back.
    risks: Vec<String>,
}

/// A job with its name, before it is open.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    job: JobId,
    /// The terms in JSON, with the sealed hold-out.
    terms: String,
    /// The plain hold-out.
    plain: BlobRef,
    /// The first and the last moment at which its key is taken.
    reveal: Option<[String; 2]>,
}

/// How a job is opened; kept until it is.
#[derive(Clone, Debug, Deserialize)]
pub struct Begun {
    /// The terms in JSON.
    terms: String,
    /// Distinguishes jobs of equal terms.
    salt: Digest,
    /// The secrets of a sealed hold-out.
    seal: Option<Seal>,
    /// The trainer that the base model names.
    trainer: Option<String>,
}

impl Desk {
    /// What would come of a draft.
    ///
    /// - Errors: as for [`opening::plan`]
    pub fn plan(&self, draft: &TermsDraft, files: &OpeningFiles<'_>) -> Result<Planned> {
        let unit = drafts::award_money(draft)?.unit;
        let currency = &self.holding(matches!(unit, Unit::Ether(_)))?.purse.currency;
        let trainer = draft.offer.trainer.as_deref();
        let base = opening::named(files.base, trainer)?;
        let files = OpeningFiles { base: &base, ..*files };
        let plan = opening::plan(&|_, _| {}, &self.market, self.now, currency, draft, &files)?;
        let escrow = stake_items(&plan.stake, currency);
        Ok(Planned {
            terms: written(&plan.terms)?,
            is_sealed: plan.terms.sealing.is_sealed(),
            facts: self.facts(&plan, &files)?,
            escrow: escrow.into_iter().map(|(name, words)| Fact { name, words }).collect(),
            total: currency.show(plan.total),
            risks: risks(&plan.terms, currency),
        })
    }

    fn facts(&self, plan: &Plan, files: &OpeningFiles<'_>) -> Result<Vec<Fact>> {
        let Plan { terms, total, rehearsal, .. } = plan;
        let opens =
            Command::OpenJob { job: JobId::default(), salt: [0; 32], terms: (*terms).into() };
        let hold_out = match terms.sealing {
            Sealing::Open { .. } => files.hold_out.to_vec(),
            // As long as the ciphertext, and like that not to be compressed.
            Sealing::Sealed { hold_out, .. } => {
                blobs::seal(&[1; 32], hold_out.commitment, files.hold_out)
            }
        };
        let bytes = [Some(files.base), files.public_slice, Some(&hold_out)];
        let mut payloads = vec![encode_command(&opens).len()];
        for bytes in bytes.into_iter().flatten() {
            let chunks = wire::publishing(JobId::default(), Slot::HoldOut, bytes, 0);
            let chunks = chunks.into_iter().flatten();
            payloads.extend(chunks.map(|chunk| encode_command(&chunk).len()));
        }
        let parts = payloads.len() as u64 - 1;
        payloads.extend((0..rehearsal.inputs).map(|_| 0));
        let free = match self.purse(terms.asset) {
            Ok(Holding { purse, .. }) => purse.free,
            Err(_) => Amount::ZERO,
        };
        let mut sent = format!("1 to open it, {} for its bytes", count(parts, "part"));
        if rehearsal.inputs > 0 {
            sent.push_str(&format!(", {} to score its base model", rehearsal.inputs));
        }
        let work = rehearsal.quote.work;
        Ok(vec![
            fact("Base model", scores_text(terms.offer.measure(), rehearsal.base)),
            fact(
                "Its evaluation",
                format!("{work} instructions, of {} at most", terms.offer.max_work),
            ),
            fact("A model may have", format!("{} bytes", terms.offer.max_model_bytes)),
            fact("Places", terms.places.to_string()),
            fact("Closes", date_until(terms.close, self.now)),
            fact("Transactions", sent),
            fact("Their gas", self.gas(&payloads, free < *total)),
        ])
    }

    /// Gas in words, with its price.
    pub(crate) fn gas(&self, payloads: &[usize], has_deposit: bool) -> String {
        let gas = gas(payloads, has_deposit);
        let fee = Amount::new(u128::from(gas) * u128::from(self.gas_price));
        format!("about {gas} ({} ether at today's price)", decimal(fee, ETHER_DECIMALS))
    }

    fn holding(&self, is_ether: bool) -> Result<&Holding> {
        let is_it = |one: &&Holding| (one.purse.currency.asset == Asset::Ether) == is_ether;
        self.holdings.iter().find(is_it).ok_or_else(|| {
            let why = "which token? say --token ADDRESS when the page is started";
            Error::Unclear(why.to_owned())
        })
    }

    pub(crate) fn purse(&self, asset: Asset) -> Result<&Holding> {
        let found = self.holdings.iter().find(|one| one.purse.currency.asset == asset);
        found.ok_or_else(|| Error::Unclear("the job pays in another token".to_owned()))
    }

    fn sponsor(&self) -> Result<Address> {
        self.sponsor.ok_or_else(|| Error::refused("NoAccount", "connect a wallet first"))
    }

    /// Names a job, and seals its hold-out if the job is sealed.
    ///
    /// - Errors: `NoAccount`, `NoSeal`
    pub fn name(&self, begun: &Begun, hold_out: &[u8]) -> Result<Named> {
        let (sponsor, plain) = (self.sponsor()?, blob_ref(hold_out, PROFILE));
        let mut terms: Terms = read(&begun.terms)?;
        if let Sealing::Sealed { hold_out: sealed, .. } = &mut terms.sealing {
            let seal = begun.seal.ok_or_else(no_seal)?;
            let commitment = self.commitment(sponsor, begun.salt, plain, seal);
            let bytes = blobs::seal(&seal.key.0, commitment, hold_out);
            *sealed = SealedBlob { commitment, ciphertext: blob_ref(&bytes, PROFILE) };
        }
        let job = job_name(self.chain_id, self.application, sponsor, begun.salt.0, &terms);
        let window = [terms.close, terms.reveal_until()].map(date);
        let reveal = terms.sealing.is_sealed().then_some(window);
        Ok(Named { job, terms: written(&terms)?, plain, reveal })
    }

    pub(crate) fn commitment(
        &self,
        sponsor: Address,
        salt: Digest,
        plain: BlobRef,
        seal: Seal,
    ) -> Digest {
        let opening = Opening { key: seal.key.0, salt: seal.salt.0, plain };
        opening.commitment(&Binding {
            chain_id: self.chain_id,
            app: self.application.0,
            scope: salt.0,
            sender: sponsor.0,
        })
    }

    pub(crate) const fn way(&self) -> Way {
        Way { application: self.application, contracts: self.contracts }
    }

    /// The transactions that open a job, or go on with it where it was interrupted; none once it
    /// takes models.
    ///
    /// - Errors: the market's refusal; `WrongFile`, `WalletTooSmall`, `JobEnded`
    pub fn open(&self, begun: &Begun, files: &OpeningFiles<'_>) -> Result<Vec<Transaction>> {
        let (sponsor, terms) = (self.sponsor()?, read::<Terms>(&begun.terms)?);
        let job = job_name(self.chain_id, self.application, sponsor, begun.salt.0, &terms);
        let base = opening::named(files.base, begun.trainer.as_deref())?;
        let hold_out = match (terms.sealing, begun.seal) {
            (Sealing::Open { .. }, _) => files.hold_out.to_vec(),
            (Sealing::Sealed { hold_out, .. }, Some(seal)) => {
                blobs::seal(&seal.key.0, hold_out.commitment, files.hold_out)
            }
            (Sealing::Sealed { .. }, None) => return Err(no_seal()),
        };
        let slice = terms.offer.board.map(|board| board.public_slice);
        let mut parts = vec![(Slot::BaseModel, "base model", terms.offer.base_model, &*base)];
        let given = files.public_slice.unwrap_or_default();
        parts.extend(slice.map(|slice| (Slot::PublicSlice, "public slice", slice, given)));
        parts.push((Slot::HoldOut, "hold-out", terms.sealing.published_hold_out(), &hold_out));
        for (_, what, expected, bytes) in &parts {
            if blob_ref(bytes, expected.profile) != *expected {
                let why = format_args!("the {what} is not the file that the terms name");
                return Err(Error::refused("WrongFile", why));
            }
        }
        let mut transactions = Vec::new();
        if self.job.is_none() {
            transactions.extend(self.first(job, begun.salt, terms)?);
        } else if self.known(job)?.stage != Stage::Announced {
            return Ok(transactions);
        }
        for (slot, what, blob, bytes) in parts {
            let received = match (&self.job, self.slots.iter().find(|one| one.slot == slot)) {
                (None, _) => 0,
                (Some(_), Some(one)) => one.received,
                (Some(_), None) => blob.size,
            };
            let rest = wire::publishing(job, slot, bytes, received);
            let rest = rest.or_report("the market has more bytes than the file")?;
            transactions.extend(self.way().inputs(&format!("publish the {what}"), &rest));
        }
        if transactions.is_empty() {
            transactions = self.carry_on(self.known(job)?, Target::Base);
        }
        Ok(transactions)
    }

    /// The job that was begun, as the market has it.
    fn known(&self, job: JobId) -> Result<&JobView> {
        let view = self.job.as_ref().or_report("the job is not open")?;
        if view.job != job {
            return Err(Error::refused("WrongJob", "this is another job than the one begun"));
        }
        if !view.stage.is_live() {
            let why = view.refusal.as_ref().map_or_else(
                || format!("the job is {}", view.stage),
                |why| format!("the job was cancelled: {}", drafts::words::sentence(why)),
            );
            return Err(Error::refused("JobEnded", why));
        }
        Ok(view)
    }

    /// The command that opens the job, with what its stake lacks.
    fn first(&self, job: JobId, salt: Digest, terms: Terms) -> Result<Vec<Transaction>> {
        // The rehearsal may have taken a while, or be of another day.
        drafts::check(&terms, &self.market.settings, self.now).map_err(anyhow::Error::from)?;
        let (_, total) = stake(&terms, &self.market, self.now)?;
        let Holding { purse, wallet } = self.purse(terms.asset)?;
        let missing = total.checked_sub(purse.free).unwrap_or(Amount::ZERO);
        if *wallet < missing {
            let (needs, has) = (purse.currency.show(missing), purse.currency.show(*wallet));
            let why = format_args!("opening the job needs {needs}, and the wallet has {has}");
            return Err(Error::refused("WalletTooSmall", why));
        }
        let command = Command::OpenJob { job, salt: salt.0, terms: Box::new(terms) };
        Ok(self.way().paid("open the job", total, &command, purse))
    }

    pub(crate) fn carry_on(&self, view: &JobView, target: Target) -> Vec<Transaction> {
        let evaluation = view.evaluations.iter().find(|one| one.target == target);
        let from = evaluation.map_or(0, |one| one.step);
        let (work, max_surcharge) = (Work(u64::MAX), Amount::ZERO);
        let command = Command::Evaluate { job: view.job, target, from, work, max_surcharge };
        self.way().inputs("carry on an evaluation", &[command])
    }
}

fn fact(name: &'static str, words: String) -> Fact {
    Fact { name, words }
}

fn written(terms: &Terms) -> Result<String> {
    serde_json::to_string(terms).map_err(|why| Error::Broken(why.to_string()))
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    let unread = |why| Error::refused("Malformed", format_args!("no terms: {why}"));
    serde_json::from_str(text).map_err(unread)
}

/// What can go wrong for a sponsor of these terms, and what cannot be taken back.
fn risks(terms: &Terms, currency: &Currency) -> Vec<String> {
    let mut risks = vec![
        "All bytes that you publish, the base model's too, are public for ever.".to_owned(),
        format!(
            "If its bytes are not there and its base model is not scored by {}, the job is \
             cancelled, and its stake comes back less the work and the rent.",
            date(terms.close)
        ),
        "You can cancel it only as long as nobody has submitted a model.".to_owned(),
    ];
    match terms.sealing {
        Sealing::Open { .. } => risks.push(
            "Its hold-out becomes public at once: models can be trained on the very rows that \
             decide."
                .to_owned(),
        ),
        Sealing::Sealed { sponsor_bond, .. } => {
            risks.push(
                "Its hold-out becomes public after the close, and the models of the others too."
                    .to_owned(),
            );
            risks.push(format!(
                "You must reveal its key between {} and {}: without it you lose the bond of {}, \
                 and the award goes to those who revealed their models.",
                date(terms.close),
                date(terms.reveal_until()),
                currency.show(sponsor_bond)
            ));
            risks.push(
                "The key is in this browser alone, and in the file that you save: without both \
                 nobody can reveal it."
                    .to_owned(),
            );
        }
    }
    if let Evaluators::Miners(miners) = terms.evaluators {
        risks.push(format!(
            "The miners' pool of {} goes to those whose scores are right; if none is, it comes \
             back.",
            currency.show(miners.pool)
        ));
    }
    if let Award::Prize { unmet: Unmet::Share, .. } = terms.award {
        let why = "If no model meets the thresholds, the prize goes to all who revealed.";
        risks.push(why.to_owned());
    }
    risks
}
