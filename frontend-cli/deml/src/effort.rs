//! What an evaluation takes of the machine: instructions, inputs, seconds.

use std::fmt;

use blobs::split;
use client::quantity::count;
use market::{Prices, Quote, Work};
use serde::Serialize;
use wire::{Genesis, MAX_CHUNK_BYTES};

/// What entering and evaluating a model takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Effort {
    /// Instructions of its evaluation, as predicted for rows without zeros; real ones take less.
    pub work: u64,
    /// Inputs that its bytes take.
    pub chunks: u64,
    /// Inputs that it takes in all: its bytes', and those that go on with an evaluation which one
    /// alone cannot end. `None` if a step of it does not fit an input.
    pub inputs: Option<u64>,
    /// How long the machine evaluates it, at the speed stated.
    pub seconds: f64,
    /// That speed.
    pub instructions_per_second: u64,
}

impl Effort {
    /// What a model takes by its quote, in a market whose inputs may cost so much, on a machine
    /// of this speed.
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

/// How fast the machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Instructions a second.
    pub instructions_per_second: u64,
}

impl Speed {
    /// The speed of so many million instructions a second, or the one stated by default.
    #[must_use]
    pub fn new(million: Option<u32>) -> Self {
        let given = million.map(|million| u64::from(million.max(1)) * 1_000_000);
        let stated = Genesis::default().settings.speed.float;
        Self { instructions_per_second: given.unwrap_or(stated) }
    }
}

/// What an input may cost in a deployment that has not said otherwise.
#[must_use]
pub fn default_input_work() -> Work {
    Genesis::default().settings.input_work
}
