//! What a command brings about outside the market: payments, the registry's record, and events.

use blobs::{BlobRef, Digest};

use crate::{
    job::{Terms, Verdict},
    metric::Marks,
    refusal::ModelRefusal,
    units::{Address, Amount, Asset, JobId, SubmissionId},
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
}
