//! A job's terms: an offer, a sealing, evaluators and an award, fixed for good when it opens.
//!
//! No rule depends on a kind of job; each looks at the choice it concerns. All that follows from
//! the terms alone (stakes, windows, bytes reserved) is computed here, so that everybody computes
//! the same before any money moves.

mod award;
mod evaluators;
mod offer;
mod sealing;
mod stakes;
mod title;
mod windows;

use blobs::BlobRef;
use serde::{Deserialize, Serialize};

pub use award::{Award, MAX_REWARDS, Unmet};
pub use evaluators::{Evaluators, MAX_SAMPLE_ROWS, MAX_SEATS, MinerTerms};
pub use offer::{Board, MAX_INPUTS, Offer, Threshold};
pub use sealing::{SealedBlob, Sealing};
pub use stakes::{MAX_MINERS, SponsorStake, SubmissionStake};
pub use title::title_text;

use crate::{
    refusal::Refusal,
    settings::Settings,
    units::{Asset, Timestamp},
};

/// Maximum number of submissions that a job can hold at a time.
pub const MAX_PLACES: u32 = 10_000;

/// A sponsor's terms.
///
/// - Units: amounts in the asset's smallest unit; scores in parts per million; times in seconds of
///   the market's clock; work in instructions; sizes in bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Short UTF-8 name, zero-padded.
    #[serde(with = "title")]
    pub title: [u8; 32],
    /// Asset of all payments.
    pub asset: Asset,
    /// Deadline for submissions.
    pub close: Timestamp,
    /// Number of submissions that the job holds at a time; their bytes are reserved when it opens.
    pub places: u32,
    /// Acceptance criteria for models.
    pub offer: Offer,
    /// Form in which models and hold-out arrive: as bytes, or as ciphertext first.
    pub sealing: Sealing,
    /// Computation of the scores.
    pub evaluators: Evaluators,
    /// Recipients and time of payment.
    pub award: Award,
}

impl Terms {
    /// The dataset on which the base model is scored before the job opens: the hold-out if it is
    /// open, else the public slice.
    pub fn opening_dataset(&self) -> Option<BlobRef> {
        match self.sealing {
            Sealing::Open { hold_out } => Some(hold_out),
            Sealing::Sealed { .. } => self.offer.board.map(|board| board.public_slice),
        }
    }

    /// The miners' terms; `None` if the machine evaluates.
    pub const fn miners(&self) -> Option<&MinerTerms> {
        match &self.evaluators {
            Evaluators::Machine => None,
            Evaluators::Miners(miners) => Some(miners),
        }
    }

    /// Number of rows that the machine samples; `None` if it evaluates all.
    pub fn sample_rows(&self) -> Option<u32> {
        self.miners().map(|miners| miners.sample_rows).filter(|rows| *rows > 0)
    }

    /// Checks everything that can be checked before any bytes arrive.
    ///
    /// - Errors: the first reason to refuse the terms
    pub fn check(&self, settings: &Settings, now: Timestamp) -> Result<(), Refusal> {
        if !settings.assets.contains_key(&self.asset) {
            return Err(Refusal::AssetNotAllowed { asset: self.asset });
        }
        let close = self.close;
        if close <= now {
            return Err(Refusal::CloseTooSoon { close, now });
        }
        let latest = now.after(settings.max_window_seconds);
        if close > latest {
            return Err(Refusal::CloseTooFar { close, latest });
        }
        if !(1..=MAX_PLACES).contains(&self.places) {
            return Err(Refusal::PlacesOutOfRange { found: self.places, largest: MAX_PLACES });
        }
        let last_date = self.last_date(settings);
        let latest = latest.after(settings.max_window_seconds);
        if last_date > latest {
            return Err(Refusal::LastDateTooFar { last_date, latest });
        }
        self.award.check(self.places)?;
        self.offer.check(settings)?;
        self.sealing.check(settings, self)?;
        self.evaluators.check(settings, self)
    }
}
