//! ONNX's own test cases, run through the graph that evaluates models.
//!
//! A case has a model, inputs and expected outputs. All inputs are first given to a run; if the
//! model is refused so, those after the first are constants, and at last all are: an operator may
//! need a shape or a count to be known before running.

use crate::{
    backend::Array,
    graph::{Bound, BoundGraph, Graph},
    onnx::{File, TensorBytes},
    op::Fact,
    plan::Plan,
    run::Value,
    tensor::Tensor,
};

/// Tolerance of a float, relative to the expected number and absolute, as the suite's runner has.
const TOLERANCE: [f64; 2] = [1e-3, 1e-7];

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// Every output is as expected.
    Passed,
    /// The model or its data is refused, for this reason.
    Refused(String),
    /// An output is wrong.
    Failed(String),
}

/// Names of the operators of a model's graph, in order; empty if the file cannot be read.
#[must_use]
pub fn operators(model: &[u8]) -> Vec<String> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let nodes = File::read(model).map(|file| file.graph.nodes).unwrap_or_default();
    nodes.iter().map(|node| name(node.operator)).collect()
}

/// Runs a model on inputs, each a `TensorProto`, and compares its outputs with those expected.
#[must_use]
pub fn run(model: &[u8], inputs: &[Vec<u8>], outputs: &[Vec<u8>]) -> CaseOutcome {
    let decoded = |files: &[Vec<u8>]| files.iter().map(|file| tensor(file)).collect();
    let (inputs, outputs): (Result<Vec<_>, _>, Result<Vec<_>, _>) =
        (decoded(inputs), decoded(outputs));
    let (inputs, outputs) = match (inputs, outputs) {
        (Ok(inputs), Ok(outputs)) => (inputs, outputs),
        (Err(reason), _) | (_, Err(reason)) => return CaseOutcome::Refused(reason),
    };
    for (index, expected) in outputs.iter().enumerate() {
        let mut outcome = CaseOutcome::Refused(String::new());
        for given in [inputs.len(), 1, 0] {
            outcome = one(model, &inputs, given, index, expected);
            if !matches!(outcome, CaseOutcome::Refused(_)) {
                break;
            }
        }
        if outcome != CaseOutcome::Passed {
            return outcome;
        }
    }
    CaseOutcome::Passed
}

fn tensor(file: &[u8]) -> Result<Tensor, String> {
    let tensor = TensorBytes::new(file).and_then(TensorBytes::decode);
    let constant = tensor.map_err(|reason| reason.to_string())?;
    constant.map(crate::onnx::Constant::into_tensor).map_err(|reason| reason.to_string())
}

/// One output, with the first inputs given to the run and the others constants.
fn one(
    model: &[u8],
    inputs: &[Tensor],
    given: usize,
    output: usize,
    expected: &Tensor,
) -> CaseOutcome {
    let bound = inputs.iter().enumerate().map(|(index, tensor)| Bound {
        tensor: tensor.clone(),
        constant: index >= given || tensor.shape().is_none(),
    });
    match computed(model, &bound.collect::<Vec<_>>(), output) {
        Err(reason) => CaseOutcome::Refused(reason),
        Ok(found) => match difference(&found, expected) {
            None => CaseOutcome::Passed,
            Some(difference) => CaseOutcome::Failed(difference),
        },
    }
}

fn computed(model: &[u8], given: &[Bound], output: usize) -> Result<Tensor, String> {
    let bound = Graph::bound(model, given, output).map_err(|reason| reason.to_string())?;
    let BoundGraph { graph, weights, inputs } = bound;
    let fact = |tensor: &Tensor| tensor.shape().map(|shape| Fact::of(tensor.element, shape));
    let facts = inputs.iter().filter_map(|(value, tensor)| Some((*value, fact(tensor)?)));
    let planned = Plan::for_inputs(&graph, &facts.collect::<Vec<_>>());
    let (plan, _) = planned.map_err(|reason| reason.to_string())?;
    let mut arrays = vec![None; graph.known.len()];
    for weight in weights {
        arrays[weight.value] = Some(Array::constant(weight.elements, weight.shape));
    }
    let inputs = inputs.into_iter().map(|(value, tensor)| (value, Value::of(tensor)));
    let value = graph.run_values(&plan, &arrays, inputs.collect(), graph.output, None);
    Ok((*value.into_tensor()).clone())
}

/// What is wrong with a tensor, if anything.
fn difference(found: &Tensor, expected: &Tensor) -> Option<String> {
    if found.element != expected.element || found.sizes != expected.sizes {
        let (found_sizes, expected_sizes) = (&found.sizes, &expected.sizes);
        return Some(format!(
            "{} {found_sizes:?} instead of {} {expected_sizes:?}",
            found.element, expected.element
        ));
    }
    if !found.element.is_real() {
        let place = found.wholes().iter().zip(&*expected.wholes()).position(|(x, y)| x != y)?;
        let (x, y) = (found.wholes()[place], expected.wholes()[place]);
        return Some(format!("element {place} is {x} instead of {y}"));
    }
    let [relative, absolute] = TOLERANCE;
    let near = |(x, y): (&f64, &f64)| {
        x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= absolute + relative * y.abs()
    };
    let (found, expected) = (found.reals(), expected.reals());
    let place = found.iter().zip(&*expected).position(|pair| !near(pair))?;
    Some(format!("element {place} is {} instead of {}", found[place], expected[place]))
}
