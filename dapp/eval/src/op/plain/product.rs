//! Sums of products: matrices, and any that a formula states.

use super::{Facts, Prepared, Settings, bad_sizes, binary::broadcast, binary::spread, operand};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, Tensor, each_coordinate, strides},
};

/// Two factors of a matrix product as they are multiplied, both with all outer dimensions.
pub(super) struct Matrices {
    pub(super) outer: Vec<usize>,
    pub(super) rows: usize,
    pub(super) inner: usize,
    pub(super) columns: usize,
    /// The sizes of the factors once they have two dimensions at least.
    left: Vec<usize>,
    right: Vec<usize>,
    /// The sizes of the product.
    pub(super) output: Vec<usize>,
}

impl Matrices {
    /// The product of factors of these sizes; a list is a row on the left, a column on the right.
    pub(super) fn new(left: &[usize], right: &[usize]) -> Option<Self> {
        let (row, column) = (left.len() == 1, right.len() == 1);
        let left = if row { [&[1], left].concat() } else { left.to_vec() };
        let right = if column { [right, &[1]].concat() } else { right.to_vec() };
        let (left_outer, &[rows, inner]) = left.split_last_chunk::<2>()?;
        let (right_outer, &[inner_right, columns]) = right.split_last_chunk::<2>()?;
        if inner != inner_right {
            return None;
        }
        let outer = broadcast(&[left_outer, right_outer])?;
        let mut output = outer.clone();
        if !row {
            output.push(rows);
        }
        if !column {
            output.push(columns);
        }
        let (left, right) =
            ([&outer[..], &[rows, inner]].concat(), [&outer[..], &[inner, columns]].concat());
        crate::tensor::count(&left)?;
        crate::tensor::count(&right)?;
        Some(Self { outer, rows, inner, columns, left, right, output })
    }

    /// Multiplications.
    pub(super) fn products(&self) -> usize {
        let outer = self.outer.iter().product::<usize>();
        [self.rows, self.inner, self.columns]
            .iter()
            .fold(outer, |all, size| all.saturating_mul(*size))
    }

    /// The product; sums are taken in index order.
    pub(super) fn multiply<T: Copy + Default>(
        &self,
        left: &[T],
        right: &[T],
        add: impl Fn(T, T, T) -> T,
    ) -> Vec<T> {
        let Self { rows, inner, columns, .. } = *self;
        let mut output = vec![T::default(); self.outer.iter().product::<usize>() * rows * columns];
        if output.is_empty() || inner == 0 {
            return output;
        }
        let lefts = left.chunks_exact(rows * inner).zip(right.chunks_exact(inner * columns));
        for (slots, (left, right)) in output.chunks_exact_mut(rows * columns).zip(lefts) {
            for (slots, row) in slots.chunks_exact_mut(columns).zip(left.chunks_exact(inner)) {
                for (factor, line) in row.iter().zip(right.chunks_exact(columns)) {
                    for (slot, other) in slots.iter_mut().zip(line) {
                        *slot = add(*slot, *factor, *other);
                    }
                }
            }
        }
        output
    }

    /// A factor's elements with all outer dimensions.
    pub(super) fn spread(&self, tensor: &Tensor, right: bool) -> Data {
        let to = if right { &self.right } else { &self.left };
        let mut sizes = tensor.sizes.clone();
        if sizes.len() == 1 {
            sizes.insert(usize::from(right), 1);
        }
        spread(&Tensor { sizes, ..tensor.clone() }, to)
    }
}

/// A sum and the product of two integers, modulo two to the 64th.
pub(super) const fn add_product(sum: i64, x: i64, y: i64) -> i64 {
    sum.wrapping_add(x.wrapping_mul(y))
}

pub(super) fn reals_of(data: Data) -> Vec<f64> {
    match data {
        Data::Real(numbers) => numbers,
        #[expect(clippy::cast_precision_loss, reason = "rounded to the nearest")]
        Data::Whole(numbers) => numbers.into_iter().map(|number| number as f64).collect(),
    }
}

pub(super) fn wholes_of(data: Data) -> Vec<i64> {
    match data {
        Data::Whole(numbers) => numbers,
        Data::Real(_) => Vec::new(),
    }
}

