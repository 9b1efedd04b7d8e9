//! `com.microsoft`: the operators that ONNX Runtime's quantiser writes into a file.
//!
//! Each takes quantised tensors, as integers with a scale and a zero point, and gives one.

use std::sync::Arc;

use super::{
    Facts, Operands, Prepare, Prepared, Settings, bad_sizes, binary,
    bytes::IntegerProduct,
    index, operand, pool,
    product::Matrices,
    quantise::{as_data, is_narrow, quantised},
    reduce, unary,
};
use crate::{
    element::Element,
    op::{Fact, attributes::bad_value},
    refusal::NodeRefused,
    shape::Shape,
    tensor::{Data, Tensor},
};

/// The places of the inputs: the first of the quantised tensors, how many there are, and the scale
/// of the result, which its zero point follows.
#[derive(Clone, Copy)]
struct Places {
    first: usize,
    count: usize,
    result: usize,
}

impl Places {
    /// The tensors before the result's scale.
    const fn before(count: usize) -> Self {
        Self { first: 0, count, result: 3 * count }
    }
}

/// An input that is one number; zero if it is left out.
fn number(operands: Operands<'_>, input: usize) -> f64 {
    let tensor = operands.get(input).and_then(Option::as_deref);
    tensor.and_then(|tensor| tensor.reals().first().copied()).unwrap_or(0.0)
}

fn expect_number(given: &Facts<'_>, input: usize) -> Result<(), NodeRefused> {
    if given.has(input) && given.len(input)? != 1 {
        return Err(bad_sizes(given.sizes(input)?));
    }
    Ok(())
}

/// An operator of floats, between integers that stand for the floats.
fn between(
    inner: Prepare,
    settings: &Settings,
    given: &Facts<'_>,
    places: Places,
) -> Result<Prepared, NodeRefused> {
    let Places { first, count, result } = places;
    let to = given.element(first)?;
    if !is_narrow(to) || to.is_real() || !given.has(result) {
        return Err(NodeRefused::ElementType(first));
    }
    let mut facts = Vec::with_capacity(count);
    for input in (first..).step_by(3).take(count) {
        let sizes = given.sizes(input)?;
        (given.element(input)? == to).then_some(()).ok_or(NodeRefused::ElementType(input))?;
        expect_number(given, input + 1)?;
        expect_number(given, input + 2)?;
        let shape = Shape::new(sizes).ok_or_else(|| bad_sizes(sizes))?;
        facts.push(Some(Fact::of(Element::F32, shape)));
    }
    expect_number(given, result)?;
    expect_number(given, result + 1)?;
    let prepared = inner(settings, &Facts(&facts))?;
    let steps = usize::try_from(prepared.steps).unwrap_or(usize::MAX);
    let elements = prepared.sizes.iter().product::<usize>();
    let steps = steps.saturating_add(elements.saturating_mul(6));
    let (sizes, kernels) = (prepared.sizes.clone(), *prepared.kernels);
    let quantised = Prepared::new(to, sizes, steps, move |operands| {
        let real = |input: usize| {
            let tensor = operand(operands, input);
            let [scale, zero] = [1, 2].map(|next| number(operands, input + next));
            let numbers = tensor.reals().iter().map(|x| (x - zero) * scale).collect();
            let sizes = tensor.sizes.clone();
            Some(Arc::new(Tensor::new(Element::F32, sizes, Data::Real(numbers))))
        };
        let reals = (first..).step_by(3).take(count).map(real).collect::<Vec<_>>();
        let numbers = prepared.run(&reals);
        let [scale, zero] = [result, result + 1].map(|input| number(operands, input));
        let quantise = |x: &f64| quantised(to, Element::F32.rounded(x / scale), 1.0, zero);
        as_data(to, numbers.reals().iter().map(quantise).collect())
    })?;
    Ok(quantised.with_kernels(kernels))
}

pub(super) fn add(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    between(binary::add, settings, given, Places::before(2))
}

pub(super) fn mul(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    between(binary::mul, settings, given, Places::before(2))
}

pub(super) fn sigmoid(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    between(unary::sigmoid, settings, given, Places::before(1))
}

pub(super) fn leaky_relu(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    between(unary::leaky_relu, settings, given, Places::before(1))
}

