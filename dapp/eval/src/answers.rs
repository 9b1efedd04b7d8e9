//! Computing the answers to many rows, on one thread or several: batches are independent, and the
//! model fixes where they begin, so the bits are the same.

use std::{
    num::NonZeroUsize,
    ops::Range,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{dataset::Dataset, model::Model, refusal::ModelRefused};

/// Batches per thread between two progress reports: enough that waiting for the last is cheap.
const BATCHES_EACH: usize = 16;

/// Rows to answer before the next progress report; with one thread, a batch.
pub(crate) fn stride(model: &Model, threads: NonZeroUsize) -> usize {
    let batches = match threads.get() {
        1 => 1,
        threads => threads.saturating_mul(BATCHES_EACH),
    };
    model.batch_rows().saturating_mul(batches)
}

/// Answers these rows of a dataset, the first of which begins a batch.
///
/// - Shapes: [rows, answers], row-major
/// - Errors: the model cannot answer the last, smaller batch
pub(crate) fn answer(
    model: &Model,
    dataset: &Dataset,
    rows: Range<usize>,
    threads: NonZeroUsize,
) -> Result<Vec<f32>, ModelRefused> {
    let (batch, per_row) = (model.batch_rows(), model.answers());
    let batch_at = |first: usize| first..rows.end.min(first + batch);
    if threads.get() == 1 || rows.len() <= batch {
        let batches = rows.clone().step_by(batch);
        let answers = batches.map(|first| model.answer(dataset.features(batch_at(first))));
        return Ok(answers.collect::<Result<Vec<_>, _>>()?.concat());
    }
    let mut answers = vec![0.0; rows.len() * per_row];
    let batches = rows.clone().step_by(batch).zip(answers.chunks_mut(batch * per_row));
    let batches = Mutex::new(batches);
    let next = || batches.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((first, slot)) = next() {
            slot.copy_from_slice(&model.answer(dataset.features(batch_at(first)))?);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others = (1..threads.get()).map(|_| scope.spawn(work)).collect::<Vec<_>>();
        let joined = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.fold(work(), Result::and)
    })?;
    Ok(answers)
}
