//! Writing a delta: the steps of all numbers that allow it, and the bytes of the rest.

use std::ops::Range;

use blobs::{MAX_INFLATED_BYTES, MAX_INFLATION, deflate};
use prost::encoding::encode_varint;

use super::{ADD, BYTES, COPY, END, Part, WORD, added, scale};
use crate::onnx;

/// Shortest run of equal bytes that is worth a part of its own.
const RUN: usize = 8;

/// An empty block of a deflate stream that is not its last: makes a stream longer.
const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];

/// The delta that stands for as many of a model's bytes from `offset` on as one chunk may, in at
/// most `data_limit` bytes, and the number of these bytes; `None` if the files have too little in
/// common.
#[must_use]
pub fn chunk(
    base: &[u8],
    model: &[u8],
    offset: usize,
    data_limit: usize,
) -> Option<(usize, Vec<u8>)> {
    let mut taken = model.len().checked_sub(offset)?.min(MAX_INFLATED_BYTES);
    while taken > 0 {
        let data = encode(base, model, offset..offset + taken);
        if data.len() <= data_limit {
            return (data.len() < taken).then_some((taken, data));
        }
        taken /= 2;
    }
    None
}

/// The delta that stands for a range of a model's bytes.
///
/// - Panics: if the range is not of the model
#[must_use]
pub fn encode(base: &[u8], model: &[u8], range: Range<usize>) -> Vec<u8> {
    let mut script = Script::default();
    let mut at = range.start;
    let mut places: Vec<_> = onnx::places(base).unwrap_or_default().into_values().collect();
    places.sort_by_key(|place| place.start);
    for place in places {
        // Whole numbers of it that lie in the range and in both files.
        let skipped = at.saturating_sub(place.start).next_multiple_of(WORD);
        let start = place.start + skipped;
        let end = place.end.min(range.end).min(model.len());
        let Some(length) = end.checked_sub(start).map(|length| length / WORD * WORD) else {
            continue;
        };
        script.unlike(base, model, at..start);
        script.numbers(base, model, start..start + length);
        at = start + length;
    }
    script.unlike(base, model, at..range.end);
    let mut data = deflate(&script.finish());
    // What stands for very much would be refused if it were not longer.
    while data.len().saturating_mul(MAX_INFLATION) < range.len() {
        data.splice(0..0, EMPTY_BLOCK);
    }
    data
}

/// A script under way.
#[derive(Default)]
struct Script {
    parts: Vec<Part>,
    contents: Vec<u8>,
}

impl Script {
    /// Bytes that are copied where runs of them are as in the base model.
    fn unlike(&mut self, base: &[u8], model: &[u8], range: Range<usize>) {
        let is_same = |at: usize| base.get(at) == model.get(at);
        let mut at = range.start;
        while at < range.end {
            let run = (at..range.end).take_while(|at| is_same(*at)).count();
            if run >= RUN || at + run == range.end && run > 0 {
                self.push(Part::Copy(run), &[]);
            } else {
                let other = (at + run..range.end).take_while(|at| !is_same(*at)).count();
                self.push(Part::Bytes(run + other), &model[at..at + run + other]);
                at += other;
            }
            at += run;
        }
    }

    /// Numbers that are some steps from the base model's, if there is such a step.
    fn numbers(&mut self, base: &[u8], model: &[u8], range: Range<usize>) {
        let (before, after) = (&base[range.clone()], &model[range.clone()]);
        if before == after {
            return self.unlike(base, model, range);
        }
        let pairs = before.as_chunks::<WORD>().0.iter().zip(after.as_chunks::<WORD>().0);
        let Some((exponent, steps)) = steps(pairs) else {
            return self.unlike(base, model, range);
        };
        let part = Part::Add { exponent, count: steps.len() };
        self.push(part, &steps.iter().map(|step| step.cast_unsigned()).collect::<Vec<_>>());
    }

    fn push(&mut self, part: Part, content: &[u8]) {
        self.contents.extend_from_slice(content);
        match (self.parts.last_mut(), part) {
            (Some(Part::Copy(before)), Part::Copy(more))
            | (Some(Part::Bytes(before)), Part::Bytes(more)) => *before += more,
            _ => self.parts.push(part),
        }
    }

    fn finish(self) -> Vec<u8> {
        let mut script = Vec::new();
        for part in self.parts {
            let count = match part {
                Part::Copy(count) => {
                    script.push(COPY);
                    count
                }
                Part::Bytes(count) => {
                    script.push(BYTES);
                    count
                }
                Part::Add { exponent, count } => {
                    script.extend([ADD, exponent]);
                    count
                }
            };
            encode_varint(count as u64, &mut script);
        }
        script.push(END);
        script.extend(self.contents);
        script
    }
}

/// The longest step, as a biased exponent, that leads from each number to its other in at most 127
/// steps, to the bit, and the number of steps; `None` if there is none.
fn steps<'a>(
    pairs: impl Iterator<Item = (&'a [u8; WORD], &'a [u8; WORD])> + Clone,
) -> Option<(u8, Vec<i8>)> {
    let numbers = |word: &[u8; WORD]| f64::from(f32::from_le_bytes(*word));
    let way = |(before, after): (&_, &_)| (numbers(after) - numbers(before)).abs();
    let longest = pairs.clone().map(way).fold(0.0, f64::max);
    // A step is at most the longest way, and at least a 127th of it.
    let most = (1..=254)
        .rev()
        .find(|exponent| f64::from(scale(*exponent).unwrap_or(0.0)) <= longest * 2.0)?;
    let least = most.saturating_sub(9).max(1);
    (least..=most).rev().find_map(|exponent| {
        let scale = scale(exponent)?;
        let step = |(before, after): (&[u8; WORD], &[u8; WORD])| {
            let exact = (numbers(after) - numbers(before)) / f64::from(scale);
            let steps = whole(exact)?;
            (added(*before, steps, scale)? == *after).then_some(steps)
        };
        pairs.clone().map(step).collect::<Option<Vec<_>>>().map(|steps| (exponent, steps))
    })
}

/// Moves numbers towards others, by whole steps of the least power of two that is not below
/// `shortest`.
#[cfg(feature = "train")]
pub(crate) fn step_towards<'a>(
    numbers: impl Iterator<Item = (&'a mut [u8; WORD], &'a f32)>,
    shortest: f64,
) {
    let scales = (1..=254).filter_map(scale);
    let Some(scale) = scales.into_iter().find(|scale| f64::from(*scale) >= shortest) else {
        return;
    };
    for (word, other) in numbers {
        let way = f64::from(*other) - f64::from(f32::from_le_bytes(*word));
        let moved = whole(way / f64::from(scale)).and_then(|steps| added(*word, steps, scale));
        *word = moved.unwrap_or(*word);
    }
}

/// The nearest number of steps; `None` beyond 127.
fn whole(steps: f64) -> Option<i8> {
    let steps = steps.round();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 127")]
    (steps.abs() <= 127.0).then_some(steps as i8)
}
