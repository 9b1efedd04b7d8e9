//! What a command brings about outside the market: payments, the registry's record, and events.

use blobs::{BlobRef, Digest, names};
use serde::{Deserialize, Serialize};

use crate::{
    attestation::Attestation,
    command::{Slot, Target},
    decision::Decision,
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
        /// Its scores.
        scores: Scores,
        /// The hold-out they were earned on.
        hold_out: BlobRef,
    },
    /// Something happened: becomes a notice.
    Event(Event),
}

/// What happened; the fields are those of `IDeml.sol`, where reasons `R` are texts.
#[expect(missing_docs, reason = "documented where they say more than their names")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event<R = Option<ModelRefusal>> {
    /// A job opened; it waits for its blobs and its base model's scores.
    JobOpened {
        job: JobId,
        number: u32,
        sponsor: Address,
        /// What its name was made with.
        #[serde(with = "blobs::hex")]
        salt: [u8; 32],
        terms: Box<Terms>,
        stake: SponsorStake,
    },
    /// All bytes of an expected blob arrived and match.
    BlobStored {
        job: JobId,
        /// Which of its sender's blobs.
        slot: Slot,
        digest: Digest,
        #[serde(with = "blobs::exact")]
        size: u64,
        publisher: Address,
    },
    /// The base model is scored; the job takes submissions.
    JobReady {
        job: JobId,
        /// What there is to beat, as far as it is known.
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
    /// An account shows a model on the public board.
    ModelShown {
        job: JobId,
        submission: u32,
        client: Address,
        model: BlobRef,
        /// What is in escrow for its evaluation.
        stake: Amount,
    },
    /// A shown model was evaluated on the public slice.
    ShowEvaluated { job: JobId, submission: u32, model: Digest, board: BoardMove<R> },
    /// A miner offers to evaluate.
    Enlisted { job: JobId, miner: Address },
    /// The seats are drawn.
    SeatsDrawn {
        job: JobId,
        seed: Digest,
        /// Who has the first seat, the second, and so on.
        miners: Vec<Address>,
    },
    /// A submission's model is open.
    ModelRevealed {
        job: JobId,
        submission: u32,
        client: Address,
        /// The model's number among the revealed.
        position: u32,
        model: BlobRef,
        key: Digest,
    },
    /// The hold-out is open.
    HoldOutRevealed { job: JobId, hold_out: BlobRef, key: Digest },
    /// The base model is scored on the revealed hold-out.
    HoldOutReady { job: JobId, base: Scores },
    /// A miner is committed to its attestations of a page.
    Attested { job: JobId, page: u32, miner: Address, commitment: Digest },
    /// A miner has revealed its attestations of a page.
    AttestationRevealed { job: JobId, page: u32, miner: Address },
    /// The machine has evaluated a submission's model on the hold-out, or the rows it samples.
    ModelEvaluated {
        job: JobId,
        submission: u32,
        model: Digest,
        /// What it finds; where it samples, what the seats say that agrees with it.
        attestation: Attestation,
        /// How many seats say so.
        agreed: u32,
    },
    /// A submission was decided.
    SubmissionDecided {
        job: JobId,
        submission: u32,
        client: Address,
        /// What it was committed to, or its model's digest once that is known.
        model: Digest,
        verdict: Ruling<R>,
    },
    /// The machine did work that was prepaid.
    WorkPaid {
        job: JobId,
        target: Target,
        /// Up to which step.
        step: u32,
        /// Whose input did it.
        worker: Address,
        /// What that account has for it.
        earned: Amount,
        /// What the operator has for it.
        operator: Amount,
        /// What the account paid because the machine lags.
        surcharge: Amount,
    },
    /// The exact test of the best submission and another.
    Compared {
        job: JobId,
        best: u32,
        other: u32,
        /// Rows the best answers better.
        best_better: u32,
        /// Rows the other answers better.
        other_better: u32,
        /// Whether they are told apart.
        separated: bool,
    },
    /// A bond is lost.
    Forfeited { job: JobId, account: Address, bond: Amount, offence: Offence },
    /// All is decided; payments follow.
    JobDecided { job: JobId, decision: Box<Decision> },
    /// Money leaves a job's escrow.
    Paid {
        job: JobId,
        to: Address,
        share: Share,
        amount: Amount,
        /// Whether it leaves as a voucher; otherwise it is free balance.
        voucher: bool,
    },
    /// A job ended.
    JobEnded {
        job: JobId,
        /// How many models were paid.
        payouts: u32,
        /// The best accepted submission.
        winner: Option<u32>,
        /// Why it ended before it opened; `None` if its sponsor cancelled or it ran its course.
        reason: R,
    },
    /// A balance too small to be kept, or of an asset that is not, leaves as a voucher.
    Returned { account: Address, asset: Asset, amount: Amount },
}

impl<R> Event<R> {
    /// The job it is about, if it is about one.
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
            | Self::JobEnded { job, .. } => Some(*job),
            Self::Returned { .. } => None,
        }
    }
}

/// What became of a submission, as its event says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling<R> {
    /// Whether it was paid a reward or the prize.
    pub accepted: bool,
    /// Its scores, if it was evaluated.
    pub scores: Option<Scores>,
    /// Why it was refused, if it was.
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

/// What the public board has after a shown model was evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardMove<R> {
    /// The score it has now of the account, if it moved.
    pub score: Option<Score>,
    /// Why it did not move, if it did not.
    pub reason: R,
}

names! {
    /// What a payment is for.
    Share: "what a payment is for" {
        /// A reward and the rest of the stake, or the prize and the rest of the stake.
        Reward = "reward",
        /// The rest of a stake.
        Stake = "stake",
        /// A part of an award that nobody won, and the rest of the stake.
        Award = "award",
        /// What a right seat has: fees, forfeits, and its bond.
        Mining = "mining",
        /// A miner's bond, which was not drawn or not needed.
        Bond = "bond",
        /// What is left for the sponsor.
        Remainder = "remainder",
        /// The floor of the rent, to the operator.
        Rent = "rent",
        /// What is lost, to the sink.
        Sink = "sink",
    }
}
