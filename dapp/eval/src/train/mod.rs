//! Training on a client's computer, through the same graph of operators that evaluates.
//!
//! Weights are the f32 constants that reach an input with the role of a weight, directly or through
//! operators that only rearrange elements. The statistics of a batch normalization stay fixed. The
//! same file, data and options give the same weights, in one go or from a checkpoint on, on every
//! processor: gradients are sums in a fixed order, and losses use our own functions.

mod change;
mod checkpoint;
mod class_weights;
mod course;
mod disguise;
mod exchange;
mod fitting;
mod freeze;
mod head;
mod loss;
mod optimiser;
mod options;
mod rounded;
mod schedule;

use std::ops::ControlFlow;

pub use change::{Change, LayerChange, bounded, change, noised};
pub use checkpoint::Checkpoint;
pub use course::Course;
pub use disguise::{Disguise, disguise};
pub use exchange::{WeightsRefused, weights_of, with_weights};
use fitting::{Fitting, Parameter};
use market::{Output, Score};
pub use optimiser::Optimiser;
pub use options::{ClassWeights, Options};
pub use rounded::rounded;
pub use schedule::Schedule;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    dataset::{Dataset, Labels},
    marking::EvaluationRefused,
};

/// Result of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from one; zero is the base model, before the first.
    pub number: u32,
    /// Mean loss of the rows trained on: cross-entropy for classes, squared error for numbers.
    pub loss: f32,
    /// Score on the rows held back, or on those trained on if there are none.
    pub score: Score,
    /// The step size at its end.
    pub rate: f32,
}

/// What a training reports while it runs.
#[derive(Clone, Copy)]
pub enum Progress<'a> {
    /// How good the base model is, or that a training goes on after this epoch.
    Begun(Epoch),
    /// Rows of an epoch are done.
    Rows {
        /// The epoch, counted from one.
        epoch: u32,
        /// Rows done.
        done: usize,
        /// All rows of an epoch.
        all: usize,
        /// Their mean loss so far.
        loss: f32,
        /// Whether that is far above the base model's and that of guessing.
        diverges: bool,
    },
    /// An epoch is over.
    Epoch(Epoch, &'a Course<'a>),
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The given file with other weights.
    pub onnx: Vec<u8>,
    /// The epoch of the weights: the one with the best score on the rows held back, the last of
    /// equals; if none are held back, the last that is not worse than the base model. Zero if all
    /// are worse, or there was none: the file is then the given one.
    pub best: Epoch,
    /// All epochs, the base model first.
    pub curve: Vec<Epoch>,
    /// Why it ended.
    pub ending: Ending,
}

/// Reason why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs were done.
    Completed,
    /// It was asked to.
    Stopped,
    /// For as many epochs as it was told to be patient, none was better.
    NoBetter,
    /// The loss or a weight became something else than a finite number.
    Diverged {
        /// Counted from one.
        epoch: u32,
    },
}

/// Reason why a model cannot be trained.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrainRefused {
    /// It cannot be scored on the dataset.
    #[error(transparent)]
    Evaluation(#[from] EvaluationRefused),
    /// No constant of the file is a weight, or all are frozen.
    #[error("the model has no weights to train")]
    NoWeights,
    /// No rows are left to train on.
    #[error("no rows are left to train on")]
    NoRows,
    /// No loss is known for answers of this kind.
    #[error("a model that answers with {0} cannot be trained: export it without its last operator")]
    Output(Output),
    /// A pattern freezes nothing.
    #[error("no weight has a name like {pattern}; there are {names}")]
    Freeze {
        /// The pattern.
        pattern: String,
        /// The names there are.
        names: String,
    },
    /// Not one weight for each class.
    #[error("{given} weights of classes do not suit labels of {classes} classes")]
    ClassWeights {
        /// Weights given, none if they were to be found.
        given: usize,
        /// Classes of the dataset, none if its labels are numbers.
        classes: u16,
    },
    /// A checkpoint does not fit.
    #[error("the checkpoint is of another training: its model, rows or options differ")]
    Checkpoint,
}

/// Trains the model in `file`; `progress` may end it, at a batch or an epoch.
///
/// - Errors: model and dataset do not fit together, or nothing is to be trained
pub fn train(
    file: &[u8],
    dataset: &Dataset,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Trained, TrainRefused> {
    Course::new(file, dataset, options)?.run(progress)
}

/// As [`train`], from a checkpoint on: the result is that of a training in one go.
///
/// - Errors: `Checkpoint` if it is one of other files or options
pub fn resume(
    file: &[u8],
    dataset: &Dataset,
    options: &Options,
    checkpoint: Checkpoint,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Trained, TrainRefused> {
    Course::from_checkpoint(file, dataset, options, checkpoint)?.run(progress)
}

/// The rows to train on, and those held back to judge what comes of it, as [`train`] takes them.
#[must_use]
pub fn parted(dataset: &Dataset, options: &Options) -> (Dataset, Option<Dataset>) {
    let (_, rows, held_back) = course::parted(dataset, options);
    (dataset.subset(&rows), held_back)
}

/// One-hot rows for classes, the numbers themselves for targets.
fn wanted(labels: &Labels, answers: usize) -> Vec<f32> {
    match labels {
        Labels::Targets(targets) => targets.clone(),
        Labels::Classes(classes) if answers == 1 => {
            classes.iter().map(|class| f32::from(*class)).collect()
        }
        Labels::Classes(classes) => {
            let row = |class: &u8| {
                let class = usize::from(*class);
                (0..answers).map(move |answer| if answer == class { 1.0 } else { 0.0 })
            };
            classes.iter().flat_map(row).collect()
        }
    }
}
