//! Evaluations: scores and copies that were told, computed anew on a thread of their own.

use std::thread;

use alloy::primitives::{B256, Bytes};
use anyhow::{Context, Result};
use blobs::{Cid, Digest};
use eval::Evaluator;
use market::{
    Attestation, Comparison, Evaluation, Blob, JobId, Judge, Metric, Results, Score, Scores, MetricAccumulator,
    Work,
};
use tokio::sync::mpsc;

use super::divergence::{Divergence, Kind};

/// How many evaluations may wait.
const WAITING: usize = 8;

/// A whole blob.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) cid: Cid,
    pub(super) bytes: Bytes,
}

/// What was told of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Scores(Scores),
    /// The score alone, as on the public board.
    Score(Score),
    Attestation(Attestation),
}

/// A score that was told, and the files it must follow from.
#[derive(Clone, Debug)]
pub(super) struct ToldEvaluation {
    pub(super) job: JobId,
    /// Whose model; `None` for the base model.
    pub(super) submission: Option<u32>,
    /// The model and the dataset; `None` if they never came.
    pub(super) files: Option<(File, File)>,
    pub(super) metric: Metric,
    pub(super) told: Told,
    /// Whether it is the word of miners, of which the machine has looked at some rows only.
    pub(super) is_attested: bool,
    /// Whether models are compared row by row.
    pub(super) keeps_results: bool,
}

/// A model that was refused as a copy, with the accepted ones that it may be a copy of.
#[derive(Clone, Debug)]
pub(super) struct CopyCheck {
    pub(super) base: File,
    pub(super) accepted: Vec<File>,
    pub(super) model: File,
    pub(super) hold_out: File,
    pub(super) metric: Metric,
    pub(super) seed: Digest,
}

/// What the thread is asked.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Evaluate(ToldEvaluation),
    Compare(CopyCheck),
}

/// Where something was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) transaction: B256,
    /// Whether it is within what is audited.
    pub(super) is_judged: bool,
}

/// What came of a task.
pub(super) enum Outcome {
    /// It is as it was told; with each row's result, where they are kept.
    Holds(Option<(JobId, u32, Results)>),
    /// It is not, with what it was told of.
    Wrong(Box<Divergence>, Option<ToldEvaluation>),
    /// The miners' word is not what the model earns, on rows that the machine has not seen.
    AttestedOtherwise(String),
    /// It is not, before what is audited.
    NotJudged,
}

/// The thread that evaluates.
pub(super) struct EvaluationThread {
    tasks: mpsc::Sender<(Place, Task)>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    /// Tasks whose outcome is not known yet.
    open: u64,
}

impl EvaluationThread {
    pub(super) fn new() -> Self {
        let (tasks, mut waiting) = mpsc::channel::<(Place, Task)>(WAITING);
        let (send, outcomes) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut evaluator = Evaluator::with_threads(eval::report::cores());
            while let Some((place, task)) = waiting.blocking_recv() {
                if send.send(task.check(&mut evaluator, place)).is_err() {
                    break;
                }
            }
        });
        Self { tasks, outcomes, open: 0 }
    }

    /// Hands over one more task; returns what came of earlier ones, so far.
    ///
    /// - Errors: the evaluator failed
    pub(super) async fn ask(&mut self, place: Place, task: Task) -> Result<Vec<Outcome>> {
        self.tasks.send((place, task)).await.ok().context("the evaluation failed")?;
        self.open += 1;
        let mut outcomes = Vec::new();
        while let Ok(outcome) = self.outcomes.try_recv() {
            self.open = self.open.saturating_sub(1);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Waits for what comes of all tasks.
    ///
    /// - Errors: the evaluator failed
    pub(super) async fn finish(&mut self) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        while self.open > 0 {
            outcomes.push(self.outcomes.recv().await.context("the evaluation failed")?);
            self.open -= 1;
        }
        Ok(outcomes)
    }
}

impl Task {
    pub(super) fn check(self, evaluator: &mut Evaluator, place: Place) -> Outcome {
        let outcome = match self {
            Self::Evaluate(evaluation) => evaluation.check(evaluator, place),
            Self::Compare(check) => check.check(evaluator, place),
        };
        match outcome {
            Outcome::Wrong(..) | Outcome::AttestedOtherwise(_) if !place.is_judged => {
                Outcome::NotJudged
            }
            outcome => outcome,
        }
    }
}

