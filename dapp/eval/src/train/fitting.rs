//! A model in training: its weights, and the steps they take.

use std::ops::ControlFlow;

use burn::tensor::Tensor;
use kernels::extension::List;
use market::{Measure, Score};

use super::{
    Options, TrainRefused,
    class_weights::weights_of,
    freeze::frozen,
    head::Head,
    loss::loss,
    optimiser::{State, StepSize, clip},
    schedule::Position,
};
use crate::{
    backend::Array,
    dataset::Dataset,
    graph::{Graph, ValueId},
    marking::{self, EvaluationRefused},
    model::Model,
    onnx::{self, WeightLocation},
    plan::Plan,
    report,
    shape::Shape,
};

/// A model in training.
pub(super) struct Fitting {
    model: Model,
    head: Head,
    /// All constants of f32, as tensors that record gradients.
    constants: Vec<Option<Array>>,
    pub(super) parameters: Vec<Parameter>,
    /// How much a row of each class counts; as much as others if there are none.
    class_weights: Vec<f32>,
}

/// A weight.
#[derive(Clone)]
pub(super) struct Parameter {
    value: ValueId,
    pub(super) place: WeightLocation,
    pub(super) shape: Shape,
    pub(super) weights: List,
    pub(super) state: State,
}

/// How an epoch ended.
pub(super) enum Pass {
    /// All rows were used; their mean loss, and the last step size.
    Whole { loss: f32, rate: f32 },
    /// It was asked to end.
    Stopped,
    /// The loss or a weight is no longer a finite number.
    Diverged,
}

/// The rows of an epoch in their order, and which epoch it is, counted from zero.
#[derive(Clone, Copy)]
pub(super) struct Round<'a> {
    pub(super) rows: &'a [usize],
    pub(super) epoch: u32,
}

impl Fitting {
    /// - Errors: model, dataset and options do not fit together, or nothing is to be trained
    pub(super) fn new(
        file: &[u8],
        dataset: &Dataset,
        options: &Options,
    ) -> Result<Self, TrainRefused> {
        let model = Model::from_onnx(file).map_err(EvaluationRefused::from)?;
        let Measure { output, .. } = marking::understand(&model, dataset, options.measure())?;
        let (graph, weights) = Graph::read(file).map_err(EvaluationRefused::from)?;
        let mut names = onnx::names(file).map_err(EvaluationRefused::from)?;
        let trained = graph.trainable();
        let mut constants = vec![None; graph.known.len()];
        let (mut parameters, mut named) = (Vec::new(), Vec::new());
        for weight in weights {
            let weights = List::new(weight.elements);
            let constant = weights.clone().into_tensor().autodiff();
            constants[weight.value] = Some(Array::flattened(constant, weight.shape));
            if trained[weight.value] {
                named.push(names.remove(&weight.place).unwrap_or_default());
                let (value, place, shape) = (weight.value, weight.place, weight.shape);
                let state = State::default();
                parameters.push(Parameter { value, place, shape, weights, state });
            }
        }
        if !options.frozen.is_empty() {
            let mut kept = frozen(&named, &options.frozen)?.into_iter().map(|frozen| !frozen);
            parameters.retain(|_| kept.next().unwrap_or(true));
        }
        if parameters.is_empty() {
            return Err(TrainRefused::NoWeights);
        }
        let head = Head::of(&graph, dataset.classes(), model.answers(), output);
        let head = head.ok_or(TrainRefused::Output(output))?;
        let class_weights = weights_of(&options.class_weights, dataset)?;
        Ok(Self { model, head, constants, parameters, class_weights })
    }

    /// Rows of a step.
    pub(super) fn batch_rows(&self, options: &Options) -> usize {
        if self.model.graph.single_rows { 1 } else { options.batch_rows.max(1) }
    }

    /// Takes one step for each batch of these rows; `done` receives the number of rows done and
    /// their mean loss, and may end it.
    pub(super) fn epoch(
        &mut self,
        dataset: &Dataset,
        Round { rows, epoch }: Round<'_>,
        options: &Options,
        done: &mut dyn FnMut(usize, f32) -> ControlFlow<()>,
    ) -> Result<Pass, TrainRefused> {
        let batch_rows = self.batch_rows(options);
        let per_epoch = rows.len().div_ceil(batch_rows) as u64;
        let first = u64::from(epoch) * per_epoch;
        let (epochs, warm_up) = (options.epochs, options.warm_up);
        let (mut plan, mut total, mut so_far, mut rate) = (None, 0.0, 0, options.learning_rate);
        for (step, batch) in (first..).zip(rows.chunks(batch_rows)) {
            let plan = self.plan(&mut plan, batch.len())?;
            let position = Position { step, per_epoch, epochs, warm_up };
            rate = options.learning_rate * options.schedule.factor(position);
            let loss = self.step(plan, &dataset.subset(batch), options, rate);
            if !loss.is_finite() {
                return Ok(Pass::Diverged);
            }
            total += loss;
            so_far += batch.len();
            if done(so_far, mean(total, so_far)).is_break() {
                return Ok(Pass::Stopped);
            }
        }
        if !self.has_finite_weights() {
            return Ok(Pass::Diverged);
        }
        Ok(Pass::Whole { loss: mean(total, rows.len()), rate })
    }

