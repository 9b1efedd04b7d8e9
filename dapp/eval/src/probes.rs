//! Agreement of two models' answers, whatever their graphs are made of.
//!
//! The models answer rows on the path from one row of the dataset to another: `a + (b − a) · t`.
//! With classes, only the class of each answer counts, since any other part of it can be altered at
//! will without changing a class: bisection finds where on the path a model stops answering the
//! class of the first row, and the distance of two models is the mean distance of these positions,
//! relative to the whole path. Models that others trained can be right on all rows and still change
//! class elsewhere on the path. With numbers, the correlation counts, which ignores an added
//! constant and a factor.

use blobs::Digest;
use market::{Measure, Output};

use crate::{
    cost::{Cost, CostKind},
    dataset::{Dataset, Labels},
    marking,
    model::Model,
    quote::{self, cost_limit_exceeded},
    random::Random,
    refusal::ModelRefused,
};

/// Paths between rows.
const WAYS: usize = 32;
/// Bisections of each path, with one probe each.
const HALVINGS: u32 = 8;
/// Rows drawn for the end of a path, until one is of another class.
const TRIES: usize = 8;

/// The greatest distance or agreement of answers, in parts per million.
const ALL: u32 = 1_000_000;

/// Paths between the rows of a dataset.
pub(crate) struct Probes<'a> {
    dataset: &'a Dataset,
    /// The first and the last row of each path.
    ways: Vec<[usize; 2]>,
}

/// Cost of answering the probes.
///
/// - Errors: the model cannot answer this many rows
pub(crate) fn cost(
    model: &Model,
    dataset: &Dataset,
    measure: Measure,
) -> Result<Cost, ModelRefused> {
    let batch = model.batch_rows().min(WAYS);
    let step = |rows: usize| {
        let step = quote::step(model, dataset, measure, rows)?;
        let numbers = [rows, dataset.row().elements()];
        // An interpolated row needs a second row.
        let mixed = quote::features(dataset, rows).and_then(|made| step.plus(made));
        mixed
            .and_then(|mixed| mixed.and(CostKind::Arithmetic, &numbers))
            .ok_or(cost_limit_exceeded())
    };
    let (batches, rest) = (WAYS / batch, WAYS % batch);
    let whole = step(batch)?.times(u64::try_from(batches).unwrap_or(u64::MAX));
    let rest = if rest > 0 { step(rest)? } else { Cost::default() };
    let halving = whole.and_then(|whole| whole.plus(rest));
    halving.and_then(|halving| halving.times(HALVINGS.into())).ok_or(cost_limit_exceeded())
}

