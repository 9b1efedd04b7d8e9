//! A competition: a job whose models stay sealed until it closes; the best takes the prize.
//!
//! Its stages are `announced → open → revealing → evaluating → settled`, or `cancelled`. Commands
//! look at the windows of the terms by block time; whatever else moves a competition on is done by
//! `settle` in steps, each of which fits an input.

mod attestation;
mod decision;
mod entry;
mod model;
mod seat;
mod terms;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use blobs::{BlobRef, Digest};

pub use attestation::{Attestation, Desk};
pub use decision::{Decision, Offence, Outcome, Share};
pub use entry::{Entry, EntryState, Show};
pub use model::{Finding, RevealedModel};
pub use seat::{Seat, SeatSet};
pub use terms::{CompetitionTerms, SealedBlob, Tied};

use crate::{
    job::{Progress, Stage},
    metric::Marks,
    units::{Address, Amount, Score, Timestamp},
};

/// How many accounts may enter.
pub const MAX_ENTRIES: u32 = 10_000;

/// How many seats there are for miners at most.
pub const MAX_SEATS: u32 = 100;

/// How many miners may be on a list.
pub const MAX_MINERS: u32 = 10_000;

/// How many models are attested together.
pub const PAGE_MODELS: u32 = 128;

/// What waits for the machine's evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// The base model, on the public slice.
    Base,
    /// A shown model, on the public slice.
    Show(u32),
    /// The base model, on the hold-out.
    BaseOnHoldOut,
    /// A revealed model, on the hold-out.
    Model(u32),
}

/// A competition and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Competition {
    /// Who pays the prize.
    pub sponsor: Address,
    /// For what.
    pub terms: CompetitionTerms,
    /// Where it is in its life.
    pub stage: Stage,
    /// All that it holds: prize, pool, buy-ins, bonds.
    pub escrow: Amount,
    /// The base model's marks on the public slice, once known.
    pub base: Option<Marks>,
    /// The hold-out, once revealed.
    pub hold_out: Option<BlobRef>,
    /// The base model's marks on it, once known.
    pub hold_out_base: Option<Marks>,
    /// What the seats were drawn with, once they are.
    pub seed: Option<Digest>,
    /// The drawn miners.
    pub seats: Vec<Seat>,
    /// Who gets what, once it is decided.
    pub decision: Option<Decision>,
    /// Which blobs are on the shelf for it: base model, public slice, sealed hold-out.
    pub(crate) has_blobs: [bool; 3],
    /// By number, which is the order of their commitments.
    pub(crate) entries: Vec<Entry>,
    /// Each entrant's entry.
    pub(crate) entrants: BTreeMap<Address, u32>,
    /// All commitments so far, hashed one after the other.
    pub(crate) commitments: Digest,
    /// What is shown, the best first.
    pub(crate) board: BTreeSet<(Reverse<Score>, u32)>,
    pub(crate) shows: Vec<Show>,
    /// Miners that are for this competition, in the order they came, and the same to look up.
    pub(crate) enlisted: Vec<Address>,
    pub(crate) enlisted_set: BTreeSet<Address>,
    /// Revealed models, in the order they came.
    pub(crate) models: Vec<RevealedModel>,
    /// Accepted entries, the best first.
    pub(crate) ranking: BTreeSet<(Reverse<Score>, u32)>,
    pub(crate) queue: VecDeque<Task>,
    pub(crate) progress: Option<Progress>,
}

impl Competition {
    pub(crate) fn new(sponsor: Address, terms: CompetitionTerms, escrow: Amount) -> Self {
        Self {
            sponsor,
            terms,
            stage: Stage::Announced,
            escrow,
            base: None,
            hold_out: None,
            hold_out_base: None,
            seed: None,
            seats: Vec::new(),
            decision: None,
            has_blobs: [false; 3],
            entries: Vec::new(),
            entrants: BTreeMap::new(),
            commitments: Digest([0; 32]),
            board: BTreeSet::new(),
            shows: Vec::new(),
            enlisted: Vec::new(),
            enlisted_set: BTreeSet::new(),
            models: Vec::new(),
            ranking: BTreeSet::new(),
            queue: VecDeque::new(),
            progress: None,
        }
    }

    /// Its own blobs as they are published: base model, public slice, the hold-out's ciphertext.
    #[must_use]
    pub const fn blobs(&self) -> [BlobRef; 3] {
        [self.terms.base_model, self.terms.public_slice, self.terms.hold_out.ciphertext]
    }

    /// Whether it has not ended.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !matches!(self.stage, Stage::Settled | Stage::Cancelled)
    }

    /// The entries, by number.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// An account's entry.
    #[must_use]
    pub fn entry_of(&self, entrant: Address) -> Option<u32> {
        self.entrants.get(&entrant).copied()
    }

    /// Miners that are for this competition, drawn or not.
    #[must_use]
    pub fn enlisted(&self) -> &[Address] {
        &self.enlisted
    }

    /// Revealed models, in the order of their positions.
    #[must_use]
    pub fn models(&self) -> &[RevealedModel] {
        &self.models
    }

    /// The models of a page.
    #[must_use]
    pub fn page(&self, page: u32) -> &[RevealedModel] {
        let size = self.page_models();
        let begin = page.saturating_mul(size);
        let end = begin.saturating_add(size);
        let [begin, end] = [begin, end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        self.models.get(begin..end.min(self.models.len())).unwrap_or_default()
    }

    /// How many pages the revealed models have.
    #[must_use]
    pub fn pages(&self) -> u32 {
        u32::try_from(self.models.len()).unwrap_or(u32::MAX).div_ceil(self.page_models().max(1))
    }

    /// How many models a page has at most.
    #[must_use]
    pub const fn page_models(&self) -> u32 {
        if self.terms.miners_only { 1 } else { PAGE_MODELS }
    }

    /// The public board, the best first: score and entry.
    pub fn board(&self) -> impl Iterator<Item = (Score, u32)> {
        self.board.iter().map(|&(Reverse(score), entry)| (score, entry))
    }

    /// Accepted entries so far, the best first: score and entry.
    pub fn ranking(&self) -> impl Iterator<Item = (Score, u32)> {
        self.ranking.iter().map(|&(Reverse(score), entry)| (score, entry))
    }

    /// How many evaluations of the machine wait or have begun.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Rows the evaluation under way has answered, and all it has to.
    #[must_use]
    pub fn progress(&self) -> Option<(u32, u32)> {
        self.progress.as_ref().map(|progress| (progress.tally.rows(), progress.quote.rows))
    }

    /// Until when the stage lasts at least, or takes what it takes.
    #[must_use]
    pub fn stage_deadline(&self) -> Timestamp {
        match self.stage {
            Stage::Announced | Stage::Open | Stage::Settled | Stage::Cancelled => self.terms.close,
            Stage::Revealing => self.terms.reveal_until(),
            Stage::Evaluating if self.seats.is_empty() => self.terms.reveal_until(),
            Stage::Evaluating => self.terms.object_until(),
        }
    }
}
