//! The market's judge: evaluations step by step, with a cache of the files read last.

use std::{num::NonZeroUsize, sync::Arc};

use blobs::{ChunkRefused, Cid};
use market::{
    Blob, Comparison, Delta, Evaluation, EvaluationError, Judge, Measure, MetricAccumulator, Quote,
    Similarity, Work,
};

use crate::{
    answers,
    cost::Cost,
    dataset::Dataset,
    delta, distance,
    marking::{self, EvaluationRefused},
    model::Model,
    probes::{self, Probes},
    quote::{self, Estimate},
    refusal::ModelRefused,
};

/// Models cached: the one being evaluated and another, the base model or one to compare it with.
const MODELS: usize = 2;
/// Datasets cached.
const DATASETS: usize = 1;

/// Judges models by running them.
///
/// Memory: two models and one dataset, each no larger than its file allows, the weights once more
/// in packed form, and for each thread one step's tensors (`limits`).
pub struct Evaluator {
    models: Recent<Model, MODELS>,
    datasets: Recent<Dataset, DATASETS>,
    threads: NonZeroUsize,
}

impl Default for Evaluator {
    fn default() -> Self {
        Self::new()
    }
}

impl Evaluator {
    /// A judge with an empty cache that works on the caller's thread alone.
    #[must_use]
    pub fn new() -> Self {
        Self::with_threads(NonZeroUsize::MIN)
    }

    /// A judge that works on this many threads; its answers are the same.
    #[must_use]
    pub fn with_threads(threads: NonZeroUsize) -> Self {
        Self { models: Recent::default(), datasets: Recent::default(), threads }
    }

    fn prepare(
        &mut self,
        evaluation: &Evaluation<'_>,
    ) -> Result<(Arc<Model>, Arc<Dataset>, Measure), EvaluationRefused> {
        let model = self.models.get(evaluation.model, Model::from_onnx)?;
        let dataset = self.datasets.get(evaluation.hold_out, Dataset::from_safetensors)?;
        let measure = marking::understand(&model, &dataset, evaluation.measure)?;
        if evaluation.rows.is_some_and(|rows| !are_rows_of(&dataset, rows)) {
            return Err(EvaluationRefused::Rows);
        }
        Ok((model, dataset, measure))
    }
}

impl Judge for Evaluator {
    fn rebuild(&self, delta: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused> {
        delta::rebuild(delta)
    }

    fn reading(&self, evaluation: &Evaluation<'_>) -> Work {
        quote::reading_at_most(lengths(evaluation), evaluation.measure.metric)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        let (model, dataset, measure) = self.prepare(evaluation)?;
        let estimate = Estimate::new(lengths(evaluation), &model, &dataset, measure)?;
        Ok(match evaluation.rows {
            None => estimate.quote(&dataset),
            Some(rows) => estimate.quote_of_rows(&dataset, model.batch_rows(), rows),
        })
    }

    fn answer(
        &mut self,
        evaluation: &Evaluation<'_>,
        accumulator: &mut MetricAccumulator,
        budget: Work,
    ) -> Result<Work, EvaluationError> {
        let (model, dataset, measure) = self.prepare(evaluation)?;
        if let Some(rows) = evaluation.rows {
            return Ok(answer_chosen(rows, &model, &dataset, measure, accumulator, budget)?);
        }
        let stride = answers::stride(&model, self.threads);
        let step = |rows| quote::step(&model, &dataset, measure, rows);
        let mut done = Work(0);
        loop {
            let left = dataset.rows().saturating_sub(rows_of(accumulator)).min(stride);
            let (rows, after) = within(budget, done, left, model.batch_rows(), step)?;
            if rows == 0 {
                return Ok(done);
            }
            answer_next(rows, &model, &dataset, measure, accumulator, self.threads)?;
            done = after;
        }
    }

    fn reading_comparison(&self, comparison: &Comparison<'_>) -> Work {
        let evaluations = evaluations(comparison).map(|evaluation| self.reading(&evaluation));
        evaluations.into_iter().fold(distance::work_at_most(comparison), Work::plus)
    }

    fn quote_comparison(&mut self, comparison: &Comparison<'_>) -> Result<Work, EvaluationError> {
        let mut work = Work(0);
        for evaluation in evaluations(comparison) {
            let (model, dataset, measure) = self.prepare(&evaluation)?;
            work = work.plus(probes::cost(&model, &dataset, measure)?.work());
        }
        Ok(work)
    }

    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError> {
        let [first, second] = evaluations(comparison);
        let (first, dataset, of_first) = self.prepare(&first)?;
        let (second, _, of_second) = self.prepare(&second)?;
        let models = [(&*first, of_first.output), (&*second, of_second.output)];
        let agreement = Probes::draw(&dataset, comparison.seed).agreement(models);
        Ok(Similarity { agreement, distance: distance::weight_distance(comparison)? })
    }
}

/// A comparison's two models, each on the hold-out.
fn evaluations<'a>(comparison: &Comparison<'a>) -> [Evaluation<'a>; 2] {
    let Comparison { first, second, hold_out, measure, .. } = *comparison;
    [first, second].map(|model| Evaluation { model, hold_out, measure, rows: None })
}

