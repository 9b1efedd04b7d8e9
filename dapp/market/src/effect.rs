//! What a command brings about outside the market: payments, the registry's record, and events.

use blobs::{BlobRef, Digest};

use crate::{
    competition::{Attestation, CompetitionTerms, Decision, Offence, SealedBlob, Share},
    job::{Terms, Verdict},
    metric::Marks,
    refusal::ModelRefusal,
    units::{Address, Amount, Asset, JobId, Score, SubmissionId},
};

/// One output, in the order it must be emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Money leaves the market: becomes a voucher.
    Pay {
        /// To whom.
        to: Address,
        /// Of what.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// The registry on L1 is told which model won: becomes a voucher.
    Record {
        /// The settled job.
        job: JobId,
        /// Its sponsor.
        sponsor: Address,
        /// The best accepted model.
        model: BlobRef,
        /// Its marks.
        marks: Marks,
        /// The hold-out they were earned on.
        hold_out: BlobRef,
    },
    /// Something happened: becomes a notice.
    Event(Event),
}

impl Effect {
    /// A bond is lost.
    pub(crate) const fn forfeited(
        job: JobId,
        account: Address,
        bond: Amount,
        offence: Offence,
    ) -> Self {
        Self::Event(Event::Forfeited { job, account, bond, offence })
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A job opened; it waits for its blobs and its base model's score.
    JobOpened {
        /// The job.
        job: JobId,
        /// Whose.
        sponsor: Address,
        /// On what terms.
        terms: Box<Terms>,
    },
    /// All bytes of an expected blob arrived and match.
    BlobStored {
        /// Which blob.
        digest: Digest,
        /// Its length in bytes.
        size: u64,
        /// Who delivered it.
        publisher: Address,
    },
    /// The base model is scored; the job takes submissions.
    JobReady {
        /// The job.
        job: JobId,
        /// What there is to beat.
        base: Marks,
    },
    /// A model was entered.
    ModelSubmitted {
        /// The submission.
        submission: SubmissionId,
        /// Whose.
        client: Address,
        /// The model.
        model: BlobRef,
        /// What it was trained on.
        data: BlobRef,
    },
    /// A submission was judged; marks are there when its model was evaluated.
    ModelJudged {
        /// The submission.
        submission: SubmissionId,
        /// Whose.
        client: Address,
        /// The model.
        model: Digest,
        /// The outcome.
        verdict: Verdict,
    },
    /// A job ended without settlement.
    JobCancelled {
        /// The job.
        job: JobId,
        /// What went back to the sponsor's free balance.
        refund: Amount,
        /// Why the base model cannot be evaluated; nothing when the sponsor cancelled.
        reason: Option<ModelRefusal>,
    },
    /// A job ended.
    JobSettled {
        /// The job.
        job: JobId,
        /// How many models were paid.
        payouts: u32,
        /// The best accepted submission.
        winner: Option<SubmissionId>,
        /// What went back to the sponsor's free balance.
        remainder: Amount,
    },
    /// A competition opened; it waits for its blobs and its base model's score.
    CompetitionOpened {
        /// The job.
        job: JobId,
        /// Whose.
        sponsor: Address,
        /// On what terms.
        terms: Box<CompetitionTerms>,
    },
    /// A sealed model was entered.
    Entered {
        /// The entry.
        entry: SubmissionId,
        /// Whose.
        entrant: Address,
        /// The model.
        model: SealedBlob,
    },
    /// An entrant shows a model on the public slice.
    ModelShown {
        /// The entry.
        entry: SubmissionId,
        /// Whose.
        entrant: Address,
        /// The model.
        model: BlobRef,
    },
    /// A shown model was judged on the public slice.
    ShowJudged {
        /// The entry.
        entry: SubmissionId,
        /// The model.
        model: Digest,
        /// What the board has of the entry from now on, or why it does not move.
        board: Result<Score, ModelRefusal>,
    },
    /// A miner offers to evaluate.
    Enlisted {
        /// For which job; for all when there is none.
        job: Option<JobId>,
        /// Who.
        miner: Address,
    },
    /// A miner takes back its offer for all jobs.
    Retired {
        /// Who.
        miner: Address,
    },
    /// The seats are drawn.
    SeatsDrawn {
        /// The job.
        job: JobId,
        /// What they were drawn with.
        seed: Digest,
        /// Who has the first seat, the second, and so on.
        miners: Vec<Address>,
    },
    /// An entrant's model is open, and the entrant's bond free again.
    ModelRevealed {
        /// The entry.
        entry: SubmissionId,
        /// Whose.
        entrant: Address,
        /// The model's place among the revealed.
        position: u32,
        /// The model.
        model: BlobRef,
        /// What opened it.
        key: Digest,
    },
    /// The hold-out is open.
    HoldOutRevealed {
        /// The job.
        job: JobId,
        /// The dataset.
        hold_out: BlobRef,
        /// What opened it.
        key: Digest,
    },
    /// The base model is scored on the hold-out.
    HoldOutReady {
        /// The job.
        job: JobId,
        /// What there is to beat.
        base: Marks,
    },
    /// A miner is committed to its attestations of a page.
    Attested {
        /// The job.
        job: JobId,
        /// The page.
        page: u32,
        /// Who.
        miner: Address,
        /// To what.
        commitment: Digest,
    },
    /// A miner has shown its attestations of a page.
    Unveiled {
        /// The job.
        job: JobId,
        /// The page.
        page: u32,
        /// Who.
        miner: Address,
    },
    /// The attestations of an entry are doubted.
    Objected {
        /// The entry.
        entry: SubmissionId,
        /// By whom.
        objector: Address,
    },
    /// An entry's score stands.
    EntryScored {
        /// The entry.
        entry: SubmissionId,
        /// Its model.
        model: Digest,
        /// What it is.
        attestation: Attestation,
        /// How many seats say so.
        agreed: u32,
        /// Whether the machine found it.
        by_machine: bool,
    },
    /// An entry is out of the ranking.
    EntryRefused {
        /// The entry.
        entry: SubmissionId,
        /// Its model.
        model: Digest,
        /// Why.
        reason: ModelRefusal,
    },
    /// The exact test of the first entry and another.
    Compared {
        /// The job.
        job: JobId,
        /// The first.
        first: u32,
        /// The other.
        other: u32,
        /// Rows the first answers better.
        first_better: u32,
        /// Rows the other answers better.
        other_better: u32,
        /// Whether they are told apart.
        separated: bool,
    },
    /// A bond is lost.
    Forfeited {
        /// The job.
        job: JobId,
        /// Whose.
        account: Address,
        /// How much.
        bond: Amount,
        /// Why.
        offence: Offence,
    },
    /// All is decided; payments follow.
    Decided {
        /// The job.
        job: JobId,
        /// Who gets what.
        decision: Box<Decision>,
    },
    /// A competition pays.
    Paid {
        /// The job.
        job: JobId,
        /// Whom.
        to: Address,
        /// What for.
        share: Share,
        /// What leaves as a voucher.
        amount: Amount,
        /// What goes to the free balance.
        bond: Amount,
    },
}
