//! What is not evaluation costs, in instructions of a real machine.

use serde::{Deserialize, Serialize};

use crate::units::Work;

/// Prices, in instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// An input that does nothing or is refused, from its HTTP answer to the next question.
    pub input: Work,
    /// A byte of a payload: its way into the machine, and through JSON, hexadecimal and ABI.
    pub payload_byte: Work,
    /// A byte of a blob: inflated, kept, and hashed.
    pub blob_byte: Work,
    /// A byte that is only hashed: of what was opened, and of results.
    pub hashed_byte: Work,
    /// A byte of a ciphertext, copied and decrypted.
    pub opened_byte: Work,
    /// A row of two models' results, compared and counted in the exact test.
    pub compared_row: Work,
    /// A row that the machine looks at, compared with one seat's answer.
    pub checked_row: Work,
    /// What comparing a model with an accepted one is prepaid for, beside as much as an evaluation
    /// may take: reading the files of three models and the hold-out.
    pub comparison: Work,
    /// A submission's record, noted so that a command can be undone.
    pub noted_record: Work,
    /// A number drawn by chance, and what is done with what it stands for.
    pub drawn: Work,
    /// The first output of an input: the tree of all outputs is brought up to date.
    pub first_output: Work,
    /// Each output.
    pub output: Work,
    /// A step that ends something: its record, its notices and its voucher.
    pub ending: Work,
}

impl Prices {
    /// Rounded up from what `cargo cost inputs` counts in the program, which fails when one is too
    /// low, and from what a machine with emulator 0.21, Linux 6.1 and rollup-http-server 0.17.1 was
    /// seen to add: 224 instructions a payload byte, 1.0 million a refusal, 0.52 million an output
    /// and 2.44 million once in an input with outputs.
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

    /// What a chunk costs that stands for so many bytes of a blob.
    pub const fn chunk(&self, stands_for: u64) -> Work {
        self.blob_byte.times(stands_for)
    }

    /// What it costs to name results row by row: a bit or a loss of eight bytes each, hashed.
    pub fn results(&self, is_loss: bool, rows: u32) -> Work {
        let rows = self.hashed_byte.times(rows.into());
        if is_loss { rows.times(8) } else { rows }
    }

    /// What it costs to draw so many numbers.
    pub fn drawing(&self, draws: usize) -> Work {
        self.drawn.times(count(draws))
    }

    /// What so many outputs cost.
    pub fn outputs(&self, outputs: usize) -> Work {
        match outputs {
            0 => Work(0),
            some => self.output.times(count(some)).plus(self.first_output),
        }
    }

    /// What it costs to compare two models' results and test them.
    pub fn comparing(&self, rows: u32) -> Work {
        self.compared_row.times(rows.into()).plus(self.ending)
    }

    /// What it costs to compare so many answers about a model's sampled rows with what the machine
    /// sees of these rows.
    pub fn checking(&self, rows: usize, answers: usize) -> Work {
        self.checked_row.times(count(rows).saturating_mul(count(answers)))
    }

    /// What it costs to open a ciphertext of so many bytes, and to hash what was in it.
    pub const fn opening(&self, bytes: u64) -> Work {
        self.opened_byte.plus(self.hashed_byte).times(bytes)
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