/// Whether these are rows of the dataset, in ascending order.
fn are_rows_of(dataset: &Dataset, rows: &[u32]) -> bool {
    let last = rows.last().is_none_or(|last| (*last as usize) < dataset.rows());
    last && rows.is_sorted_by(|row, next| row < next)
}

/// Answers chosen rows, starting at the accumulator's next one, and counts them.
///
/// Each is answered together with its whole batch, as when all rows are, because a model may let
/// the rows of a batch depend on each other.
fn answer_chosen(
    rows: &[u32],
    model: &Model,
    dataset: &Dataset,
    measure: Measure,
    accumulator: &mut MetricAccumulator,
    budget: Work,
) -> Result<Work, EvaluationRefused> {
    let mut done = Work(0);
    while let Some(next) = rows.get(rows_of(accumulator)) {
        let batch = quote::batch_of(*next as usize, model.batch_rows(), dataset.rows());
        let after = done.plus(quote::step(model, dataset, measure, batch.len())?.work());
        if after > budget && done > Work(0) {
            break;
        }
        let answers = model.answer(dataset.features(batch.clone()))?;
        while let Some(row) = rows.get(rows_of(accumulator)).map(|row| *row as usize)
            && row < batch.end
        {
            let offset = (row - batch.start) * model.answers();
            let answer = &answers[offset..offset + model.answers()];
            marking::count(accumulator, measure, dataset, row, answer, model.answers())?;
        }
        done = after;
    }
    Ok(done)
}

fn lengths(evaluation: &Evaluation<'_>) -> [usize; 2] {
    [evaluation.model.bytes.len(), evaluation.hold_out.bytes.len()]
}

/// Number of these rows to answer next, in whole batches, and the work done then: as many as the
/// budget allows, or a batch if nothing is done yet.
fn within(
    budget: Work,
    mut done: Work,
    left: usize,
    batch: usize,
    step: impl Fn(usize) -> Result<Cost, ModelRefused>,
) -> Result<(usize, Work), ModelRefused> {
    let mut rows = 0;
    while rows < left {
        let batch = batch.min(left - rows);
        let after = done.plus(step(batch)?.work());
        if after > budget && done > Work(0) {
            break;
        }
        (rows, done) = (rows + batch, after);
    }
    Ok((rows, done))
}

/// Answers the next rows, as far as there are any, and counts them.
///
/// They begin at a multiple of the model's batch, so the bits are the same however the rows are
/// divided over calls.
pub(crate) fn answer_next(
    rows: usize,
    model: &Model,
    dataset: &Dataset,
    measure: Measure,
    accumulator: &mut MetricAccumulator,
    threads: NonZeroUsize,
) -> Result<Vec<f32>, EvaluationRefused> {
    let first = rows_of(accumulator);
    let rows = first..dataset.rows().min(first.saturating_add(rows));
    let answers = answers::answer(model, dataset, rows, threads)?;
    marking::count(accumulator, measure, dataset, first, &answers, model.answers())?;
    Ok(answers)
}

fn rows_of(accumulator: &MetricAccumulator) -> usize {
    usize::try_from(accumulator.rows()).unwrap_or(usize::MAX)
}

/// The objects read last, by the CIDs of their bytes.
struct Recent<T, const N: usize> {
    /// In order of use, the one used last at the end.
    entries: Vec<(Cid, Arc<T>)>,
}

impl<T, const N: usize> Default for Recent<T, N> {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(N) }
    }
}

impl<T, const N: usize> Recent<T, N> {
    /// The object of these bytes, read now unless it is cached.
    fn get<E>(
        &mut self,
        blob: Blob<'_>,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let index = self.entries.iter().position(|(cid, _)| *cid == blob.cid);
        let thing = match index {
            Some(index) => self.entries.remove(index).1,
            None => {
                // The oldest is dropped first, so that there are never more than `N` in memory.
                if self.entries.len() >= N {
                    self.entries.remove(0);
                }
                Arc::new(read(blob.bytes)?)
            }
        };
        self.entries.push((blob.cid, Arc::clone(&thing)));
        Ok(thing)
    }
}
