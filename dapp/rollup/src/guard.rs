//! What would end the program: panics, caught, spoken of in one line, and answered; and a full
//! memory, which cannot be caught, and so is looked at before.

use std::{
    hint::black_box,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use market::{Command, Comparison, Evaluation, Fault, Judge, Quote, Similarity, MetricAccumulator, EvaluationError, Work};

/// Says one line to whoever watches the machine; a closed stderr is no reason to fail.
pub fn say(line: &str) {
    writeln!(std::io::stderr().lock(), "deml-dapp: {line}").ok();
}

/// Makes each panic say one line: where it was and why.
pub fn speak_of_panics() {
    std::panic::set_hook(Box::new(|panic| say(&panic.to_string().replace('\n', " "))));
}

/// What `run` returns, or nothing if it panics.
///
/// - Why unwind safety is asserted: whoever calls this either has the machine restored (`reject`),
///   or gives up all that `run` may have left unfinished, or says why nothing can be
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Option<T> {
    let run = || {
        #[cfg(test)]
        planted::go_off();
        run()
    };
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Panics where none can be brought about from outside.
#[cfg(test)]
pub(crate) mod planted {
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Makes what is caught panic, after so many others that are not.
    pub(crate) fn plant(skipped: u32) {
        PLANTED.set(Some(skipped));
    }

    pub(super) fn go_off() {
        let planted = PLANTED.take();
        assert_ne!(planted, Some(0), "planted");
        PLANTED.set(planted.map(|skipped| skipped - 1));
    }
}

/// Memory is looked for in pieces of so many bytes: one large piece might not be found where all of
/// it is, as what was used before and is free again need not lie in a row.
const PIECE_BYTES: usize = 16 << 20;

/// What a question may take: views and JSON of at most a report's length.
const QUESTION_PIECES: usize = 1;

/// What an input may take: the tensors of a step (32 MiB), and a model and a dataset read (32 MiB,
/// a few times their files).
///
/// What the market keeps is bounded by its settings, not by this. With those of the deployed
/// genesis that is
///
/// ```text
///  64 MiB  what jobs reserve: blobs, results, and a record of each job, submission and miner
///   8 MiB  room that uploads have beyond their bytes: an eighth
///  15 MiB  100,000 balances of 150 bytes, with what is free in the nodes of their tree
///   8 MiB  4,096 records of ended jobs that are still on show
///  10 MiB  the program, its stack, and pieces that the allocator holds back
///  64 MiB  this
/// 169 MiB  of the 192 that `cartesi.toml` lets the program have; the rest is for the drive's blobs
/// ```
///
/// so that no sequence of inputs comes to where less than this is left. Should a deployment's drive
/// or settings be too large for its memory, whatever needs memory is refused then, and the last 64
/// MiB are kept for what is never refused: a request, of 16 MiB at most, and its payload; the
/// record of a deposit; and what `settle`, `cancel` and `withdraw` put out, with the two models
/// that `settle` may have to compare.
const INPUT_PIECES: usize = 4;

/// Whether there is memory to answer any question.
pub(crate) fn has_room_to_answer() -> bool {
    has_room(QUESTION_PIECES)
}

/// Whether there is memory for whatever this command may do.
///
/// Those that end something or take money out need next to none, and free some; they are done
/// however little there is.
pub(crate) fn has_room_for(command: &Command) -> bool {
    match command {
        Command::CancelJob { .. } | Command::Settle { .. } | Command::Withdraw { .. } => true,
        Command::OpenJob { .. }
        | Command::Publish { .. }
        | Command::Submit { .. }
        | Command::Show { .. }
        | Command::Enlist { .. }
        | Command::Reveal { .. }
        | Command::Attest { .. }
        | Command::RevealAttestation { .. }
        | Command::Evaluate { .. } => has_room(INPUT_PIECES),
    }
}

/// Whether so many pieces can be allocated at once. An allocation that fails in the midst of work
/// ends the program; one that is only tried does not, and costs a few calls of the system.
fn has_room(pieces: usize) -> bool {
    let mut found = [const { Vec::<u8>::new() }; INPUT_PIECES];
    let mut pieces = found.iter_mut().take(pieces);
    pieces.all(|piece| black_box(piece).try_reserve_exact(PIECE_BYTES).is_ok())
}

/// Sets how much address space the program may take, so that allocations fail beyond it: otherwise
/// the system grants more than there is, and kills the program that uses it.
///
/// - Errors: the system's
pub fn limit_memory(bytes: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    Ok(setrlimit(Resource::As, limit)?)
}

/// A judge whose panics make the model unfit.
///
/// Evaluation is where hostile bytes meet most code; a panic there must cost the model its reward,
/// never the market an input. The judge that panicked is replaced by a new one, so that nothing
/// half-done is left in it.
#[derive(Default)]
pub struct CatchingJudge<J> {
    judge: J,
}

impl<J: Judge + Default> CatchingJudge<J> {
    fn ask<T>(&mut self, question: impl FnOnce(&mut J) -> Result<T, EvaluationError>) -> Result<T, EvaluationError> {
        catch(|| question(&mut self.judge)).unwrap_or_else(|| {
            self.judge = J::default();
            Err(EvaluationError { fault: Fault::Crashed, node: None })
        })
    }
}

impl<J: Judge + Default> Judge for CatchingJudge<J> {
    fn reading(&self, evaluation: &Evaluation<'_>) -> Work {
        self.judge.reading(evaluation)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        self.ask(|judge| judge.quote(evaluation))
    }

    fn answer(&mut self, evaluation: &Evaluation<'_>, accumulator: &mut MetricAccumulator, budget: Work) -> Result<Work, EvaluationError> {
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
