//! Effects of a command outside the market: payments, the registry's record, and events.

use blobs::{BlobRef, Digest, names};
use serde::{Deserialize, Serialize};

use crate::{
    attestation::Attestation,
    context::{Slot, Target},
    decision::Decision,
    message::Ciphertext,
    metric::Scores,
    refusal::ModelRefusal,
    seat::Offence,
    submission::{SubmittedModel, Verdict},
    terms::{SponsorStake, SubmissionStake, Terms},
    units::{Address, Amount, Asset, JobId, Score},
};

/// One output, in the order it must be emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Money leaves the market: becomes a voucher.
    Pay {
        /// Recipient.
        to: Address,
        /// Asset.
        asset: Asset,
        /// Amount.
        amount: Amount,
    },
    /// Records the winning model in the registry on L1: becomes a voucher.
    Record {
        /// The settled job.
        job: JobId,
        /// Its sponsor.
        sponsor: Address,
        /// The best accepted model.
        model: BlobRef,
        /// Its scores.
        scores: Scores,
        /// The hold-out that the model was scored on.
        hold_out: BlobRef,
    },
    /// Something happened: becomes a notice.
    Event(Event),
}

/// An event; the fields are those of `IDeml.sol`, where reasons `R` are texts.
#[expect(missing_docs, reason = "documented where they say more than their names")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event<R = Option<ModelRefusal>> {
    /// A job was opened; it waits for its blobs and its base model's scores.
    JobOpened {
        job: JobId,
        number: u32,
        sponsor: Address,
        /// Salt of the job's name.
        #[serde(with = "blobs::hex")]
        salt: [u8; 32],
        terms: Box<Terms>,
        stake: SponsorStake,
    },
    /// All bytes of an expected blob arrived and match its reference.
    BlobStored {
        job: JobId,
        /// Slot of one of its sender's blobs.
        slot: Slot,
        digest: Digest,
        #[serde(with = "blobs::exact")]
        size: u64,
        publisher: Address,
    },
    /// The base model is scored; the job takes submissions.
    JobReady {
        job: JobId,
        /// The base model's scores, as far as they are known.
        base: Scores,
    },
    /// A model was submitted.
    Submitted {
        job: JobId,
        submission: u32,
        client: Address,
        model: SubmittedModel,
        stake: SubmissionStake,
    },
    /// An account showed a model on the public board.
    ModelShown {
        job: JobId,
        submission: u32,
        client: Address,
        model: BlobRef,
        /// Escrow for its evaluation.
        stake: Amount,
    },
    /// A shown model was evaluated on the public slice.
    ShowEvaluated { job: JobId, submission: u32, model: Digest, board: BoardMove<R> },
    /// A miner offered to evaluate.
    Enlisted { job: JobId, miner: Address },
    /// The seats were drawn.
    SeatsDrawn {
        job: JobId,
        seed: Digest,
        /// The miners in the order of their seats.
        miners: Vec<Address>,
    },
    /// A submission's model was revealed.
    ModelRevealed {
        job: JobId,
        submission: u32,
        client: Address,
        /// Index of the model among the revealed ones.
        position: u32,
        model: BlobRef,
        key: Digest,
    },
    /// The hold-out was revealed.
    HoldOutRevealed { job: JobId, hold_out: BlobRef, key: Digest },
    /// The base model was scored on the revealed hold-out.
    HoldOutReady { job: JobId, base: Scores },
    /// A miner committed to its attestations of a page.
    Attested { job: JobId, page: u32, miner: Address, commitment: Digest },
    /// A miner revealed its attestations of a page.
    AttestationRevealed { job: JobId, page: u32, miner: Address },
    /// The machine evaluated a submission's model on the hold-out, or its sampled rows.
    ModelEvaluated {
        job: JobId,
        submission: u32,
        model: Digest,
        /// The machine's result; if it samples, the attestation that agrees with the sample.
        attestation: Attestation,
        /// Number of seats that attested the same.
        agreed: u32,
    },
    /// A submission was decided.
    SubmissionDecided {
        job: JobId,
        submission: u32,
        client: Address,
        /// The commitment, or the model's digest once it is known.
        model: Digest,
        verdict: Ruling<R>,
    },
    /// The machine did prepaid work.
    WorkPaid {
        job: JobId,
        target: Target,
        /// Step reached.
        step: u32,
        /// Account whose input did the work.
        worker: Address,
        /// That account's part of the price.
        earned: Amount,
        /// The operator's part of the price.
        operator: Amount,
        /// Surcharge paid by the account because the machine lags.
        surcharge: Amount,
    },
    /// The exact test between the best submission and another one.
    Compared {
        job: JobId,
        best: u32,
        other: u32,
        /// Rows that the best one answers better.
        best_better: u32,
        /// Rows that the other one answers better.
        other_better: u32,
        /// Whether the difference is significant.
        separated: bool,
    },
    /// A bond was lost.
    Forfeited { job: JobId, account: Address, bond: Amount, offence: Offence },
    /// All is decided; payments follow.
    JobDecided { job: JobId, decision: Box<Decision> },
    /// Money left a job's escrow.
    Paid {
        job: JobId,
        to: Address,
        share: Share,
        amount: Amount,
        /// Whether it was paid as a voucher; otherwise to the free balance.
        voucher: bool,
    },
    /// A job ended.
    JobEnded {
        job: JobId,
        /// Number of models that were paid.
        payouts: u32,
        /// The best accepted submission.
        winner: Option<u32>,
        /// Reason for ending before opening; `None` if its sponsor cancelled or it ran its course.
        reason: R,
    },
    /// An account stated the key that messages to it are encrypted for; the newest counts.
    MessageKeyPublished {
        account: Address,
        /// An X25519 public key.
        #[serde(with = "blobs::hex")]
        key: [u8; 32],
    },
    /// A job's sponsor wrote to the client of a submission, or that client to the sponsor.
    MessageSent {
        job: JobId,
        submission: u32,
        from: Address,
        to: Address,
        /// Number of messages that the sender had sent about the submission before.
        sequence: u32,
        ciphertext: Ciphertext,
    },
    /// A balance too small to keep, or in an asset that is not kept, left as a voucher.
    Returned { account: Address, asset: Asset, amount: Amount },
}

