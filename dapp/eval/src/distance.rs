//! Detection of a model that is another one in disguise: with its neurons reordered, rescaled or
//! negated, or with some noise.
//!
//! Both models are compared after their neurons have been brought into one order, size and sign
//! (`layers`). With classes, an offset common to all answers and the scale of all answers do not
//! count, as neither changes which answer is the greatest. The distance is relative to how far the
//! models have moved from the base model: independent training moves away from it in a direction of
//! its own, a copy stays near its original.

use market::{Comparison, WeightDistance, Work};

use crate::{
    layers::{Layers, matching_at_most},
    quote,
    refusal::ModelRefused,
};

/// Instructions per product of a matching, and besides per number read for a comparison; rounded up
/// from the counts of `cargo cost inputs`.
const PER_PRODUCT: u64 = 5;
const PER_NUMBER: u64 = 40;

/// Upper bound on the cost of comparing two models, and each with the base model.
pub(crate) fn work_at_most(comparison: &Comparison<'_>) -> Work {
    let models = [comparison.base, comparison.first, comparison.second];
    let lengths = models.map(|model| model.bytes.len());
    let reading =
        lengths.map(|length| quote::reading_at_most([length, 0], comparison.measure.metric));
    let numbers = lengths.map(|length| length / size_of::<f32>());
    let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let products = [numbers[0].min(numbers[1]), numbers[1].min(numbers[2])].map(matching_at_most);
    let products = wide(products[0].saturating_add(products[1])).saturating_mul(PER_PRODUCT);
    let numbers = numbers.into_iter().fold(0, usize::saturating_add);
    let comparing = Work(products.saturating_add(wide(numbers).saturating_mul(PER_NUMBER)));
    reading.into_iter().fold(comparing, Work::plus)
}

/// Bytes of the largest file whose neurons are aligned; larger models are compared weight by weight
/// in the order of the file.
const ALIGNED_BYTES: usize = 4 << 20;

/// Distance between two models, relative to the longer of their distances from the base model, or
/// from zero if the base model has another form; `None` if the two have different forms.
///
/// - Errors: a file is not a model
pub(crate) fn weight_distance(
    comparison: &Comparison<'_>,
) -> Result<Option<WeightDistance>, ModelRefused> {
    let files = [comparison.base, comparison.first, comparison.second].map(|model| model.bytes);
    let are_aligned = files.iter().all(|file| file.len() <= ALIGNED_BYTES);
    let read = |file| Layers::read(file, are_aligned);
    let mut models = [read(files[0])?, read(files[1])?, read(files[2])?];
    if !comparison.measure.metric.is_regression() {
        models.iter_mut().for_each(Layers::centre_last);
    }
    let [base, mut first, mut second] = models;
    if !second.has_form_of(&first) {
        return Ok(None);
    }
    let has_base = base.has_form_of(&first);
    if has_base {
        first.align_with(&base);
    }
    second.align_with(&first);
    if !comparison.measure.metric.is_regression() {
        second.scale_last(&first);
    }
    let moved = [&first, &second].map(|model| {
        if has_base {
            squares(base.numbers().zip(model.numbers()))
        } else {
            squares(model.numbers().map(|number| (number, 0.0)))
        }
    });
    let apart = squares(first.numbers().zip(second.numbers()));
    Ok(Some(relative(apart, moved[0].max(moved[1]))))
}

/// The sum of the squared differences.
fn squares(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    pairs.map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The root of the quotient of two sums of squares; two zeros count as equal.
fn relative(apart: f64, moved: f64) -> WeightDistance {
    if apart == 0.0 {
        return WeightDistance::EQUAL;
    }
    let distance = (apart / moved).sqrt() * 1e6;
    if distance.is_nan() || distance >= f64::from(WeightDistance::FARTHEST.0) {
        return WeightDistance::FARTHEST;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a distance that is not negative and below the farthest"
    )]
    let parts_per_million = distance as u32;
    WeightDistance(parts_per_million)
}
