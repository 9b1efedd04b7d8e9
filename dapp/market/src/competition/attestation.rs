//! What a miner says of a model, and how it commits to saying it.

use blobs::Digest;

use crate::{
    judge::{Exam, Judge},
    market::Settings,
    meter::Meter,
    metric::Marks,
    results::Results,
    turn::{self, Assignment, Found, Turn},
    units::{Address, JobId, Score, Work},
};

/// What a miner finds of a model on the hold-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
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

    /// What an honest miner says of a model: all that the machine would find of it, whose results
    /// row by row come with it.
    ///
    /// What takes more than `max_work`, or in the machine more than an input, is unfit; `settings`
    /// are those of the market, with unlimited `input_work` in competitions for miners only.
    #[must_use]
    pub fn examine(
        settings: &Settings,
        exam: &Exam<'_>,
        max_work: Work,
        judge: &mut dyn Judge,
    ) -> (Self, Option<Results>) {
        let mut progress = None;
        loop {
            let under_way = progress.as_ref();
            let checks = settings.prices.blaming();
            let keeps_results = true;
            let exam = *exam;
            let assignment = Assignment { exam, under_way, max_work, keeps_results, checks };
            match turn::take(settings, Ok(assignment), &mut Meter::unlimited(), judge) {
                Turn::Unfinished(further) => progress = Some(further),
                Turn::Finished(Ok(found)) => return Self::of(found),
                Turn::Finished(Err(_)) | Turn::Waits => return (Self::UNFIT, None),
            }
        }
    }

    /// What was found, and the results it was found by.
    pub(crate) fn of(found: Found) -> (Self, Option<Results>) {
        let Found { marks: Marks { score, worst_class }, results } = found;
        let digest = results.as_ref().map_or(Self::UNFIT.results, Results::digest);
        (Self { score, worst_class, results: digest }, results)
    }

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
