//! What would end the program: panics, caught, spoken of in one line, and answered; and a full
//! memory, which cannot be caught, and so is looked at before.

use std::{
    hint::black_box,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use market::{Command, Exam, Exhibit, Fault, Judge, Likeness, Quote, Tally, Unfit, Work};

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
        static PLANTED: Cell<bool> = const { Cell::new(false) };
    }

    /// Makes the next thing that is caught panic.
    pub(crate) fn plant() {
        PLANTED.set(true);
    }

    pub(super) fn go_off() {
        assert!(!PLANTED.take(), "planted");
    }
}

/// Memory is looked for in pieces of so many bytes: one large piece might not be found where all of
/// it is, as what was used before and is free again need not lie in a row.
const PIECE_BYTES: usize = 16 << 20;

/// What a question may take: views and JSON of at most a report's length.
const QUESTION_PIECES: usize = 1;

/// What an input may take: the tensors of a step (32 MiB), a model and a dataset read (a few times
/// their files), and a longer list of records beside the shorter one.
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
        Command::CancelJob { .. }
        | Command::Settle { .. }
        | Command::Withdraw { .. }
        | Command::Retire => true,
        Command::OpenJob(_)
        | Command::OpenCompetition { .. }
        | Command::Enter { .. }
        | Command::Show { .. }
        | Command::Enlist { .. }
        | Command::Reveal { .. }
        | Command::Attest { .. }
        | Command::Unveil { .. }
        | Command::Object { .. }
        | Command::Publish { .. }
        | Command::Submit { .. }
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
    fn ask<T>(&mut self, question: impl FnOnce(&mut J) -> Result<T, Unfit>) -> Result<T, Unfit> {
        catch(|| question(&mut self.judge)).unwrap_or_else(|| {
            self.judge = J::default();
            Err(Unfit { fault: Fault::Crashed, node: None })
        })
    }
}

impl<J: Judge + Default> Judge for CatchingJudge<J> {
    fn reading(&self, exam: &Exam<'_>) -> Work {
        self.judge.reading(exam)
    }

    fn quote(&mut self, exam: &Exam<'_>) -> Result<Quote, Unfit> {
        self.ask(|judge| judge.quote(exam))
    }

    fn answer(&mut self, exam: &Exam<'_>, tally: &mut Tally, budget: Work) -> Result<Work, Unfit> {
        self.ask(|judge| judge.answer(exam, tally, budget))
    }

    fn comparing(&self, lengths: [usize; 3]) -> Work {
        self.judge.comparing(lengths)
    }

    fn alike(
        &mut self,
        base: Exhibit<'_>,
        first: Exhibit<'_>,
        second: Exhibit<'_>,
    ) -> Result<Likeness, Unfit> {
        self.ask(|judge| judge.alike(base, first, second))
    }
}
