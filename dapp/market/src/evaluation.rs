//! An evaluation: it reads its files, answers rows step by step, and ends when all are answered.
//! What cannot wait in between fits an input, or the model is refused; what can, waits.

use crate::{
    judge::{Exam, Judge, Quote},
    meter::Meter,
    metric::Scores,
    refusal::ModelRefusal,
    results::Results,
    settings::Settings,
    tally::Tally,
    units::Work,
};

/// How far an evaluation has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Evaluated {
    /// It has not begun.
    #[default]
    Waiting,
    /// It has begun.
    UnderWay(Box<Progress>),
    /// All rows are answered.
    Done(Box<Finding>),
    /// It cannot be evaluated.
    Failed(ModelRefusal),
}

/// An evaluation under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Progress {
    /// What all of it takes.
    pub quote: Quote,
    /// What was counted so far.
    pub tally: Tally,
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Finding {
    /// The scores; where the machine samples, those attested that agree with the sample.
    pub scores: Scores,
    /// How many rows were answered.
    pub rows: u32,
    /// Row by row, as long as that is needed.
    pub results: Option<Results>,
    /// With how many accepted models it was compared since.
    pub compared: u32,
}

impl Evaluated {
    /// The scores, once all rows are answered.
    pub fn scores(&self) -> Option<Scores> {
        self.finding().map(|finding| finding.scores)
    }

    /// What was found, once all rows are answered.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Done(finding) => Some(finding),
            Self::Waiting | Self::UnderWay(_) | Self::Failed(_) => None,
        }
    }

    /// The step it goes on from: rows answered and models compared so far.
    pub fn step(&self) -> u32 {
        match self {
            Self::UnderWay(progress) => progress.tally.rows(),
            Self::Done(finding) => finding.rows.saturating_add(finding.compared),
            Self::Waiting | Self::Failed(_) => 0,
        }
    }

    /// Rows answered and rows there are, while it is under way.
    pub fn progress(&self) -> Option<(u32, u32)> {
        match self {
            Self::UnderWay(progress) => Some((progress.tally.rows(), progress.quote.rows)),
            Self::Waiting | Self::Done(_) | Self::Failed(_) => None,
        }
    }

    /// Whether nothing more is to be found.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_))
    }

    /// Drops what is needed row by row only until a decision.
    pub(crate) fn shrink(&mut self) {
        match self {
            Self::Done(finding) => finding.results = None,
            Self::UnderWay(_) => *self = Self::Waiting,
            Self::Waiting | Self::Failed(_) => {}
        }
    }
}

/// An evaluation to begin, or to go on with.
pub(crate) struct Assignment<'a> {
    pub(crate) exam: Exam<'a>,
    pub(crate) under_way: Option<&'a Progress>,
    /// The most that all of it may take.
    pub(crate) max_work: Work,
    /// The most inputs it may take.
    pub(crate) max_inputs: u32,
    /// How many rows there must be.
    pub(crate) rows: Option<u32>,
    /// Whether it is to be known row by row.
    pub(crate) keeps_results: bool,
    /// What it costs at its end beside a verdict.
    pub(crate) checks: Work,
}

/// Work that an input did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    /// Paid for out of the stake, as far as that goes.
    pub(crate) prepaid: Work,
    /// Reading again what was read before, which the worker bears.
    pub(crate) borne: Work,
    /// Whether it was comparing, for which nobody has anything but the operator: what it takes
    /// depends on the other model, whose owner must not earn by that.
    pub(crate) is_comparing: bool,
}

/// How far an input brought an evaluation.
pub(crate) enum Turn {
    /// It has not gone on.
    Waits,
    Unfinished(Progress),
    Finished(Result<Finding, ModelRefusal>),
}