pub(super) fn mat_mul(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (element, left, right) = (given.element(0)?, given.sizes(0)?, given.sizes(1)?);
    let matrices = Matrices::new(left, right);
    let matrices = matrices.ok_or_else(|| NodeRefused::Shapes(left.into(), right.into()))?;
    if given.element(1)? != element {
        return Err(NodeRefused::ElementType(1));
    }
    let (output, steps) = (matrices.output.clone(), matrices.products());
    Prepared::new(element, output, steps, move |operands| {
        let left = matrices.spread(operand(operands, 0), false);
        let right = matrices.spread(operand(operands, 1), true);
        multiplied(&matrices, element, left, right)
    })
}

fn multiplied(matrices: &Matrices, element: Element, left: Data, right: Data) -> Data {
    if element.is_real() {
        let (left, right) = (reals_of(left), reals_of(right));
        Data::Real(matrices.multiply(&left, &right, |sum, x, y| sum + x * y))
    } else {
        let (left, right) = (wholes_of(left), wholes_of(right));
        Data::Whole(matrices.multiply(&left, &right, add_product))
    }
}

pub(super) fn gemm(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 3)?;
    let element = given.element(0)?;
    let alpha = settings.float_or("alpha", 1.0)?;
    let beta = settings.float_or("beta", 1.0)?;
    let turned = [settings.flag("transA", false)?, settings.flag("transB", false)?];
    let mut sides = Vec::new();
    for (input, turned) in turned.into_iter().enumerate() {
        let &[rows, columns] = given.sizes(input)? else {
            return Err(bad_sizes(given.sizes(input)?));
        };
        sides.push(if turned { [columns, rows] } else { [rows, columns] });
    }
    let matrices = Matrices::new(&sides[0], &sides[1]);
    let matrices =
        matrices.ok_or_else(|| NodeRefused::Shapes(sides[0][..].into(), sides[1][..].into()))?;
    let output = matrices.output.clone();
    if given.has(2) && broadcast(&[&output, given.sizes(2)?]).as_ref() != Some(&output) {
        return Err(bad_sizes(given.sizes(2)?));
    }
    if !element.is_real() && (alpha.fract() != 0.0 || beta.fract() != 0.0) {
        return Err(bad_value("alpha"));
    }
    let (steps, to) = (matrices.products(), output.clone());
    Prepared::new(element, output, steps, move |operands| {
        let factor = |input: usize| {
            let tensor = operand(operands, input);
            if turned[input] { transposed(tensor) } else { tensor.data.clone() }
        };
        let product = multiplied(&matrices, element, factor(0), factor(1));
        let addend = operands.get(2).and_then(Option::as_deref).map(|bias| spread(bias, &to));
        combined(product, alpha, addend, beta)
    })
}

/// `alpha · product + beta · addend`.
fn combined(product: Data, alpha: f64, addend: Option<Data>, beta: f64) -> Data {
    #[expect(clippy::cast_possible_truncation, reason = "whole, as was checked")]
    let (whole_alpha, whole_beta) = (alpha as i64, beta as i64);
    match (product, addend) {
        (Data::Real(mut product), Some(Data::Real(addend))) => {
            for (slot, addend) in product.iter_mut().zip(addend) {
                *slot = alpha * *slot + beta * addend;
            }
            Data::Real(product)
        }
        (Data::Real(product), _) => Data::Real(product.into_iter().map(|x| alpha * x).collect()),
        (Data::Whole(mut product), Some(Data::Whole(addend))) => {
            for (slot, addend) in product.iter_mut().zip(addend) {
                let scaled = whole_alpha.wrapping_mul(*slot);
                *slot = scaled.wrapping_add(whole_beta.wrapping_mul(addend));
            }
            Data::Whole(product)
        }
        (Data::Whole(product), _) => {
            Data::Whole(product.into_iter().map(|x| whole_alpha.wrapping_mul(x)).collect())
        }
    }
}

fn transposed(tensor: &Tensor) -> Data {
    let &[rows, columns] = tensor.sizes.as_slice() else { return tensor.data.clone() };
    let places = (0..rows * columns).map(|at| Some(at % rows * columns + at / rows));
    tensor.data.taken(places)
}

/// A formula of an `Einsum`: the letters of each operand and of the output, as numbers.
struct Formula {
    terms: Vec<Vec<usize>>,
    output: Vec<usize>,
    /// The size of each letter.
    sizes: Vec<usize>,
}

/// Letters that stand for the dimensions of an ellipsis, from the last.
const ELLIPSIS: [char; 6] = ['0', '1', '2', '3', '4', '5'];

