//! Revealing what an account has sealed: an entrant's model, or the sponsor's hold-out.

use std::{fmt, time::Duration};

use anyhow::Result;
use market::{Command, JobId, Timestamp};
use serde::Serialize;
use wire::CompetitionView;

use super::enter::entry_of;
use crate::{
    chain::Sender,
    convert::{as_number, as_text, to_market},
    quantity::until,
    seals,
    session::{Session, Spent},
    talk::Refused,
    vault::Vault,
};

/// Something that is open now.
#[derive(Clone, Debug, Serialize)]
pub struct Revealed {
    /// The competition.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// The entry; nothing for the hold-out.
    pub entry: Option<u32>,
    /// The plain blob.
    #[serde(serialize_with = "as_text")]
    pub plain: blobs::Cid,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
}

impl fmt::Display for Revealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, entry, plain, spent } = self;
        match entry {
            Some(entry) => {
                writeln!(
                    out,
                    "entry {entry} of competition {job} is open; its bond is free again"
                )?;
            }
            None => writeln!(out, "the hold-out of competition {job} is open")?,
        }
        writeln!(out, "  {plain}")?;
        write!(out, "  {spent}")
    }
}

/// Sends the key of what this account has sealed for a competition; with `wait`, once it closes.
///
/// - Errors: this computer has no such key; `NotYet`, or the market's refusal
pub async fn reveal(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    job: JobId,
    wait: bool,
) -> Result<Revealed> {
    let view = session.competition(job).await?;
    let (entry, commitment) = if view.sponsor == to_market(sender.address()) {
        (None, view.terms.hold_out.commitment)
    } else {
        let entry = entry_of(session, sender, job).await?;
        let entry = entry.ok_or_else(|| {
            let account = sender.address();
            Refused::new("NotEntered", format_args!("{account} has not entered competition {job}"))
        })?;
        (Some(entry.entry), entry.sealed.commitment)
    };
    let seal = seals::find(vault, commitment)?;
    let opening = seal.opening()?;
    let close = view.windows.close;
    if wait {
        wait_until(session, close).await?;
    } else {
        let now = session.moment().await?;
        if now < close {
            let why = format_args!("keys are taken {}: --wait waits until then", until(close, now));
            return Err(Refused::new("NotYet", why).into());
        }
    }
    let (key, salt, plaintext) = (opening.key, opening.salt, opening.plain);
    let command = Command::Reveal { job, key, salt, plaintext };
    let (_, spent) = session.carry_out(sender, &command).await?;
    seals::note_revealed(vault, commitment)?;
    // It is public now; whoever looks for it finds it here, too.
    if let Ok(bytes) = std::fs::read(&seal.file)
        && blobs::blob_ref(&bytes, plaintext.profile) == plaintext
    {
        session.store.put(&bytes, plaintext.profile).await?;
    }
    Ok(Revealed { job, entry, plain: plaintext.cid(), spent })
}

/// Waits until a block that is made now has at least this time.
async fn wait_until(session: &Session, moment: Timestamp) -> Result<()> {
    let mut is_said = false;
    loop {
        let now = session.moment().await?;
        if now >= moment {
            return Ok(());
        }
        if !is_said {
            session.talk.say(format_args!("waiting: it closes {}", until(moment, now)));
            is_said = true;
        }
        tokio::time::sleep(session.patience.pause.max(Duration::from_millis(200))).await;
    }
}

/// Says which keys of this account are due, or will be.
///
/// A market that does not answer is no reason to stop: whatever is done next will say so.
pub async fn remind(session: &Session, vault: &Vault) -> Result<()> {
    for seal in seals::list(vault)?.into_iter().filter(|seal| !seal.revealed) {
        let job = JobId(seal.job);
        let (Ok(view), Ok(now)) = (session.competition(job).await, session.now().await) else {
            continue;
        };
        if let Some(line) = reminder(&view, now) {
            session.talk.say(line);
        }
    }
    Ok(())
}

fn reminder(view: &CompetitionView, now: Timestamp) -> Option<String> {
    let (job, windows) = (view.job, view.windows);
    (now >= windows.close && now < windows.reveal_until).then(|| {
        format!(
            "due: `deml competition reveal {job}`; without it, what you staked is lost {}",
            until(windows.reveal_until, now)
        )
    })
}
