//! Exams: scores that were told, computed anew on a thread of their own.

use std::num::NonZeroUsize;
use std::thread;

use alloy::primitives::{B256, Bytes};
use anyhow::{Context, Result};
use blobs::Cid;
use eval::{Dataset, Model, report::evaluate_on};
use market::{Marks, Metric};
use tokio::sync::mpsc;

use super::divergence::{Divergence, Kind};

/// How many exams may wait.
const WAITING: usize = 8;

/// A score that was told, and what it must follow from.
#[derive(Clone, Debug)]
pub(super) struct Exam {
    /// The model, and the hold-out with its CID; nothing if they never came.
    pub(super) papers: Option<(Bytes, (Cid, Bytes))>,
    /// What is measured.
    pub(super) metric: Metric,
    /// What was told.
    pub(super) told: Marks,
}

/// Where a score was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) transaction: B256,
}

/// A score that is wrong, and what it was told of.
type Failed = (Divergence, Exam);

/// The thread that evaluates.
pub(super) struct Examiner {
    exams: mpsc::Sender<(Seat, Exam)>,
    results: mpsc::UnboundedReceiver<Option<Failed>>,
    /// Exams whose result is not known yet.
    open: u64,
    passed: u64,
}

impl Examiner {
    pub(super) fn new() -> Self {
        let (exams, mut waiting) = mpsc::channel(WAITING);
        let (send, results) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut room = Room { dataset: None, threads: eval::report::cores() };
            while let Some((seat, exam)) = waiting.blocking_recv() {
                if send.send(room.examine(seat, &exam).map(|wrong| (wrong, exam))).is_err() {
                    break;
                }
            }
        });
        Self { exams, results, open: 0, passed: 0 }
    }

    /// Hands over one more exam; returns what is wrong with earlier ones, so far.
    ///
    /// - Errors: the evaluator failed
    pub(super) async fn examine(&mut self, seat: Seat, exam: Exam) -> Result<Option<Failed>> {
        self.exams.send((seat, exam)).await.ok().context("the evaluation failed")?;
        self.open += 1;
        let mut first = None;
        while let Ok(result) = self.results.try_recv() {
            self.note(result, &mut first);
        }
        Ok(first)
    }

    /// Waits for all results; returns how many scores were told as they are since this was last
    /// asked, and the first thing that is wrong.
    ///
    /// - Errors: the evaluator failed
    pub(super) async fn finish(&mut self) -> Result<(u64, Option<Failed>)> {
        let mut first = None;
        while self.open > 0 {
            let result = self.results.recv().await.context("the evaluation failed")?;
            self.note(result, &mut first);
        }
        Ok((std::mem::take(&mut self.passed), first))
    }

    fn note(&mut self, result: Option<Failed>, first: &mut Option<Failed>) {
        self.open = self.open.saturating_sub(1);
        match result {
            None => self.passed += 1,
            Some(failed) if first.as_ref().is_none_or(|first| failed.0.is_before(&first.0)) => {
                *first = Some(failed);
            }
            Some(_) => {}
        }
    }
}

/// What an evaluation takes, with the last hold-out at hand.
struct Room {
    dataset: Option<(Cid, Dataset)>,
    threads: NonZeroUsize,
}

impl Room {
    fn examine(&mut self, seat: Seat, exam: &Exam) -> Option<Divergence> {
        let earned = self.earned(exam);
        if earned.as_ref() == Ok(&exam.told) {
            return None;
        }
        let shown = |marks: Marks| {
            if earned.as_ref().is_ok_and(|earned| earned.score == exam.told.score) {
                format!("{} in the worst class", marks.worst_class)
            } else {
                marks.score.to_string()
            }
        };
        let sentence = match &earned {
            Ok(_) => "a model was told another score than it earns".to_owned(),
            Err(why) => format!("a model was told a score and has none: {why}"),
        };
        let expected = earned.as_ref().ok().copied().map(shown);
        let wrong = Divergence::new(Kind::Score, sentence)
            .at(seat.input, seat.transaction)
            .between(expected, Some(shown(exam.told)));
        Some(Divergence { output: Some(seat.output), ..wrong })
    }

    /// The marks a model earns, or why it has none.
    fn earned(&mut self, exam: &Exam) -> Result<Marks, String> {
        let papers = exam.papers.as_ref();
        let (model, (cid, hold_out)) = papers.ok_or("its bytes, or the hold-out's, never came")?;
        if self.dataset.as_ref().is_none_or(|(held, _)| held != cid) {
            let dataset = Dataset::from_safetensors(hold_out).map_err(|why| why.to_string())?;
            self.dataset = Some((*cid, dataset));
        }
        let (_, dataset) = self.dataset.as_ref().ok_or("there is no hold-out")?;
        let model = Model::from_onnx(model).map_err(|why| why.to_string())?;
        let report = evaluate_on(self.threads, &model, dataset, exam.metric, &mut |_, _| {});
        Ok(report.map_err(|why| why.to_string())?.marks)
    }
}
