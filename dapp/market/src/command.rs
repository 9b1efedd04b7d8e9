//! The commands an account can send; each command's rules are in the file of its name.

use blobs::{BlobRef, Digest, Encoding, Opening};

use self::{
    evaluate::Request, publish::Chunk, reveal_attestation::Revealed, send_message::Message,
};
use crate::{
    attestation::Attestation,
    context::{Slot, Target},
    input::Input,
    message::Ciphertext,
    refusal::Refusal,
    submission::SubmittedModel,
    terms::Terms,
    units::{Amount, Asset, JobId, Work},
};

mod attest;
mod cancel_job;
mod enlist;
mod evaluate;
mod open_job;
mod publish;
mod publish_message_key;
mod reveal;
mod reveal_attestation;
mod send_message;
mod settle;
mod show;
mod submit;
mod withdraw;

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
    /// State the key that messages to the sender are encrypted for.
    PublishMessageKey {
        /// An X25519 public key.
        key: [u8; 32],
    },
    /// Write to the client of a submission, or as that client to the sponsor.
    SendMessage {
        job: JobId,
        submission: u32,
        /// Number of messages that the sender has sent about the submission before.
        sequence: u32,
        ciphertext: Ciphertext,
    },
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
            | Self::Settle { job }
            | Self::SendMessage { job, .. } => Some(*job),
            Self::PublishMessageKey { .. } | Self::Withdraw { .. } => None,
        }
    }

    /// Carries it out, by the rules in the file of its name.
    ///
    /// - Errors: the first reason against it; the state is unchanged
    pub(crate) fn apply(self, asked: &mut Input<'_>) -> Result<(), Refusal> {
        match self {
            Self::OpenJob { salt, terms, .. } => open_job::apply(asked, salt, *terms),
            Self::CancelJob { .. } => cancel_job::apply(asked),
            Self::Publish { slot, offset, encoding, data, .. } => {
                publish::apply(asked, &Chunk { slot, offset, encoding, data: &data })
            }
            Self::Submit { model, .. } => submit::apply(asked, model),
            Self::Show { model, .. } => show::apply(asked, model),
            Self::Enlist { .. } => enlist::apply(asked),
            Self::Reveal { key, salt, plaintext: plain, .. } => {
                reveal::apply(asked, &Opening { key, salt, plain })
            }
            Self::Attest { page, commitment, .. } => attest::apply(asked, page, commitment),
            Self::RevealAttestation { page, attestations, results, salt, .. } => {
                reveal_attestation::apply(asked, &Revealed { page, attestations, results, salt })
            }
            Self::Evaluate { target, from, work, max_surcharge, .. } => {
                evaluate::apply(asked, &Request { target, from, work, max_surcharge })
            }
            Self::Settle { .. } => settle::apply(asked),
            Self::PublishMessageKey { key } => {
                publish_message_key::apply(asked, key);
                Ok(())
            }
            Self::SendMessage { submission, sequence, ciphertext, .. } => {
                send_message::apply(asked, Message { submission, sequence, ciphertext })
            }
            Self::Withdraw { asset, amount } => withdraw::apply(asked, asset, amount),
        }
    }
}
