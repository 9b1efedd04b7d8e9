//! Entering a competition: the model is sealed, its key kept, buy-in and bond deposited with the
//! commitment on it, and the ciphertext published.

use std::fmt;

use anyhow::{Context, Result, ensure};
use market::{Amount, Command, JobId};
use serde::Serialize;
use wire::{EntryStateView, EntryView, Notice, Query};

use crate::{
    chain::Sender,
    commands::funding::{Funding, send_paid},
    convert::{as_number, as_text, to_market},
    delivery::{self, Holding},
    files::File,
    quantity::until,
    seals,
    session::{Currency, Session, Spent},
    vault::Vault,
};

/// An entry that is in.
#[derive(Clone, Debug, Serialize)]
pub struct Entered {
    /// The competition.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// The entry's number, in the order of commitments.
    pub entry: u32,
    /// What was committed to.
    #[serde(serialize_with = "as_text")]
    pub commitment: blobs::Digest,
    /// The ciphertext.
    #[serde(serialize_with = "as_text")]
    pub ciphertext: blobs::Cid,
    /// Paid to take part.
    #[serde(serialize_with = "as_text")]
    pub buy_in: Amount,
    /// Returned when the model is revealed.
    #[serde(serialize_with = "as_text")]
    pub bond: Amount,
    /// When keys are taken: from then on, and until.
    pub reveal: [u64; 2],
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    opens: String,
}

impl fmt::Display for Entered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (buy_in, bond) = (self.currency.show(self.buy_in), self.currency.show(self.bond));
        writeln!(out, "entry {} of competition {} is in, sealed", self.entry, self.job)?;
        writeln!(out, "  commitment  {}", self.commitment)?;
        writeln!(out, "  ciphertext  {}", self.ciphertext)?;
        writeln!(out, "  paid        {buy_in}, and a bond of {bond}")?;
        writeln!(out, "  {}", self.spent)?;
        let job = self.job;
        write!(out, "  reveal it {}, or lose both: `deml competition reveal {job}`", self.opens)
    }
}

/// Enters a model; goes on with what was interrupted.
///
/// - Errors: `WalletTooSmall`, or the market's refusal; a deposit stands all the same
pub async fn enter(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    job: JobId,
    model: &File,
    funding: Funding,
) -> Result<Entered> {
    let view = session.competition(job).await?;
    let terms = view.terms;
    let currency = session.currency(terms.asset).await;
    let mut spent = Spent::default();
    let begun = entry_of(session, sender, job).await?;
    let (entry, seal) = match begun.filter(|entry| entry.state == EntryStateView::Expecting) {
        Some(entry) => {
            session.talk.say(format_args!("going on with entry {}", entry.entry));
            let seal = seals::find(vault, entry.sealed.commitment)?;
            ensure!(
                seal.opening()?.plain == model.blob,
                "entry {} is another model: give the file {}",
                entry.entry,
                seal.file.display()
            );
            (entry.entry, seal)
        }
        None => {
            let seal = seals::seal(session, sender, vault, job, model).await?;
            let command = Command::Enter { job, model: seal.sealed(&model.bytes).0 };
            let price = terms.buy_in.checked_add(terms.entrant_bond);
            let price = (&currency, price.context("buy-in and bond exceed 256 bits")?);
            let sent = send_paid(session, sender, price, &command, funding, &mut spent).await?;
            let entry = sent.accepted()?.notices.iter().find_map(|notice| match notice {
                Notice::Entered { entry, .. } => Some(*entry),
                _ => None,
            });
            (entry.context("the market took the entry without a notice")?, seal)
        }
    };
    let (sealed, ciphertext) = seal.sealed(&model.bytes);
    let blob = sealed.ciphertext;
    if let Holding::Part { .. } = delivery::holding(session, sender.address(), blob).await? {
        spent.absorb(delivery::deliver(session, sender, blob, &ciphertext).await?.spent);
    }
    Ok(Entered {
        job,
        entry,
        commitment: sealed.commitment,
        ciphertext: blob.cid(),
        buy_in: terms.buy_in,
        bond: terms.entrant_bond,
        reveal: [view.windows.close.0, view.windows.reveal_until.0],
        spent,
        currency,
        opens: until(view.windows.close, session.now().await?).to_string(),
    })
}

/// The sender's entry to a competition.
pub async fn entry_of(session: &Session, sender: &Sender, job: JobId) -> Result<Option<EntryView>> {
    let me = to_market(sender.address());
    let entries: Vec<EntryView> = session.all(|paging| Query::Submissions(job, paging)).await?;
    Ok(entries.into_iter().find(|entry| entry.entrant == me))
}
