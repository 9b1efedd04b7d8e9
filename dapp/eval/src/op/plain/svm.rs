//! `ai.onnx.ml`: support vector machines, as ONNX's reference evaluator computes them.

use kernels::math::double as math;

use super::{
    Facts, Prepared, Settings,
    classical::{Finish, check_labels, greatest_place, labels, table},
    operand,
    unary::{FUNCTION, sigmoid_of},
};
use crate::{
    element::Element, limits, op::attributes::bad_value, refusal::NodeRefused, tensor::Data,
};

/// A support vector machine's kernel.
#[derive(Clone, Copy)]
struct Kernel {
    kind: usize,
    gamma: f64,
    coefficient: f64,
    degree: f64,
}

impl Kernel {
    fn parse(settings: &Settings) -> Result<Self, NodeRefused> {
        let kind = settings.choice("kernel_type", &["LINEAR", "POLY", "RBF", "SIGMOID"])?;
        let numbers = settings.floats("kernel_params")?.unwrap_or_default();
        let number = |index: usize| numbers.get(index).copied().unwrap_or(0.0);
        Ok(Self { kind, gamma: number(0), coefficient: number(1), degree: number(2) })
    }

    fn of(self, left: &[f64], right: &[f64]) -> f64 {
        let pairs = left.iter().zip(right);
        if self.kind == 2 {
            return math::exp(-self.gamma * pairs.fold(0.0, |sum, (x, y)| sum + (x - y) * (x - y)));
        }
        let product = pairs.fold(0.0, |sum, (x, y)| sum + x * y);
        let moved = self.gamma * product + self.coefficient;
        match self.kind {
            1 => math::pow(moved, self.degree),
            3 => math::tanh(moved),
            _ => product,
        }
    }
}

pub(super) fn regressor(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [rows, columns] = table(given)?;
    let kernel = Kernel::parse(settings)?;
    let vectors = settings.floats("support_vectors")?.unwrap_or_default();
    let weights = settings.floats("coefficients")?.unwrap_or_default();
    let shift = settings.floats("rho")?.and_then(|list| list.first().copied()).unwrap_or(0.0);
    let one_class = settings.flag("one_class", false)?;
    let count = super::unsigned(settings.integer_or("n_supports", 0)?)?;
    let expected = if count > 0 { count } else { 1 };
    let linear = count == 0;
    let fits = if linear {
        weights.len() == columns
    } else {
        weights.len() == expected && vectors.len() == count.saturating_mul(columns)
    };
    if !fits || Finish::parse(settings)? != Finish::None {
        return Err(bad_value("support_vectors"));
    }
    let steps = rows.saturating_mul(expected).saturating_mul(2 * columns + 2 * FUNCTION);
    Prepared::new(Element::F32, vec![rows, 1], steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let answer = |row: &[f64]| {
            let sum = if linear {
                kernel.of(row, &weights)
            } else {
                let each = vectors.chunks_exact(columns).zip(&weights);
                each.fold(0.0, |sum, (vector, weight)| sum + weight * kernel.of(row, vector))
            };
            let answer = sum + shift;
            if !one_class {
                return answer;
            }
            if answer > 0.0 { 1.0 } else { -1.0 }
        };
        Data::Real(numbers.chunks_exact(columns).map(answer).collect())
    })
}

/// A classifier: one function for each pair of classes, whose signs are votes.
struct Votes {
    kernel: Kernel,
    columns: usize,
    vectors: Vec<f64>,
    /// A list for each other class, of a number for each vector.
    weights: Vec<f64>,
    shifts: Vec<f64>,
    /// Where the vectors of each class begin, and their end.
    starts: Vec<usize>,
    /// The logistic function of each pair that makes probabilities of it.
    slopes: Vec<[f64; 2]>,
}

/// Times that the probabilities of all classes are brought nearer to those of the pairs.
const ROUNDS: usize = 100;

impl Votes {
    fn new(settings: &Settings, columns: usize, classes: usize) -> Result<Self, NodeRefused> {
        let list = |name: &str| settings.floats(name).map(Option::unwrap_or_default);
        let counts = settings.integers("vectors_per_class")?.unwrap_or_default();
        let mut starts = vec![0_usize];
        for count in counts {
            let last = starts.last().copied().unwrap_or(0);
            starts.push(last.saturating_add(super::unsigned(*count)?));
        }
        let (vectors, weights) = (list("support_vectors")?, list("coefficients")?);
        let (shifts, first, second) = (list("rho")?, list("prob_a")?, list("prob_b")?);
        let count = starts.last().copied().unwrap_or(0);
        let pairs = classes.saturating_mul(classes.saturating_sub(1)) / 2;
        let fits = (2..=limits::CLASSES.into()).contains(&classes)
            && counts.len() == classes
            && count > 0
            && vectors.len() == count.saturating_mul(columns)
            && weights.len() == count.saturating_mul(classes - 1)
            && shifts.len() == pairs
            && first.len() == second.len()
            && (first.is_empty() || first.len() == pairs);
        // Engines differ in the label of weights that are all positive, which no machine has.
        if !fits || weights.iter().all(|weight| *weight >= 0.0) {
            return Err(bad_value("coefficients"));
        }
        let slopes = first.into_iter().zip(second).map(|(a, b)| [a, b]).collect();
        let kernel = Kernel::parse(settings)?;
        Ok(Self { kernel, columns, vectors, weights, shifts, starts, slopes })
    }

    fn classes(&self) -> usize {
        self.starts.len() - 1
    }

