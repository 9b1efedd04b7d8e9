//! Panics: caught, spoken of in one line, and answered.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use market::{Exam, Fault, Judge, Quote, Tally, Unfit, Work};

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
    catch_unwind(AssertUnwindSafe(run)).ok()
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
    fn quote(&mut self, exam: &Exam<'_>) -> Result<Quote, Unfit> {
        self.ask(|judge| judge.quote(exam))
    }

    fn answer(&mut self, exam: &Exam<'_>, tally: &mut Tally, budget: Work) -> Result<Work, Unfit> {
        self.ask(|judge| judge.answer(exam, tally, budget))
    }
}
