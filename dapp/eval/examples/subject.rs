//! The program that `cargo cost` counts: reading a model and a dataset, and answering its rows.
//!
//! It writes a line to stderr before and after each part, in one call, which the counter detects:
//!
//! 1. the names: the hash of either file
//! 2. the quote: both files are read, and the evaluation is planned
//! 3. the rows answered a first time
//! 4. the rows answered this many times more
//!
//! ```text
//! subject --net FILE.onnx --rows FILE.safetensors [--metric accuracy] [--output from_graph]
//!     [--batches 1]
//! ```

#![expect(clippy::print_stdout, reason = "the score is what this program prints")]

use std::{error::Error, fs, io::Write as _};

use blobs::{Profile, Text as _, blob_ref};
use eval::Evaluator;
use market::{
    Blob, Evaluation, EvaluationError, Judge, Measure, Metric, MetricAccumulator, Output, Work,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| {
        let pair = arguments.as_chunks::<2>().0.iter().find(|pair| pair[0] == name);
        pair.map(|pair| pair[1].as_str())
    };
    let file = |name: &str| fs::read(named(name).unwrap_or_default());
    let (net, rows) = (file("--net")?, file("--rows")?);
    let metric = metric(named("--metric").unwrap_or("accuracy"))?;
    let output = Output::read(named("--output").unwrap_or("from_graph")).ok_or("no output")?;
    let batches: u32 = named("--batches").unwrap_or("1").parse()?;

    mark()?;
    let cids = [&net, &rows].map(|bytes| blob_ref(bytes, Profile::Kubo).cid());
    mark()?;
    let evaluation = Evaluation {
        model: Blob { cid: cids[0], bytes: &net },
        hold_out: Blob { cid: cids[1], bytes: &rows },
        measure: Measure::new(metric, output),
        rows: None,
    };
    let mut judge = Evaluator::new();
    let classes = judge.quote(&evaluation).map_err(said)?.classes;
    mark()?;
    let mut answer = || {
        let mut accumulator = MetricAccumulator::new(classes);
        judge
            .answer(&evaluation, &mut accumulator, Work(u64::MAX))
            .map(|_| accumulator.scores(metric.into()))
            .map_err(said)
    };
    let scores = answer()?;
    mark()?;
    for _ in 0..batches {
        answer()?;
    }
    mark()?;
    println!("{}", scores.score);
    Ok(())
}

/// Marks the beginning or the end of a part for the counter.
fn mark() -> std::io::Result<()> {
    std::io::stderr().write_all(b"\n")
}

fn metric(name: &str) -> Result<Metric, String> {
    match name {
        "accuracy" => Ok(Metric::Accuracy),
        "log-loss" => Ok(Metric::LogLoss),
        "mean-squared-error" => Ok(Metric::MeanSquaredError),
        _ => Err(format!("no metric {name:?} here")),
    }
}

fn said(unfit: EvaluationError) -> String {
    unfit.to_string()
}
