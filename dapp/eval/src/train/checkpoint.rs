//! Checkpoints: all that a training needs to go on as if it had never ended.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use kernels::extension::List;

use super::{Epoch, Options, Parameter, Schedule, TrainRefused, optimiser::State};
use crate::dataset::{Dataset, Features, Labels};

/// A training after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Digest of the file, the rows and the options: what makes it this training.
    pub(super) training: [u8; 32],
    /// All epochs so far, the base model first.
    pub(super) curve: Vec<Epoch>,
    /// The best of them.
    pub(super) best: u32,
    pub(super) weights: Vec<Saved>,
}

/// A weight, and what its optimiser remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) best: Vec<f32>,
    now: Vec<f32>,
    steps: i32,
    first: Option<Vec<f32>>,
    second: Option<Vec<f32>>,
}

impl Checkpoint {
    /// All epochs so far, the base model first.
    #[must_use]
    pub fn curve(&self) -> &[Epoch] {
        &self.curve
    }
}

impl Saved {
    pub(super) fn of(parameter: &Parameter, best: &[f32]) -> Self {
        let State { steps, first, second } = parameter.state.clone();
        let kept = |list: Vec<f32>| (!list.is_empty()).then_some(list);
        Self {
            best: best.to_vec(),
            now: parameter.weights.numbers().to_vec(),
            steps,
            first: kept(first),
            second: kept(second),
        }
    }

    /// Puts the weight and its state back.
    ///
    /// - Errors: `Checkpoint` if it is of another size
    pub(super) fn restore(&self, parameter: &mut Parameter) -> Result<(), TrainRefused> {
        let Self { best, now, steps, first, second } = self;
        let elements = parameter.shape.elements();
        let lists = [Some(best), Some(now), first.as_ref(), second.as_ref()];
        if !lists.into_iter().flatten().all(|list| list.len() == elements) {
            return Err(TrainRefused::Checkpoint);
        }
        parameter.weights = List::new(now.clone());
        parameter.state = State {
            steps: *steps,
            first: first.clone().unwrap_or_default(),
            second: second.clone().unwrap_or_default(),
        };
        Ok(())
    }
}

/// Digest of what makes a training: file, rows and options.
pub(super) fn digest(file: &[u8], dataset: &Dataset, options: &Options) -> [u8; 32] {
    // More epochs may be asked for, unless they change the earlier ones.
    let epochs = if options.schedule == Schedule::Cosine { options.epochs } else { 0 };
    let options = format!("{:?}", Options { epochs, ..options.clone() });
    let mut hash = Sha256::new();
    for part in [file, options.as_bytes()] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.update(format!("{:?}", dataset.row()));
    match dataset.stored() {
        Features::Real(features) => hash_floats(&mut hash, features),
        Features::Bytes { bytes, scale, offset } => {
            hash_floats(&mut hash, &[*scale, *offset]);
            hash.update(bytes);
        }
    }
    match dataset.labels() {
        Labels::Targets(targets) => hash_floats(&mut hash, targets),
        Labels::Classes(classes) => hash.update(classes),
    }
    hash.finalize().into()
}

fn hash_floats(hash: &mut Sha256, floats: &[f32]) {
    for float in floats {
        hash.update(float.to_le_bytes());
    }
}
