//! The table of weights: fitted to the counts, and checked against them.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, ensure};
use eval::{Cost, CostKind, Estimate, Model};
use market::Metric;
use serde::Serialize;

use super::{cases::Case, counter::Counter, rows};

/// Tolerance of a prediction relative to the count, in percent.
pub const TOLERANCE_PERCENT: u64 = 20;

/// Repetitions of a case, after the first run.
const BATCHES: u64 = 2;

/// The exponent of the errors whose sum the fit minimises.
const POWER: i32 = 6;

/// Rounds of the fit, after which its weights have converged.
const ROUNDS: usize = 60;

/// The share of an error's previous weight that is kept in each round, so that rounds converge.
const INERTIA: f64 = 0.7;

/// Sweeps over all weights in each round; more than needed.
const SWEEPS: usize = 3_000;

/// The cost of a part of a case, predicted and counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The case, and its part.
    pub name: String,
    /// The operation counts of the prediction.
    pub cost: Cost,
    /// The counted instructions.
    pub instructions: u64,
}

/// A prediction compared with the count.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// The case, and its part.
    pub case: String,
    /// Predicted instructions.
    pub predicted: u64,
    /// Counted instructions.
    pub counted: u64,
    /// Predicted divided by counted.
    pub ratio: f64,
    /// Composition of the prediction: the number of operations of each kind.
    pub counts: BTreeMap<String, u64>,
}

impl Counted {
    /// The prediction by the current table.
    #[must_use]
    pub fn compared(&self) -> Compared {
        let (predicted, counted) = (self.cost.work().0, self.instructions);
        #[expect(clippy::cast_precision_loss, reason = "a ratio of counts far below 2⁵³")]
        let ratio = predicted as f64 / counted as f64;
        let counts = CostKind::ALL.map(|kind| (format!("{kind:?}"), self.cost.count(kind)));
        let counts = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        Compared { case: self.name.clone(), predicted, counted, ratio, counts }
    }
}

impl Compared {
    /// Whether the prediction is within the tolerance.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.predicted.abs_diff(self.counted) * 100 <= self.counted * TOLERANCE_PERCENT
    }

    /// Whether the count does not exceed the prediction.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.counted <= self.predicted || self.is_near()
    }
}

/// Counts both parts of each case: reading and answering.
///
/// - Errors: a case cannot be run
pub fn count_all(counter: &Counter, cases: &[Case]) -> Result<Vec<Counted>> {
    let (next, counted) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        while let Some((index, case)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            cases.get(index).map(|case| (index, case))
        } {
            let parts = count(counter, case).with_context(|| case.name.clone())?;
            counted.lock().expect("no thread panics here").push((index, parts));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics here"))
    })?;
    let mut counted = counted.into_inner().expect("no thread panics here");
    counted.sort_by_key(|(index, _)| *index);
    Ok(counted.into_iter().flat_map(|(_, parts)| parts).collect())
}

/// Counts a case: reading both files, with packing at first use, and answering all rows.
fn count(counter: &Counter, case: &Case) -> Result<[Counted; 2]> {
    let folder = tempfile::tempdir()?;
    let [net, path] = ["net.onnx", "rows.safetensors"].map(|name| folder.path().join(name));
    fs::write(&net, &case.model)?;
    rows::write(&case.dataset, &path)?;
    let measure = case.measure()?;
    let arguments = [
        "--net".as_ref(),
        net.as_os_str(),
        "--rows".as_ref(),
        path.as_os_str(),
        "--metric".as_ref(),
        metric(measure.metric)?.as_ref(),
        "--output".as_ref(),
        measure.output.to_string().as_ref(),
        "--batches".as_ref(),
        BATCHES.to_string().as_ref(),
    ]
    .map(ToOwned::to_owned);
    let parts = counter.count(&counter.program("examples/subject"), &arguments)?;
    let &[_, quote, first, again] = parts.as_slice() else {
        anyhow::bail!("the subject made {} marks", parts.len());
    };
    let answering = again / BATCHES;
    let model = Model::from_onnx(&case.model)?;
    let files = [case.model.len(), case.dataset.to_safetensors().len()];
    let estimate = Estimate::new(files, &model, &case.dataset, measure)?;
    let steps = estimate.answering().context("beyond counting")?;
    let part = |part: &str, cost, instructions| Counted {
        name: format!("{}: {part}", case.name),
        cost,
        instructions,
    };
    Ok([
        part("reading", estimate.reading, quote + first.saturating_sub(answering)),
        part("answering", steps, answering),
    ])
}

