//! A job: a sponsor's terms, what is in escrow for them, and all that belongs to it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use blobs::{BlobRef, Digest};
use serde::{Deserialize, Serialize};

use crate::{
    attestation::Answers,
    decision::{Decision, Paying},
    evaluation::Evaluated,
    invariant::there,
    metric::Scores,
    refusal::ModelRefusal,
    rent::Rent,
    seat::Seat,
    shared::Shared,
    stage::Stage,
    store::Slots,
    submission::Submission,
    terms::{Award, SponsorStake, Terms},
    units::{Address, Amount, Score, Timestamp},
};

/// How many models a page of attestations has at most.
pub const PAGE_MODELS: u32 = 128;

/// A job and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number, for display.
    pub number: u32,
    /// Who pays.
    pub sponsor: Address,
    /// What its name was made with.
    pub salt: [u8; 32],
    /// For what.
    pub terms: Terms,
    /// Where it is in its life.
    pub stage: Stage,
    /// When it opened.
    pub opened: Timestamp,
    /// When it gives each its own, if it has not ended.
    pub last_date: Timestamp,
    /// What is still held of the sponsor's stake.
    pub stake: SponsorStake,
    /// The base model on the dataset that the job opens with.
    pub base: Evaluated,
    /// The base model on the revealed hold-out.
    pub base_on_hold_out: Evaluated,
    /// The plain hold-out, once it is known.
    pub hold_out: Option<BlobRef>,
    /// Submissions, by number, which is the order of their commitments; of those refused, the
    /// oldest make place for new ones.
    pub submissions: BTreeMap<u32, Shared<Submission>>,
    /// How many submissions were ever made; the next one's number.
    pub submitted: u32,
    /// How many models were paid.
    pub payouts: u32,
    /// The best accepted submission and its scores; the earlier of equals.
    pub best: Option<(u32, Scores)>,
    /// Numbers of revealed submissions, in the order they were revealed.
    pub revealed: Vec<u32>,
    /// Miners that are for this job, in the order they came.
    pub enlisted: Vec<Address>,
    /// What the seats were drawn with, once they are.
    pub seed: Option<Digest>,
    /// The drawn miners.
    pub seats: Vec<Seat>,
    /// What the seats say of the base model, where the machine only samples.
    pub base_answers: Answers,
    /// The rows that the machine samples, once they are drawn.
    pub sample: Vec<u32>,
    /// When the job began to evaluate: its windows count from then.
    pub evaluating_since: Option<Timestamp>,
    /// When the machine began to judge what was revealed.
    pub judging_since: Option<Timestamp>,
    /// Bonds of wrong seats, after they have repaid the work that showed it.
    pub forfeits: Amount,
    /// How it ends, once that is decided.
    pub decision: Option<Decision>,
    /// Why it ended before it opened, if not by its sponsor.
    pub cancelled_for: Option<ModelRefusal>,
    pub(crate) rent: HeldRent,
    pub(crate) slots: Slots,
    /// Each account's submission that is not refused.
    pub(crate) clients: BTreeMap<Address, u32>,
    /// Accepted submissions, in the order they were paid.
    pub(crate) accepted: Vec<u32>,
    /// Refused submissions, the oldest first.
    pub(crate) refused: VecDeque<u32>,
    /// Submissions whose published bytes are awaited.
    pub(crate) expecting: BTreeSet<u32>,
    /// Submissions whose keys are awaited.
    pub(crate) sealed: BTreeSet<u32>,
    /// Submissions whose plain bytes are here and that are not decided.
    pub(crate) whole: BTreeSet<u32>,
    /// All commitments so far, hashed one after the other.
    pub(crate) commitments: Digest,
    /// All revealed keys so far, likewise.
    pub(crate) keys: Digest,
    /// What the public board has, the best first.
    pub(crate) board: BTreeSet<(Reverse<Score>, u32)>,
    /// Acceptable submissions that are not decided, the best first.
    pub(crate) ranking: BTreeSet<(Reverse<Score>, u32)>,
    pub(crate) enlisted_set: BTreeSet<Address>,
    pub(crate) seat_of: BTreeMap<Address, usize>,
    /// The salts that attestations were revealed with, hashed one after the other.
    pub(crate) salts: Digest,
    /// Submissions that the exact test could not tell from the best are looked for from this one
    /// on.
    pub(crate) compared: u32,
    pub(crate) paying: Paying,
}

/// Reserved bytes and the rent held for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldRent {
    pub(crate) bytes: u64,
    pub(crate) rent: Rent,
}

