//! Scores anew: models and hold-outs are put together from the inputs, apart from the market, and
//! evaluated by `exam`.

mod competition;

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Bytes;
use blobs::{BlobRef, Cid, Digest, Encoding, Upload};
use market::{Address, Command, JobId, Marks, Terms};
use serde::{Deserialize, Serialize};
use wire::Notice;

use self::competition::Competition;
use super::divergence::{Divergence, Kind};
use super::exam::Exam;
use super::told::{Saying, Told};

/// Everything that scores are computed from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Papers {
    /// Blobs on their way, by who sends them.
    uploads: BTreeMap<(Address, Digest), Coming>,
    /// Whole base models and hold-outs of jobs, and the blobs of the drive.
    held: BTreeMap<Cid, Bytes>,
    /// The blobs of the drive, which stay.
    drive: BTreeSet<Cid>,
    /// Whole models that wait to be judged.
    models: BTreeMap<(Address, Digest), Bytes>,
    jobs: BTreeMap<JobId, JobPapers>,
    competitions: BTreeMap<JobId, Competition>,
}

/// A blob on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Coming {
    upload: Upload,
    is_model: bool,
}

/// What judging a job's models takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct JobPapers {
    sponsor: Address,
    terms: Terms,
    base: Option<Marks>,
    /// Submissions that are not judged yet.
    submitted: BTreeMap<u32, (Address, Digest)>,
}

impl Papers {
    pub(super) fn new(drive: Vec<(Cid, Vec<u8>)>) -> Self {
        let held: BTreeMap<Cid, Bytes> =
            drive.into_iter().map(|(cid, bytes)| (cid, bytes.into())).collect();
        Self { drive: held.keys().copied().collect(), held, ..Self::default() }
    }

    /// Files an input; returns the scores it tells, by the place of their output.
    ///
    /// - Errors: a model was accepted or refused against its job's terms
    pub(super) fn take(&mut self, told: &Told) -> Result<Vec<(u64, Exam)>, Box<Divergence>> {
        let sender = told.context.sender;
        if let Some(Command::Publish { digest, offset, encoding, data }) = &told.command {
            self.publish((sender, *digest), *offset, *encoding, data);
        }
        let mut exams = Vec::new();
        for (place, saying) in (0..).zip(&told.sayings) {
            if let Saying::Notice(notice) = saying {
                let exam = self.notice(notice);
                let exam =
                    exam.map_err(|wrong| Box::new(Divergence { output: Some(place), ..*wrong }))?;
                exams.extend(exam.map(|exam| (place, exam)));
            }
        }
        Ok(exams)
    }

    fn publish(&mut self, key: (Address, Digest), offset: u64, encoding: Encoding, data: &[u8]) {
        let Some(Coming { upload, is_model }) = self.uploads.get_mut(&key) else { return };
        let (blob, is_model) = (upload.blob(), *is_model);
        let Ok(piece) = upload.check(offset, encoding, data) else { return };
        let Some(bytes) = upload.post(piece).map(Bytes::from) else { return };
        self.uploads.remove(&key);
        if is_model {
            self.models.insert(key, bytes);
        } else {
            self.held.insert(blob.cid(), bytes);
        }
    }

    /// What a notice changes; an exam if it tells a score.
    fn notice(&mut self, notice: &Notice) -> Result<Option<Exam>, Box<Divergence>> {
        match notice {
            Notice::JobOpened { job, sponsor, terms } => self.open(*job, *sponsor, *terms),
            Notice::JobReady { job, base_score, base_worst_class } => {
                let told = Marks { score: *base_score, worst_class: *base_worst_class };
                return Ok(self.base(*job, told));
            }
            Notice::ModelSubmitted { job, submission, client, model, .. } => {
                let key = (*client, model.digest);
                self.expect(key.0, *model, true);
                if let Some(job) = self.jobs.get_mut(job) {
                    job.submitted.insert(*submission, key);
                }
            }
            Notice::ModelScored {
                job,
                submission,
                client,
                model_digest,
                score,
                worst_class,
                accepted,
            } => {
                let told = Marks { score: *score, worst_class: *worst_class };
                let key = (*client, *model_digest);
                let exam = self.exam(*job, self.models.get(&key).cloned(), told);
                self.check_verdict(*job, told, *accepted)?;
                if *accepted {
                    self.judged(*job, *submission);
                }
                return Ok(exam);
            }
            Notice::ModelRefused { job, submission, .. } => self.judged(*job, *submission),
            Notice::JobCancelled { job, .. } | Notice::JobSettled { job, .. } => {
                self.close(*job);
                self.close_competition(*job);
            }
            other => return Ok(self.competition(other)),
        }
        Ok(None)
    }

