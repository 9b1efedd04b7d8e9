//! An evaluation: it reads its files, answers rows step by step, and ends when all are answered.
//! An indivisible step has to fit one input, or the model is refused; all else can wait.

use serde::{Deserialize, Serialize};

use crate::{
    accumulator::MetricAccumulator,
    attestation::Attestation,
    judge::{Evaluation, Judge, Quote},
    meter::Meter,
    metric::Scores,
    prices::Prices,
    refusal::ModelRefusal,
    results::Results,
    settings::Settings,
    terms::{Award, MAX_SEATS, Terms},
    units::Work,
};

/// Progress of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evaluated {
    /// Not begun.
    #[default]
    Waiting,
    /// Begun, with rows left to answer.
    UnderWay(Box<Progress>),
    /// All rows are answered.
    Done(Box<Finding>),
    /// The model cannot be evaluated.
    Failed(ModelRefusal),
}

/// An evaluation under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Cost of the whole evaluation.
    pub quote: Quote,
    /// Counts so far.
    pub accumulator: MetricAccumulator,
}

/// Result of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The scores; if the machine samples, those attested that agree with the sample.
    pub scores: Scores,
    /// Number of rows answered.
    pub rows: u32,
    /// Results row by row, as long as they are needed.
    pub results: Option<Results>,
    /// Number of accepted models it has been compared with since.
    pub compared: u32,
}

impl Evaluated {
    /// The scores; `None` until all rows are answered.
    pub fn scores(&self) -> Option<Scores> {
        self.finding().map(|finding| finding.scores)
    }

    /// The result; `None` until all rows are answered.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Done(finding) => Some(finding),
            Self::Waiting | Self::UnderWay(_) | Self::Failed(_) => None,
        }
    }

    /// The step to continue from: rows answered and models compared so far.
    pub fn step(&self) -> u32 {
        match self {
            Self::UnderWay(progress) => progress.accumulator.rows(),
            Self::Done(finding) => finding.rows.saturating_add(finding.compared),
            Self::Waiting | Self::Failed(_) => 0,
        }
    }

    /// Rows answered and rows in total; `None` unless it is under way.
    pub fn progress(&self) -> Option<(u32, u32)> {
        match self {
            Self::UnderWay(progress) => Some((progress.accumulator.rows(), progress.quote.rows)),
            Self::Waiting | Self::Done(_) | Self::Failed(_) => None,
        }
    }

    /// Whether it has succeeded or failed.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_))
    }

    /// Drops row-by-row data, which is needed only until a decision.
    pub(crate) fn shrink(&mut self) {
        match self {
            Self::Done(finding) => finding.results = None,
            Self::UnderWay(_) => *self = Self::Waiting,
            Self::Waiting | Self::Failed(_) => {}
        }
    }
}

/// An evaluation to begin or continue.
pub(crate) struct Assignment<'a> {
    pub(crate) evaluation: Evaluation<'a>,
    pub(crate) terms: &'a Terms,
    /// Whether it runs on the hold-out, which decides, or else on the public slice.
    pub(crate) on_hold_out: bool,
    pub(crate) under_way: Option<&'a Progress>,
}

impl Assignment<'_> {
    /// Number of rows that the machine samples; `None` if it answers all.
    fn sampled(&self) -> Option<u32> {
        self.terms.sample_rows().filter(|_| self.on_hold_out)
    }

    /// Whether results are kept row by row.
    fn keeps_results(&self) -> bool {
        let is_prize = matches!(self.terms.award, Award::Prize { .. });
        self.on_hold_out && (is_prize || self.terms.miners().is_some())
    }

    /// Largest cost of concluding: a verdict, and the bonds of seats that attested otherwise.
    fn ending(&self, prices: &Prices) -> Work {
        let seats = self.terms.miners().map_or(0, |_| usize::try_from(MAX_SEATS).unwrap_or(0));
        let sampled = usize::try_from(self.sampled().unwrap_or(0)).unwrap_or(usize::MAX);
        let checks = prices.outputs(seats).plus(prices.checking(sampled, seats));
        prices.ending.plus(if seats > 0 { checks } else { Work(0) })
    }

    /// Cost of ranking the rows at the end, and of hashing the results, if they are kept.
    fn naming(&self, prices: &Prices, rows: u32) -> Work {
        let measure = self.evaluation.measure;
        let naming = prices.results(measure.metric.is_loss(), rows);
        let naming = if self.keeps_results() { naming } else { Work(0) };
        naming.plus(prices.ranking(measure, rows))
    }

    /// Checks that the terms and the deployment allow the cost of answering all rows. Sampled rows
    /// are priced before they are drawn, so each counts as a step of its own.
    fn admit(&self, settings: &Settings, all: &Quote) -> Result<(), ModelRefusal> {
        let offer = &self.terms.offer;
        if self.on_hold_out && all.rows != offer.rows {
            return Err(ModelRefusal::RowsMismatch { stated: offer.rows, found: all.rows });
        }
        if all.work > offer.max_work {
            return Err(ModelRefusal::TooMuchWork { maximum: offer.max_work, found: all.work });
        }
        let rows = self.sampled().unwrap_or(all.rows);
        let apart = all.reading.plus(all.step.times(rows.into()));
        let work = if self.sampled().is_some() { all.work.min(apart) } else { all.work };
        let prices = &settings.prices;
        let ending = self.ending(prices).plus(self.naming(prices, rows));
        let around = prices.input.plus(ending);
        let (maximum, found) = (settings.input_work, around.plus(all.reading).plus(all.step));
        if found > maximum {
            return Err(ModelRefusal::StepTooLarge { maximum, found });
        }
        let inputs = Quote { work, ..*all }.inputs(maximum.minus(around)).unwrap_or(u64::MAX);
        if inputs > u64::from(offer.max_inputs) {
            return Err(ModelRefusal::TooManyInputs { maximum: offer.max_inputs, found: inputs });
        }
        Ok(())
    }
}

