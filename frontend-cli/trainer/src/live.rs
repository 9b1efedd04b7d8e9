//! How a training is shown while it runs: one line that changes on a terminal, a line for each
//! epoch elsewhere.

use std::time::Instant;

use client::{
    printer::{Bar, Printer},
    quantity::{duration, percent},
};
use eval::train::{Epoch, Progress};

/// The line that is shown.
pub(crate) struct Live {
    printer: Printer,
    bar: Bar,
    epochs: u32,
    held_back: bool,
    begun: Instant,
    last: Option<Epoch>,
    /// The base model, or where a training goes on.
    first: Option<Epoch>,
    /// Rows of an epoch.
    all: usize,
    warned: bool,
}

impl Live {
    pub(crate) fn new(printer: Printer, epochs: u32, held_back: bool) -> Self {
        let (bar, begun) = (printer.live("training"), Instant::now());
        let (last, first) = (None, None);
        Self { printer, bar, epochs, held_back, begun, last, first, all: 0, warned: false }
    }

    pub(crate) fn show(&mut self, progress: &Progress<'_>) {
        match *progress {
            Progress::Begun(epoch) => {
                self.begun = Instant::now();
                (self.first, self.last) = (Some(epoch), Some(epoch));
                self.printer.say_above(&self.bar, self.beginning(epoch));
            }
            Progress::Rows { epoch, done, all, loss, diverges } => {
                self.all = all;
                if diverges {
                    self.warn(&format!(
                        "the loss diverges: {loss:.4} in epoch {epoch}; try a smaller \
                         --learning-rate (Ctrl-C ends it)"
                    ));
                }
                let done_before = self.epochs_done(epoch.saturating_sub(1)) * all as u64;
                self.bar.say(self.line(epoch, loss, done_before + done as u64));
            }
            Progress::Epoch(epoch, _) => {
                self.last = Some(epoch);
                if self.bar.is_hidden() {
                    let done = self.epochs_done(epoch.number) * self.all as u64;
                    self.printer.say(self.line(epoch.number, epoch.loss, done));
                }
            }
        }
    }

    /// Says something once.
    pub(crate) fn warn(&mut self, words: &str) {
        if !self.warned {
            self.printer.say_above(&self.bar, words);
        }
        self.warned = true;
    }

    fn beginning(&self, epoch: Epoch) -> String {
        let (rows, score) = (self.rows(), percent(epoch.score));
        match epoch.number {
            0 => format!("the base model: loss {:.6}, {score} on rows {rows}", epoch.loss),
            number => format!("goes on after epoch {number}: {score} on rows {rows}"),
        }
    }

    const fn rows(&self) -> &'static str {
        if self.held_back { "held back" } else { "trained on" }
    }

    /// Epochs done in this run.
    fn epochs_done(&self, number: u32) -> u64 {
        number.saturating_sub(self.first.map_or(0, |first| first.number)).into()
    }

    /// Epoch, loss, the last score, speed, and the time left.
    fn line(&self, epoch: u32, loss: f32, done: u64) -> String {
        let score = self.last.map(|last| percent(last.score)).unwrap_or_default();
        let all = self.epochs_done(self.epochs) * self.all as u64;
        let taken = self.begun.elapsed().as_millis().max(1);
        let speed = u128::from(done) * 1_000 / taken;
        let left = u128::from(all.saturating_sub(done)) * taken / u128::from(done.max(1)) / 1_000;
        let left = duration(u64::try_from(left).unwrap_or(u64::MAX));
        let (epochs, rows) = (self.epochs, self.rows());
        format!(
            "epoch {epoch:>3}/{epochs}  loss {loss:.6}, {score} on rows {rows}, {speed} rows/s, \
             {left} left"
        )
    }
}
