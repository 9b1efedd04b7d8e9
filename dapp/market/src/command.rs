//! What an account can ask of the market; each command's rules are in the file of its name.

use blobs::{BlobRef, Digest, Encoding};

use crate::{
    competition::{Attestation, CompetitionTerms, SealedBlob},
    job::Terms,
    units::{Address, Amount, Asset, JobId, Timestamp, Work},
};

pub(crate) mod attest;
pub(crate) mod cancel_job;
pub(crate) mod enlist;
pub(crate) mod enter;
pub(crate) mod evaluate;
pub(crate) mod object;
pub(crate) mod open_competition;
pub(crate) mod open_job;
pub(crate) mod publish;
pub(crate) mod reveal;
pub(crate) mod settle;
pub(crate) mod show;
pub(crate) mod submit;
pub(crate) mod unveil;
pub(crate) mod withdraw;

/// Who asks, when and where: what is known of an input beside its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The account the command acts for.
    pub sender: Address,
    /// Time of the block that carries the command.
    pub now: Timestamp,
    /// The chain of that block.
    pub chain_id: u64,
    /// The application's contract on it.
    pub app: Address,
    /// The block's number.
    pub block: u64,
    /// What the chain's validators drew for the block.
    pub prev_randao: [u8; 32],
    /// The input's place among all inputs to the application.
    pub input: u64,
}

/// A command, decoded and well formed, not yet checked against the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a bounty.
    OpenJob(Box<Terms>),
    /// Open a competition.
    OpenCompetition {
        /// The number it must get, for which its hold-out is sealed.
        job: JobId,
        /// The terms.
        terms: Box<CompetitionTerms>,
    },
    /// Enter a sealed model.
    Enter {
        /// The competition.
        job: JobId,
        /// The model, whose ciphertext the sender publishes next.
        model: SealedBlob,
    },
    /// Show an open model on the public slice.
    Show {
        /// The competition.
        job: JobId,
        /// The model, whose bytes the sender publishes next.
        model: BlobRef,
    },
    /// Offer to evaluate.
    Enlist {
        /// For which competition; for all when there is none.
        job: Option<JobId>,
    },
    /// Take back the offer for all competitions.
    Retire,
    /// Open the sender's sealed model, or its hold-out.
    Reveal {
        /// The competition.
        job: JobId,
        /// What the ciphertext is encrypted with.
        key: [u8; 32],
        /// What the commitment was made with.
        salt: [u8; 32],
        /// What was sealed.
        plaintext: BlobRef,
    },
    /// Commit to attestations.
    Attest {
        /// The competition.
        job: JobId,
        /// Of which page of the revealed models.
        page: u32,
        /// To what.
        commitment: Digest,
    },
    /// Show what was committed to.
    Unveil {
        /// The competition.
        job: JobId,
        /// Of which page.
        page: u32,
        /// One for each of its models.
        attestations: Vec<Attestation>,
        /// The results row by row, in competitions for miners only; otherwise nothing.
        results: Vec<u8>,
        /// What the commitment was made with.
        salt: [u8; 32],
    },
    /// Doubt an entry's attestations.
    Object {
        /// The competition.
        job: JobId,
        /// The entry.
        entry: u32,
    },
    /// Cancel a job nobody has submitted to or entered.
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