/// Runs an evaluation as far as the input goes; also what was done: reading the files once, and
/// rows, are prepaid, and whoever reads them again bears that.
pub(crate) fn take(
    settings: &Settings,
    assignment: &Assignment<'_>,
    meter: &mut Meter,
    judge: &mut dyn Judge,
) -> (Turn, Done) {
    let exam = &assignment.exam;
    let reading = judge.reading(exam);
    let ending = Work(settings.prices.ending).plus(assignment.checks);
    if !meter.may_begin(settings, reading.plus(ending)) {
        return (Turn::Waits, Done::default());
    }
    let is_new = assignment.under_way.is_none();
    let mut progress = match assignment.under_way {
        Some(progress) => progress.clone(),
        None => match begin(settings, assignment, ending, judge) {
            Ok(progress) => progress,
            Err(reason) => {
                meter.advance(reading.plus(ending));
                let done = Done { prepaid: reading, ..Done::default() };
                return (Turn::Finished(Err(reason)), done);
            }
        },
    };
    let Quote { rows, reading, step, .. } = progress.quote;
    let ending = ending.plus(naming(settings, assignment, rows));
    meter.spend(reading);
    let mut done = match is_new {
        true => Done { prepaid: reading, ..Done::default() },
        false => Done { borne: reading, ..Done::default() },
    };
    if progress.tally.rows() < rows && meter.fits(step.plus(ending)) {
        match judge.answer(exam, &mut progress.tally, meter.left().minus(ending)) {
            Ok(work) => {
                meter.answer(work);
                done.prepaid = done.prepaid.plus(work);
            }
            Err(unfit) => {
                // Rows up to the one that has no answer were run all the same.
                meter.answer(step.plus(ending));
                done.prepaid = done.prepaid.plus(step);
                return (Turn::Finished(Err(ModelRefusal::Unfit { unfit })), done);
            }
        }
    }
    if progress.tally.rows() < rows {
        return (Turn::Unfinished(progress), done);
    }
    meter.advance(ending);
    let scores = progress.tally.scores(exam.metric);
    let results = progress.tally.into_results();
    (Turn::Finished(Ok(Finding { scores, rows, results, compared: 0 })), done)
}

/// Begins, if the terms and the deployment allow what it costs.
fn begin(
    settings: &Settings,
    assignment: &Assignment<'_>,
    ending: Work,
    judge: &mut dyn Judge,
) -> Result<Progress, ModelRefusal> {
    let Assignment { exam, max_work: maximum, max_inputs, rows, .. } = assignment;
    let quote = judge.quote(exam).map_err(|unfit| ModelRefusal::Unfit { unfit })?;
    // What miners evaluate whole is within the terms, though the machine only samples it.
    let all = match exam.rows {
        Some(_) => judge.quote(&Exam { rows: None, ..*exam }),
        None => Ok(quote),
    };
    let all = all.map_err(|unfit| ModelRefusal::Unfit { unfit })?;
    if let Some(stated) = rows.filter(|stated| *stated != quote.rows) {
        return Err(ModelRefusal::RowsMismatch { stated, found: quote.rows });
    }
    if all.work > *maximum {
        return Err(ModelRefusal::TooMuchWork { maximum: *maximum, found: all.work });
    }
    let ending = ending.plus(naming(settings, assignment, quote.rows));
    let around = Work(settings.prices.input).plus(ending);
    let (maximum, found) = (settings.input_work, around.plus(quote.reading).plus(quote.step));
    if found > maximum {
        return Err(ModelRefusal::StepTooLarge { maximum, found });
    }
    let inputs = quote.inputs(maximum.minus(around)).unwrap_or(u64::MAX);
    if inputs > u64::from(*max_inputs) {
        return Err(ModelRefusal::TooManyInputs { maximum: *max_inputs, found: inputs });
    }
    let tally = match assignment.keeps_results {
        true => Tally::with_results(quote.classes, exam.metric),
        false => Tally::new(quote.classes),
    };
    Ok(Progress { quote, tally })
}

/// What it costs at the end to name the results, if they are kept.
fn naming(settings: &Settings, assignment: &Assignment<'_>, rows: u32) -> Work {
    let naming = settings.prices.results(assignment.exam.metric.is_loss(), rows);
    if assignment.keeps_results { naming } else { Work(0) }
}
