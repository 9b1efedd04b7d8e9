//! Evaluations: reported scores and copies, recomputed on a dedicated thread.

use std::thread;

use alloy::primitives::{B256, Bytes};
use anyhow::{Context, Result};
use blobs::{Cid, Digest};
use eval::Evaluator;
use market::{
    Attestation, Blob, Comparison, Evaluation, JobId, Judge, Measure, MetricAccumulator, Results,
    Score, Scores, Work,
};
use tokio::sync::mpsc;

use super::divergence::{Divergence, DivergenceKind};

/// Capacity of the evaluation queue.
const WAITING: usize = 8;

/// A whole blob.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) cid: Cid,
    pub(super) bytes: Bytes,
}

/// The reported result of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToldResult {
    Scores(Scores),
    /// The score alone, as on the public board.
    Score(Score),
    Attestation(Attestation),
}

/// A reported score, and the files it must follow from.
#[derive(Clone, Debug)]
pub(super) struct ToldEvaluation {
    pub(super) job: JobId,
    /// The model's submission; `None` for the base model.
    pub(super) submission: Option<u32>,
    /// The model and the dataset; `None` if they were never published.
    pub(super) files: Option<(File, File)>,
    pub(super) measure: Measure,
    pub(super) told: ToldResult,
    /// Whether miners attested it and the machine checked only some rows.
    pub(super) is_attested: bool,
    /// Whether models are compared row by row.
    pub(super) keeps_results: bool,
}

/// A model refused as a copy, with the accepted ones it may copy.
#[derive(Clone, Debug)]
pub(super) struct CopyCheck {
    pub(super) base: File,
    pub(super) accepted: Vec<File>,
    pub(super) model: File,
    pub(super) hold_out: File,
    pub(super) measure: Measure,
    pub(super) seed: Digest,
}

/// A request to the thread.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Evaluate(ToldEvaluation),
    Compare(CopyCheck),
}

/// Location of a reported output.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputLocation {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) transaction: B256,
    /// Whether it is in the audited range.
    pub(super) is_judged: bool,
}

/// Outcome of a task.
pub(super) enum CheckOutcome {
    /// As reported; with each row's result, where these are kept.
    Holds(Option<(JobId, u32, Results)>),
    /// Not as reported, with the reported evaluation.
    Wrong(Box<Divergence>, Option<ToldEvaluation>),
    /// The miners' attestation differs from the model's results, on rows the machine has not
    /// checked.
    AttestedOtherwise(String),
    /// Not as reported, but before the audited range.
    NotJudged,
}

/// The evaluation thread.
pub(super) struct EvaluationThread {
    tasks: mpsc::Sender<(OutputLocation, Task)>,
    outcomes: mpsc::UnboundedReceiver<CheckOutcome>,
    /// Number of pending tasks.
    open: u64,
}

