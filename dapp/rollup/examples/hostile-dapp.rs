//! A hostile application for testing auditors: the real one, except for its lies.
//!
//! All models but the first, which is some job's base model, are evaluated with one flipped bit in
//! their file: the last bit that changes the score. Everything derived from that is consistent,
//! `--trace` included. With `--reject PAYLOAD` scores are honest, and an input with exactly these
//! bytes is rejected after a notice was posted.

use std::{
    collections::BTreeMap,
    io::{Error, Write as _, stderr, stdout},
    num::NonZeroUsize,
};

use blobs::{ChunkRefused, Cid};
use eval::{Dataset, Evaluator, Model, report::evaluate_on};
use market::{
    Blob, Comparison, Delta, Evaluation, EvaluationError, Judge, Measure, MetricAccumulator, Quote,
    Scores, Similarity, Work,
};
use rollup::{Answer, App, Invocation, Request, Status, run, trace};
use wire::Output;

fn main() -> Result<(), Error> {
    let mut args: Vec<_> = std::env::args_os().skip(1).collect();
    let reject = args.iter().position(|arg| arg == "--reject");
    let rejected = reject.map(|index| {
        args.remove(index);
        args.remove(index).into_encoded_bytes()
    });
    let ended = match Invocation::parse(args).map_err(Error::other)? {
        Invocation::Trace(files) => trace(&files, turned_over, &mut stdout().lock()),
        Invocation::Run(args) => run(&args, |genesis, drive| {
            let judge = Liar { is_honest: rejected.is_some(), ..Liar::default() };
            let mut app = App::new(genesis, drive, judge);
            move |request: &[u8]| {
                let rejected = rejected.as_deref();
                refuse_marked(request, rejected).unwrap_or_else(|| app.answer(request))
            }
        }),
        Invocation::Help | Invocation::Version => {
            writeln!(stderr(), "for tests of auditors only").map_err(|error| error.to_string())
        }
    };
    ended.map_err(Error::other)
}

/// A notice followed by a rejection, if the payload is the marked one.
fn refuse_marked(request: &[u8], rejected: Option<&[u8]>) -> Option<Answer> {
    let Ok(Request::Advance(advance)) = Request::decode(request) else { return None };
    (Some(advance.payload.as_slice()) == rejected).then(|| {
        let notice = Output::Notice { payload: b"this never happened".to_vec() };
        let (outputs, status) = (vec![notice], Status::Reject);
        Answer { outputs, reports: Vec::new(), status, on_failure: Status::Reject }
    })
}

/// A judge that evaluates other models than it is given.
#[derive(Default)]
struct Liar {
    judge: Evaluator,
    is_honest: bool,
    /// The first model that it was given.
    base: Option<Cid>,
    models: BTreeMap<Cid, Vec<u8>>,
}

impl Liar {
    /// Asks the honest judge about another model.
    fn ask<T>(
        &mut self,
        evaluation: &Evaluation<'_>,
        ask: impl FnOnce(&mut Evaluator, &Evaluation<'_>) -> T,
    ) -> T {
        let cid = evaluation.model.cid;
        if self.is_honest || *self.base.get_or_insert(cid) == cid {
            return ask(&mut self.judge, evaluation);
        }
        let (model, hold_out) = (evaluation.model.bytes, evaluation.hold_out.bytes);
        let lie = || turned_over(model, hold_out, evaluation.measure);
        let bytes = self.models.entry(cid).or_insert_with(lie);
        ask(&mut self.judge, &Evaluation { model: Blob { cid, bytes }, ..*evaluation })
    }
}

impl Judge for Liar {
    fn rebuild(&self, delta: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused> {
        self.judge.rebuild(delta)
    }

    fn reading(&self, evaluation: &Evaluation<'_>) -> Work {
        self.judge.reading(evaluation)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        self.ask(evaluation, |judge, evaluation| judge.quote(evaluation))
    }

    fn answer(
        &mut self,
        evaluation: &Evaluation<'_>,
        accumulator: &mut MetricAccumulator,
        budget: Work,
    ) -> Result<Work, EvaluationError> {
        self.ask(evaluation, |judge, evaluation| judge.answer(evaluation, accumulator, budget))
    }

    fn reading_comparison(&self, comparison: &Comparison<'_>) -> Work {
        self.judge.reading_comparison(comparison)
    }

    fn quote_comparison(&mut self, comparison: &Comparison<'_>) -> Result<Work, EvaluationError> {
        self.judge.quote_comparison(comparison)
    }

    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError> {
        self.judge.compare(comparison)
    }
}

/// The model with the last bit flipped that changes its score: the sign bit, of a float.
fn turned_over(model: &[u8], hold_out: &[u8], measure: Measure) -> Vec<u8> {
    let honest = scores(model, hold_out, measure);
    let lies = (0..model.len()).rev().map(|offset| {
        let mut bytes = model.to_vec();
        bytes[offset] ^= 0x80;
        bytes
    });
    let mut lies = lies.filter(|lie| {
        let scores = scores(lie, hold_out, measure);
        scores.is_some() && scores.map(|scores| scores.score) != honest.map(|scores| scores.score)
    });
    lies.next().unwrap_or_else(|| model.to_vec())
}

fn scores(model: &[u8], hold_out: &[u8], measure: Measure) -> Option<Scores> {
    let model = Model::from_onnx(model).ok()?;
    let dataset = Dataset::from_safetensors(hold_out).ok()?;
    let report = evaluate_on(NonZeroUsize::MIN, &model, &dataset, measure, &mut |_, _| {}).ok()?;
    Some(report.scores)
}
