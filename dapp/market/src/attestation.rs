//! Attestations: a miner's results for a model, and the commitment to them.

use blobs::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    metric::Scores,
    results::Results,
    seat::SeatSet,
    units::{Address, JobId, Score},
};

/// A miner's results for a model on the hold-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attestation {
    /// Score under the job's metric.
    pub score: Score,
    /// Score under the threshold's metric.
    pub threshold_score: Score,
    /// SHA-256 of the results row by row.
    pub results: Digest,
}

impl Attestation {
    /// Attested for a model that cannot be evaluated within the terms.
    pub const UNFIT: Self =
        Self { score: Score(0), threshold_score: Score(0), results: Digest([0; 32]) };

    /// The attestation of these scores and results.
    pub fn new(scores: Scores, results: &Results) -> Self {
        let Scores { score, threshold_score } = scores;
        Self { score, threshold_score, results: results.digest() }
    }

    /// The scores; `None` if the model cannot be evaluated.
    pub fn scores(&self) -> Option<Scores> {
        let Self { score, threshold_score, .. } = *self;
        (*self != Self::UNFIT).then_some(Scores { score, threshold_score })
    }
}

/// The attestations of all seats for a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Each distinct attestation with the seats that made it, in order of arrival.
    pub by_seats: Vec<(Attestation, SeatSet)>,
    /// The results named by attestations; kept only if the machine samples.
    pub(crate) results: Vec<(Digest, Results)>,
}

impl Answers {
    /// The attestation of more than half of the seats, if there is one.
    pub fn majority(&self, seats: usize) -> Option<Attestation> {
        let by_most = |(_, by): &&(Attestation, SeatSet)| by.len().saturating_mul(2) > seats;
        self.by_seats.iter().find(by_most).map(|(answer, _)| *answer)
    }

    /// The results with this digest.
    pub fn results(&self, digest: Digest) -> Option<&Results> {
        self.results.iter().find(|(named, _)| *named == digest).map(|(_, results)| results)
    }

    /// Adds a seat's attestation.
    pub(crate) fn add(&mut self, seat: usize, answer: Attestation) {
        match self.by_seats.iter_mut().find(|(given, _)| *given == answer) {
            Some((_, by)) => by.insert(seat),
            None => {
                let mut by = SeatSet::default();
                by.insert(seat);
                self.by_seats.push((answer, by));
            }
        }
    }
}

/// The context that a commitment to attestations is bound to: it is of no use to anyone else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttestationBinding {
    /// Chain id.
    pub chain_id: u64,
    /// Address of the application.
    pub app: Address,
    /// Name of the job.
    pub job: JobId,
    /// Account of the miner that attests.
    pub miner: Address,
    /// Index of the page of models.
    pub page: u32,
}

impl AttestationBinding {
    /// The commitment to these attestations with this salt.
    ///
    /// ```text
    /// byte   0  "DeML attestation 2", zero-padded to 32
    /// byte  32  chain        u64, big-endian
    /// byte  40  application  20 bytes
    /// byte  60  job          32 bytes
    /// byte  92  miner        20 bytes
    /// byte 112  page         u32, big-endian
    /// byte 116  for each attestation its two scores (u32, big-endian) and 32 bytes of
    ///           results, then the salt
    /// ```
    pub fn commitment(&self, attestations: &[Attestation], salt: &[u8; 32]) -> Digest {
        let mut bytes = [0; 32].to_vec();
        bytes.iter_mut().zip(b"DeML attestation 2").for_each(|(byte, tag)| *byte = *tag);
        bytes.extend(self.chain_id.to_be_bytes());
        bytes.extend(self.app.0);
        bytes.extend(self.job.0);
        bytes.extend(self.miner.0);
        bytes.extend(self.page.to_be_bytes());
        for attestation in attestations {
            bytes.extend(attestation.score.0.to_be_bytes());
            bytes.extend(attestation.threshold_score.0.to_be_bytes());
            bytes.extend(attestation.results.0);
        }
        bytes.extend(salt);
        Digest::of(&bytes)
    }
}
