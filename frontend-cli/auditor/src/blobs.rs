//! The blob tracker: the bytes held in each slot of each job, assembled from the inputs
//! independently of the market, and the scores that must follow from them.
//!
//! Like the market, it keys blobs by job, slot and submission: what one job names or ends changes
//! nothing in another.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Bytes;
use blobs::{BlobRef, Cid, Digest, Encoding, MAX_INFLATED_BYTES, Opening, Upload};
use eval::delta;
use market::{
    Address, Attestation, Award, Command, Delta, JobId, SealedBlob, Sealing, Slot, SlotKey,
    SubmittedModel, Terms,
};
use serde::{Deserialize, Serialize};
use wire::Notice;

use super::decoded::DecodedInput;
use super::evaluation::{CopyCheck, File, Task, ToldEvaluation, ToldResult};

/// All bytes that scores are computed from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct BlobTracker {
    /// The blobs shipped with the deployment.
    drive: BTreeMap<Cid, Bytes>,
    jobs: BTreeMap<JobId, JobBlobs>,
}

/// The bytes of a job that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct JobBlobs {
    id: JobId,
    sponsor: Address,
    terms: Box<Terms>,
    slots: BTreeMap<SlotKey, Held>,
    /// The sealed models, by submission.
    sealed: BTreeMap<u32, SealedBlob>,
    /// Each account's newest submission.
    newest: BTreeMap<Address, u32>,
    accepted: Vec<u32>,
    /// Undecided submissions whose score was reported.
    told: BTreeSet<u32>,
    /// Running hash over all commitments so far.
    commitments: Digest,
}

/// A blob in its slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Held {
    Coming(Upload),
    Whole(Cid, Bytes),
}

impl BlobTracker {
    pub(super) fn new(drive: Vec<(Cid, Vec<u8>)>) -> Self {
        let drive = drive.into_iter().map(|(cid, bytes)| (cid, bytes.into())).collect();
        Self { drive, jobs: BTreeMap::new() }
    }

    /// Records an input; returns the scores and copies it reports, by the index of their output.
    pub(super) fn take(&mut self, input: &DecodedInput) -> Vec<(u64, Task)> {
        if let Some(command @ Command::Publish { job, .. }) = &input.command
            && let Some(job) = self.jobs.get_mut(job)
        {
            job.publish(input.context.sender, command);
        }
        let mut tasks = Vec::new();
        for (index, notice) in input.notices() {
            if let Notice::JobOpened { job, sponsor, terms, .. } = notice {
                let opened = JobBlobs::new(*job, *sponsor, terms.clone(), &self.drive);
                self.jobs.insert(*job, opened);
            } else if let Notice::JobEnded { job, .. } = notice {
                self.jobs.remove(job);
            } else if let Some(job) = notice.job().and_then(|job| self.jobs.get_mut(&job)) {
                let copy = job.copy(notice, input.context.prev_randao);
                let told = job.notice(notice, &self.drive);
                tasks.extend(told.into_iter().chain(copy).map(|task| (index, task)));
            }
        }
        tasks
    }
}

impl JobBlobs {
    fn new(id: JobId, sponsor: Address, terms: Box<Terms>, drive: &BTreeMap<Cid, Bytes>) -> Self {
        let board = terms.offer.board.map(|board| (Slot::PublicSlice, board.public_slice));
        let own = [
            (Slot::BaseModel, terms.offer.base_model),
            (Slot::HoldOut, terms.sealing.published_hold_out()),
        ];
        let mut job = Self {
            id,
            sponsor,
            terms,
            slots: BTreeMap::new(),
            sealed: BTreeMap::new(),
            newest: BTreeMap::new(),
            accepted: Vec::new(),
            told: BTreeSet::new(),
            commitments: Digest([0; 32]),
        };
        for (slot, blob) in own.into_iter().chain(board) {
            job.expect(SlotKey::job(slot), blob, drive);
        }
        job
    }

    fn expect(&mut self, key: SlotKey, blob: BlobRef, drive: &BTreeMap<Cid, Bytes>) {
        let (cid, size) = (blob.cid(), blob.size);
        let held = match drive.get(&cid).filter(|bytes| bytes.len() as u64 == size) {
            Some(bytes) => Held::Whole(cid, bytes.clone()),
            None => Held::Coming(Upload::new(blob)),
        };
        self.slots.insert(key, held);
    }