impl<R> Event<R> {
    /// The job of the event; `None` if it concerns no job.
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::JobOpened { job, .. }
            | Self::BlobStored { job, .. }
            | Self::JobReady { job, .. }
            | Self::Submitted { job, .. }
            | Self::ModelShown { job, .. }
            | Self::ShowEvaluated { job, .. }
            | Self::Enlisted { job, .. }
            | Self::SeatsDrawn { job, .. }
            | Self::ModelRevealed { job, .. }
            | Self::HoldOutRevealed { job, .. }
            | Self::HoldOutReady { job, .. }
            | Self::Attested { job, .. }
            | Self::AttestationRevealed { job, .. }
            | Self::ModelEvaluated { job, .. }
            | Self::SubmissionDecided { job, .. }
            | Self::WorkPaid { job, .. }
            | Self::Compared { job, .. }
            | Self::Forfeited { job, .. }
            | Self::JobDecided { job, .. }
            | Self::Paid { job, .. }
            | Self::JobEnded { job, .. }
            | Self::MessageSent { job, .. } => Some(*job),
            Self::MessageKeyPublished { .. } | Self::Returned { .. } => None,
        }
    }
}

/// Verdict on a submission, as its event states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling<R> {
    /// Whether it was paid a reward or the prize.
    pub accepted: bool,
    /// Its scores, if it was evaluated.
    pub scores: Option<Scores>,
    /// Reason for refusing it, if it was refused.
    pub reason: R,
}

impl From<Verdict> for Ruling<Option<ModelRefusal>> {
    fn from(verdict: Verdict) -> Self {
        let (accepted, scores) = (verdict.is_accepted(), verdict.scores());
        let reason = match verdict {
            Verdict::Accepted(_) => None,
            Verdict::Refused { reason, .. } => Some(reason),
        };
        Self { accepted, scores, reason }
    }
}

/// Outcome of a shown model on the public board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardMove<R> {
    /// The account's new score on the board, if it moved.
    pub score: Option<Score>,
    /// Reason for not moving, if it did not.
    pub reason: R,
}

names! {
    /// Purpose of a payment.
    Share: "what a payment is for" {
        /// A reward and the rest of the stake, or the prize and the rest of the stake.
        Reward = "reward",
        /// The rest of a stake.
        Stake = "stake",
        /// A part of an award that nobody won, and the rest of the stake.
        Award = "award",
        /// Share of a right seat: fees, forfeits, and its bond.
        Mining = "mining",
        /// Bond of a miner that was not drawn or not needed.
        Bond = "bond",
        /// The rest, to the sponsor.
        Remainder = "remainder",
        /// The floor of the rent, to the operator.
        Rent = "rent",
        /// Lost money, to the sink.
        Sink = "sink",
    }
}
