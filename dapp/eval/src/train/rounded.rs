//! Rounding of a training's changes, so that few bytes say them: what a client does before it
//! commits to a model that it sends as a delta of its base.

use super::change::pairs;
use crate::{
    delta,
    onnx::{self, WeightLocation},
    refusal::ModelRefused,
};

/// Most steps of a number: the changes of a delta are of a signed byte.
const STEPS: f64 = 127.0;

/// The base with the changes to `file`, each rounded to whole steps. The step is a power of two:
/// the greatest change's, divided by 2^`bits`; longer for a constant whose changes would take more
/// than 127 of them. What else is in the file stays behind.
///
/// Returns `None` if their constants differ in name or shape, or changed ones of the base lie
/// scattered in its file.
///
/// - Errors: one of them is not a model
pub fn rounded(base: &[u8], file: &[u8], bits: u8) -> Result<Option<Vec<u8>>, ModelRefused> {
    let Some(pairs) = pairs(base, file)? else { return Ok(None) };
    let places = onnx::places(base)?;
    let way = |(before, after): (&f32, &f32)| (f64::from(*after) - f64::from(*before)).abs();
    let longest = pairs.iter().map(|(_, before, after)| {
        before.elements.iter().zip(&after.elements).map(way).fold(0.0, f64::max)
    });
    let longest = longest.collect::<Vec<_>>();
    let greatest = longest.iter().copied().fold(0.0, f64::max);
    let mut model = base.to_vec();
    for ((_, before, after), longest) in pairs.iter().zip(longest) {
        if longest == 0.0 || before.place == WeightLocation::Computed {
            continue;
        }
        let numbers = places.get(&before.place).and_then(|place| model.get_mut(place.clone()));
        let Some(numbers) = numbers else { return Ok(None) };
        let shortest = (greatest / f64::from(1_u32 << bits.min(30))).max(longest / STEPS);
        let words = numbers.as_chunks_mut().0.iter_mut().zip(&after.elements);
        delta::step_towards(words, shortest);
    }
    Ok(Some(model))
}
