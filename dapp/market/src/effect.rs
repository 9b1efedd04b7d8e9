//! What a command brings about outside the market: payments, the registry's record, and events.

use std::fmt;

use blobs::{BlobRef, Digest};

use crate::{
    attestation::Attestation,
    command::{Slot, Target},
    decision::Decision,
    metric::Scores,
    refusal::ModelRefusal,
    seat::Offence,
    submission::{SubmittedModel, Verdict},
    terms::{SponsorStake, SubmissionStake, Terms},
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
        /// Its scores.
        scores: Scores,
        /// The hold-out they were earned on.
        hold_out: BlobRef,
    },
    /// Something happened: becomes a notice.
    Event(Event),
}

/// What happened; the fields are those of `IDeml.sol`.
#[expect(missing_docs, reason = "documented where they say more than their names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A job opened; it waits for its blobs and its base model's scores.
    JobOpened {
        job: JobId,
        number: u32,
        sponsor: Address,
        /// What its name was made with.
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
        submission: SubmissionId,
        client: Address,
        model: SubmittedModel,
        stake: SubmissionStake,
    },
    /// An account shows a model on the public board.
    ModelShown {
        submission: SubmissionId,
        client: Address,
        model: BlobRef,
        /// What is in escrow for its evaluation.
        stake: Amount,
    },
    /// A shown model was evaluated on the public slice.
    ShowEvaluated {
        submission: SubmissionId,
        model: Digest,
        /// What the board has of the submission from now on, or why it does not move.
        board: Result<Score, ModelRefusal>,
    },
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
        submission: SubmissionId,
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
        submission: SubmissionId,
        model: Digest,
        /// What it finds; where it samples, what the seats say that agrees with it.
        attestation: Attestation,
        /// How many seats say so.
        agreed: u32,
    },
    /// A submission was decided.
    SubmissionDecided {
        submission: SubmissionId,
        client: Address,
        /// What it was committed to, or its model's digest once that is known.
        model: Digest,
        verdict: Verdict,
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
        reason: Option<ModelRefusal>,
    },
    /// A balance too small to be kept, or of an asset that is not, leaves as a voucher.
    Returned { account: Address, asset: Asset, amount: Amount },
}

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Share {
    /// A reward and the rest of the stake, or the prize and the rest of the stake.
    Reward,
    /// The rest of a stake.
    Stake,
    /// A part of an award that nobody won, and the rest of the stake.
    Award,
    /// What a right seat has: fees, forfeits, and its bond.
    Mining,
    /// A miner's bond, which was not drawn or not needed.
    Bond,
    /// What is left for the sponsor.
    Remainder,
    /// The floor of the rent, to the operator.
    Rent,
    /// What is lost, to the sink.
    Sink,
}

impl Share {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Reward,
        Self::Stake,
        Self::Award,
        Self::Mining,
        Self::Bond,
        Self::Remainder,
        Self::Rent,
        Self::Sink,
    ];
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Reward => "reward",
            Self::Stake => "stake",
            Self::Award => "award",
            Self::Mining => "mining",
            Self::Bond => "bond",
            Self::Remainder => "remainder",
            Self::Rent => "rent",
            Self::Sink => "sink",
        })
    }
}