impl ToldEvaluation {
    /// The scores that were told.
    pub(super) fn scores(&self) -> Scores {
        match self.told {
            Told::Scores(scores) => scores,
            Told::Score(score) => Scores { score, worst_class: Score(0) },
            Told::Attestation(Attestation { score, worst_class, .. }) => {
                Scores { score, worst_class }
            }
        }
    }

    fn check(self, evaluator: &mut Evaluator, place: Place) -> Outcome {
        let earned = self.earned(evaluator);
        let told = self.told;
        let as_told = earned.as_ref().map(|(scores, results)| match told {
            Told::Scores(_) => Told::Scores(*scores),
            Told::Score(_) => Told::Score(scores.score),
            Told::Attestation(_) => Told::Attestation(Attestation::new(*scores, results)),
        });
        if as_told == Ok(told) {
            let kept = earned.ok().filter(|_| self.keeps_results).zip(self.submission);
            return Outcome::Holds(kept.map(|((_, results), number)| (self.job, number, results)));
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
            return Outcome::AttestedOtherwise(format!(
                "of {whose} of job {} the miners say {found}, and it earns {earned}",
                self.job
            ));
        }
        let sentence = match &as_told {
            Ok(_) => "a model was told another score than it earns".to_owned(),
            Err(why) => format!("a model was told a score and has none: {why}"),
        };
        let wrong = place.name(Divergence::new(Kind::Score, sentence));
        Outcome::Wrong(wrong.between(expected, Some(found)).into(), Some(self))
    }

    /// The scores and each row's result that a model earns, or why it has none.
    fn earned(&self, evaluator: &mut Evaluator) -> Result<(Scores, Results), String> {
        let files = self.files.as_ref();
        let (model, hold_out) = files.ok_or("its bytes, or the dataset's, never came")?;
        let evaluation = Evaluation {
            model: model.blob(),
            hold_out: hold_out.blob(),
            metric: self.metric,
            rows: None,
        };
        let classes = evaluator.quote(&evaluation).map_err(|why| why.to_string())?.classes;
        let mut accumulator = MetricAccumulator::with_results(classes, self.metric);
        evaluator.answer(&evaluation, &mut accumulator, Work(u64::MAX)).map_err(|why| why.to_string())?;
        let mut scores = accumulator.scores(self.metric);
        if self.is_attested {
            // The market does not take seats' word for it.
            scores.worst_class = self.scores().worst_class;
        }
        Ok((scores, accumulator.into_results().ok_or("it has no results")?))
    }
}

impl CopyCheck {
    fn check(self, evaluator: &mut Evaluator, place: Place) -> Outcome {
        let is_copy = self.accepted.iter().any(|first| {
            let similarity = evaluator.compare(&Comparison {
                base: self.base.blob(),
                first: first.blob(),
                second: self.model.blob(),
                hold_out: self.hold_out.blob(),
                metric: self.metric,
                seed: self.seed,
            });
            let is_alike = similarity.is_ok_and(|similarity| similarity.is_copy());
            is_alike || first.cid == self.model.cid
        });
        if is_copy {
            return Outcome::Holds(None);
        }
        let sentence = "a model was refused as a copy, and is one of no accepted model";
        Outcome::Wrong(place.name(Divergence::new(Kind::Ruling, sentence)).into(), None)
    }
}

impl File {
    fn blob(&self) -> Blob<'_> {
        Blob { cid: self.cid, bytes: &self.bytes }
    }
}

impl Place {
    /// A divergence that shows here.
    pub(super) fn name(&self, wrong: Divergence) -> Divergence {
        Divergence { output: Some(self.output), ..wrong.at(self.input, self.transaction) }
    }
}

/// What of one side is not as on the other.
fn shown(side: Told, other: Told) -> String {
    match (side, other) {
        (Told::Attestation(side), Told::Attestation(other))
            if (side.score, side.worst_class) == (other.score, other.worst_class) =>
        {
            format!("results {}", side.results)
        }
        (
            Told::Scores(Scores { score, worst_class })
            | Told::Attestation(Attestation { score, worst_class, .. }),
            Told::Scores(Scores { score: other, .. })
            | Told::Attestation(Attestation { score: other, .. }),
        ) if score == other => format!("{worst_class} in the worst class"),
        (
            Told::Scores(Scores { score, .. })
            | Told::Attestation(Attestation { score, .. })
            | Told::Score(score),
            _,
        ) => score.to_string(),
    }
}
