//! A judge that needs no models.

use blobs::ChunkRefused;
use market::{
    Comparison, Delta, Evaluation, EvaluationError, Judge, MetricAccumulator, Quote, Similarity,
    WeightDistance, Work,
};

use crate::ROWS;

/// Work of a row of an expensive model.
pub const EXPENSIVE_ROW: Work = Work(960_000_000);

/// Judges a model by the number in its bytes: how many of a thousand rows it answers correctly.
/// Panics if there is no number. Rows cost next to nothing, unless the number begins with a zero:
/// a row of such a model takes half of an input.
#[derive(Default)]
pub struct Speller;

fn row(evaluation: &Evaluation<'_>) -> Work {
    if evaluation.model.bytes.starts_with(b"0") { EXPENSIVE_ROW } else { Work(1) }
}

/// - Panics: if the model is not a number
fn right(evaluation: &Evaluation<'_>) -> u32 {
    let number =
        std::str::from_utf8(evaluation.model.bytes).ok().and_then(|text| text.parse().ok());
    number.expect("the model spells no number")
}

impl Judge for Speller {
    /// It knows no codec.
    fn rebuild(&self, _: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused> {
        Err(ChunkRefused::DeltaMalformed)
    }

    fn reading(&self, _: &Evaluation<'_>) -> Work {
        Work(0)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        let (work, reading, step) = (row(evaluation).times(ROWS.into()), Work(0), row(evaluation));
        Ok(Quote { rows: ROWS, classes: 2, work, reading, step })
    }

    fn answer(
        &mut self,
        evaluation: &Evaluation<'_>,
        accumulator: &mut MetricAccumulator,
        budget: Work,
    ) -> Result<Work, EvaluationError> {
        let (right, mut done) = (right(evaluation), Work(0));
        while accumulator.rows() < ROWS && (done == Work(0) || done.plus(row(evaluation)) <= budget)
        {
            accumulator.count_class(1, u16::from(accumulator.rows() < right), 0);
            done = done.plus(row(evaluation));
        }
        Ok(done)
    }

    fn reading_comparison(&self, _: &Comparison<'_>) -> Work {
        Work(0)
    }

    fn quote_comparison(&mut self, _: &Comparison<'_>) -> Result<Work, EvaluationError> {
        Ok(Work(0))
    }

    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError> {
        let is_copy = comparison.first.bytes == comparison.second.bytes;
        let distance = if is_copy { WeightDistance::EQUAL } else { WeightDistance::FARTHEST };
        Ok(Similarity { agreement: 0, distance: Some(distance) })
    }
}