impl Formula {
    fn new(equation: &str, operands: &[&[usize]]) -> Option<Self> {
        let equation = equation.replace(' ', "");
        let (inputs, output) = match equation.split_once("->") {
            Some((inputs, output)) => (inputs.to_owned(), Some(output.to_owned())),
            None => (equation.clone(), None),
        };
        let mut terms = Vec::new();
        for (term, sizes) in inputs.split(',').zip(operands) {
            let named = term.chars().filter(char::is_ascii_alphabetic).count();
            let hidden = sizes.len().checked_sub(named)?;
            let hidden = ELLIPSIS.get(..hidden)?.iter().rev().collect::<String>();
            if !term.contains("...") && !hidden.is_empty() {
                return None;
            }
            terms.push(term.replacen("...", &hidden, 1));
        }
        if terms.len() != operands.len() || inputs.split(',').count() != operands.len() {
            return None;
        }
        let all = terms.concat();
        let longest = ELLIPSIS.iter().filter(|letter| all.contains(**letter)).rev();
        let hidden = longest.collect::<String>();
        let output = match output {
            Some(output) => output.replacen("...", &hidden, 1),
            None => {
                let mut once = all.chars().filter(|letter| letter.is_ascii_alphabetic());
                let mut letters = once
                    .by_ref()
                    .filter(|letter| all.matches(*letter).count() == 1)
                    .collect::<Vec<_>>();
                letters.sort_unstable();
                hidden + &letters.into_iter().collect::<String>()
            }
        };
        let mut letters = output.chars().collect::<Vec<_>>();
        letters.extend(all.chars());
        let mut known = Vec::new();
        for letter in letters {
            if !letter.is_ascii_alphanumeric() {
                return None;
            }
            if !known.contains(&letter) {
                known.push(letter);
            }
        }
        let numbered = |term: &str| {
            let place = |letter| known.iter().position(|known| *known == letter);
            term.chars().map(place).collect::<Option<Vec<_>>>()
        };
        let terms = terms.iter().map(|term| numbered(term)).collect::<Option<Vec<_>>>()?;
        let mut sizes = vec![1; known.len()];
        for (letters, operand) in terms.iter().zip(operands) {
            for (letter, size) in letters.iter().zip(*operand) {
                match (sizes[*letter], *size) {
                    (_, 1) => {}
                    (1, size) => sizes[*letter] = size,
                    (known, size) if known == size => {}
                    _ => return None,
                }
            }
        }
        Some(Self { terms, output: numbered(&output)?, sizes })
    }
}

pub(super) fn einsum(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.at_least(1)?;
    let equation =
        settings.text("equation")?.ok_or(NodeRefused::AttributeMissing("equation".into()))?;
    let operands = (0..given.count()).map(|input| given.sizes(input));
    let operands = operands.collect::<Result<Vec<_>, _>>()?;
    let formula = Formula::new(equation, &operands).ok_or(bad_value("equation"))?;
    let element = given.real(0)?;
    let output = formula.output.iter().map(|letter| formula.sizes[*letter]).collect::<Vec<_>>();
    if output.len() > crate::limits::PLAIN_RANK || formula.sizes.len() > 3 * ELLIPSIS.len() {
        return Err(bad_value("equation"));
    }
    let all = formula.sizes.iter().fold(given.count(), |all, size| all.saturating_mul(*size));
    let steps = all.saturating_mul(formula.sizes.len());
    let jumps = formula.terms.iter().zip(&operands).map(|(letters, sizes)| {
        let mut jumps = vec![0; formula.sizes.len()];
        for ((letter, step), size) in letters.iter().zip(strides(sizes)).zip(*sizes) {
            jumps[*letter] += if *size == 1 { 0 } else { step };
        }
        jumps
    });
    let jumps = jumps.collect::<Vec<_>>();
    let count = output.iter().product::<usize>();
    let (sizes, lead) = (formula.sizes, output.len());
    let fits = formula.output.iter().copied().eq(0..lead);
    if !fits {
        return Err(bad_value("equation"));
    }
    Prepared::new(element, output, steps, move |operands| {
        let numbers = (0..jumps.len()).map(|input| operand(operands, input).reals());
        let numbers = numbers.collect::<Vec<_>>();
        let inside = sizes[lead..].iter().product::<usize>().max(1);
        let (mut sums, mut turn) = (vec![0.0; count], 0);
        each_coordinate(&sizes, |at| {
            let mut product = 1.0;
            for (numbers, jumps) in numbers.iter().zip(&jumps) {
                product *= numbers[at.iter().zip(jumps).map(|(at, jump)| at * jump).sum::<usize>()];
            }
            sums[turn / inside] += product;
            turn += 1;
        });
        Data::Real(sums)
    })
}