    /// The mean loss of these rows.
    pub(super) fn loss(
        &self,
        dataset: &Dataset,
        rows: &[usize],
        options: &Options,
    ) -> Result<f32, TrainRefused> {
        let (mut plan, mut total) = (None, 0.0);
        for batch in rows.chunks(self.batch_rows(options)) {
            let plan = self.plan(&mut plan, batch.len())?;
            let (loss, _) = self.forward(plan, &dataset.subset(batch));
            total += loss.into_scalar::<f32>();
        }
        Ok(mean(total, rows.len()))
    }

    /// The plan for this many rows: all batches of an epoch but the last have one size.
    fn plan<'a>(
        &self,
        plan: &'a mut Option<Plan>,
        rows: usize,
    ) -> Result<&'a Plan, EvaluationRefused> {
        let fitting = plan.take().filter(|plan| plan.rows == rows);
        let fitting = match fitting {
            Some(plan) => plan,
            None => Plan::new(&self.model.graph, rows)?,
        };
        Ok(plan.insert(fitting))
    }

    /// The summed loss of a batch, and the weights it is a function of.
    fn forward(&self, plan: &Plan, batch: &Dataset) -> (Tensor<1>, Vec<Tensor<1>>) {
        let mut values = self.constants.clone();
        let leaves = self.parameters.iter().map(|parameter| {
            let leaf = parameter.weights.clone().into_tensor().autodiff().require_grad();
            values[parameter.value] = Some(Array::flattened(leaf.clone(), parameter.shape));
            leaf
        });
        let leaves = leaves.collect::<Vec<_>>();
        let graph = &self.model.graph;
        let sizes = [&[plan.rows], graph.row.sizes()].concat();
        let shape = Shape::new(&sizes).expect("the plan has this shape for its input");
        let input = List::new(batch.features(0..plan.rows)).into_tensor().autodiff();
        let (input, wanted) = (Array::flattened(input, shape), self.head.value());
        let answers = graph.run(plan, &values, input, wanted, None);
        (loss(self.head, answers, batch.labels(), &self.class_weights), leaves)
    }

    /// Moves the weights against the gradient of a batch's mean loss; returns the summed loss.
    fn step(&mut self, plan: &Plan, batch: &Dataset, options: &Options, rate: f32) -> f32 {
        let (loss, leaves) = self.forward(plan, batch);
        #[expect(clippy::cast_precision_loss, reason = "batches are far smaller than 2²⁴ rows")]
        let rows = plan.rows as f32;
        let mut gradients = loss.clone().div_scalar(rows).backward();
        let gradients = leaves.into_iter().map(|leaf| {
            let gradient = leaf.grad_remove(&mut gradients)?;
            Some(List::of(gradient).into_numbers())
        });
        let mut gradients = gradients.collect::<Vec<_>>();
        if let Some(norm) = options.clip_norm {
            clip(&mut gradients, norm);
        }
        let loss = loss.into_scalar::<f32>();
        let size = StepSize { rate, decay: options.weight_decay };
        for (parameter, gradient) in self.parameters.iter_mut().zip(gradients) {
            if let Some(gradient) = gradient {
                // Nothing else has the list by now, so that it is changed in place.
                let mut weights = std::mem::take(&mut parameter.weights).into_numbers();
                options.optimiser.step(&mut weights, &gradient, &mut parameter.state, size);
                parameter.weights = List::new(weights);
            }
        }
        loss
    }

    /// Whether the current weights can be written to a file.
    fn has_finite_weights(&self) -> bool {
        let mut lists = self.parameters.iter().map(|parameter| parameter.weights.numbers());
        lists.all(|list| list.iter().all(|weight| weight.is_finite()))
    }

    /// The current weights.
    pub(super) fn elements(&self) -> Vec<Vec<f32>> {
        self.parameters.iter().map(|parameter| parameter.weights.numbers().to_vec()).collect()
    }

    /// The exact score with the current weights.
    pub(super) fn score(
        &mut self,
        watched: &Dataset,
        measure: Measure,
    ) -> Result<Score, TrainRefused> {
        for parameter in &self.parameters {
            let array = Array::constant(parameter.weights.numbers().to_vec(), parameter.shape);
            self.model.set_weight(parameter.value, array);
        }
        let report = report::evaluate(&self.model, watched, measure, &mut |_, _| {});
        match report {
            Ok(report) => Ok(report.scores.score),
            Err(EvaluationRefused::NotFinite { .. }) => Ok(Score(0)),
            Err(refused) => Err(refused.into()),
        }
    }
}

fn mean(total: f32, rows: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a mean for people to look at")]
    let mean = total / rows.max(1) as f32;
    mean
}
