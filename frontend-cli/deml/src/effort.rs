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
    /// Inputs needed for its bytes.
    pub chunks: u64,
    /// Inputs in total: for its bytes, plus those to continue an evaluation that does not fit into
    /// one. `None` if one of its steps does not fit an input.
    pub inputs: Option<u64>,
    /// Duration of the evaluation in the machine, at the stated speed.
    pub seconds: f64,
    /// That speed.
    pub instructions_per_second: u64,
}

impl Effort {
    /// A model's cost by its quote, given the work limit of an input and the machine's speed.
    #[must_use]
    pub fn new(quote: &Quote, model: &[u8], input_work: Work, speed: Speed) -> Self {
        let chunks = split(model, MAX_CHUNK_BYTES).len() as u64;
        let Prices { input, ending, .. } = Prices::COUNTED;
        let evaluating = quote.inputs(input_work.minus(input.plus(ending)));
        let Speed { instructions_per_second } = speed;
        #[expect(clippy::cast_precision_loss, reason = "seconds are for people to look at")]
        let seconds = quote.work.0 as f64 / instructions_per_second as f64;
        Self {
            work: quote.work.0,
            chunks,
            inputs: evaluating.map(|inputs| chunks.saturating_add(inputs.saturating_sub(1))),
            seconds,
            instructions_per_second,
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, seconds, instructions_per_second, .. } = self;
        let million = instructions_per_second / 1_000_000;
        write!(out, "{work} instructions, {seconds:.3} s at {million} million a second; ")?;
        match self.inputs {
            Some(inputs) => out.write_str(&count(inputs, "input")),
            None => out.write_str("one step is more than an input may cost"),
        }
    }
}

/// Speed of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Instructions per second.
    pub instructions_per_second: u64,
}

impl Speed {
    /// A speed in million instructions per second; the default if `None`.
    #[must_use]
    pub fn new(million: Option<u32>) -> Self {
        let given = million.map(|million| u64::from(million.max(1)) * 1_000_000);
        let stated = Genesis::default().settings.speed.float;
        Self { instructions_per_second: given.unwrap_or(stated) }
    }
}

/// The default work limit of an input.
#[must_use]
pub fn default_input_work() -> Work {
    Genesis::default().settings.input_work
}
