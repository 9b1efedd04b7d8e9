//! The commands with which people hold a competition.

use blobs::{Binding, BlobRef, Opening, seal};
use market::{
    Address, Amount, Asset, Attestation, Command, CompetitionTerms, Desk, JobId, Metric, Score,
    SealedBlob, Tied, Timestamp, Unmet, Work,
};

use crate::world::{ACCOUNTS, FILES, NOW, REWARD, WINDOW_SECONDS, file, publish};

const KEY: [u8; 32] = [0x4b; 32];
const SALT: [u8; 32] = [0x5a; 32];
/// How long each of the windows after the close is.
const SECONDS: u32 = 600;

/// One of four kinds; `choice` says more: the job in its lowest two bits, then the model, then the
/// account, and what of the kind.
pub(crate) fn command(kind: u8, choice: u8, job: JobId) -> Command {
    let (model, sender) = (usize::from(choice >> 2 & 3), usize::from(choice >> 4 & 3));
    let (model, again) = (FILES.models[model].as_slice(), choice & 0x40 != 0);
    match kind {
        0 => {
            let terms = Box::new(terms(ACCOUNTS[sender], job, choice));
            Command::OpenCompetition { job, terms }
        }
        1 if again => publish(&sealed(ACCOUNTS[sender], job, model).1),
        1 => Command::Enter { job, model: sealed(ACCOUNTS[sender], job, model).0 },
        2 if again => reveal(job, &FILES.hold_out),
        2 => reveal(job, model),
        _ => other(choice, sender, job, model),
    }
}

fn other(choice: u8, sender: usize, job: JobId, model: &[u8]) -> Command {
    match (choice & 0x40 != 0, choice >> 2 & 3) {
        (false, 0) => Command::Show { job, model: file(model) },
        (false, 1) => Command::Enlist { job: Some(job) },
        (false, 2) => Command::Enlist { job: None },
        (false, _) => Command::Retire,
        (true, 0) => attest(ACCOUNTS[sender], job, 2),
        (true, 1) => unveil(job, 2),
        (true, 2) => Command::Object { job, entry: u32::from(choice >> 4 & 3) },
        (true, _) => publish(&sealed(ACCOUNTS[sender], job, &FILES.hold_out).1),
    }
}

/// A miner commits to calling all models of the first page unfit.
pub(crate) fn attest(miner: Address, job: JobId, models: usize) -> Command {
    let (app, page) = (Address([0; 20]), 0);
    let desk = Desk { chain_id: 0, app, job, miner, page };
    Command::Attest { job, page, commitment: desk.commitment(&unfit(models), &SALT) }
}

/// It shows that.
pub(crate) fn unveil(job: JobId, models: usize) -> Command {
    let (attestations, results) = (unfit(models), Vec::new());
    Command::Unveil { job, page: 0, attestations, results, salt: SALT }
}

fn unfit(models: usize) -> Vec<Attestation> {
    vec![Attestation::UNFIT; models]
}

fn opening(plain: &[u8]) -> Opening {
    Opening { key: KEY, salt: SALT, plain: file(plain) }
}

pub(crate) fn reveal(job: JobId, plain: &[u8]) -> Command {
    let plaintext: BlobRef = file(plain);
    Command::Reveal { job, key: KEY, salt: SALT, plaintext }
}

/// What an account commits to, and the ciphertext.
pub(crate) fn sealed(sender: Address, job: JobId, plain: &[u8]) -> (SealedBlob, Vec<u8>) {
    let (chain_id, app, sender) = (0, [0; 20], sender.0);
    let commitment = opening(plain).commitment(&Binding { chain_id, app, job: job.0, sender });
    let bytes = seal(&KEY, commitment, plain);
    (SealedBlob { commitment, ciphertext: file(&bytes) }, bytes)
}

pub(crate) fn terms(sender: Address, job: JobId, choice: u8) -> CompetitionTerms {
    CompetitionTerms {
        title: [0; 32],
        asset: Asset::Ether,
        prize: REWARD,
        miners_pool: Amount::new(2),
        buy_in: Amount::new(1),
        entrant_bond: Amount::new(1),
        miner_bond: Amount::new(1),
        miners: u32::from(choice >> 2 & 1),
        close: Timestamp(NOW + WINDOW_SECONDS),
        reveal_seconds: SECONDS,
        attest_seconds: SECONDS,
        quota: 2,
        ladder_step: Score(1_000),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        significance: Score(50_000),
        tied: Tied::Earliest,
        unmet: Unmet::ALL[usize::from(choice >> 4 & 1)],
        max_model_bytes: 8_192,
        max_work: Work(1_000_000_000),
        miners_only: choice & 0x0c == 0x0c,
        sample_rows: 10,
        base_model: file(&FILES.base),
        public_slice: file(&FILES.hold_out),
        hold_out: sealed(sender, job, &FILES.hold_out).0,
    }
}
