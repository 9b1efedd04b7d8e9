//! A competition: a job whose models stay sealed until it closes; the best takes the prize.
//!
//! Its stages are `announced → open → revealing → evaluating → settled`, or `cancelled`. Commands
//! look at the windows of the terms by block time; whatever else moves a competition on is done by
//! `settle` in steps, each of which fits an input.

pub(crate) mod advance;
mod attestation;
mod board;
mod close;
mod copies;
pub(crate) mod decide;
mod decision;
mod entry;
mod finals;
mod judging;
mod model;
mod pay;
mod sample;
mod seat;
mod terms;
mod urn;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use blobs::{BlobRef, Digest};

pub use attestation::{Attestation, Desk};
pub use decision::{Decision, Offence, Outcome, Share};
pub use entry::{Entry, EntryState, Show};
pub(crate) use model::Objection;
pub use model::{Finding, RevealedModel};
pub(crate) use pay::Paying;
pub use seat::{Seat, SeatSet};
pub use terms::{CompetitionTerms, SealedBlob, Tied, Unmet};

use crate::{
    job::{Progress, Stage},
    metric::Marks,
    refusal::ModelRefusal,
    units::{Address, Amount, Score, Timestamp},
};

/// How many accounts may enter.
pub const MAX_ENTRIES: u32 = 10_000;

/// How many rows the machine looks at, at most, in competitions for miners only.
pub(crate) const MAX_SAMPLE_ROWS: u32 = 10_000;

/// How many seats there are for miners at most.
pub const MAX_SEATS: u32 = 100;

/// How many miners may be on a list.
pub const MAX_MINERS: u32 = 10_000;

/// How many models are attested together.
pub const PAGE_MODELS: u32 = 128;

/// What waits for the machine's evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
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
    /// Each drawn miner's seat.
    pub(crate) seat_of: BTreeMap<Address, usize>,
    /// How many enlisted miners were looked at to return the bonds of those not drawn.
    pub(crate) returned: usize,
    /// Where each revealed model's digest is first.
    pub(crate) digests: BTreeMap<Digest, u32>,
    /// Positions of doubted models.
    pub(crate) objected: Vec<u32>,
    /// Whether the hold-out does not fit the base model.
    pub(crate) hold_out_failed: bool,
    /// How many rows it has; known in competitions for miners only.
    pub(crate) rows: u32,
    /// Those that the machine looks at, in competitions for miners only, once they are drawn.
    pub(crate) sample: Vec<u32>,
    /// Why it was cancelled, if not by its sponsor.
    pub(crate) cancelled_for: Option<ModelRefusal>,
    pub(crate) phase: Phase,
}

/// How far evaluating has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Phase {
    /// Miners have their time.
    Waiting,
    /// Model by model, it is seen what miners say.
    Sorting {
        /// The next model's position.
        next: usize,
    },
    /// The winners are found.
    Finals(Box<finals::Finals>),
    /// All is decided.
    Paying(Paying),
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
            seat_of: BTreeMap::new(),
            returned: 0,
            digests: BTreeMap::new(),
            objected: Vec::new(),
            hold_out_failed: false,
            rows: 0,
            sample: Vec::new(),
            cancelled_for: None,
            phase: Phase::Waiting,
        }
    }

    /// With all its blobs, its base model can be evaluated, or it opens if that is not the
    /// machine's.
    pub(crate) fn begin(&mut self) {
        if self.has_blobs != [true; 3] {
            return;
        }
        if self.terms.miners_only {
            self.stage = Stage::Open;
            self.models.push(RevealedModel::new(None, self.terms.base_model));
        } else {
            self.queue.push_back(Task::Base);
        }
    }

    /// Its own blobs as they are published: base model, public slice, the hold-out's ciphertext.
    #[must_use]
    pub const fn blobs(&self) -> [BlobRef; 3] {
        [self.terms.base_model, self.terms.public_slice, self.terms.hold_out.ciphertext]
    }

    /// Its own blobs as they are on the shelf: the hold-out is not sealed any more when it is open.
    pub(crate) fn shelf_blobs(&self) -> [BlobRef; 3] {
        let [base, slice, ciphertext] = self.blobs();
        [base, slice, self.hold_out.unwrap_or(ciphertext)]
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

    /// An entry.
    #[must_use]
    pub fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(number).ok()?)
    }

    pub(crate) fn entry_mut(&mut self, number: u32) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(number).ok()?)
    }

    pub(crate) fn show(&self, index: u32) -> Option<&Show> {
        self.shows.get(usize::try_from(index).ok()?)
    }

    /// The model at this position.
    #[must_use]
    pub fn model(&self, position: u32) -> Option<&RevealedModel> {
        self.models.get(usize::try_from(position).ok()?)
    }

    pub(crate) fn model_mut(&mut self, position: u32) -> Option<&mut RevealedModel> {
        self.models.get_mut(usize::try_from(position).ok()?)
    }

    /// Where a revealed entry's model is.
    #[must_use]
    pub fn position_of(&self, entry: u32) -> Option<u32> {
        match self.entry(entry)?.state {
            EntryState::Revealed { position } => Some(position),
            EntryState::Expecting | EntryState::Sealed => None,
        }
    }

    /// How many entrants revealed.
    #[must_use]
    pub fn revealed(&self) -> usize {
        self.models.len().saturating_sub(usize::from(self.terms.miners_only))
    }

    /// An account's seat.
    #[must_use]
    pub fn seat_of(&self, miner: Address) -> Option<usize> {
        self.seat_of.get(&miner).copied()
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
