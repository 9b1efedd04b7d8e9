//! Cost of an evaluation in the machine: instructions, inputs, seconds.

use std::fmt;

use blobs::split;
use client::quantity::count;
use market::{Prices, Quote, Work};
use serde::Serialize;
use wire::{Genesis, MAX_CHUNK_BYTES};

/// Cost of entering and evaluating a model.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Effort {
    /// Instructions of its evaluation, as predicted for rows without zeros; real rows take fewer.
    pub work: u64,
    /// Those of them that answer rows, which is floating point.
    pub float_work: u64,
    /// Inputs needed for its bytes.
    pub chunks: u64,
    /// Inputs in total: for its bytes, plus those to continue an evaluation that does not fit into
    /// one. `None` if one of its steps does not fit an input.
    pub inputs: Option<u64>,
    /// Duration of the evaluation in the machine, at the stated speed.
    pub seconds: f64,
    /// That speed.
    pub speed: Speed,
}

impl Effort {
    /// A model's cost by its quote, given the work limit of an input and the machine's speed.
    #[must_use]
    pub fn new(quote: &Quote, model: &[u8], input_work: Work, speed: Speed) -> Self {
        let chunks = split(model, MAX_CHUNK_BYTES).len() as u64;
        let Prices { input, ending, .. } = Prices::COUNTED;
        let evaluating = quote.inputs(input_work.minus(input.plus(ending)));
        Self {
            work: quote.work.0,
            float_work: quote.work.minus(quote.reading).0,
            chunks,
            inputs: evaluating.map(|inputs| chunks.saturating_add(inputs.saturating_sub(1))),
            seconds: speed.seconds(quote),
            speed,
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, float_work, seconds, speed: Speed { float, integer }, .. } = self;
        let [float, integer] = [float, integer].map(|speed| speed / MILLION);
        write!(
            out,
            "{work} instructions ({float_work} at {float} million a second, others at {integer}): \
             {seconds:.3} s; "
        )?;
        match self.inputs {
            Some(inputs) => out.write_str(&count(inputs, "input")),
            None => out.write_str("one step is more than an input may cost"),
        }
    }
}

const MILLION: u64 = 1_000_000;

/// Instructions per second of a machine, by class.
///
/// The classes are those of the market's clock: answering rows is floating point, which the
/// emulator computes in software, and everything else is whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Speed {
    /// Of floating point.
    pub float: u64,
    /// Of everything else.
    pub integer: u64,
}

impl Speed {
    /// A machine as measured: emulator 0.21 with Linux 6.1 ran multiply-adds of f32 at 75 to 96
    /// million instructions a second, and hashing, copying and other whole numbers at 277 to 287
    /// million.
    pub const MEASURED: Self = Self { float: 85 * MILLION, integer: 270 * MILLION };

    /// A machine that runs this many million instructions of floating point a second, and others
    /// in the measured proportion; the measured one if `None`.
    #[must_use]
    pub fn new(million: Option<u32>) -> Self {
        let Self { float, integer } = Self::MEASURED;
        let given = million.map(|million| u64::from(million.max(1)) * MILLION);
        given.map_or(Self::MEASURED, |given| Self {
            float: given,
            integer: given.saturating_mul(integer / MILLION) / (float / MILLION),
        })
    }

    /// Duration of an evaluation, in seconds.
    #[must_use]
    pub fn seconds(self, quote: &Quote) -> f64 {
        let answering = quote.work.minus(quote.reading);
        seconds(quote.reading, self.integer) + seconds(answering, self.float)
    }

    /// Longest duration of any work, in seconds.
    #[must_use]
    pub fn most_seconds(self, work: Work) -> f64 {
        seconds(work, self.float)
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds are for people to look at")]
fn seconds(work: Work, speed: u64) -> f64 {
    work.0 as f64 / speed as f64
}

/// The default work limit of an input.
#[must_use]
pub fn default_input_work() -> Work {
    Genesis::default().settings.input_work
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_seconds_are_by_class_of_instruction() {
        let quote = |reading, work| Quote {
            rows: 1,
            classes: 2,
            work: Work(work),
            reading: Work(reading),
            step: Work(1),
        };
        let second = Speed::MEASURED.seconds(&quote(270_000_000, 270_000_000));
        assert!((second - 1.0).abs() < 1e-9, "{second}");
        let both = Speed::MEASURED.seconds(&quote(270_000_000, 355_000_000));
        assert!((both - 2.0).abs() < 1e-9, "{both}");
        let twice = Speed::new(Some(170));
        assert_eq!(twice, Speed { float: 170_000_000, integer: 540_000_000 });
        let effort = Effort::new(&quote(27_000_000, 112_000_000), b"", Work(1 << 40), twice);
        assert_eq!(effort.float_work, 85_000_000);
        assert!((effort.seconds - 0.55).abs() < 1e-9, "{}", effort.seconds);
    }
}