impl EvaluationThread {
    pub(super) fn new() -> Self {
        let (tasks, mut waiting) = mpsc::channel::<(OutputLocation, Task)>(WAITING);
        let (send, outcomes) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut evaluator = Evaluator::with_threads(eval::report::cores());
            while let Some((location, task)) = waiting.blocking_recv() {
                if send.send(task.check(&mut evaluator, location)).is_err() {
                    break;
                }
            }
        });
        Self { tasks, outcomes, open: 0 }
    }

    /// Queues one more task; returns the outcomes that are ready.
    ///
    /// - Errors: the evaluator failed
    pub(super) async fn ask(
        &mut self,
        location: OutputLocation,
        task: Task,
    ) -> Result<Vec<CheckOutcome>> {
        self.tasks.send((location, task)).await.ok().context("the evaluation failed")?;
        self.open += 1;
        let mut outcomes = Vec::new();
        while let Ok(outcome) = self.outcomes.try_recv() {
            self.open = self.open.saturating_sub(1);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Waits for the outcomes of all tasks.
    ///
    /// - Errors: the evaluator failed
    pub(super) async fn finish(&mut self) -> Result<Vec<CheckOutcome>> {
        let mut outcomes = Vec::new();
        while self.open > 0 {
            outcomes.push(self.outcomes.recv().await.context("the evaluation failed")?);
            self.open -= 1;
        }
        Ok(outcomes)
    }
}

impl Task {
    pub(super) fn check(self, evaluator: &mut Evaluator, location: OutputLocation) -> CheckOutcome {
        let outcome = match self {
            Self::Evaluate(evaluation) => evaluation.check(evaluator, location),
            Self::Compare(check) => check.check(evaluator, location),
        };
        match outcome {
            CheckOutcome::Wrong(..) | CheckOutcome::AttestedOtherwise(_) if !location.is_judged => {
                CheckOutcome::NotJudged
            }
            outcome => outcome,
        }
    }
}

impl ToldEvaluation {
    /// The reported scores.
    pub(super) fn scores(&self) -> Scores {
        match self.told {
            ToldResult::Scores(scores) => scores,
            ToldResult::Score(score) => Scores { score, threshold_score: Score(0) },
            ToldResult::Attestation(Attestation { score, threshold_score, .. }) => {
                Scores { score, threshold_score }
            }
        }
    }

    fn check(self, evaluator: &mut Evaluator, location: OutputLocation) -> CheckOutcome {
        let earned = self.earned(evaluator);
        let told = self.told;
        let as_told = earned.as_ref().map(|(scores, results)| match told {
            ToldResult::Scores(_) => ToldResult::Scores(*scores),
            ToldResult::Score(_) => ToldResult::Score(scores.score),
            ToldResult::Attestation(_) => {
                ToldResult::Attestation(Attestation::new(*scores, results))
            }
        });
        if as_told == Ok(told) {
            let kept = earned.ok().filter(|_| self.keeps_results).zip(self.submission);
            return CheckOutcome::Holds(
                kept.map(|((_, results), number)| (self.job, number, results)),
            );
        }
        let expected = as_told.as_ref().ok().map(|earned| shown(*earned, told));
        let found = as_told
            .as_ref()
            .map_or_else(|_| self.scores().score.to_string(), |earned| shown(told, *earned));
        if self.is_attested {
            let whose = self
                .submission
                .map_or("the base model".to_owned(), |number| format!("submission {number}"));
            let earned = expected.unwrap_or("no score".to_owned());
            return CheckOutcome::AttestedOtherwise(format!(
                "of {whose} of job {} the miners say {found}, and it earns {earned}",
                self.job
            ));
        }
        let sentence = match &as_told {
            Ok(_) => "a model was told another score than it earns".to_owned(),
            Err(why) => format!("a model was told a score and has none: {why}"),
        };
        let wrong = location.name(Divergence::new(DivergenceKind::Score, sentence));
        CheckOutcome::Wrong(wrong.between(expected, Some(found)).into(), Some(self))
    }

    /// The scores and row results that a model earns, or the reason why it has none.
    fn earned(&self, evaluator: &mut Evaluator) -> Result<(Scores, Results), String> {
        let files = self.files.as_ref();
        let (model, hold_out) = files.ok_or("its bytes, or the dataset's, never came")?;
        let evaluation = Evaluation {
            model: model.blob(),
            hold_out: hold_out.blob(),
            measure: self.measure,
            rows: None,
        };
        let classes = evaluator.quote(&evaluation).map_err(|why| why.to_string())?.classes;
        let mut accumulator = MetricAccumulator::with_results(classes, self.measure.metric);
        evaluator
            .answer(&evaluation, &mut accumulator, Work(u64::MAX))
            .map_err(|why| why.to_string())?;
        let mut scores = accumulator.scores(self.measure);
        if self.is_attested {
            // The market does not accept seats' score under the threshold's metric.
            scores.threshold_score = self.scores().threshold_score;
        }
        Ok((scores, accumulator.into_results().ok_or("it has no results")?))
    }
}

impl CopyCheck {
    fn check(self, evaluator: &mut Evaluator, location: OutputLocation) -> CheckOutcome {
        let is_copy = self.accepted.iter().any(|first| {
            let similarity = evaluator.compare(&Comparison {
                base: self.base.blob(),
                first: first.blob(),
                second: self.model.blob(),
                hold_out: self.hold_out.blob(),
                measure: self.measure,
                seed: self.seed,
            });
            let is_alike = similarity.is_ok_and(|similarity| similarity.is_copy());
            is_alike || first.cid == self.model.cid
        });
        if is_copy {
            return CheckOutcome::Holds(None);
        }
        let sentence = "a model was refused as a copy, and is one of no accepted model";
        CheckOutcome::Wrong(
            location.name(Divergence::new(DivergenceKind::Ruling, sentence)).into(),
            None,
        )
    }
}

impl File {
    fn blob(&self) -> Blob<'_> {
        Blob { cid: self.cid, bytes: &self.bytes }
    }
}

impl OutputLocation {
    /// Locates a divergence at this output.
    pub(super) fn name(&self, wrong: Divergence) -> Divergence {
        Divergence { output: Some(self.output), ..wrong.at(self.input, self.transaction) }
    }
}

/// The part of one side that differs from the other.
fn shown(side: ToldResult, other: ToldResult) -> String {
    match (side, other) {
        (ToldResult::Attestation(side), ToldResult::Attestation(other))
            if (side.score, side.threshold_score) == (other.score, other.threshold_score) =>
        {
            format!("results {}", side.results)
        }
        (
            ToldResult::Scores(Scores { score, threshold_score })
            | ToldResult::Attestation(Attestation { score, threshold_score, .. }),
            ToldResult::Scores(Scores { score: other, .. })
            | ToldResult::Attestation(Attestation { score: other, .. }),
        ) if score == other => format!("{threshold_score} by the threshold's metric"),
        (
            ToldResult::Scores(Scores { score, .. })
            | ToldResult::Attestation(Attestation { score, .. })
            | ToldResult::Score(score),
            _,
        ) => score.to_string(),
    }
}