    /// Elementary steps of a row.
    fn steps(&self) -> usize {
        let (count, classes) = (self.vectors.len() / self.columns, self.classes());
        let kernels = count.saturating_mul(2 * self.columns + 2 * FUNCTION);
        let pairs = count.saturating_mul(2 * classes);
        let rounds = if self.slopes.is_empty() { 0 } else { ROUNDS * 6 * classes * classes };
        kernels.saturating_add(pairs).saturating_add(rounds)
    }

    /// The score of each pair of classes, positive for the first of the two, and the votes.
    fn scores(&self, row: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (classes, count) = (self.classes(), self.vectors.len() / self.columns);
        let vectors = self.vectors.chunks_exact(self.columns);
        let values = vectors.map(|vector| self.kernel.of(row, vector)).collect::<Vec<_>>();
        let sum = |list: usize, class: usize| {
            let of_class = self.starts[class]..self.starts[class + 1];
            let weights = &self.weights[list * count..(list + 1) * count];
            let pairs = weights[of_class.clone()].iter().zip(&values[of_class]);
            pairs.fold(0.0, |sum, (weight, value)| sum + weight * value)
        };
        let (mut scores, mut votes) = (Vec::with_capacity(self.shifts.len()), vec![0.0; classes]);
        for first in 0..classes {
            for second in first + 1..classes {
                let score = sum(second - 1, first) + sum(first, second) + self.shifts[scores.len()];
                votes[if score > 0.0 { first } else { second }] += 1.0;
                scores.push(score);
            }
        }
        (scores, votes)
    }

    /// Probabilities of all classes from those of each pair.
    ///
    /// - Source: the second method of T.-F. Wu, C.-J. Lin, R. Weng, "Probability Estimates for
    ///   Multi-class Classification by Pairwise Coupling", JMLR 5 (2004), as libsvm has it
    fn probabilities(&self, scores: &[f64]) -> Vec<f64> {
        let classes = self.classes();
        let mut pairs = vec![0.0; classes * classes];
        let mut next = scores.iter().zip(&self.slopes);
        for first in 0..classes {
            for second in first + 1..classes {
                let Some((score, [slope, shift])) = next.next() else { continue };
                let share = (1.0 - sigmoid_of(score * slope + shift)).clamp(1e-7, 1.0 - 1e-7);
                pairs[first * classes + second] = share;
                pairs[second * classes + first] = 1.0 - share;
            }
        }
        coupled(&pairs, classes)
    }
}

fn coupled(pairs: &[f64], classes: usize) -> Vec<f64> {
    let at = |row: usize, column: usize| row * classes + column;
    let mut form = vec![0.0; classes * classes];
    for row in 0..classes {
        for other in (0..classes).filter(|other| *other != row) {
            form[at(row, row)] += pairs[at(other, row)] * pairs[at(other, row)];
            form[at(row, other)] = -pairs[at(other, row)] * pairs[at(row, other)];
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most as many as a dataset has classes")]
    let count = classes as f64;
    let mut shares = vec![1.0 / count; classes];
    for _ in 0..ROUNDS.max(classes) {
        let product = |row: usize| {
            (0..classes).fold(0.0, |sum, column| sum + form[at(row, column)] * shares[column])
        };
        let mut products = (0..classes).map(product).collect::<Vec<_>>();
        let mut whole = shares.iter().zip(&products).fold(0.0, |sum, (x, y)| sum + x * y);
        let error = products.iter().fold(0.0_f64, |worst, x| worst.max((x - whole).abs()));
        if error < 0.005 / count {
            break;
        }
        for row in 0..classes {
            let middle = form[at(row, row)];
            let step = (whole - products[row]) / middle;
            shares[row] += step;
            let grown = 1.0 + step;
            whole = (whole + step * (step * middle + 2.0 * products[row])) / (grown * grown);
            for column in 0..classes {
                products[column] = (products[column] + step * form[at(row, column)]) / grown;
                shares[column] /= grown;
            }
        }
    }
    shares
}

pub(super) fn classifier(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [rows, columns] = table(given)?;
    check_labels(settings, &["classlabels_strings"])?;
    let classes =
        match (settings.integers("classlabels_ints")?, settings.texts("classlabels_strings")?) {
            (Some(labels), _) if !labels.is_empty() => labels.len(),
            (_, Some(names)) => names.len(),
            _ => return Err(bad_value("classlabels_ints")),
        };
    let (votes, finish) = (Votes::new(settings, columns, classes)?, Finish::parse(settings)?);
    let labels = labels(settings, "classlabels_ints", classes)?;
    let steps = rows.saturating_mul(votes.steps());
    if settings.output == 0 {
        return Prepared::new(Element::I64, vec![rows], steps, move |operands| {
            let numbers = operand(operands, 0).reals();
            let label = |row: &[f64]| labels[greatest_place(&votes.scores(row).1)];
            Data::Whole(numbers.chunks_exact(columns).map(label).collect())
        });
    }
    let answers = match (votes.slopes.is_empty(), classes) {
        (false, _) => classes,
        // A positive score votes for the first class, but exporters answer it for the second.
        (true, 2) => return Err(NodeRefused::Inverted),
        (true, _) => votes.shifts.len(),
    };
    Prepared::new(Element::F32, vec![rows, answers], steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let answer = |row: &[f64]| {
            let (scores, _) = votes.scores(row);
            if votes.slopes.is_empty() {
                finish.apply(scores)
            } else {
                finish.apply(votes.probabilities(&scores))
            }
        };
        Data::Real(numbers.chunks_exact(columns).flat_map(answer).collect())
    })
}