/// The attestation that a right seat makes of a model on the hold-out, and the results row by row:
/// the machine's, or those it would get from answering all rows.
pub fn attest(
    settings: &Settings,
    terms: &Terms,
    evaluation: Evaluation<'_>,
    judge: &mut dyn Judge,
) -> (Attestation, Option<Results>) {
    let assignment = Assignment { evaluation, terms, on_hold_out: true, under_way: None };
    let found = judge.quote(&evaluation).ok().and_then(|quote| {
        assignment.admit(settings, &quote).ok()?;
        let mut accumulator =
            MetricAccumulator::with_results(quote.classes, evaluation.measure.metric);
        while accumulator.rows() < quote.rows {
            judge.answer(&evaluation, &mut accumulator, Work(u64::MAX)).ok()?;
        }
        Some((accumulator.scores(evaluation.measure), accumulator.into_results()?))
    });
    match found {
        Some((scores, results)) => (Attestation::new(scores, &results), Some(results)),
        None => (Attestation::UNFIT, None),
    }
}

/// Work done by an input.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    /// Paid for out of the stake, as far as that suffices.
    pub(crate) prepaid: Work,
    /// Reading files again, which the worker pays for.
    pub(crate) borne: Work,
    /// Whether it was comparing, which pays the operator only: its cost depends on the other
    /// model, whose owner must not be able to earn by it.
    pub(crate) is_comparing: bool,
}

/// Progress that one input made on an evaluation.
pub(crate) enum Turn {
    /// No progress.
    Waits,
    Unfinished(Progress),
    Finished(Result<Finding, ModelRefusal>),
}

/// Runs an evaluation as far as the input allows; also returns the work done: reading the files
/// once and answering rows is prepaid, reading them again is paid for by the worker.
pub(crate) fn take(
    settings: &Settings,
    assignment: &Assignment<'_>,
    meter: &mut Meter,
    judge: &mut dyn Judge,
) -> (Turn, Done) {
    let evaluation = &assignment.evaluation;
    let reading = judge.reading(evaluation);
    let ending = assignment.ending(&settings.prices);
    if !meter.may_begin(settings, reading.plus(ending)) {
        return (Turn::Waits, Done::default());
    }
    let is_new = assignment.under_way.is_none();
    let mut progress = match assignment.under_way {
        Some(progress) => progress.clone(),
        None => match begin(settings, assignment, judge) {
            Ok(progress) => progress,
            Err(reason) => {
                meter.advance(reading.plus(ending));
                let done = Done { prepaid: reading, ..Done::default() };
                return (Turn::Finished(Err(reason)), done);
            }
        },
    };
    let Quote { rows, reading, step, .. } = progress.quote;
    let ending = ending.plus(assignment.naming(&settings.prices, rows));
    meter.spend(reading);
    let mut done = match is_new {
        true => Done { prepaid: reading, ..Done::default() },
        false => Done { borne: reading, ..Done::default() },
    };
    if progress.accumulator.rows() < rows && meter.fits(step.plus(ending)) {
        match judge.answer(evaluation, &mut progress.accumulator, meter.left().minus(ending)) {
            Ok(work) => {
                meter.answer(work);
                done.prepaid = done.prepaid.plus(work);
            }
            Err(unfit) => {
                // Rows before the one without an answer were run all the same.
                meter.answer(step.plus(ending));
                done.prepaid = done.prepaid.plus(step);
                return (Turn::Finished(Err(ModelRefusal::EvaluationError { unfit })), done);
            }
        }
    }
    if progress.accumulator.rows() < rows {
        return (Turn::Unfinished(progress), done);
    }
    meter.advance(ending);
    let scores = progress.accumulator.scores(evaluation.measure);
    let results = progress.accumulator.into_results();
    (Turn::Finished(Ok(Finding { scores, rows, results, compared: 0 })), done)
}

/// Begins an evaluation if the terms and the deployment allow its cost.
fn begin(
    settings: &Settings,
    assignment: &Assignment<'_>,
    judge: &mut dyn Judge,
) -> Result<Progress, ModelRefusal> {
    let evaluation = &assignment.evaluation;
    let mut quote = |evaluation: &_| {
        judge.quote(evaluation).map_err(|unfit| ModelRefusal::EvaluationError { unfit })
    };
    let all = quote(&Evaluation { rows: None, ..*evaluation })?;
    assignment.admit(settings, &all)?;
    let quote = if evaluation.rows.is_some() { quote(evaluation)? } else { all };
    let accumulator = match assignment.keeps_results() {
        true => MetricAccumulator::with_results(quote.classes, evaluation.measure.metric),
        false => MetricAccumulator::new(quote.classes),
    };
    Ok(Progress { quote, accumulator })
}
