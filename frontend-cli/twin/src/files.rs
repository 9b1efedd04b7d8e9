//! The files that a job names, and whether bytes are one of them: by their CIDs, so that whoever
//! hands them out is not believed.

use std::{fmt, str::FromStr};

use blobs::{BlobRef, Cid, Profile, blob_ref, cid_of};
use drafts::named;
use market::Sealing;
use serde::{Deserialize, Serialize};
use wire::JobView;

use crate::error::{Error, Result};

/// A file of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobFile {
    /// Its base model.
    Base,
    /// The public slice of a board.
    Slice,
    /// The hold-out, once it is public.
    HoldOut,
    /// The trainer that its base model names.
    Trainer,
}

impl JobFile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Base, Self::Slice, Self::HoldOut, Self::Trainer];

    /// How its path says it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Slice => "slice",
            Self::HoldOut => "hold-out",
            Self::Trainer => "trainer",
        }
    }

    /// What a job's state names; `None` of a file that it does not have, or keeps sealed, and of a
    /// trainer, which the base model names.
    #[must_use]
    pub fn blob(self, job: &JobView) -> Option<BlobRef> {
        match self {
            Self::Base => Some(job.terms.offer.base_model),
            Self::Slice => job.terms.offer.board.map(|board| board.public_slice),
            // The terms are what the job's name says; a node could say anything else.
            Self::HoldOut => match job.terms.sealing {
                Sealing::Open { hold_out } => Some(hold_out),
                Sealing::Sealed { .. } => job.hold_out,
            },
            Self::Trainer => None,
        }
    }

    /// Whether it has rows to look through.
    #[must_use]
    pub const fn is_dataset(self) -> bool {
        matches!(self, Self::Slice | Self::HoldOut)
    }
}

impl fmt::Display for JobFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Base => "base model",
            Self::Slice => "public slice",
            Self::HoldOut => "hold-out",
            Self::Trainer => "trainer",
        })
    }
}

impl FromStr for JobFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|file| file.path() == text);
        found.ok_or_else(|| "a job has the files base, slice, hold-out and trainer".to_owned())
    }
}

/// Bytes that are what a job names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verified {
    pub(crate) cid: Cid,
    pub(crate) bytes: usize,
}

/// Checks bytes against the CID that a job names.
///
/// - `base`: the base model, for its trainer
/// - Errors: `WrongFile`; `NothingPublic` if the job names no such file, or not yet
pub(crate) fn verify(
    job: &JobView,
    file: JobFile,
    bytes: &[u8],
    base: Option<&[u8]>,
) -> Result<Verified> {
    let wrong = || {
        let why =
            format_args!("these bytes are not the {file} that the job names: do not use them");
        Error::refused("WrongFile", why)
    };
    let none = || Error::refused("NothingPublic", format_args!("the job has no public {file}"));
    let verified = |cid| Verified { cid, bytes: bytes.len() };
    if file != JobFile::Trainer {
        let named = file.blob(job).ok_or_else(none)?;
        let is_it = blob_ref(bytes, named.profile) == named;
        return if is_it { Ok(verified(named.cid())) } else { Err(wrong()) };
    }
    let base = base.ok_or_else(none)?;
    verify(job, JobFile::Base, base, None)?;
    let named: Cid = named::of(base).and_then(|cid| cid.parse().ok()).ok_or_else(none)?;
    let profiles = [Profile::Kubo, Profile::UnixfsV1];
    let is_it = profiles.into_iter().any(|profile| cid_of(bytes, profile) == named);
    if is_it { Ok(verified(named)) } else { Err(wrong()) }
}
