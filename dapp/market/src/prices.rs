//! What is not evaluation costs, in instructions of a real machine.

use crate::units::Work;

/// Prices, in instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Prices {
    /// An input that does nothing or is refused, from its HTTP answer to the next question.
    pub input: u64,
    /// A byte of a payload: its way into the machine, and through JSON, hexadecimal and ABI.
    pub payload_byte: u64,
    /// A byte of a blob: inflated, kept, and hashed.
    pub blob_byte: u64,
    /// A byte that is only hashed: of what was opened, and of results.
    pub hashed_byte: u64,
    /// A byte of a ciphertext, copied and decrypted.
    pub opened_byte: u64,
    /// A row of two models' results, compared and counted in the exact test.
    pub compared_row: u64,
    /// A row that the machine looks at, compared with one seat's answer.
    pub checked_row: u64,
    /// What comparing a model with an accepted one is prepaid for, beside as much as an evaluation
    /// may take: reading the files of three models and the hold-out.
    pub comparison: u64,
    /// A submission's record, noted so that a command can be undone.
    pub noted_record: u64,
    /// A number drawn by chance, and what is done with what it stands for.
    pub drawn: u64,
    /// The first output of an input: the tree of all outputs is brought up to date.
    pub first_output: u64,
    /// Each output.
    pub output: u64,
    /// A step that ends something: its record, its notices and its voucher.
    pub ending: u64,
}

impl Prices {
    /// Rounded up from what `cargo cost inputs` counts in the program, which fails when one is too
    /// low, and from what a machine with emulator 0.21, Linux 6.1 and rollup-http-server 0.17.1 was
    /// seen to add: 224 instructions a payload byte, 1.0 million a refusal, 0.52 million an output
    /// and 2.44 million once in an input with outputs.
    pub const COUNTED: Self = Self {
        input: 1_000_000,
        payload_byte: 284,
        blob_byte: 100,
        hashed_byte: 70,
        opened_byte: 55,
        compared_row: 95,
        checked_row: 40,
        comparison: 500_000_000,
        noted_record: 200,
        drawn: 10_000,
        first_output: 2_440_000,
        output: 520_000,
        ending: 2_500_000,
    };

    /// What a chunk costs that stands for so many bytes of a blob.
    pub const fn chunk(&self, stands_for: u64) -> Work {
        Work(self.blob_byte.saturating_mul(stands_for))
    }

    /// What it costs to name results row by row: a bit or a loss of eight bytes each, hashed.
    pub fn results(&self, is_loss: bool, rows: u32) -> Work {
        let rows = Work(self.hashed_byte).times(rows.into());
        if is_loss { rows.times(8) } else { rows }
    }

    /// What it costs to draw so many numbers.
    pub fn drawing(&self, draws: usize) -> Work {
        Work(self.drawn.saturating_mul(count(draws)))
    }

    /// What so many outputs cost.
    pub fn outputs(&self, outputs: usize) -> Work {
        match outputs {
            0 => Work(0),
            some => Work(self.output.saturating_mul(count(some))).plus(Work(self.first_output)),
        }
    }

    /// What it costs to compare two models' results and test them.
    pub fn comparing(&self, rows: u32) -> Work {
        Work(self.compared_row).times(rows.into()).plus(Work(self.ending))
    }

    /// What it costs to compare so many answers about a model's sampled rows with what the machine
    /// sees of these rows.
    pub fn checking(&self, rows: usize, answers: usize) -> Work {
        Work(self.checked_row).times(count(rows).saturating_mul(count(answers)))
    }

    /// What it costs to open a ciphertext of so many bytes, and to hash what was in it.
    pub const fn opening(&self, bytes: u64) -> Work {
        Work(self.opened_byte.saturating_add(self.hashed_byte).saturating_mul(bytes))
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
