//! What an account can ask of the market; each command's rules are in the file of its name.

use blobs::{BlobRef, Digest, Encoding};

use crate::{
    job::Terms,
    units::{Address, Amount, Asset, JobId, Timestamp, Work},
};

pub(crate) mod cancel_job;
pub(crate) mod evaluate;
pub(crate) mod open_job;
pub(crate) mod publish;
pub(crate) mod settle;
pub(crate) mod submit;
pub(crate) mod withdraw;

/// Who asks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The account the command acts for.
    pub sender: Address,
    /// Time of the block that carries the command.
    pub now: Timestamp,
}

/// A command, decoded and well formed, not yet checked against the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a bounty.
    OpenJob(Box<Terms>),
    /// Cancel a job nobody has submitted to.
    CancelJob {
        /// The job.
        job: JobId,
    },
    /// Deliver the next bytes of an expected blob.
    Publish {
        /// Which blob.
        digest: Digest,
        /// Where the chunk's plain bytes start in the blob.
        offset: u64,
        /// How the data is written.
        encoding: Encoding,
        /// The chunk.
        data: Vec<u8>,
    },
    /// Enter a model.
    Submit {
        /// The job.
        job: JobId,
        /// The model, whose bytes the sender publishes next.
        model: BlobRef,
        /// What it was trained on; never published.
        data: BlobRef,
    },
    /// Go on with pending evaluations.
    Evaluate {
        /// The job.
        job: JobId,
        /// At most this much work.
        work: Work,
    },
    /// Close a job.
    Settle {
        /// The job.
        job: JobId,
    },
    /// Pay free balance out.
    Withdraw {
        /// Of which asset.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
}
