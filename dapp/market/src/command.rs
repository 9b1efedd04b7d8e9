//! The commands an account can send; each command's rules are in the file of its name.

use blobs::{BlobRef, Digest, Encoding, choice, names};

use crate::{
    attestation::Attestation,
    submission::SubmittedModel,
    terms::Terms,
    units::{Address, Amount, Asset, JobId, Timestamp, Work},
};

pub(crate) mod attest;
pub(crate) mod cancel_job;
pub(crate) mod enlist;
pub(crate) mod evaluate;
pub(crate) mod open_job;
pub(crate) mod publish;
pub(crate) mod reveal;
pub(crate) mod reveal_attestation;
pub(crate) mod settle;
pub(crate) mod show;
pub(crate) mod submit;
pub(crate) mod withdraw;

/// The context of an input: sender, time and origin, apart from the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The account the command acts for.
    pub sender: Address,
    /// Time of the block that carries the input.
    pub block_time: Timestamp,
    /// The chain of that block.
    pub chain_id: u64,
    /// Address of the application's contract.
    pub app: Address,
    /// Number of that block.
    pub block: u64,
    /// Random value that the validators drew for that block.
    pub prev_randao: [u8; 32],
    /// Index of the input among all inputs to the application.
    pub input: u64,
    /// Length of the payload in bytes.
    pub payload_bytes: u64,
}

names! {
    /// A blob's slot in a job.
    Slot: "a slot of a job" {
        /// The job's base model.
        BaseModel = "base_model",
        /// The dataset of the job's public board.
        PublicSlice = "public_slice",
        /// The job's hold-out, as published.
        HoldOut = "hold_out",
        /// A submission's model, as published.
        Submission = "submission",
        /// A model shown on the public board.
        Shown = "shown",
    }
}

choice! {
    /// An evaluation that the machine can do for a job.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Target {
        /// The base model, on the dataset that the job opens with.
        Base,
        /// The base model, on the revealed hold-out.
        BaseOnHoldOut,
        /// A submission's model, on the hold-out.
        Submission(u32),
        /// The model shown by a submission's account, on the public slice.
        Shown(u32),
    }, content = "submission"
}

/// A command, decoded and well formed but not yet checked against the rules; the fields are
/// those of `IDeml.sol`.
#[expect(missing_docs, reason = "documented where they say more than their names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a job.
    OpenJob {
        /// Its name, which follows from the sender, the salt and the terms.
        job: JobId,
        /// Distinguishes jobs of equal terms; the sponsor's sealed hold-out is bound to it.
        salt: [u8; 32],
        terms: Box<Terms>,
    },
    /// Cancel a job that nobody has submitted to.
    CancelJob { job: JobId },
    /// Deliver the next bytes of an expected blob.
    Publish {
        job: JobId,
        /// Slot of one of the sender's blobs.
        slot: Slot,
        /// Position of the chunk's plain bytes in the blob.
        offset: u64,
        encoding: Encoding,
        data: Vec<u8>,
    },
    /// Submit a model, whose bytes the sender publishes next.
    Submit { job: JobId, model: SubmittedModel },
    /// Show an open model on the public board; the sender has submitted and publishes its bytes
    /// next.
    Show { job: JobId, model: BlobRef },
    /// Offer to evaluate models for a job.
    Enlist { job: JobId },
    /// Open the sender's sealed model, or its hold-out.
    Reveal {
        job: JobId,
        /// Key of the ciphertext.
        key: [u8; 32],
        /// Salt of the commitment.
        salt: [u8; 32],
        plaintext: BlobRef,
    },
    /// Commit to attestations.
    Attest { job: JobId, page: u32, commitment: Digest },
    /// Reveal the attestations that were committed to.
    RevealAttestation {
        job: JobId,
        page: u32,
        /// One for each model of the page.
        attestations: Vec<Attestation>,
        /// The results row by row if the machine only samples; otherwise empty.
        results: Vec<u8>,
        /// Salt of the commitment.
        salt: [u8; 32],
    },
    /// Continue an evaluation.
    Evaluate {
        job: JobId,
        target: Target,
        /// Step to start from: rows answered and models compared so far.
        from: u32,
        /// Maximum work to do.
        work: Work,
        /// Maximum surcharge that the sender pays if the machine lags.
        max_surcharge: Amount,
    },
    /// Advance a job as far as time and the input allow.
    Settle { job: JobId },
    /// Pay out free balance.
    Withdraw { asset: Asset, amount: Amount },
}

impl Command {
    /// The job that the command names; `None` if it names none.
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::OpenJob { job, .. }
            | Self::CancelJob { job }
            | Self::Publish { job, .. }
            | Self::Submit { job, .. }
            | Self::Show { job, .. }
            | Self::Enlist { job }
            | Self::Reveal { job, .. }
            | Self::Attest { job, .. }
            | Self::RevealAttestation { job, .. }
            | Self::Evaluate { job, .. }
            | Self::Settle { job } => Some(*job),
            Self::Withdraw { .. } => None,
        }
    }
}
