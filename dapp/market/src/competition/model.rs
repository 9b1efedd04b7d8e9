//! A revealed model: what miners say of it, and what it is found to be.

use blobs::{BlobRef, Digest};

use super::{Attestation, SeatSet};
use crate::{refusal::ModelRefusal, results::Results, units::Address};

/// A revealed model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevealedModel {
    /// Whose; none for the base model, which is on the list in competitions for miners only.
    pub entry: Option<u32>,
    /// The model.
    pub model: BlobRef,
    /// What miners say, each answer with the seats that say so, in the order they came.
    pub answers: Vec<(Attestation, SeatSet)>,
    /// The results row by row that answers name; kept in competitions for miners only.
    pub(crate) results: Vec<(Digest, Results)>,
    /// Who doubts it.
    pub objector: Option<Address>,
    /// What it is found to be.
    pub finding: Option<Finding>,
    /// Why it is out of the ranking.
    pub refusal: Option<ModelRefusal>,
}

/// What a model is found to be on the hold-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its marks and results.
    pub attestation: Attestation,
    /// Whether the machine found it, not the miners alone.
    pub by_machine: bool,
}

impl RevealedModel {
    pub(crate) const fn new(entry: Option<u32>, model: BlobRef) -> Self {
        let answers = Vec::new();
        let results = Vec::new();
        Self { entry, model, answers, results, objector: None, finding: None, refusal: None }
    }

    /// The answer that all who unveiled give, if they are more than half of the seats.
    #[must_use]
    pub fn agreed(&self, seats: usize) -> Option<Attestation> {
        match self.answers.as_slice() {
            [(answer, by)] if by.len().saturating_mul(2) > seats => Some(*answer),
            _ => None,
        }
    }

    /// The answer of more than half of the seats, whatever the others say.
    #[must_use]
    pub fn majority(&self, seats: usize) -> Option<Attestation> {
        let by_most = |(_, by): &&(Attestation, SeatSet)| by.len().saturating_mul(2) > seats;
        self.answers.iter().find(by_most).map(|(answer, _)| *answer)
    }

    /// What became of an objection; nothing when the machine did not come to look.
    pub(crate) fn objection(&self, seats: usize) -> Option<Objection> {
        let finding = self.finding.filter(|finding| finding.by_machine)?;
        let agreed = self.agreed(seats) == Some(finding.attestation);
        Some(if agreed { Objection::Wrong } else { Objection::Right })
    }

    /// The results that an answer names.
    pub(crate) fn results(&self, digest: Digest) -> Option<&Results> {
        self.results.iter().find(|(named, _)| *named == digest).map(|(_, results)| results)
    }

    /// Drops the results; how many bytes they had.
    pub(crate) fn forget_results(&mut self) -> u64 {
        let all = std::mem::take(&mut self.results);
        let sizes = all.iter().map(|(_, results)| results.to_bytes().len());
        u64::try_from(sizes.fold(0, usize::saturating_add)).unwrap_or(u64::MAX)
    }

    /// Counts a seat's answer.
    pub(crate) fn answer(&mut self, seat: usize, answer: Attestation) {
        match self.answers.iter_mut().find(|(given, _)| *given == answer) {
            Some((_, by)) => by.insert(seat),
            None => {
                let mut by = SeatSet::default();
                by.insert(seat);
                self.answers.push((answer, by));
            }
        }
    }
}

/// What became of an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objection {
    /// The machine finds something else than was attested.
    Right,
    /// It finds the same.
    Wrong,
}
