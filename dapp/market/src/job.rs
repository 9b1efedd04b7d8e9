//! A job: a sponsor's terms, the escrow for them, and everything that belongs to the job.

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

/// Maximum number of models on a page of attestations.
pub const PAGE_MODELS: u32 = 128;

/// A job and everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Number of the job, for display.
    pub number: u32,
    /// Account that opened the job and pays for it.
    pub sponsor: Address,
    /// Salt of the job's name.
    pub salt: [u8; 32],
    /// The sponsor's terms.
    pub terms: Terms,
    /// Current stage.
    pub stage: Stage,
    /// Time at which it opened.
    pub opened: Timestamp,
    /// Time at which all stakes are returned if it has not ended.
    pub last_date: Timestamp,
    /// Part of the sponsor's stake still held.
    pub stake: SponsorStake,
    /// The base model on the dataset that the job opens with.
    pub base: Evaluated,
    /// The base model on the revealed hold-out.
    pub base_on_hold_out: Evaluated,
    /// The plain hold-out, once it is known.
    pub hold_out: Option<BlobRef>,
    /// Submissions, by number, which is the order of their commitments; the oldest refused ones
    /// make room for new ones.
    pub submissions: BTreeMap<u32, Shared<Submission>>,
    /// Number of submissions ever made, which is the next one's number.
    pub submitted: u32,
    /// Number of models paid.
    pub payouts: u32,
    /// The best accepted submission and its scores; the earlier one of equals.
    pub best: Option<(u32, Scores)>,
    /// Numbers of revealed submissions, in the order they were revealed.
    pub revealed: Vec<u32>,
    /// Miners enlisted for this job, in order of arrival.
    pub enlisted: Vec<Address>,
    /// Seed of the seats; `None` until they are drawn.
    pub seed: Option<Digest>,
    /// The drawn miners.
    pub seats: Vec<Seat>,
    /// The seats' attestations of the base model, if the machine only samples.
    pub base_answers: Answers,
    /// Rows that the machine samples, once they are drawn.
    pub sample: Vec<u32>,
    /// Time at which evaluation began: its windows count from then.
    pub evaluating_since: Option<Timestamp>,
    /// Time at which the machine began to judge the revealed models.
    pub judging_since: Option<Timestamp>,
    /// Bonds of wrong seats, less the repaid work that proved them wrong.
    pub forfeits: Amount,
    /// The decision on how it ends; `None` until then.
    pub decision: Option<Decision>,
    /// Reason for ending before it opened, unless its sponsor cancelled it.
    pub cancelled_for: Option<ModelRefusal>,
    pub(crate) rent: HeldRent,
    pub(crate) slots: Slots,
    /// Each account's submission that is not refused.
    pub(crate) clients: BTreeMap<Address, u32>,
    /// Accepted submissions, in the order they were paid.
    pub(crate) accepted: Vec<u32>,
    /// Refused submissions, the oldest first.
    pub(crate) refused: VecDeque<u32>,
    /// Submissions whose published bytes have not all arrived.
    pub(crate) expecting: BTreeSet<u32>,
    /// Submissions whose keys have not been revealed.
    pub(crate) sealed: BTreeSet<u32>,
    /// Submissions whose plain bytes are complete and that are not decided.
    pub(crate) whole: BTreeSet<u32>,
    /// Hash chain of all commitments so far.
    pub(crate) commitments: Digest,
    /// Hash chain of all revealed keys so far.
    pub(crate) keys: Digest,
    /// Entries of the public board, the best first.
    pub(crate) board: BTreeSet<(Reverse<Score>, u32)>,
    /// Acceptable submissions that are not decided, the best first.
    pub(crate) ranking: BTreeSet<(Reverse<Score>, u32)>,
    pub(crate) enlisted_set: BTreeSet<Address>,
    pub(crate) seat_of: BTreeMap<Address, usize>,
    /// Hash chain of the salts of revealed attestations.
    pub(crate) salts: Digest,
    /// First submission not yet compared with the best in the search for an earlier one that the
    /// exact test cannot separate from it.
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

    /// Number of rewards not yet paid; zero if there is a prize instead.
    pub const fn rewards_left(&self) -> u32 {
        match self.terms.award {
            Award::Rewards { count, .. } => count.saturating_sub(self.payouts),
            Award::Prize { .. } => 0,
        }
    }

    /// The base model's scores, which models must beat; `None` until they are known.
    pub fn base_scores(&self) -> Option<Scores> {
        if self.terms.sealing.is_sealed() {
            self.base_on_hold_out.scores()
        } else {
            self.base.scores()
        }
    }

    /// The account's submission that is not refused; `None` if there is none.
    pub fn submission_of(&self, client: Address) -> Option<u32> {
        self.clients.get(&client).copied()
    }

    /// Index of the account's seat; `None` if it has none.
    pub fn seat_of(&self, miner: Address) -> Option<usize> {
        self.seat_of.get(&miner).copied()
    }

    /// The public board, the best first: score and number of the submission.
    pub fn board(&self) -> impl Iterator<Item = (Score, u32)> {
        self.board.iter().map(|&(Reverse(score), submission)| (score, submission))
    }

    /// Submissions that are not decided yet.
    pub fn undecided(&self) -> impl Iterator<Item = (u32, &Submission)> {
        let all = self.submissions.iter().map(|(number, submission)| (*number, &**submission));
        all.filter(|(_, submission)| submission.verdict().is_none())
    }

    /// Deadline for committing to attestations; `None` until the seats are drawn.
    pub fn attest_until(&self) -> Option<Timestamp> {
        let miners = self.terms.miners().filter(|_| !self.seats.is_empty())?;
        Some(self.evaluating_since?.after(miners.attest_seconds.into()))
    }

    /// Deadline for revealing attestations; `None` until the seats are drawn.
    pub fn attestations_until(&self) -> Option<Timestamp> {
        let miners = self.terms.miners()?;
        Some(self.attest_until()?.after(miners.attest_seconds.into()))
    }

    /// Number of models that the seats attest: the revealed ones and, if the machine only samples,
    /// the base model before them.
    pub fn attested_models(&self) -> u32 {
        let revealed = u32::try_from(self.revealed.len()).unwrap_or(u32::MAX);
        revealed.saturating_add(u32::from(self.terms.sample_rows().is_some()))
    }

    /// Maximum number of models on a page.
    pub fn page_models(&self) -> u32 {
        if self.terms.sample_rows().is_some() { 1 } else { PAGE_MODELS }
    }

    /// Number of pages of attested models.
    pub fn pages(&self) -> u32 {
        self.attested_models().div_ceil(self.page_models())
    }

    /// The models on a page: numbers of submissions, `None` for the base model.
    pub fn page(&self, page: u32) -> Vec<Option<u32>> {
        let base = self.terms.sample_rows().map(|_| None);
        let all = base.into_iter().chain(self.revealed.iter().copied().map(Some));
        let size = self.page_models();
        let first = usize::try_from(page.saturating_mul(size)).unwrap_or(usize::MAX);
        all.skip(first).take(usize::try_from(size).unwrap_or(usize::MAX)).collect()
    }

    /// Number of submissions that hold a place: all that are not refused.
    pub fn places_taken(&self) -> usize {
        self.clients.len()
    }

    /// Drops data that only rules need: the job has ended, and is only shown for a while.
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

    /// Acceptable submissions that are not decided, the best first: score and number.
    pub fn ranking(&self) -> impl Iterator<Item = (Score, u32)> {
        self.ranking.iter().map(|&(Reverse(score), submission)| (score, submission))
    }

    /// A submission, whose existence was checked before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn known(&self, number: u32) -> &Submission {
        let submission = self.submissions.get(&number).map(|submission| &**submission);
        there(submission, "the submission was looked up before")
    }

    /// The submission, mutably.
    pub(crate) fn known_mut(&mut self, number: u32) -> &mut Submission {
        let submission = self.submissions.get_mut(&number);
        there(submission, "the submission was looked up before").to_mut()
    }
}
