//! A judge for tests: integer arithmetic over models and datasets written as words, so that the
//! scores are evident from the bytes. The judge of neural networks is in `eval`.
//!
//! ```text
//! dataset  rows=10,10                  rows of each class; one number for regression
//! model    right=8,7                   rows of each class answered correctly
//!          loss=250000                 loss of each row, in parts per million
//!          work=3 step=4               work per row, rows of an indivisible step
//!          unfit=BadShape@2            cannot be evaluated, with the fault in node 2
//!          nan=5                       the answer to row 5 is not finite
//!          like=3                      a copy of every other model with this number
//!          graph=2                     its weights can be compared with those of this graph only
//!          #anything                   changes the bytes of the model, and nothing else
//! delta    a byte, other bytes          as many bytes as in the base model, and then these
//! ```

use blobs::{ChunkRefused, MAX_INFLATION};
use market::{
    Comparison, Delta, Evaluation, EvaluationError, Fault, Judge, MetricAccumulator, Quote,
    RowLoss, Similarity, WeightDistance, Work,
};

/// The judge; it has no state.
#[derive(Clone, Copy, Default)]
pub(crate) struct WordJudge;

#[derive(Default)]
struct Model {
    right: Vec<u32>,
    loss_ppm: u64,
    row_work: u64,
    step_rows: u32,
    not_finite_row: Option<u32>,
    like: Option<u32>,
    graph: u32,
}

/// The delta of bytes of which the first are as in the base model.
pub(crate) fn delta(bytes: &[u8], kept: u8) -> Vec<u8> {
    [&[kept], bytes.get(usize::from(kept)..).unwrap_or_default()].concat()
}

