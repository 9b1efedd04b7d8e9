//! What a training is told.

use market::{Measure, Metric, Output};
use serde::{Deserialize, Serialize};

use super::{Optimiser, Schedule};

/// Training options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The optimiser.
    pub optimiser: Optimiser,
    /// Step size.
    pub learning_rate: f32,
    /// How the step size changes.
    pub schedule: Schedule,
    /// Epochs in which the step size rises to where the schedule begins.
    pub warm_up: u32,
    /// Weight decay; none if zero.
    pub weight_decay: f32,
    /// The greatest norm of a step's gradients.
    pub clip_norm: Option<f32>,
    /// Number of passes over all rows.
    pub epochs: u32,
    /// Epochs without a better score after which the training ends.
    pub patience: Option<u32>,
    /// Rows whose gradients make one step; one for files with a fixed batch of one.
    pub batch_rows: usize,
    /// Seed of the order of rows and of the choice of rows held back.
    pub seed: u64,
    /// Rows held back to monitor the score, in percent of all; none if zero.
    pub held_back_percent: u8,
    /// How much each class counts in the loss.
    pub class_weights: ClassWeights,
    /// Patterns of the names of weights that keep their values.
    pub frozen: Vec<String>,
    /// Metric of the score.
    pub metric: Metric,
    /// What the model's answers are; `FromGraph` if its graph shows it, or nothing depends on it.
    pub output: Output,
}

impl Options {
    /// What the score measures.
    pub const fn measure(&self) -> Measure {
        Measure::new(self.metric, self.output)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            optimiser: Optimiser::Adam,
            learning_rate: 0.001,
            schedule: Schedule::Constant,
            warm_up: 0,
            weight_decay: 0.0,
            clip_norm: None,
            epochs: 20,
            patience: None,
            batch_rows: 32,
            seed: 1,
            held_back_percent: 20,
            class_weights: ClassWeights::Equal,
            frozen: Vec::new(),
            metric: Metric::Accuracy,
            output: Output::FromGraph,
        }
    }
}

/// How much a row of each class counts in the loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ClassWeights {
    /// All the same.
    #[default]
    Equal,
    /// Inversely to how often the class occurs among the rows trained on; 1 on average.
    Balanced,
    /// These, class after class.
    Given(Vec<f32>),
}