impl<'a> Probes<'a> {
    /// Draws paths between rows, of different classes if some are found.
    pub(crate) fn draw(dataset: &'a Dataset, seed: Digest) -> Self {
        let Digest([a, b, c, d, e, f, g, h, ..]) = seed;
        let mut random = Random::new(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        let differ = |from: usize, to: usize| match dataset.labels() {
            Labels::Classes(classes) => classes[from] != classes[to],
            Labels::Targets(_) => from != to,
        };
        let way = |_| {
            let from = random.below(dataset.rows());
            let mut to = from;
            for _ in 0..TRIES {
                to = random.below(dataset.rows());
                if differ(from, to) {
                    break;
                }
            }
            [from, to]
        };
        Self { dataset, ways: (0..WAYS).map(way).collect() }
    }

    /// Agreement of a model's answers with a later one's, in parts per million.
    ///
    /// A later one gains nothing by answers that are not finite numbers, nor does an earlier one.
    pub(crate) fn agreement(&self, models: [(&Model, Output); 2]) -> u32 {
        let apart = match self.dataset.labels() {
            Labels::Classes(classes) => answers_apart(
                models.map(|(model, output)| self.positions(model, output, classes)),
                positions_apart,
            ),
            Labels::Targets(_) => {
                answers_apart(models.map(|(model, _)| self.numbers(model)), numbers_apart)
            }
        };
        ALL.saturating_sub(apart)
    }

    /// For each path the last position, of 2⁸, at which bisection finds the class of its first row;
    /// `None` if a probe is not answered.
    fn positions(&self, model: &Model, output: Output, classes: &[u8]) -> Option<Vec<u32>> {
        let mut positions = vec![0; WAYS];
        for halving in (0..HALVINGS).rev() {
            let next =
                positions.iter().map(|position| position + (1 << halving)).collect::<Vec<u32>>();
            let answers = self.answers(model, &next)?;
            let answers = answers.chunks_exact(model.answers());
            let answers = answers.map(|answer| marking::predicted(answer, output));
            let wanted = self.ways.iter().map(|[from, _]| u16::from(classes[*from]));
            for ((position, next), (answer, wanted)) in
                positions.iter_mut().zip(next).zip(answers.zip(wanted))
            {
                if answer == wanted {
                    *position = next;
                }
            }
        }
        Some(positions)
    }

    /// The numbers answered at as many positions as bisection would probe; `None` if a probe is not
    /// answered.
    fn numbers(&self, model: &Model) -> Option<Vec<f32>> {
        let step = (1 << HALVINGS) / HALVINGS;
        let answers =
            (0..HALVINGS).map(|position| self.answers(model, &[position * step + step / 2; WAYS]));
        Some(answers.collect::<Option<Vec<_>>>()?.concat())
    }

    /// The answers at a position on each path; `None` if the model cannot answer this many rows, or
    /// not with finite numbers.
    fn answers(&self, model: &Model, positions: &[u32]) -> Option<Vec<f32>> {
        let mut answers = Vec::with_capacity(WAYS * model.answers());
        let batch = model.batch_rows();
        for (ways, positions) in self.ways.chunks(batch).zip(positions.chunks(batch)) {
            let rows =
                ways.iter().zip(positions).flat_map(|(way, position)| self.row(*way, *position));
            answers.extend(model.answer(rows.collect()).ok()?);
        }
        answers.iter().all(|number| number.is_finite()).then_some(answers)
    }

    /// The row at a position on a path.
    fn row(&self, way: [usize; 2], position: u32) -> impl Iterator<Item = f32> + use<> {
        #[expect(clippy::cast_precision_loss, reason = "places are below 2⁹")]
        let part = position as f32 / (1_u32 << HALVINGS) as f32;
        let [from, to] = way.map(|row| self.dataset.features(row..row + 1));
        from.into_iter().zip(to).map(move |(from, to)| from + (to - from) * part)
    }
}

/// Distance between two models' answers.
fn answers_apart<T>(answers: [Option<Vec<T>>; 2], apart: impl Fn(&[T], &[T]) -> u32) -> u32 {
    match answers {
        [Some(first), Some(second)] => apart(&first, &second),
        [None, Some(_)] => ALL,
        [_, None] => 0,
    }
}

/// The mean distance of positions, relative to the whole path.
fn positions_apart(first: &[u32], second: &[u32]) -> u32 {
    let sum = first.iter().zip(second).map(|(first, second)| u64::from(first.abs_diff(*second)));
    let whole = u64::try_from(WAYS).unwrap_or(u64::MAX) << HALVINGS;
    u32::try_from(sum.sum::<u64>() * u64::from(ALL) / whole).unwrap_or(ALL)
}

/// The root of one minus the correlation.
///
/// In f64, in the order of the probes.
fn numbers_apart(first: &[f32], second: &[f32]) -> u32 {
    #[expect(clippy::cast_precision_loss, reason = "there are few probes")]
    let count = first.len() as f64;
    let centred = |numbers: &[f32]| {
        let mean = numbers.iter().copied().map(f64::from).sum::<f64>() / count;
        numbers.iter().map(|number| f64::from(*number) - mean).collect::<Vec<_>>()
    };
    let product =
        |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let (first, second) = (centred(first), centred(second));
    let sizes = (product(&first, &first) * product(&second, &second)).sqrt();
    if sizes == 0.0 {
        return if first == second { 0 } else { ALL };
    }
    let correlation = product(&first, &second) / sizes;
    let apart = (1.0 - correlation).max(0.0).sqrt() * f64::from(ALL);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and cut where it is larger than can be"
    )]
    let parts_per_million = apart.min(f64::from(ALL)) as u32;
    parts_per_million
}
