//! What an account can ask of the market; each command's rules are in the file of its name.

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

/// Who asks, when and where: what is known of an input beside its payload's meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The account the command acts for.
    pub sender: Address,
    /// Time of the block that carries the input.
    pub block_time: Timestamp,
    /// The chain of that block.
    pub chain_id: u64,
    /// The application's contract on it.
    pub app: Address,
    /// The block's number.
    pub block: u64,
    /// What the chain's validators drew for the block.
    pub prev_randao: [u8; 32],
    /// The input's number among all inputs to the application.
    pub input: u64,
    /// The payload's length in bytes.
    pub payload_bytes: u64,
}

names! {
    /// A blob's slot in a job.
    Slot: "a slot of a job" {
        /// The job's base model.
        BaseModel = "base_model",
        /// The dataset of its public board.
        PublicSlice = "public_slice",
        /// Its hold-out, as it is published.
        HoldOut = "hold_out",
        /// A submission's model, as it is published.
        Submission = "submission",
        /// A model shown on the public board.
        Shown = "shown",
    }
}

choice! {
    /// What the machine can evaluate for a job.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Target {
        /// The base model, on the dataset that the job opens with.
        Base,
        /// The base model, on the revealed hold-out.
        BaseOnHoldOut,
        /// A submission's model, on the hold-out.
        Submission(u32),
        /// The model that a submission's account shows, on the public slice.
        Shown(u32),
    }, content = "submission"
}

/// A command, decoded and well formed, not yet checked against the rules; the fields are those of
/// `IDeml.sol`.
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
        /// Which of the sender's blobs.
        slot: Slot,
        /// Where the chunk's plain bytes start in the blob.
        offset: u64,
        encoding: Encoding,
        data: Vec<u8>,
    },
    /// Submit a model, whose bytes the sender publishes next.
    Submit { job: JobId, model: SubmittedModel },
    /// Show an open model on the public board; the sender has submitted and publishes its bytes
    /// next.
    Show { job: JobId, model: BlobRef },
    /// Offer to evaluate for a job.
    Enlist { job: JobId },
    /// Open the sender's sealed model, or its hold-out.
    Reveal {
        job: JobId,
        /// What the ciphertext is encrypted with.
        key: [u8; 32],
        /// What the commitment was made with.
        salt: [u8; 32],
        plaintext: BlobRef,
    },
    /// Commit to attestations.
    Attest { job: JobId, page: u32, commitment: Digest },
    /// Reveal the attestations that were committed to.
    RevealAttestation {
        job: JobId,
        page: u32,
        /// One for each of its models.
        attestations: Vec<Attestation>,
        /// The results row by row, where the machine only samples; otherwise nothing.
        results: Vec<u8>,
        /// What the commitment was made with.
        salt: [u8; 32],
    },
    /// Go on with an evaluation.
    Evaluate {
        job: JobId,
        target: Target,
        /// From which step on: rows answered and models compared so far.
        from: u32,
        /// At most this much work.
        work: Work,
        /// The most that the sender pays while the machine lags.
        max_surcharge: Amount,
    },
    /// Move a job on as far as time and the input allow.
    Settle { job: JobId },
    /// Pay free balance out.
    Withdraw { asset: Asset, amount: Amount },
}

impl Command {
    /// The job it names, if it names one.
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
