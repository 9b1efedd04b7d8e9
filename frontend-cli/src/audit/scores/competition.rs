//! What judging a competition's models takes: its ciphertexts, and what their keys open.

use std::collections::BTreeMap;

use alloy::primitives::Bytes;
use blobs::{BlobRef, Digest, Opening};
use market::{Address, CompetitionTerms, JobId, Marks, Score, SealedBlob};
use serde::{Deserialize, Serialize};
use wire::Notice;

use super::super::exam::Exam;
use super::Papers;

/// The papers of a competition that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Competition {
    sponsor: Address,
    terms: CompetitionTerms,
    entries: Vec<(Address, SealedBlob)>,
    /// Revealed models, by entry.
    models: BTreeMap<u32, Bytes>,
    hold_out: Option<BlobRef>,
    /// Who showed which models openly.
    shown: Vec<(Address, Digest)>,
}

impl Papers {
    /// Files a notice of a competition; an exam if it tells a score.
    pub(super) fn competition(&mut self, notice: &Notice) -> Option<Exam> {
        match notice {
            Notice::CompetitionOpened { job, sponsor, terms } => {
                self.open_competition(*job, *sponsor, *terms);
            }
            Notice::Entered { job, entrant, model, .. } => {
                self.expect(*entrant, model.ciphertext, true);
                let entries = self.competitions.get_mut(job).map(|job| &mut job.entries);
                entries?.push((*entrant, *model));
            }
            Notice::ModelShown { job, entrant, model, .. } => {
                self.expect(*entrant, *model, true);
                self.competitions.get_mut(job)?.shown.push((*entrant, model.digest));
            }
            Notice::ModelRevealed { job, entry, model, key, .. } => {
                let (entrant, sealed) = *self.entry(*job, *entry)?;
                let ciphertext = self.models.remove(&(entrant, sealed.ciphertext.digest))?;
                let plain = opened(sealed, *model, *key, &ciphertext)?;
                self.competitions.get_mut(job)?.models.insert(*entry, plain);
            }
            Notice::HoldOutRevealed { job, hold_out, key } => {
                let sealed = self.competitions.get(job)?.terms.hold_out;
                let ciphertext = self.held.get(&sealed.ciphertext.cid())?;
                let plain = opened(sealed, *hold_out, *key, ciphertext)?;
                self.held.insert(hold_out.cid(), plain);
                self.competitions.get_mut(job)?.hold_out = Some(*hold_out);
            }
            Notice::HoldOutReady { job, base_score, base_worst_class } => {
                let told = Marks { score: *base_score, worst_class: *base_worst_class };
                let job = self.competitions.get(job)?;
                let base = self.held.get(&job.terms.base_model.cid()).cloned();
                return Some(self.sit(job, base, job.hold_out, told));
            }
            Notice::EntryScored { job, entry, attestation, .. } => {
                let told = attestation.attestation().marks()?;
                let job = self.competitions.get(job)?;
                return Some(self.sit(job, job.models.get(entry).cloned(), job.hold_out, told));
            }
            Notice::BoardMoved { job, entry, model_digest, score } => {
                let key = (self.entry(*job, *entry)?.0, *model_digest);
                let job = self.competitions.get(job)?;
                let model = self.models.get(&key).cloned();
                let told = Marks { score: *score, worst_class: Score(0) };
                let exam = self.sit(job, model, Some(job.terms.public_slice), told);
                return Some(Exam { is_worst_class_told: false, ..exam });
            }
            _ => {}
        }
        None
    }

    /// The exam of a competition's base model on its public slice.
    pub(super) fn competition_base(&self, id: JobId, told: Marks) -> Option<Exam> {
        let job = self.competitions.get(&id)?;
        let base = self.held.get(&job.terms.base_model.cid()).cloned();
        Some(self.sit(job, base, Some(job.terms.public_slice), told))
    }

    /// Puts away what belongs to a competition alone.
    pub(super) fn close_competition(&mut self, id: JobId) {
        let Some(job) = self.competitions.remove(&id) else { return };
        let sealed = job.entries.iter().map(|(of, model)| (*of, model.ciphertext.digest));
        for key in sealed.chain(job.shown.iter().copied()) {
            self.uploads.remove(&key);
            self.models.remove(&key);
        }
        for blob in job.blobs() {
            self.uploads.remove(&(job.sponsor, blob.digest));
            self.drop_unneeded(blob);
        }
    }

    fn open_competition(&mut self, id: JobId, sponsor: Address, terms: CompetitionTerms) {
        for blob in [terms.base_model, terms.public_slice, terms.hold_out.ciphertext] {
            if !self.held.contains_key(&blob.cid()) {
                self.expect(sponsor, blob, false);
            }
        }
        let (entries, models, shown) = (Vec::new(), BTreeMap::new(), Vec::new());
        let hold_out = None;
        let job = Competition { sponsor, terms, entries, models, hold_out, shown };
        self.competitions.insert(id, job);
    }

    fn entry(&self, job: JobId, entry: u32) -> Option<&(Address, SealedBlob)> {
        self.competitions.get(&job)?.entries.get(usize::try_from(entry).ok()?)
    }

    fn sit(
        &self,
        job: &Competition,
        model: Option<Bytes>,
        dataset: Option<BlobRef>,
        told: Marks,
    ) -> Exam {
        let cid = dataset.map(|dataset| dataset.cid());
        let dataset = cid.and_then(|cid| Some((cid, self.held.get(&cid)?.clone())));
        let metric = job.terms.metric;
        // Where only miners evaluate, the market keeps no worst class.
        let is_worst_class_told = !job.terms.miners_only;
        Exam { papers: model.zip(dataset), metric, told, is_worst_class_told }
    }
}

impl Competition {
    /// The blobs that are held for it.
    pub(super) fn blobs(&self) -> impl Iterator<Item = BlobRef> + use<> {
        let CompetitionTerms { base_model, public_slice, hold_out, .. } = self.terms;
        [base_model, public_slice, hold_out.ciphertext].into_iter().chain(self.hold_out)
    }
}

/// What a key opens. Whether it was committed to is the replay's to say.
fn opened(sealed: SealedBlob, plain: BlobRef, key: Digest, ciphertext: &Bytes) -> Option<Bytes> {
    let opening = Opening { key: key.0, salt: [0; 32], plain };
    opening.open(sealed.commitment, ciphertext.to_vec()).ok().map(Into::into)
}
