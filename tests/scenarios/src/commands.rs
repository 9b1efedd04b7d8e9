//! Commands of honest accounts.

use blobs::{Chunk, Encoding, Opening, split};
use market::{
    Amount, Attestation, AttestationBinding, Command, Context, Job, JobId, Slot, SubmittedModel,
    Target, Terms, Work,
};
use wire::{MAX_CHUNK_BYTES, job_name};

use crate::{SALT, file};

/// Opens a job with these terms; also returns the job's name.
pub fn open_job(sponsor: &Context, salt: [u8; 32], terms: &Terms) -> (JobId, Command) {
    let job = job_name(sponsor.chain_id, sponsor.app, sponsor.sender, salt, terms);
    (job, Command::OpenJob { job, salt, terms: Box::new(*terms) })
}

/// Publishes a blob in a single chunk.
pub fn publish(job: JobId, slot: Slot, bytes: &[u8]) -> Command {
    publish_chunk(job, slot, Chunk { offset: 0, encoding: Encoding::Plain, data: bytes.to_vec() })
}

/// Publishes a blob in as many chunks as needed.
pub fn publish_all(job: JobId, slot: Slot, bytes: &[u8]) -> impl ExactSizeIterator<Item = Command> {
    let chunks = split(bytes, MAX_CHUNK_BYTES).into_iter();
    chunks.map(move |chunk| publish_chunk(job, slot, chunk))
}

/// Publishes one chunk of a blob.
pub fn publish_chunk(job: JobId, slot: Slot, Chunk { offset, encoding, data }: Chunk) -> Command {
    Command::Publish { job, slot, offset, encoding, data }
}

/// Submits a model to an open job.
pub fn submit(job: JobId, model: &[u8]) -> Command {
    let model = SubmittedModel::Open { model: file(model), data: file(b"own rows") };
    Command::Submit { job, model }
}

/// Continues an evaluation from a step, as far as the input allows.
pub fn evaluate(job: JobId, target: Target, from: u32, max_surcharge: Amount) -> Command {
    Command::Evaluate { job, target, from, work: Work(u64::MAX), max_surcharge }
}

/// The step from which an evaluation continues.
pub fn step(job: &Job, target: Target) -> u32 {
    let submission = |number| job.submissions.get(&number);
    match target {
        Target::Base => job.base.step(),
        Target::BaseOnHoldOut => job.base_on_hold_out.step(),
        Target::Submission(number) => submission(number).map_or(0, |one| one.evaluated.step()),
        Target::Shown(number) => submission(number).map_or(0, |one| one.board.evaluated.step()),
    }
}

/// Reveals an opening.
pub fn reveal(job: JobId, Opening { key, salt, plain: plaintext }: Opening) -> Command {
    Command::Reveal { job, key, salt, plaintext }
}

/// Commits to attestations of a page, and reveals them.
pub fn attest(
    miner: &Context,
    job: JobId,
    page: u32,
    attestations: Vec<Attestation>,
    results: Vec<u8>,
) -> [Command; 2] {
    let Context { chain_id, app, sender: miner, .. } = *miner;
    let binding = AttestationBinding { chain_id, app, job, miner, page };
    let commitment = binding.commitment(&attestations, &SALT);
    let revealing = Command::RevealAttestation { job, page, attestations, results, salt: SALT };
    [Command::Attest { job, page, commitment }, revealing]
}
