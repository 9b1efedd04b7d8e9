//! Training on a client's computer, through the same graph of operators that evaluates.
//!
//! Weights are the f32 constants that reach an input with the role of a weight, directly or through
//! operators that only rearrange elements. The statistics of a batch normalization stay fixed. The
//! same file, data, options and computer give the same weights; another computer may round
//! gradients differently, and nothing depends on that: only the exact score of the result counts.

mod disguise;
mod head;
mod optimiser;

use std::ops::ControlFlow;

use burn::tensor::Tensor;
pub use disguise::{Disguise, disguise};
use head::Head;
use market::{Measure, Metric, Output, Score};
pub use optimiser::Optimiser;
use optimiser::State;
use thiserror::Error;

use crate::{
    backend::{Array, elements_of},
    dataset::{Dataset, Labels},
    graph::{Graph, ValueId, WeightLocation},
    marking::{self, EvaluationRefused},
    model::Model,
    onnx,
    plan::Plan,
    random::Random,
    report,
    shape::Shape,
};

/// Training options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The optimiser.
    pub optimiser: Optimiser,
    /// Step size.
    pub learning_rate: f32,
    /// Number of passes over all rows.
    pub epochs: u32,
    /// Rows whose gradients make one step; one for files with a fixed batch of one.
    pub batch_rows: usize,
    /// Seed of the order of rows and of the choice of rows held back.
    pub seed: u64,
    /// Rows held back to monitor the score, in percent of all; none if zero.
    pub held_back_percent: u8,
    /// Metric of that score.
    pub metric: Metric,
    /// What the model's answers are; `FromGraph` if its graph shows it, or nothing depends on it.
    pub output: Output,
}

/// Result of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Counted from one.
    pub number: u32,
    /// Mean loss of the rows trained on: cross-entropy for classes, squared error for numbers.
    pub loss: f32,
    /// Score on the rows held back, if any.
    pub score: Option<Score>,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The given file with other weights.
    pub onnx: Vec<u8>,
    /// The epoch of the weights: the one with the best score on the rows held back, the last of
    /// equals; the last of all if none are held back. `None` if there was no epoch: the weights are
    /// then the file's.
    pub best: Option<Epoch>,
}

/// Reason why a model cannot be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TrainRefused {
    /// It cannot be scored on the dataset.
    #[error(transparent)]
    Evaluation(#[from] EvaluationRefused),
    /// No constant of the file is a weight.
    #[error("the model has no weights to train")]
    NoWeights,
    /// No rows are left to train on.
    #[error("no rows are left to train on")]
    NoRows,
    /// No loss is known for answers of this kind.
    #[error("a model that answers with {0} cannot be trained: export it without its last operator")]
    Output(Output),
    /// The loss or a weight is not a finite number; a smaller step may help.
    #[error("the weights are no longer finite in epoch {epoch}; try a smaller learning rate")]
    Diverged {
        /// Counted from one.
        epoch: u32,
    },
}

/// Trains the model in `file`; `progress` receives each epoch and may stop the training.
///
/// - Errors: model and dataset do not fit together, nothing to train, or the loss diverged
pub fn train(
    file: &[u8],
    dataset: &Dataset,
    options: &Options,
    progress: &mut dyn FnMut(Epoch) -> ControlFlow<()>,
) -> Result<Trained, TrainRefused> {
    let mut trainer = Trainer::new(file, dataset, options)?;
    let (mut random, mut rows) =
        (Random::new(options.seed), (0..dataset.rows()).collect::<Vec<_>>());
    random.shuffle(&mut rows);
    let held_back = rows.len() * usize::from(options.held_back_percent.min(100)) / 100;
    let watched = rows.split_off(rows.len() - held_back);
    let watched = (!watched.is_empty()).then(|| dataset.subset(&watched));
    if rows.is_empty() {
        return Err(TrainRefused::NoRows);
    }
    let mut best: Option<(Epoch, Vec<Parameter>)> = None;
    for number in 1..=options.epochs {
        random.shuffle(&mut rows);
        let loss = trainer.epoch(dataset, &rows, options)?;
        if !loss.is_finite() || !trainer.has_finite_weights() {
            return Err(TrainRefused::Diverged { epoch: number });
        }
        let score = match &watched {
            Some(watched) => Some(trainer.score(watched, options)?),
            None => None,
        };
        let epoch = Epoch { number, loss, score };
        let as_good = |(best, _): &(Epoch, _)| epoch.score >= best.score;
        if best.as_ref().is_none_or(as_good) {
            best = Some((epoch, trainer.parameters.clone()));
        }
        if progress(epoch).is_break() {
            break;
        }
    }
    let Some((epoch, parameters)) = best else {
        return Ok(Trained { onnx: file.to_vec(), best: None });
    };
    let weights = parameters
        .into_iter()
        .map(|parameter| (parameter.place, (parameter.shape, elements_of(parameter.tensor))));
    let onnx = onnx::with_weights(file, &weights.collect()).map_err(EvaluationRefused::from)?;
    Ok(Trained { onnx, best: Some(epoch) })
}

