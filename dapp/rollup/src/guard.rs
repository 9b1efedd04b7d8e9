//! Protection against termination: panics are caught, logged and answered; running out of memory
//! cannot be caught, so memory is checked in advance.

use std::{
    hint::black_box,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use blobs::ChunkRefused;
use market::{
    Command, Comparison, Delta, Evaluation, EvaluationError, Fault, Judge, MetricAccumulator,
    Quote, Similarity, Work,
};

/// Logs one line to stderr; ignores errors, such as a closed stderr.
pub fn say(line: &str) {
    writeln!(std::io::stderr().lock(), "deml-dapp: {line}").ok();
}

/// Logs each panic in one line, with location and message.
pub fn speak_of_panics() {
    std::panic::set_hook(Box::new(|panic| say(&panic.to_string().replace('\n', " "))));
}

/// The result of `run`; `None` if it panics.
///
/// - Unwind safety: each caller has the machine restored (`reject`), or discards all that `run` may
///   have left incomplete, or states why nothing can be
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Option<T> {
    let run = || {
        #[cfg(test)]
        planted::go_off();
        run()
    };
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Panics for tests, where none can be triggered from outside.
#[cfg(test)]
pub(crate) mod planted {
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Makes a later call of [`catch`](super::catch) panic, after this many others.
    pub(crate) fn plant(skipped: u32) {
        PLANTED.set(Some(skipped));
    }

    pub(super) fn go_off() {
        let planted = PLANTED.take();
        assert_ne!(planted, Some(0), "planted");
        PLANTED.set(planted.map(|skipped| skipped - 1));
    }
}

/// Free memory is probed in pieces of this many bytes: a single large piece may not be available
/// although the total is, as freed memory need not be contiguous.
const PIECE_BYTES: usize = 16 << 20;

/// Maximum memory of a query: views and JSON, at most as long as a report.
const QUESTION_PIECES: usize = 1;

/// Maximum memory of an input: the tensors of a step (32 MiB), and a parsed model and dataset (32
/// MiB, a few times their files).
///
/// The market's state is bounded by its settings, not by this. With those of the deployed genesis
/// that is
///
/// ```text
///  64 MiB  bytes reserved by jobs: blobs, results, and records of jobs, submissions, miners
///   8 MiB  spare capacity of uploads: an eighth of their bytes
///  15 MiB  100,000 balances of 150 bytes, including unused room in B-tree nodes
///   8 MiB  4,096 records of ended jobs that are still retained
///  10 MiB  the program, its stack, and memory retained by the allocator
///  64 MiB  this
/// 169 MiB  of the 192 that `cartesi.toml` allows the program; the rest is for the drive's blobs
/// ```
///
/// so no sequence of inputs can leave less than this. If a deployment's drive or settings are too
/// large for its memory, requests that need memory are refused, and the last 64 MiB are kept for
/// those that never are: a request, of 16 MiB at most, and its payload; the record of a deposit;
/// and the outputs of `settle`, `cancel` and `withdraw`, with the two models that `settle` may have
/// to compare.
const INPUT_PIECES: usize = 4;

/// Whether there is memory to answer any query.
pub(crate) fn has_room_to_answer() -> bool {
    has_room(QUESTION_PIECES)
}

/// Whether there is memory for the largest effect of this command.
///
/// Commands that end something or pay out need next to none, and free some; they are always
/// allowed.
pub(crate) fn has_room_for(command: &Command) -> bool {
    let ends = matches!(
        command,
        Command::CancelJob { .. } | Command::Settle { .. } | Command::Withdraw { .. }
    );
    ends || has_room(INPUT_PIECES)
}

/// Whether this many pieces can be allocated at once. A failed allocation in the middle of work
/// ends the program; a failed `try_reserve` does not, and costs a few system calls.
fn has_room(pieces: usize) -> bool {
    let mut found = [const { Vec::<u8>::new() }; INPUT_PIECES];
    let mut pieces = found.iter_mut().take(pieces);
    pieces.all(|piece| black_box(piece).try_reserve_exact(PIECE_BYTES).is_ok())
}

/// Limits the program's address space, so that allocations beyond it fail: otherwise the system
/// overcommits, and kills the program when it uses the memory.
///
/// - Errors: those of the system call
#[cfg(not(target_family = "wasm"))]
pub fn limit_memory(bytes: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    Ok(setrlimit(Resource::As, limit)?)
}

/// A judge that reports its panics as an evaluation error of the model.
///
/// Evaluation is where hostile bytes reach most code; a panic there must cost the model its reward,
/// never the market an input. A judge that panicked is replaced by a new one, so that no
/// inconsistent state remains.
#[derive(Default)]
pub struct CatchingJudge<J> {
    judge: J,
}

impl<J: Judge + Default> CatchingJudge<J> {
    fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut J) -> Result<T, EvaluationError>,
    ) -> Result<T, EvaluationError> {
        catch(|| question(&mut self.judge)).unwrap_or_else(|| {
            self.judge = J::default();
            Err(EvaluationError { fault: Fault::Crashed, node: None })
        })
    }
}

impl<J: Judge + Default> Judge for CatchingJudge<J> {
    fn rebuild(&self, delta: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused> {
        // It changes nothing of the judge, which so stays as it was.
        catch(|| self.judge.rebuild(delta)).unwrap_or(Err(ChunkRefused::DeltaMalformed))
    }

    fn reading(&self, evaluation: &Evaluation<'_>) -> Work {
        self.judge.reading(evaluation)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        self.ask(|judge| judge.quote(evaluation))
    }

    fn answer(
        &mut self,
        evaluation: &Evaluation<'_>,
        accumulator: &mut MetricAccumulator,
        budget: Work,
    ) -> Result<Work, EvaluationError> {
        self.ask(|judge| judge.answer(evaluation, accumulator, budget))
    }

    fn reading_comparison(&self, comparison: &Comparison<'_>) -> Work {
        self.judge.reading_comparison(comparison)
    }

    fn quote_comparison(&mut self, comparison: &Comparison<'_>) -> Result<Work, EvaluationError> {
        self.ask(|judge| judge.quote_comparison(comparison))
    }

    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError> {
        self.ask(|judge| judge.compare(comparison))
    }
}