/// A softmax, whose axis means what it did in the standard's version that is stated.
pub(super) fn softmax(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let opset = settings.integer_or("opset", settings.opset)?;
    let settings = settings.clone().with_opset(opset);
    between(reduce::softmax, &settings, given, Places::before(1))
}

fn expect_channels_first(settings: &Settings) -> Result<(), NodeRefused> {
    if settings.flag("channels_last", false)? { Err(bad_value("channels_last")) } else { Ok(()) }
}

pub(super) fn average_pool(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    expect_channels_first(settings)?;
    between(pool::average_pool, settings, given, Places::before(1))
}

pub(super) fn global_average_pool(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    expect_channels_first(settings)?;
    between(reduce::global_average, settings, given, Places::before(1))
}

/// A concatenation, whose result's scale and zero point are the first inputs.
pub(super) fn concat(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let count = given.count().saturating_sub(2) / 3;
    between(index::concat, settings, given, Places { first: 2, count, result: 0 })
}

/// `alpha · A · B + C` of quantised matrices; without a scale of the result, as floats.
pub(super) fn gemm(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(6, 9)?;
    let alpha = settings.float_or("alpha", 1.0)?;
    let turned = [settings.flag("transA", false)?, settings.flag("transB", false)?];
    let sizes = |input: usize, turned: bool| match (given.sizes(input)?, turned) {
        (&[rows, columns], false) => Ok([rows, columns]),
        (&[rows, columns], true) => Ok([columns, rows]),
        (sizes, _) => Err(bad_sizes(sizes)),
    };
    let (left, right) = (sizes(0, turned[0])?, sizes(3, turned[1])?);
    let columns = right[1];
    let matrices = Matrices::new(&left, &right);
    let matrices =
        matrices.ok_or_else(|| NodeRefused::Shapes(left[..].into(), right[..].into()))?;
    expect_number(given, 1)?;
    expect_number(given, 2)?;
    for input in [4, 5, 6] {
        if given.has(input) && given.len(input)? != 1 && given.len(input)? != columns {
            return Err(bad_sizes(given.sizes(input)?));
        }
    }
    let to = if given.has(7) { given.element(0)? } else { Element::F32 };
    if [0, 3].iter().any(|input| given.element(*input).is_ok_and(Element::is_real)) {
        return Err(NodeRefused::ElementType(0));
    }
    let product = IntegerProduct::new(matrices, given, [(0, 2), (3, 5)]);
    let (output, steps, kernels) = product.plan()?;
    let prepared = Prepared::new(to, output, steps, move |operands| {
        let factor = |input: usize, turned: bool| {
            let tensor = operand(operands, input);
            if turned { turned_over(tensor) } else { tensor.clone() }
        };
        let zeros = |input: usize| operands.get(input).and_then(Option::as_deref);
        let (left, right) = (factor(0, turned[0]), factor(3, turned[1]));
        let sums = product.sums([(&left, zeros(2)), (&right, zeros(5))]);
        let at = |list: &[f64], column: usize| list[if list.len() == 1 { 0 } else { column }];
        let bias = operands.get(6).and_then(Option::as_deref).map(Tensor::reals);
        let of_right = operand(operands, 4).reals();
        let [of_left, scale, zero] = [1, 7, 8].map(|input| number(operands, input));
        #[expect(clippy::cast_precision_loss, reason = "sums of products of bytes")]
        let real = |(index, sum): (usize, i64)| {
            let column = index % columns;
            let sum = sum as f64 + bias.as_ref().map_or(0.0, |bias| at(bias, column));
            sum * (alpha * of_left * at(&of_right, column))
        };
        let numbers = sums.into_iter().enumerate().map(real);
        if to.is_real() {
            return Data::Real(numbers.collect());
        }
        as_data(to, numbers.map(|x| quantised(to, x / scale, 1.0, zero)).collect())
    })?;
    Ok(prepared.with_kernels(kernels))
}

/// A matrix with rows for columns.
fn turned_over(tensor: &Tensor) -> Tensor {
    let &[rows, columns] = tensor.sizes.as_slice() else { return tensor.clone() };
    let places = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
    let data = tensor.data.taken(places.map(Some));
    Tensor { element: tensor.element, sizes: vec![columns, rows], data }
}
