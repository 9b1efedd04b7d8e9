//! Sealed blobs of an account: their keys are on its disk before anything is sent, and kept
//! until they are revealed.

use std::path::PathBuf;

use alloy::primitives::B256;
use anyhow::{Context as _, Result};
use blobs::{Binding, BlobRef, Digest, Opening};
use market::{JobId, SealedBlob};
use serde::{Deserialize, Serialize};

use crate::{
    chain::Sender,
    convert::to_market,
    files::{self, File},
    session::Session,
    vault::{self, Vault},
};

const NAME: &str = "seals";

/// The purpose of a sealed blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A model for this job.
    Model(JobId),
    /// The hold-out of the job that is opened with this salt.
    HoldOut([u8; 32]),
}

impl Scope {
    /// The bytes that the commitment is bound to.
    #[must_use]
    pub const fn bytes(self) -> [u8; 32] {
        match self {
            Self::Model(JobId(job)) => job,
            Self::HoldOut(salt) => salt,
        }
    }
}

/// A sealed blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Its binding: the job's name, or the salt that the job is opened with.
    pub scope: B256,
    /// The job's name; `None` if it depends on terms that are not written yet.
    pub job: Option<B256>,
    /// The commitment.
    pub commitment: B256,
    /// The encryption key.
    pub key: B256,
    /// The salt that hides it in the commitment.
    pub salt: B256,
    /// The plain blob.
    pub plain: BlobRef,
    /// The file it was read from.
    pub file: PathBuf,
    /// Whether the market has its key.
    pub revealed: bool,
}

impl Seal {
    /// Its opening.
    #[must_use]
    pub const fn opening(&self) -> Opening {
        Opening { key: self.key.0, salt: self.salt.0, plain: self.plain }
    }

    /// The sealed blob and the ciphertext of this plaintext.
    pub fn sealed(&self, plain: &[u8]) -> (SealedBlob, Vec<u8>) {
        let commitment = Digest(self.commitment.0);
        let bytes = blobs::seal(&self.key.0, commitment, plain);
        (SealedBlob { commitment, ciphertext: blobs::blob_ref(&bytes, files::PROFILE) }, bytes)
    }
}

/// Seals a file, as this sender; its key is on disk before this returns.
pub async fn seal(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    scope: Scope,
    file: &File,
) -> Result<Seal> {
    let opening = Opening { key: vault::random(), salt: vault::random(), plain: file.blob };
    let commitment = opening.commitment(&binding(session, sender, scope).await?);
    let job = match scope {
        Scope::Model(JobId(job)) => Some(job.into()),
        Scope::HoldOut(_) => None,
    };
    let seal = Seal {
        scope: scope.bytes().into(),
        job,
        commitment: commitment.0.into(),
        key: opening.key.into(),
        salt: opening.salt.into(),
        plain: file.blob,
        file: file.path.clone(),
        revealed: false,
    };
    let mut seals = list(vault)?;
    seals.push(seal.clone());
    vault.write(NAME, &seals)?;
    Ok(seal)
}

/// The account, market and scope that a commitment is bound to.
pub async fn binding(session: &Session, sender: &Sender, scope: Scope) -> Result<Binding> {
    Ok(Binding {
        chain_id: session.chain.chain_id().await?,
        app: to_market(session.application()).0,
        scope: scope.bytes(),
        sender: to_market(sender.address()).0,
    })
}

/// All seals of the account, the oldest first.
pub fn list(vault: &Vault) -> Result<Vec<Seal>> {
    vault.read(NAME)
}

/// The seal with this commitment.
///
/// - Errors: its key is not on this computer
pub fn find(vault: &Vault, commitment: Digest) -> Result<Seal> {
    let found = list(vault)?.into_iter().find(|seal| seal.commitment.0 == commitment.0);
    found.with_context(|| {
        format!(
            "the key of commitment {commitment} is not on this computer: reveal where it was made"
        )
    })
}

/// Records the job that a hold-out was sealed for.
pub fn note_job(vault: &Vault, commitment: Digest, job: JobId) -> Result<()> {
    change(vault, commitment, |seal| seal.job = Some(job.0.into()))
}

/// Records that the market has a seal's key.
pub fn note_revealed(vault: &Vault, commitment: Digest) -> Result<()> {
    change(vault, commitment, |seal| seal.revealed = true)
}

fn change(vault: &Vault, commitment: Digest, mut change: impl FnMut(&mut Seal)) -> Result<()> {
    let mut seals = list(vault)?;
    seals.iter_mut().filter(|seal| seal.commitment.0 == commitment.0).for_each(&mut change);
    vault.write(NAME, &seals)
}
/// Reports the keys of this account that are due, or will be.
///
/// A market that does not answer is no reason to stop: the next request will report it.
pub async fn remind(session: &Session, vault: &Vault) -> Result<()> {
    for seal in list(vault)?.into_iter().filter(|seal| !seal.revealed) {
        let Some(job) = seal.job else { continue };
        let (Ok(view), Ok(now)) = (session.job(JobId(job.0)).await, session.now().await) else {
            continue;
        };
        if let Some(line) = reminder(&view, now) {
            session.printer.say(line);
        }
    }
    Ok(())
}

fn reminder(view: &wire::JobView, now: market::Timestamp) -> Option<String> {
    let (number, windows) = (view.number, &view.windows);
    let is_due = now >= windows.close && now < windows.reveal_until;
    (is_due && matches!(view.stage, market::Stage::Open | market::Stage::Revealing)).then(|| {
        format!(
            "due: `deml job reveal {number}`; without it, what you staked is lost {}",
            crate::quantity::until(windows.reveal_until, now)
        )
    })
}
