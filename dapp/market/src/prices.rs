//! Prices of everything but evaluation, in instructions of a real machine.

use blobs::SEAL_BYTES;
use serde::{Deserialize, Serialize};

use crate::{metric::Measure, units::Work};

/// Prices, in instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// An input that does nothing or is refused, from one request of the server to the next.
    pub input: Work,
    /// A byte of a payload: read into the machine, and decoded from JSON, hexadecimal and ABI.
    pub payload_byte: Work,
    /// A byte of a blob: inflated, stored, and hashed.
    pub blob_byte: Work,
    /// A byte that is only hashed: of decrypted plaintext, and of results.
    pub hashed_byte: Work,
    /// A byte of a ciphertext, copied and decrypted.
    pub opened_byte: Work,
    /// A row of two models' results, compared and counted in the exact test.
    pub compared_row: Work,
    /// A sampled row, compared with one seat's result.
    pub checked_row: Work,
    /// The prepaid part of comparing a model with an accepted one, on top of the cost limit of an
    /// evaluation: reading the files of three models and the hold-out.
    pub comparison: Work,
    /// A submission's record, copied so that a command can be undone.
    pub noted_record: Work,
    /// A number drawn at random, and its use.
    pub drawn: Work,
    /// The first output of an input: updates the Merkle tree of all outputs.
    pub first_output: Work,
    /// Each output.
    pub output: Work,
    /// A step that ends something: its record, notices and voucher.
    pub ending: Work,
}

impl Prices {
    /// Rounded up from the counts of `cargo cost inputs`, which fails if one is too low, and from
    /// the measured overhead of a machine with emulator 0.21, Linux 6.1 and rollup-http-server
    /// 0.17.1: 224 instructions per payload byte, 1.0 million per refusal, 0.52 million per output
    /// and 2.44 million once per input with outputs.
    pub const COUNTED: Self = Self {
        input: Work(1_000_000),
        payload_byte: Work(284),
        blob_byte: Work(100),
        hashed_byte: Work(70),
        opened_byte: Work(55),
        compared_row: Work(95),
        checked_row: Work(40),
        comparison: Work(500_000_000),
        noted_record: Work(200),
        drawn: Work(10_000),
        first_output: Work(2_440_000),
        output: Work(520_000),
        ending: Work(2_500_000),
    };

    /// Price of a chunk that decodes to this many bytes of a blob.
    pub const fn chunk(&self, stands_for: u64) -> Work {
        self.blob_byte.times(stands_for)
    }

    /// Price of rebuilding this many bytes of a model from the base model and a delta, and of
    /// storing and hashing them: at most a script as long is inflated and read as well.
    pub const fn rebuilding(&self, bytes: u64) -> Work {
        self.blob_byte.times(bytes).times(2)
    }

    /// Price of hashing results: a bit (priced as a byte) or a loss of eight bytes per row.
    pub fn results(&self, is_loss: bool, rows: u32) -> Work {
        let rows = self.hashed_byte.times(rows.into());
        if is_loss { rows.times(8) } else { rows }
    }

    /// Price of drawing this many random numbers.
    pub fn drawing(&self, draws: usize) -> Work {
        self.drawn.times(count(draws))
    }

    /// Price of this many outputs.
    pub fn outputs(&self, outputs: usize) -> Work {
        match outputs {
            0 => Work(0),
            some => self.output.times(count(some)).plus(self.first_output),
        }
    }

    /// Price of sorting this many rows, twice for ranks, and of adding them up, for each metric of
    /// their order.
    pub fn ranking(&self, measure: Measure, rows: u32) -> Work {
        let levels = rows.checked_ilog2().unwrap_or(0).saturating_add(1);
        let each = self.checked_row.times(rows.into()).times(levels.into()).times(2);
        each.times(measure.rankings())
    }

    /// Price of comparing two models' results and testing them for significance.
    pub fn comparing(&self, rows: u32) -> Work {
        self.compared_row.times(rows.into()).plus(self.ending)
    }

    /// Price of comparing this many attested results with the machine's own on the sampled rows of
    /// a model.
    pub fn checking(&self, rows: usize, answers: usize) -> Work {
        self.checked_row.times(count(rows).saturating_mul(count(answers)))
    }

    /// Price of decrypting a ciphertext of this many bytes and hashing the plaintext.
    pub const fn opening(&self, bytes: u64) -> Work {
        self.opened_byte.plus(self.hashed_byte).times(bytes)
    }

    /// Price of opening a sealed model of at most this many bytes, even if it is a delta.
    pub const fn opening_model(&self, bytes: u64) -> Work {
        self.opening(bytes.saturating_add(SEAL_BYTES)).plus(self.rebuilding(bytes))
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metric;

    #[test]
    fn each_metric_of_the_rows_order_is_paid_for_once() {
        let ranking = |metric: Metric, threshold_metric| {
            let measure = Measure { threshold_metric, ..metric.into() };
            Prices::COUNTED.ranking(measure, 1_000)
        };
        let one = ranking(Metric::Auroc, Metric::Auroc);
        assert_eq!(one, Work(40 * 1_000 * 10 * 2));
        for (metric, threshold, rankings) in [
            (Metric::Accuracy, Metric::WorstClassRecall, 0),
            (Metric::LogLoss, Metric::Brier, 0),
            (Metric::Auroc, Metric::Accuracy, 1),
            (Metric::Accuracy, Metric::AveragePrecision, 1),
            (Metric::R2, Metric::Spearman, 1),
            (Metric::Auroc, Metric::SensitivityAt90, 2),
        ] {
            assert_eq!(ranking(metric, threshold), one.times(rankings), "{metric} {threshold}");
        }
    }
}