    fn open(&mut self, id: JobId, sponsor: Address, terms: Terms) {
        for blob in [terms.base_model, terms.hold_out] {
            if !self.held.contains_key(&blob.cid()) {
                self.expect(sponsor, blob, false);
            }
        }
        let submitted = BTreeMap::new();
        self.jobs.insert(id, JobPapers { sponsor, terms, base: None, submitted });
    }

    fn expect(&mut self, from: Address, blob: BlobRef, is_model: bool) {
        let upload = Upload::new(blob);
        self.uploads.insert((from, blob.digest), Coming { upload, is_model });
    }

    fn base(&mut self, id: JobId, told: Marks) -> Option<Exam> {
        let Some(job) = self.jobs.get_mut(&id) else { return self.competition_base(id, told) };
        job.base = Some(told);
        let model = self.held.get(&job.terms.base_model.cid()).cloned();
        self.exam(id, model, told)
    }

    fn exam(&self, id: JobId, model: Option<Bytes>, told: Marks) -> Option<Exam> {
        let terms = self.jobs.get(&id)?.terms;
        let cid = terms.hold_out.cid();
        let hold_out = self.held.get(&cid).map(|bytes| (cid, bytes.clone()));
        let papers = model.zip(hold_out);
        Some(Exam { papers, metric: terms.metric, told, is_worst_class_told: true })
    }

    /// Checks that a model was accepted exactly if its marks are what the terms ask for.
    fn check_verdict(&self, id: JobId, told: Marks, accepted: bool) -> Result<(), Box<Divergence>> {
        let Some((terms, base)) = self.jobs.get(&id).and_then(|job| Some((job.terms, job.base?)))
        else {
            return Ok(());
        };
        let is_good = told.score >= terms.min_score
            && told.score.gain_over(base.score) >= terms.min_gain
            && told.worst_class >= terms.min_worst_class;
        if is_good == accepted {
            return Ok(());
        }
        let word = |accepted: bool| if accepted { "accepted" } else { "refused" }.to_owned();
        let sentence = format!("a model was {} against the terms of job {id}", word(accepted));
        let both = (Some(word(is_good)), Some(word(accepted)));
        Err(Divergence::new(Kind::Payout, sentence).between(both.0, both.1).into())
    }

    /// Puts away what belongs to a submission.
    fn judged(&mut self, job: JobId, submission: u32) {
        let submitted = self.jobs.get_mut(&job).and_then(|job| job.submitted.remove(&submission));
        if let Some(key) = submitted {
            self.uploads.remove(&key);
            self.models.remove(&key);
        }
    }

    /// Puts away what belongs to a job alone.
    fn close(&mut self, id: JobId) {
        let Some(job) = self.jobs.remove(&id) else { return };
        for key in job.submitted.values() {
            self.uploads.remove(key);
            self.models.remove(key);
        }
        for blob in [job.terms.base_model, job.terms.hold_out] {
            self.uploads.remove(&(job.sponsor, blob.digest));
            self.drop_unneeded(blob);
        }
    }

    /// Puts away a blob that no job has any more.
    fn drop_unneeded(&mut self, blob: BlobRef) {
        let needs = |job: &JobPapers| [job.terms.base_model, job.terms.hold_out].contains(&blob);
        let is_needed = self.jobs.values().any(needs)
            || self.competitions.values().any(|job| job.blobs().any(|other| other == blob));
        if !self.drive.contains(&blob.cid()) && !is_needed {
            self.held.remove(&blob.cid());
        }
    }
}