fn metric(metric: Metric) -> Result<&'static str> {
    match metric {
        Metric::Accuracy => Ok("accuracy"),
        Metric::LogLoss => Ok("log-loss"),
        Metric::MeanSquaredError => Ok("mean-squared-error"),
        _ => anyhow::bail!("no case is marked by {metric:?}"),
    }
}

/// The weights, in thousandths of an instruction, that minimise the sum of the [`POWER`]th powers
/// of the relative errors, which stresses the worst predictions; no weight is negative. Hostile
/// cases count only if they cost more than predicted.
///
/// Method: iteratively reweighted least squares; each round's errors are the next one's weights.
///
/// - Errors: no case has some kind
pub fn weights(usual: &[Counted], hostile: &[Counted]) -> Result<Vec<(CostKind, u64)>> {
    let kinds = CostKind::ALL;
    for kind in kinds {
        let is_there = usual.iter().any(|part| part.cost.count(kind) > 0);
        ensure!(is_there, "no case has {kind:?}");
    }
    let line = |part: &Counted, is_hostile| Line {
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2⁵³")]
        counts: kinds.map(|kind| part.cost.count(kind) as f64 / part.instructions as f64),
        is_hostile,
        heed: if is_hostile { 0.0 } else { 1.0 },
    };
    let usual = usual.iter().map(|part| line(part, false));
    let mut lines: Vec<_> = usual.chain(hostile.iter().map(|part| line(part, true))).collect();
    let mut weights = [0.0; CostKind::ALL.len()];
    least_squares(&lines, &mut weights);
    for _ in 0..ROUNDS {
        let farthest = lines.iter().map(|line| line.error(&weights).abs()).fold(0.0, f64::max);
        for line in &mut lines {
            let heed = (line.error(&weights).abs() / farthest).powi(POWER - 2);
            line.heed = INERTIA * line.heed + (1.0 - INERTIA) * heed;
        }
        least_squares(&lines, &mut weights);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not below zero, and far below 2⁵³"
    )]
    let thousandths = |weight: f64| (weight * 1_000.0).ceil() as u64;
    Ok(kinds.into_iter().zip(weights.map(thousandths)).collect())
}

/// One number per kind: its weight, or its operations per counted instruction.
type Each = [f64; CostKind::ALL.len()];

/// A part of a case in the fit.
struct Line {
    counts: Each,
    is_hostile: bool,
    /// The weight of its error.
    heed: f64,
}

impl Line {
    /// The relative error of the prediction, or zero where it does not matter.
    fn error(&self, weights: &Each) -> f64 {
        let predicted: f64 = self.counts.iter().zip(weights).map(|(one, other)| one * other).sum();
        let error = predicted - 1.0;
        if self.is_hostile { error.min(0.0) } else { error }
    }
}

/// Finds the weights that minimise the sum of squared errors, each weighted by its `heed`.
fn least_squares(lines: &[Line], weights: &mut Each) {
    let kinds = 0..CostKind::ALL.len();
    let sum = |part: &dyn Fn(&Line) -> f64| lines.iter().map(|line| line.heed * part(line)).sum();
    let product = |one: usize, other: usize| sum(&|line| line.counts[one] * line.counts[other]);
    let gram: Vec<Vec<f64>> =
        kinds.clone().map(|one| kinds.clone().map(|other| product(one, other)).collect()).collect();
    let goal: Vec<f64> = kinds.clone().map(|kind| sum(&|line| line.counts[kind])).collect();
    for _ in 0..SWEEPS {
        for kind in kinds.clone() {
            let now: f64 = gram[kind].iter().zip(&*weights).map(|(one, other)| one * other).sum();
            let better = weights[kind] + (goal[kind] - now) / gram[kind][kind];
            weights[kind] = better.max(0.0);
        }
    }
}