impl Job {
    pub(crate) fn new(
        number: u32,
        sponsor: Address,
        salt: [u8; 32],
        terms: Terms,
        opened: Timestamp,
        last_date: Timestamp,
    ) -> Self {
        Self {
            number,
            sponsor,
            salt,
            terms,
            stage: Stage::Announced,
            opened,
            last_date,
            stake: SponsorStake::default(),
            base: Evaluated::default(),
            base_on_hold_out: Evaluated::default(),
            hold_out: None,
            submissions: BTreeMap::new(),
            submitted: 0,
            payouts: 0,
            best: None,
            revealed: Vec::new(),
            enlisted: Vec::new(),
            seed: None,
            seats: Vec::new(),
            base_answers: Answers::default(),
            sample: Vec::new(),
            evaluating_since: None,
            judging_since: None,
            forfeits: Amount::ZERO,
            decision: None,
            cancelled_for: None,
            rent: HeldRent::default(),
            slots: Slots::default(),
            clients: BTreeMap::new(),
            accepted: Vec::new(),
            refused: VecDeque::new(),
            expecting: BTreeSet::new(),
            sealed: BTreeSet::new(),
            whole: BTreeSet::new(),
            commitments: Digest([0; 32]),
            keys: Digest([0; 32]),
            board: BTreeSet::new(),
            ranking: BTreeSet::new(),
            enlisted_set: BTreeSet::new(),
            seat_of: BTreeMap::new(),
            salts: Digest([0; 32]),
            compared: 0,
            paying: Paying::default(),
        }
    }

    /// Rewards not yet paid; zero if there is a prize instead.
    pub const fn rewards_left(&self) -> u32 {
        match self.terms.award {
            Award::Rewards { count, .. } => count.saturating_sub(self.payouts),
            Award::Prize { .. } => 0,
        }
    }

    /// The base model's scores that models must beat, once known.
    pub fn base_scores(&self) -> Option<Scores> {
        if self.terms.sealing.is_sealed() {
            self.base_on_hold_out.scores()
        } else {
            self.base.scores()
        }
    }

    /// An account's submission that is not refused.
    pub fn submission_of(&self, client: Address) -> Option<u32> {
        self.clients.get(&client).copied()
    }

    /// An account's seat.
    pub fn seat_of(&self, miner: Address) -> Option<usize> {
        self.seat_of.get(&miner).copied()
    }

    /// The public board, the best first: score and submission.
    pub fn board(&self) -> impl Iterator<Item = (Score, u32)> {
        self.board.iter().map(|&(Reverse(score), submission)| (score, submission))
    }

    /// Submissions that are not decided.
    pub fn undecided(&self) -> impl Iterator<Item = (u32, &Submission)> {
        let all = self.submissions.iter().map(|(number, submission)| (*number, &**submission));
        all.filter(|(_, submission)| submission.verdict().is_none())
    }

    /// Until when attestations are committed to, once the seats are drawn.
    pub fn attest_until(&self) -> Option<Timestamp> {
        let miners = self.terms.miners().filter(|_| !self.seats.is_empty())?;
        Some(self.evaluating_since?.after(miners.attest_seconds.into()))
    }

    /// Until when attestations are revealed, once the seats are drawn.
    pub fn attestations_until(&self) -> Option<Timestamp> {
        let miners = self.terms.miners()?;
        Some(self.attest_until()?.after(miners.attest_seconds.into()))
    }

    /// How many models the seats attest: the revealed ones, and where the machine only samples the
    /// base model before them.
    pub fn attested_models(&self) -> u32 {
        let revealed = u32::try_from(self.revealed.len()).unwrap_or(u32::MAX);
        revealed.saturating_add(u32::from(self.terms.sample_rows().is_some()))
    }

    /// How many models a page has at most.
    pub fn page_models(&self) -> u32 {
        if self.terms.sample_rows().is_some() { 1 } else { PAGE_MODELS }
    }

    /// How many pages the attested models have.
    pub fn pages(&self) -> u32 {
        self.attested_models().div_ceil(self.page_models())
    }

    /// The models of a page: numbers of submissions, `None` for the base model.
    pub fn page(&self, page: u32) -> Vec<Option<u32>> {
        let base = self.terms.sample_rows().map(|_| None);
        let all = base.into_iter().chain(self.revealed.iter().copied().map(Some));
        let size = self.page_models();
        let first = usize::try_from(page.saturating_mul(size)).unwrap_or(usize::MAX);
        all.skip(first).take(usize::try_from(size).unwrap_or(usize::MAX)).collect()
    }

    /// How many submissions have a place: all that are not refused.
    pub fn places_taken(&self) -> usize {
        self.clients.len()
    }

    /// Drops what only rules need: the job has ended, and is on show for a while.
    pub(crate) fn shrink(&mut self) {
        self.slots.clear_all();
        self.clients.clear();
        self.ranking.clear();
        self.enlisted = Vec::new();
        self.enlisted_set.clear();
        self.base_answers = Answers::default();
        self.sample = Vec::new();
        self.revealed.shrink_to_fit();
        for submission in self.submissions.values_mut() {
            submission.to_mut().answers = Answers::default();
        }
        for seat in &mut self.seats {
            seat.attested.clear();
        }
    }

    /// Acceptable submissions that are not decided, the best first: score and submission.
    pub fn ranking(&self) -> impl Iterator<Item = (Score, u32)> {
        self.ranking.iter().map(|&(Reverse(score), submission)| (score, submission))
    }

    /// A submission that was looked up before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn known(&self, number: u32) -> &Submission {
        let submission = self.submissions.get(&number).map(|submission| &**submission);
        there(submission, "the submission was looked up before")
    }

    /// The same, to change it.
    pub(crate) fn known_mut(&mut self, number: u32) -> &mut Submission {
        let submission = self.submissions.get_mut(&number);
        there(submission, "the submission was looked up before").to_mut()
    }
}
