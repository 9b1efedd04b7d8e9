//! Objecting: where the miners agree on what is not so, the machine is made to look.

use std::fmt;

use anyhow::Result;
use market::{Amount, Command, JobId, Refusal, Score};
use serde::Serialize;
use wire::{AttestationView, CompetitionView, RefusalView};

use crate::{
    chain::Sender,
    commands::{
        funding::{Funding, send_paid},
        mine::{Checked, Miner},
    },
    convert::as_number,
    quantity::{count, percent, until},
    session::{Currency, Session, Spent},
    talk::Refused,
    vault::Vault,
};

/// What was looked at, and doubted.
#[derive(Clone, Debug, Serialize)]
pub struct Objected {
    /// The competition.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// The entries on which the miners agree.
    pub looked_at: Vec<Looked>,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    bond: Amount,
    #[serde(skip)]
    currency: Currency,
}

/// An entry that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// The entry.
    pub entry: u32,
    /// What the miners say.
    pub attested: AttestationView,
    /// What is so.
    pub found: AttestationView,
    /// Whether the machine will look, because they differ.
    pub objected: bool,
}

impl fmt::Display for Objected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Looked { entry, attested, found, objected } in &self.looked_at {
            let (said, is) = (shown(attested), shown(found));
            match objected {
                true => {
                    writeln!(out, "entry {entry} is {is}, and the miners say {said}: objected")?
                }
                false => writeln!(out, "entry {entry} is {is}, as the miners say")?,
            }
        }
        let objections = self.looked_at.iter().filter(|looked| looked.objected).count();
        if objections == 0 {
            return write!(out, "nothing to object to in competition {}", self.job);
        }
        let (number, bond) = (count(objections as u64, "objection"), self.currency.show(self.bond));
        writeln!(out, "{number}, each for a bond of {bond}: the machine will look")?;
        write!(out, "  {}", self.spent)
    }
}

fn shown(found: &AttestationView) -> String {
    match found.attestation().marks() {
        Some(marks) => percent(marks.score),
        None => "not to be evaluated".to_owned(),
    }
}

/// Evaluates the entries on which the miners agree, and objects where they are wrong.
///
/// - `entry`: only this one
/// - Errors: `NotYet`, `DeadlinePassed`; `NotAgreed`, `AttestedRight` of a named entry;
///   `WalletTooSmall`, or the market's refusal
pub async fn object(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    (job, entry): (JobId, Option<u32>),
    funding: Funding,
) -> Result<Objected> {
    let view = session.competition(job).await?;
    check_window(session, &view).await?;
    let miner = Miner { session, sender, vault, jobs: vec![job], enlists: false };
    let checked = miner.check(&view, entry).await?;
    let (terms, mut spent) = (view.terms, Spent::default());
    let currency = session.currency(terms.asset).await;
    if let Some(entry) = entry {
        check_named(entry, &checked, &currency.show(terms.miner_bond))?;
    }
    let mut looked_at = Vec::new();
    for checked in checked {
        let Checked { entry, attested, found } = checked;
        let objected = checked.is_wrong();
        if objected {
            let price = (&currency, terms.miner_bond);
            let command = Command::Object { job, entry };
            send_paid(session, sender, price, &command, funding, &mut spent).await?.accepted()?;
        }
        let (attested, found) = (attested.into(), found.into());
        looked_at.push(Looked { entry, attested, found, objected });
    }
    Ok(Objected { job, looked_at, spent, bond: terms.miner_bond, currency })
}

/// Says at once what the market would say after an evaluation.
async fn check_window(session: &Session, view: &CompetitionView) -> Result<()> {
    let (now, windows) = (session.moment().await?, view.windows);
    let (opens, deadline) = (windows.unveil_until, windows.object_until);
    let refused = if view.decision.is_some() {
        let refusal = Refusal::JobNotOpen { job: view.job, stage: view.stage };
        Refused(RefusalView::from(&refusal))
    } else if now < opens {
        let (opens, closes) = (until(opens, now), until(deadline, now));
        let why = format_args!(
            "objections begin {opens}, when miners have shown what they say, and end {closes}"
        );
        Refused::new("NotYet", why)
    } else if now >= deadline {
        let why = format_args!("objections were taken until {}", until(deadline, now));
        Refused::new("DeadlinePassed", why)
    } else {
        return Ok(());
    };
    Err(refused.into())
}

/// Whoever names an entry is told why nothing is sent.
fn check_named(entry: u32, checked: &[Checked], bond: &str) -> Result<(), Refused> {
    let Some(checked) = checked.iter().find(|checked| checked.entry == entry) else {
        let why = format_args!(
            "the miners do not agree on entry {entry}, or somebody objects already: the machine \
             looks by itself"
        );
        return Err(Refused::new("NotAgreed", why));
    };
    if checked.is_wrong() {
        return Ok(());
    }
    let score = percent(checked.found.marks().map_or(Score(0), |marks| marks.score));
    let why = format_args!("entry {entry} is {score}, as the miners say: {bond} would be lost");
    Err(Refused::new("AttestedRight", why))
}
