//! What a miner says of a model, and how it commits to saying it.

use blobs::Digest;

use crate::{
    metric::Marks,
    units::{Address, JobId, Score},
};

/// What a miner finds of a model on the hold-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attestation {
    /// By the job's metric.
    pub score: Score,
    /// The recall of the class it answers worst; zero for regression.
    pub worst_class: Score,
    /// SHA-256 of the results row by row.
    pub results: Digest,
}

impl Attestation {
    /// Said of a model that cannot be evaluated within the terms.
    pub const UNFIT: Self =
        Self { score: Score(0), worst_class: Score(0), results: Digest([0; 32]) };

    /// The marks, if the model can be evaluated.
    #[must_use]
    pub fn marks(&self) -> Option<Marks> {
        let Self { score, worst_class, .. } = *self;
        (*self != Self::UNFIT).then_some(Marks { score, worst_class })
    }
}

/// What a commitment is bound to: nobody else can use it, nor anywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desk {
    /// The chain.
    pub chain_id: u64,
    /// The application on it.
    pub app: Address,
    /// The competition.
    pub job: JobId,
    /// Whose attestations.
    pub miner: Address,
    /// Of which page.
    pub page: u32,
}

impl Desk {
    /// The commitment to these attestations with this salt.
    ///
    /// ```text
    /// byte   0  "DeML attestation 1", zero-padded to 32
    /// byte  32  chain        u64, big-endian
    /// byte  40  application  20 bytes
    /// byte  60  job          u32, big-endian
    /// byte  64  miner        20 bytes
    /// byte  84  page         u32, big-endian
    /// byte  88  for each attestation its score and worst class (u32, big-endian) and 32 bytes
    ///           of results, then the salt
    /// ```
    #[must_use]
    pub fn commitment(&self, attestations: &[Attestation], salt: &[u8; 32]) -> Digest {
        let mut bytes = [0; 32].to_vec();
        bytes.iter_mut().zip(b"DeML attestation 1").for_each(|(byte, tag)| *byte = *tag);
        bytes.extend(self.chain_id.to_be_bytes());
        bytes.extend(self.app.0);
        bytes.extend(self.job.0.to_be_bytes());
        bytes.extend(self.miner.0);
        bytes.extend(self.page.to_be_bytes());
        for attestation in attestations {
            bytes.extend(attestation.score.0.to_be_bytes());
            bytes.extend(attestation.worst_class.0.to_be_bytes());
            bytes.extend(attestation.results.0);
        }
        bytes.extend(salt);
        Digest::of(&bytes)
    }
}