impl Judge for WordJudge {
    fn rebuild(&self, delta: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused> {
        let (kept, rest) = delta.data.split_first().ok_or(ChunkRefused::DeltaMalformed)?;
        let offset = usize::try_from(delta.offset).unwrap_or(usize::MAX);
        let kept = delta.base.get(offset..).and_then(|base| base.get(..usize::from(*kept)));
        let bytes = [kept.ok_or(ChunkRefused::DeltaMalformed)?, rest].concat();
        let most = delta.data.len().saturating_mul(MAX_INFLATION) as u64;
        let limit = delta.limit.min(most);
        let is_short = bytes.len() as u64 <= limit;
        is_short.then_some(bytes).ok_or(ChunkRefused::InflateTooLong { limit })
    }

    fn reading(&self, evaluation: &Evaluation<'_>) -> Work {
        Work(evaluation.model.bytes.len() as u64)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        let (model, rows_by_class) = read(evaluation)?;
        let all: u32 = rows_by_class.iter().sum();
        let rows = evaluation.rows.map_or(all, |rows| u32::try_from(rows.len()).unwrap_or(all));
        let classes =
            if evaluation.measure.metric.is_regression() { 0 } else { rows_by_class.len() };
        Ok(Quote {
            rows,
            classes: u16::try_from(classes).map_err(|_| unfit(Fault::MalformedDataset))?,
            work: self
                .reading(evaluation)
                .plus(Work(u64::from(rows).saturating_mul(model.row_work))),
            reading: self.reading(evaluation),
            step: Work(u64::from(model.step_rows).saturating_mul(model.row_work)),
        })
    }

    fn answer(
        &mut self,
        evaluation: &Evaluation<'_>,
        accumulator: &mut MetricAccumulator,
        budget: Work,
    ) -> Result<Work, EvaluationError> {
        let (model, rows_by_class) = read(evaluation)?;
        let mut answers = answers(&model, &rows_by_class);
        if let Some(rows) = evaluation.rows {
            answers = rows.iter().map(|row| answers[*row as usize]).collect();
        }
        let mut work = Work(0);
        loop {
            let begin = accumulator.rows() as usize;
            let step = answers.iter().skip(begin).take(model.step_rows as usize);
            for &(truth, predicted) in step {
                if model.not_finite_row == Some(accumulator.rows()) {
                    return Err(unfit(Fault::AnswerNotFinite));
                }
                let measure = evaluation.measure;
                if measure.is_ranked() {
                    accumulator.rank(truth.into(), predicted.into());
                }
                if measure.threshold_loss() != RowLoss::None {
                    accumulator.add_threshold_loss(model.loss_ppm);
                }
                if measure.metric.is_regression() {
                    accumulator.count_loss(model.loss_ppm);
                } else {
                    accumulator.count_class(truth, predicted, model.loss_ppm);
                }
                work = work.plus(Work(model.row_work));
            }
            let next = answers.len().saturating_sub(accumulator.rows() as usize);
            let next = (next.min(model.step_rows as usize) as u64).saturating_mul(model.row_work);
            if next == 0 || work.plus(Work(next)) > budget {
                return Ok(work);
            }
        }
    }

    fn reading_comparison(&self, comparison: &Comparison<'_>) -> Work {
        let Comparison { base, first, second, hold_out, .. } = comparison;
        Work([base, first, second, hold_out].map(|blob| blob.bytes.len() as u64).iter().sum())
    }

    fn quote_comparison(&mut self, comparison: &Comparison<'_>) -> Result<Work, EvaluationError> {
        let models = [comparison.first, comparison.second].map(|model| read_model(model.bytes));
        let [first, second] = models;
        let rows = Work(first?.row_work).plus(Work(second?.row_work));
        Ok(self.reading_comparison(comparison).plus(rows))
    }

    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError> {
        read_model(comparison.base.bytes)?;
        let (first, second) =
            (read_model(comparison.first.bytes)?, read_model(comparison.second.bytes)?);
        let is_same = comparison.first.bytes == comparison.second.bytes;
        let is_copy = is_same || (first.like.is_some() && first.like == second.like);
        let distance = if is_copy { WeightDistance::EQUAL } else { WeightDistance::FARTHEST };
        Ok(Similarity {
            agreement: if is_copy { 1_000_000 } else { 400_000 },
            distance: (first.graph == second.graph).then_some(distance),
        })
    }
}

/// Each row's true and predicted class, class by class, right answers first.
fn answers(model: &Model, rows_by_class: &[u32]) -> Vec<(u16, u16)> {
    let right = model.right.iter().copied().chain(std::iter::repeat(0));
    let classes = (0_u16..).zip(rows_by_class).zip(right);
    let rows = classes.flat_map(|((class, &rows), right)| {
        (0..rows).map(move |row| (class, if row < right { class } else { class.wrapping_add(1) }))
    });
    rows.collect()
}

/// The model, and the dataset's number of rows per class.
fn read(evaluation: &Evaluation<'_>) -> Result<(Model, Vec<u32>), EvaluationError> {
    let model = read_model(evaluation.model.bytes)?;
    let rows_by_class =
        read_dataset(evaluation.hold_out.bytes).ok_or(unfit(Fault::MalformedDataset))?;
    let fits = evaluation.measure.metric.is_regression()
        || model.right.len() <= rows_by_class.len()
            && model.right.iter().zip(&rows_by_class).all(|(right, rows)| right <= rows);
    if fits { Ok((model, rows_by_class)) } else { Err(unfit(Fault::Mismatch)) }
}

/// Number of rows of a dataset.
pub(crate) fn rows(dataset: &[u8]) -> Option<u32> {
    read_dataset(dataset).map(|rows| rows.iter().sum())
}

fn read_dataset(bytes: &[u8]) -> Option<Vec<u32>> {
    let words = std::str::from_utf8(bytes).ok()?.split_whitespace();
    let mut words = words.filter(|word| !word.starts_with('#'));
    let rows = words.next()?.strip_prefix("rows=")?;
    words.next().is_none().then(|| numbers(rows))?
}

fn read_model(bytes: &[u8]) -> Result<Model, EvaluationError> {
    let malformed = unfit(Fault::MalformedModel);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed)?;
    let mut model = Model { row_work: 1, step_rows: 1, ..Model::default() };
    for word in text.split_whitespace().filter(|word| !word.starts_with('#')) {
        let (name, value) = word.split_once('=').ok_or(malformed)?;
        let read = match name {
            "right" => numbers(value).map(|right| model.right = right),
            "loss" => value.parse().ok().map(|loss| model.loss_ppm = loss),
            "work" => value.parse().ok().map(|work| model.row_work = work),
            "step" => {
                value.parse().ok().filter(|rows| *rows > 0).map(|step| model.step_rows = step)
            }
            "like" => value.parse().ok().map(|like| model.like = Some(like)),
            "graph" => value.parse().ok().map(|graph| model.graph = graph),
            "nan" => value.parse().ok().map(|row| model.not_finite_row = Some(row)),
            "unfit" => return Err(read_fault(value).unwrap_or(malformed)),
            _ => None,
        };
        read.ok_or(malformed)?;
    }
    Ok(model)
}

fn read_fault(value: &str) -> Option<EvaluationError> {
    let (name, node) = value.split_once('@').map_or((value, None), |(a, b)| (a, Some(b)));
    let faults = [
        Fault::MalformedModel,
        Fault::UnknownOperator,
        Fault::UnsupportedUse,
        Fault::BadGraph,
        Fault::BadShape,
        Fault::WeightNotFinite,
        Fault::Mismatch,
        Fault::Crashed,
    ];
    let fault = faults.into_iter().find(|fault| format!("{fault:?}") == name)?;
    Some(EvaluationError { fault, node: node.map(str::parse).transpose().ok()? })
}

fn numbers(list: &str) -> Option<Vec<u32>> {
    list.split(',').map(|number| number.parse().ok()).collect()
}

const fn unfit(fault: Fault) -> EvaluationError {
    EvaluationError { fault, node: None }
}