/// A model in training.
struct Trainer {
    model: Model,
    head: Head,
    /// All constants of f32, as tensors that record gradients.
    constants: Vec<Option<Array>>,
    parameters: Vec<Parameter>,
}

/// A weight.
#[derive(Clone)]
struct Parameter {
    value: ValueId,
    place: WeightLocation,
    shape: Shape,
    tensor: Tensor<1>,
    state: State,
}

impl Trainer {
    fn new(file: &[u8], dataset: &Dataset, options: &Options) -> Result<Self, TrainRefused> {
        let model = Model::from_onnx(file).map_err(EvaluationRefused::from)?;
        let measure = Measure { metric: options.metric, output: options.output };
        let Measure { output, .. } = marking::understand(&model, dataset, measure)?;
        let (graph, weights) = Graph::read(file).map_err(EvaluationRefused::from)?;
        let trained = graph.trainable();
        let mut constants = vec![None; graph.known.len()];
        let mut parameters = Vec::new();
        for weight in weights {
            let tensor = Array::new(weight.elements, weight.shape).flat();
            constants[weight.value] = Some(Array::of(tensor.clone().autodiff(), weight.shape));
            if trained[weight.value] {
                parameters.push(Parameter {
                    value: weight.value,
                    place: weight.place,
                    shape: weight.shape,
                    tensor,
                    state: State::default(),
                });
            }
        }
        if parameters.is_empty() {
            return Err(TrainRefused::NoWeights);
        }
        let head = Head::of(&graph, dataset.classes(), model.answers(), output);
        let head = head.ok_or(TrainRefused::Output(output))?;
        Ok(Self { model, head, constants, parameters })
    }

    /// Takes one step for each batch of these rows; returns the mean loss.
    fn epoch(
        &mut self,
        dataset: &Dataset,
        rows: &[usize],
        options: &Options,
    ) -> Result<f32, TrainRefused> {
        let batch_rows = if self.model.graph.single_rows { 1 } else { options.batch_rows.max(1) };
        let mut plan = None;
        let mut total = 0.0;
        for batch in rows.chunks(batch_rows) {
            // All batches but the last have one size.
            if plan.as_ref().is_none_or(|plan: &Plan| plan.rows != batch.len()) {
                let graph = &self.model.graph;
                plan = Some(Plan::new(graph, batch.len()).map_err(EvaluationRefused::from)?);
            }
            let plan = plan.as_ref().expect("it was made for this batch");
            total += self.step(plan, &dataset.subset(batch), options);
        }
        #[expect(clippy::cast_precision_loss, reason = "a mean for people to look at")]
        let mean = total / rows.len() as f32;
        Ok(mean)
    }

    /// Moves the weights against the gradient of a batch's mean loss; returns the summed loss.
    fn step(&mut self, plan: &Plan, batch: &Dataset, options: &Options) -> f32 {
        let mut values = self.constants.clone();
        let leaves = self.parameters.iter().map(|parameter| {
            let leaf = parameter.tensor.clone().autodiff().require_grad();
            values[parameter.value] = Some(Array::of(leaf.clone(), parameter.shape));
            leaf
        });
        let leaves = leaves.collect::<Vec<_>>();
        let graph = &self.model.graph;
        let sizes = [&[plan.rows], graph.row.sizes()].concat();
        let shape = Shape::new(&sizes).expect("the plan has this shape for its input");
        let input = Array::new(batch.features(0..plan.rows), shape).flat().autodiff();
        let (input, wanted) = (Array::of(input, shape), self.head.value());
        let answers = graph.run(plan, &values, input, wanted, None);
        let loss = self.head.loss(answers, batch.labels());
        #[expect(clippy::cast_precision_loss, reason = "batches are far smaller than 2²⁴ rows")]
        let rows = plan.rows as f32;
        let mut gradients = loss.clone().div_scalar(rows).backward();
        for (parameter, leaf) in self.parameters.iter_mut().zip(leaves) {
            if let Some(gradient) = leaf.grad_remove(&mut gradients) {
                parameter.tensor = options.optimiser.step(
                    parameter.tensor.clone(),
                    gradient,
                    &mut parameter.state,
                    options.learning_rate,
                );
            }
        }
        loss.into_scalar::<f32>()
    }

    /// Whether the current weights can be written to a file.
    fn has_finite_weights(&self) -> bool {
        self.parameters.iter().all(|parameter| {
            let elements = elements_of(parameter.tensor.clone());
            elements.into_iter().all(f32::is_finite)
        })
    }

    /// The exact score with the current weights.
    fn score(&mut self, watched: &Dataset, options: &Options) -> Result<Score, TrainRefused> {
        for parameter in &self.parameters {
            let array = Array::constant(elements_of(parameter.tensor.clone()), parameter.shape);
            self.model.set_weight(parameter.value, array);
        }
        let measure = Measure { metric: options.metric, output: options.output };
        let report = report::evaluate(&self.model, watched, measure, &mut |_, _| {});
        match report {
            Ok(report) => Ok(report.scores.score),
            Err(EvaluationRefused::NotFinite { .. }) => Ok(Score(0)),
            Err(refused) => Err(refused.into()),
        }
    }
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