    fn publish(&mut self, sender: Address, command: &Command) {
        let Command::Publish { slot, offset, encoding, data, .. } = command else { return };
        let key = match slot {
            Slot::Submission | Slot::Shown => match self.newest.get(&sender) {
                Some(number) => SlotKey::of(*slot, *number),
                None => return,
            },
            _ if sender == self.sponsor => SlotKey::job(*slot),
            _ => return,
        };
        let rebuilt;
        let (encoding, data) = match encoding {
            Encoding::Plain | Encoding::Deflate => (*encoding, data),
            Encoding::Delta => match self.rebuild(*slot, *offset, data) {
                Some(bytes) => {
                    rebuilt = bytes;
                    (Encoding::Plain, &rebuilt)
                }
                None => return,
            },
        };
        let Some(Held::Coming(upload)) = self.slots.get_mut(&key) else { return };
        let cid = upload.blob().cid();
        let Ok(piece) = upload.check(*offset, encoding, data) else { return };
        if let Some(bytes) = upload.post(piece) {
            self.slots.insert(key, Held::Whole(cid, bytes.into()));
        }
    }

    /// The bytes of a model in the open that a delta of the base model stands for.
    fn rebuild(&self, slot: Slot, offset: u64, data: &[u8]) -> Option<Vec<u8>> {
        let is_open = match slot {
            Slot::Submission => !self.terms.sealing.is_sealed(),
            Slot::Shown => true,
            Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut => false,
        };
        let File { bytes: base, .. } =
            self.file(SlotKey::job(Slot::BaseModel)).filter(|_| is_open)?;
        let limit = u64::try_from(MAX_INFLATED_BYTES).ok()?;
        delta::rebuild(&Delta { base: &base, offset, data, limit }).ok()
    }

    /// The changes a notice reports; a task if it reports a score.
    fn notice(&mut self, notice: &Notice, drive: &BTreeMap<Cid, Bytes>) -> Option<Task> {
        let submission_key = |number: &u32| SlotKey::of(Slot::Submission, *number);
        match notice {
            Notice::Submitted { submission, client, model, .. } => {
                self.newest.insert(*client, *submission);
                self.expect(submission_key(submission), model.published(), drive);
                if let SubmittedModel::Sealed(sealed) = model {
                    self.sealed.insert(*submission, *sealed);
                }
                let chain = [self.commitments.0, model.commitment().0].concat();
                self.commitments = Digest::of(&chain);
            }
            Notice::ModelShown { submission, model, .. } => {
                self.expect(SlotKey::of(Slot::Shown, *submission), *model, drive);
            }
            Notice::ShowEvaluated { submission, board, .. } => {
                let model = self.slots.remove(&SlotKey::of(Slot::Shown, *submission));
                let model = model.and_then(Held::whole);
                let evaluation =
                    self.evaluation(model, Slot::PublicSlice, ToldResult::Score(board.score?));
                return Some(Task::Evaluate(evaluation));
            }
            Notice::ModelRevealed { submission, model, key, .. } => {
                let sealed = *self.sealed.get(submission)?;
                self.open(submission_key(submission), sealed, *model, *key);
            }
            Notice::HoldOutRevealed { hold_out, key, .. } => {
                let Sealing::Sealed { hold_out: sealed, .. } = self.terms.sealing else {
                    return None;
                };
                self.open(SlotKey::job(Slot::HoldOut), sealed, *hold_out, *key);
            }
            Notice::JobReady { base, .. } => {
                let is_sealed = self.terms.sealing.is_sealed();
                let slot = if is_sealed { Slot::PublicSlice } else { Slot::HoldOut };
                let model = self.file(SlotKey::job(Slot::BaseModel));
                return Some(Task::Evaluate(self.evaluation(
                    model,
                    slot,
                    ToldResult::Scores(*base),
                )));
            }
            Notice::HoldOutReady { base, .. } => {
                let model = self.file(SlotKey::job(Slot::BaseModel));
                let evaluation = self.evaluation(model, Slot::HoldOut, ToldResult::Scores(*base));
                let is_attested = self.terms.sample_rows().is_some();
                return Some(Task::Evaluate(ToldEvaluation { is_attested, ..evaluation }));
            }
            Notice::ModelEvaluated { submission, attestation, .. } => {
                let told = ToldResult::Attestation(*attestation);
                return self
                    .submission(*submission, told)
                    .filter(|_| *attestation != Attestation::UNFIT);
            }
            Notice::SubmissionDecided { submission, verdict, .. } => {
                let told = verdict.scores.map(ToldResult::Scores);
                let task = told.and_then(|told| self.submission(*submission, told));
                if verdict.accepted {
                    self.accepted.push(*submission);
                }
                self.told.remove(submission);
                self.sealed.remove(submission);
                if !verdict.accepted || !self.pays_several() {
                    self.slots.remove(&submission_key(submission));
                }
                return task;
            }
            _ => {}
        }
        None
    }

