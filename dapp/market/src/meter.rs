//! The meter: what one input has cost so far, so that none costs more than it may.
//!
//! Evaluations say what they cost; what the market itself does with bytes has prices. Whatever can
//! wait begins only if all of it fits, and goes on in another input if it does not.

use crate::{competition::MAX_SEATS, market::Settings, units::Work};

/// What is not evaluation costs, in instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Prices {
    /// An input that does nothing, from its HTTP answer to the next question.
    pub input: u64,
    /// A byte of a chunk as it is sent: its way through JSON, hexadecimal and ABI.
    pub sent_byte: u64,
    /// A byte of a blob: inflated, kept, and hashed.
    pub blob_byte: u64,
    /// A byte that is only hashed: of what was opened, and of results.
    pub hashed_byte: u64,
    /// A byte of a ciphertext, copied and decrypted.
    pub opened_byte: u64,
    /// A row of two models' results, compared and counted in the exact test.
    pub compared_row: u64,
    /// A row that the machine looks at, compared with one answer of miners only.
    pub checked_row: u64,
    /// A number drawn by chance, and what is done with what it stands for.
    pub drawn: u64,
    /// A notice beside a step's first few.
    pub output: u64,
    /// A step that ends something: its record, its notice and its voucher.
    pub ending: u64,
}

impl Prices {
    /// Rounded up from what `cargo cost inputs` counts, which fails when one is too low; those of
    /// inputs, steps and notices leave room for the server that is between the application and the
    /// machine.
    pub const COUNTED: Self = Self {
        input: 1_000_000,
        sent_byte: 60,
        blob_byte: 100,
        hashed_byte: 70,
        opened_byte: 55,
        compared_row: 95,
        checked_row: 40,
        drawn: 10_000,
        output: 250_000,
        ending: 1_000_000,
    };

    /// What a chunk of so many bytes costs that stand for so many of a blob.
    #[must_use]
    pub fn chunk(&self, sent: u64, stands_for: u64) -> Work {
        let sent = self.sent_byte.saturating_mul(sent);
        Work(sent.saturating_add(self.blob_byte.saturating_mul(stands_for)))
    }

    /// What it costs to name results row by row: a bit or a loss of eight bytes each, hashed.
    #[must_use]
    pub fn results(&self, is_loss: bool, rows: u32) -> Work {
        let rows = u64::from(rows);
        let bytes = if is_loss { rows.saturating_mul(8) } else { rows.div_ceil(8) };
        Work(self.hashed_byte.saturating_mul(bytes))
    }

    /// What it costs to draw so many numbers.
    #[must_use]
    pub fn drawing(&self, draws: usize) -> Work {
        Work(self.drawn.saturating_mul(u64::try_from(draws).unwrap_or(u64::MAX)))
    }

    /// What so many notices cost beside those of every step.
    #[must_use]
    pub fn saying(&self, notices: usize) -> Work {
        Work(self.output.saturating_mul(u64::try_from(notices).unwrap_or(u64::MAX)))
    }

    /// What it costs at most to take the bonds of all miners who said something else of a model
    /// than the machine.
    #[must_use]
    pub fn blaming(&self) -> Work {
        self.saying(usize::try_from(MAX_SEATS).unwrap_or(usize::MAX))
    }

    /// What it costs to compare two models' results and test them.
    #[must_use]
    pub fn comparing(&self, rows: u32) -> Work {
        let rows = self.compared_row.saturating_mul(rows.into());
        Work(self.ending.saturating_add(rows))
    }

    /// What it costs to compare so many answers about a model's sampled rows with what the machine
    /// sees of these rows.
    #[must_use]
    pub fn checking(&self, rows: usize, answers: usize) -> Work {
        let rows = u64::try_from(rows.saturating_mul(answers)).unwrap_or(u64::MAX);
        Work(self.checked_row.saturating_mul(rows))
    }

    /// What it costs to open a ciphertext of so many bytes, and to hash what was in it.
    #[must_use]
    pub fn opening(&self, bytes: u64) -> Work {
        Work(self.opened_byte.saturating_add(self.hashed_byte).saturating_mul(bytes))
    }

    /// What is left for evaluating a model of so many bytes in an input that may cost `limit`.
    #[must_use]
    pub fn room(&self, limit: Work, model_bytes: u64) -> Work {
        limit.minus(Work(self.input)).minus(self.verdict(model_bytes))
    }

    /// What it costs to decide on a model of so many bytes, whose other name may be looked for.
    #[must_use]
    pub fn verdict(&self, model_bytes: u64) -> Work {
        Work(self.ending.saturating_add(self.blob_byte.saturating_mul(model_bytes)))
    }
}

/// Counts the work of one input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    /// What the input may cost.
    limit: Work,
    /// What its sender wants it to cost, once it has brought something closer to its end.
    wanted: Work,
    spent: Work,
    has_advanced: bool,
}

impl Meter {
    /// The meter of an input, with what every input costs on it.
    pub(crate) fn new(settings: &Settings) -> Self {
        let (limit, spent) = (settings.input_work, Work(settings.prices.input));
        Self { limit, wanted: limit, spent, has_advanced: false }
    }

    /// The meter of work that nobody limits.
    pub(crate) const fn unlimited() -> Self {
        let limit = Work(u64::MAX);
        Self { limit, wanted: limit, spent: Work(0), has_advanced: false }
    }

    /// The same, for a sender who wants the input to cost at most so much.
    pub(crate) fn wanting(self, work: Work) -> Self {
        Self { wanted: work.min(self.limit), ..self }
    }

    /// Puts work on the meter.
    pub(crate) fn spend(&mut self, work: Work) {
        self.spent = self.spent.plus(work);
    }

    /// Puts work on the meter that brought an evaluation closer to its end.
    pub(crate) fn advance(&mut self, work: Work) {
        self.spend(work);
        self.has_advanced = true;
    }

    /// What the sender still wants to be done.
    pub(crate) fn left(&self) -> Work {
        self.wanted.minus(self.spent)
    }

    /// Whether something may begin that cannot be divided: if it fits, or if it would fit no input
    /// at all and is the first that is done in this one.
    pub(crate) fn may_begin(&self, settings: &Settings, work: Work) -> bool {
        self.fits(work) || !(self.has_advanced || Self::new(settings).fits(work))
    }

    /// Whether so much more may be done.
    pub(crate) fn fits(&self, work: Work) -> bool {
        let most = if self.has_advanced { self.wanted } else { self.limit };
        self.spent.plus(work) <= most
    }
}
