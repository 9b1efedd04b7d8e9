//! The market's judge: evaluations step by step, with what was read last kept at hand.

use std::sync::Arc;

use blobs::Cid;
use market::{Exam, Exhibit, Judge, Quote, Tally, Unfit, Work};

use crate::{
    dataset::Dataset,
    marking::{self, ExamRefused},
    model::Model,
};

/// Models kept: that being evaluated and the base model it is compared with.
const MODELS: usize = 2;
/// Datasets kept.
const DATASETS: usize = 1;

/// Judges models by running them.
///
/// Memory: two models and one dataset, each no larger than its file allows, the weights once more as
/// the kernels have arranged them, and one step's tensors (`limits`).
#[derive(Default)]
pub struct Evaluator {
    models: Recent<Model, MODELS>,
    datasets: Recent<Dataset, DATASETS>,
}

impl Evaluator {
    /// A judge that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn prepare(&mut self, exam: &Exam<'_>) -> Result<(Arc<Model>, Arc<Dataset>), ExamRefused> {
        let model = self.models.get(exam.model, Model::from_onnx)?;
        let dataset = self.datasets.get(exam.hold_out, Dataset::from_safetensors)?;
        marking::check(&model, &dataset, exam.metric)?;
        Ok((model, dataset))
    }
}

impl Judge for Evaluator {
    fn quote(&mut self, exam: &Exam<'_>) -> Result<Quote, Unfit> {
        let (model, dataset) = self.prepare(exam)?;
        let rows = dataset.rows();
        let cost = |rows| model.cost(rows).map_err(ExamRefused::from);
        Ok(Quote {
            rows: u32::try_from(rows).unwrap_or(u32::MAX),
            classes: dataset.classes(),
            work: cost(rows)?.work(),
            step: cost(rows.min(model.batch_rows()))?.work(),
        })
    }

    fn answer(&mut self, exam: &Exam<'_>, tally: &mut Tally, budget: Work) -> Result<Work, Unfit> {
        let (model, dataset) = self.prepare(exam)?;
        let mut done = Work(0);
        loop {
            let first = usize::try_from(tally.rows()).unwrap_or(usize::MAX);
            let rows = model.batch_rows().min(dataset.rows().saturating_sub(first));
            if rows == 0 {
                return Ok(done);
            }
            let after = done.plus(model.cost(rows)?.work());
            if after > budget && done > Work(0) {
                return Ok(done);
            }
            answer_step(&model, &dataset, exam.metric, tally)?;
            done = after;
        }
    }
}

/// Answers the next batch of rows and counts it.
///
/// Steps begin at multiples of the model's batch, so the bits are the same however the rows are
/// divided over calls.
pub(crate) fn answer_step(
    model: &Model,
    dataset: &Dataset,
    metric: market::Metric,
    tally: &mut Tally,
) -> Result<Vec<f32>, ExamRefused> {
    let first = usize::try_from(tally.rows()).unwrap_or(usize::MAX);
    let rows = first..dataset.rows().min(first.saturating_add(model.batch_rows()));
    let answers = model.answer(dataset.features(rows))?;
    marking::count(tally, metric, dataset.labels(), first, &answers, model.answers())?;
    Ok(answers)
}

/// The things read last, by the CIDs of their bytes.
struct Recent<T, const N: usize> {
    /// The one used last is the last.
    entries: Vec<(Cid, Arc<T>)>,
}

impl<T, const N: usize> Default for Recent<T, N> {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(N) }
    }
}

impl<T, const N: usize> Recent<T, N> {
    /// The thing of these bytes, read now unless it is at hand.
    fn get<E>(
        &mut self,
        exhibit: Exhibit<'_>,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let place = self.entries.iter().position(|(cid, _)| *cid == exhibit.cid);
        let thing = match place {
            Some(place) => self.entries.remove(place).1,
            None => {
                // Room is made first, so that there are never more than `N` in memory.
                if self.entries.len() >= N {
                    self.entries.remove(0);
                }
                Arc::new(read(exhibit.bytes)?)
            }
        };
        self.entries.push((exhibit.cid, Arc::clone(&thing)));
        Ok(thing)
    }
}