    const fn pays_several(&self) -> bool {
        matches!(self.terms.award, Award::Rewards { count: 2.., .. })
    }

    /// The evaluation of a submission, unless it was requested before.
    fn submission(&mut self, number: u32, told: ToldResult) -> Option<Task> {
        if !self.told.insert(number) {
            return None;
        }
        let model = self.file(SlotKey::of(Slot::Submission, number));
        Some(Task::Evaluate(ToldEvaluation {
            submission: Some(number),
            is_attested: self.terms.sample_rows().is_some(),
            keeps_results: matches!(self.terms.award, Award::Prize { .. }),
            ..self.evaluation(model, Slot::HoldOut, told)
        }))
    }

    fn evaluation(&self, model: Option<File>, dataset: Slot, told: ToldResult) -> ToldEvaluation {
        ToldEvaluation {
            job: self.id,
            submission: None,
            files: model.zip(self.file(SlotKey::job(dataset))),
            measure: self.terms.offer.measure(),
            told,
            is_attested: false,
            keeps_results: false,
        }
    }

    /// The comparisons of a model that is refused as a copy.
    fn copy(&self, notice: &Notice, randao: [u8; 32]) -> Option<Task> {
        let Notice::SubmissionDecided { submission, verdict, .. } = notice else { return None };
        if !verdict.reason.starts_with("Copy:") {
            return None;
        }
        let accepted = self.accepted.iter();
        let accepted = accepted.filter_map(|of| self.file(SlotKey::of(Slot::Submission, *of)));
        Some(Task::Compare(CopyCheck {
            base: self.file(SlotKey::job(Slot::BaseModel))?,
            accepted: accepted.collect(),
            model: self.file(SlotKey::of(Slot::Submission, *submission))?,
            hold_out: self.file(SlotKey::job(Slot::HoldOut))?,
            measure: self.terms.offer.measure(),
            seed: Digest::of(&[randao, self.id.0, self.commitments.0].concat()),
        }))
    }

    fn file(&self, key: SlotKey) -> Option<File> {
        self.slots.get(&key).cloned().and_then(Held::whole)
    }

    /// Replaces a ciphertext by its decryption under a key. Whether the key was committed to is
    /// checked with the command that revealed it.
    fn open(&mut self, key: SlotKey, sealed: SealedBlob, plain: BlobRef, secret: Digest) {
        let Some(File { bytes, .. }) = self.file(key) else { return };
        let opening = Opening { key: secret.0, salt: [0; 32], plain };
        let base = self.file(SlotKey::job(Slot::BaseModel)).filter(|_| key.submission.is_some());
        let rebuild = |data: &[u8]| {
            let base = &base.as_ref()?.bytes;
            delta::rebuild(&Delta { base, offset: 0, data, limit: plain.size }).ok()
        };
        if let Some(opened) = sealed.open(&opening, bytes.to_vec(), rebuild) {
            self.slots.insert(key, Held::Whole(plain.cid(), opened.into()));
        }
    }
}

impl Held {
    fn whole(self) -> Option<File> {
        match self {
            Self::Coming(_) => None,
            Self::Whole(cid, bytes) => Some(File { cid, bytes }),
        }
    }
}
