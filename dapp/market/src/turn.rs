//! A turn of an evaluation: it reads its files, answers rows step by step, and ends when all are
//! answered. What cannot wait in between fits an input, or the model is refused; what can, waits.

use crate::{
    job::Progress,
    judge::{Exam, Fault, Judge, Quote, Unfit},
    market::Settings,
    meter::Meter,
    metric::{Marks, Tally},
    refusal::ModelRefusal,
    results::Results,
    units::Work,
};

/// Why an evaluation ends whose files are gone; ours to mend.
pub(crate) const LOST: ModelRefusal =
    ModelRefusal::Unfit { unfit: Unfit { fault: Fault::Crashed, node: None } };

/// An evaluation to begin, or to go on with.
pub(crate) struct Assignment<'a> {
    pub(crate) exam: Exam<'a>,
    pub(crate) under_way: Option<&'a Progress>,
    /// The most that all of it may take.
    pub(crate) max_work: Work,
    /// Whether it is to be known row by row.
    pub(crate) keeps_results: bool,
    /// What it costs at its end to see who said otherwise.
    pub(crate) checks: Work,
}

/// What an evaluation found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) marks: Marks,
    /// Row by row, if that was asked for.
    pub(crate) results: Option<Results>,
}

/// How far an evaluation came.
pub(crate) enum Turn {
    /// It has not begun in this input.
    Waits,
    Unfinished(Progress),
    Finished(Result<Found, ModelRefusal>),
}

/// Runs an evaluation as far as the input goes.
pub(crate) fn take(
    settings: &Settings,
    assignment: Result<Assignment<'_>, ModelRefusal>,
    meter: &mut Meter,
    judge: &mut dyn Judge,
) -> Turn {
    let prices = &settings.prices;
    let assignment = match assignment {
        Ok(assignment) => assignment,
        Err(reason) => return refuse(meter, Work(prices.ending), reason),
    };
    let exam = &assignment.exam;
    let verdict = prices.verdict(u64::try_from(exam.model.bytes.len()).unwrap_or(u64::MAX));
    let reading = judge.reading(exam).plus(verdict);
    if !meter.fits(reading) {
        return match check_step(settings, reading) {
            Ok(()) => Turn::Waits,
            Err(reason) => refuse(meter, Work(prices.ending), reason),
        };
    }
    let mut progress = match assignment.under_way {
        Some(progress) => progress.clone(),
        None => match begin(settings, &assignment, verdict, judge) {
            Ok(progress) => progress,
            Err(reason) => return finish(meter, reading, Err(reason)),
        },
    };
    let Quote { rows, reading, step, .. } = progress.quote;
    let verdict = verdict.plus(naming(settings, &assignment, rows));
    meter.spend(reading);
    if progress.tally.rows() < rows && meter.fits(step.plus(verdict)) {
        match judge.answer(exam, &mut progress.tally, meter.left().minus(verdict)) {
            Ok(work) => meter.advance(work),
            Err(unfit) => return finish(meter, verdict, Err(ModelRefusal::Unfit { unfit })),
        }
    }
    if progress.tally.rows() < rows {
        return Turn::Unfinished(progress);
    }
    let marks = progress.tally.marks(exam.metric);
    finish(meter, verdict, Ok(Found { marks, results: progress.tally.into_results() }))
}

/// One that ends before it began, now or when there is room for that.
fn refuse(meter: &mut Meter, work: Work, reason: ModelRefusal) -> Turn {
    if meter.fits(work) { finish(meter, work, Err(reason)) } else { Turn::Waits }
}

/// One that ends, with what its end costs on the meter.
fn finish(meter: &mut Meter, work: Work, result: Result<Found, ModelRefusal>) -> Turn {
    meter.advance(work);
    Turn::Finished(result)
}

/// Begins, if the terms and the deployment allow what it costs.
fn begin(
    settings: &Settings,
    assignment: &Assignment<'_>,
    verdict: Work,
    judge: &mut dyn Judge,
) -> Result<Progress, ModelRefusal> {
    let Assignment { exam, max_work: maximum, keeps_results, .. } = assignment;
    let quote = judge.quote(exam).map_err(|unfit| ModelRefusal::Unfit { unfit })?;
    if quote.work > *maximum {
        return Err(ModelRefusal::TooMuchWork { maximum: *maximum, found: quote.work });
    }
    let verdict = verdict.plus(naming(settings, assignment, quote.rows));
    check_step(settings, quote.reading.plus(quote.step).plus(verdict))?;
    let tally = match keeps_results {
        true => Tally::with_results(quote.classes, exam.metric),
        false => Tally::new(quote.classes),
    };
    Ok(Progress { quote, tally })
}

/// What it costs at the end to name the results, if they are kept, and to see who said otherwise.
fn naming(settings: &Settings, assignment: &Assignment<'_>, rows: u32) -> Work {
    let is_loss = assignment.exam.metric.is_loss();
    let work = settings.prices.results(is_loss, rows);
    let naming = if assignment.keeps_results { work } else { Work(0) };
    naming.plus(assignment.checks)
}

/// Refuses what an input that does nothing else has no room for.
fn check_step(settings: &Settings, work: Work) -> Result<(), ModelRefusal> {
    let maximum = settings.input_work;
    let found = Work(settings.prices.input).plus(work);
    if found > maximum { Err(ModelRefusal::StepTooLarge { maximum, found }) } else { Ok(()) }
}
