//! Operators on tensors of any element type, computed on plain lists.
//!
//! Floats are computed in f64 and rounded once to their type, integers exactly and modulo two to
//! the number of their bits; sums are taken in index order. So the bits do not depend on the
//! processor. An operator is a function from attributes and the facts of its inputs to a
//! [`Prepared`] computation, whose shape and cost are known before it runs.

mod attention;
mod binary;
mod bytes;
mod cast;
mod classical;
mod contrib;
mod convolution;
mod generate;
mod index;
mod meaning;
mod norm;
mod order;
mod pool;
mod product;
mod quantise;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod scan;
mod scatter;
mod settings;
mod svm;
mod table;
mod trees;
mod unary;
mod window;

use std::{fmt, sync::Arc};

pub(crate) use meaning::Meaning;
pub(crate) use scan::{Body, BodyNode};
pub(crate) use settings::Settings;

use super::{Fact, attributes::bad_value};
use crate::{
    cost::{Cost, CostKind},
    element::Element,
    refusal::NodeRefused,
    tensor::{Data, Shared, Tensor, count},
};

/// An operator with its attributes.
#[derive(Clone)]
pub(crate) struct Plain {
    prepare: Prepare,
    settings: Settings,
    /// What its result means.
    pub(crate) meaning: Meaning,
    /// The graph inside of it, of a `Scan`.
    body: Option<Arc<Body>>,
}

/// What an operator does with its attributes and inputs.
type Prepare = fn(&Settings, &Facts<'_>) -> Result<Prepared, NodeRefused>;

/// The operands of a node as it runs; `None` for an input left out.
pub(crate) type Operands<'a> = &'a [Option<Shared>];

/// A computation whose result's type and sizes, and whose cost, are known.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) element: Element,
    pub(crate) sizes: Vec<usize>,
    /// Elementary steps, without those of kernels.
    steps: u64,
    /// What kernels cost.
    kernels: Box<Cost>,
    /// Whether the result depends on the facts of the inputs alone.
    pub(crate) ignores_operands: bool,
    /// Elements that are held beside those of the inputs and the result.
    elements: usize,
    run: Arc<dyn Fn(Operands<'_>) -> Data + Send + Sync>,
}

impl Plain {
    /// The operator of this name; `None` if there is none here.
    pub(crate) fn new(
        domain: &[u8],
        name: &[u8],
        settings: Settings,
    ) -> Option<Result<Self, NodeRefused>> {
        let (prepare, attributes) = table::find(domain, name)?;
        if settings.output >= table::outputs(name) {
            return None;
        }
        if let Err(reason) = settings.expect(attributes) {
            return Some(Err(reason));
        }
        let meaning = Meaning::of(domain, name, &settings);
        Some(Ok(Self { prepare, settings, meaning, body: None }))
    }

    /// An output of a `Scan` that runs this graph.
    pub(crate) fn scan(body: Arc<Body>, output: usize, settings: Settings) -> Self {
        let settings = settings.with_output(output);
        let prepare: Prepare = |_, _| Err(NodeRefused::UnknownOperator);
        Self { prepare, settings, meaning: Meaning::Other, body: Some(body) }
    }

    /// Nodes of the graph inside of it.
    pub(crate) fn inner_nodes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.nodes.len())
    }

    /// Checks the inputs, and says what is to be computed.
    pub(crate) fn prepare(&self, inputs: &[Option<Fact>]) -> Result<Prepared, NodeRefused> {
        let given = Facts(inputs);
        let mut prepared = match &self.body {
            Some(body) => body.prepare(self.settings.output, &given)?,
            None => (self.prepare)(&self.settings, &given)?,
        };
        if prepared.ignores_operands {
            return Ok(prepared);
        }
        let read = inputs.iter().flatten().map(|fact| fact.sizes().iter().product::<usize>());
        let elements = read.sum::<usize>() + prepared.sizes.iter().product::<usize>();
        prepared.steps = prepared.steps.saturating_add(u64::try_from(elements).unwrap_or(u64::MAX));
        Ok(prepared)
    }
}

impl Prepared {
    /// A computation; `steps` are those beside reading the inputs and writing the output.
    fn new(
        element: Element,
        sizes: Vec<usize>,
        steps: usize,
        run: impl Fn(Operands<'_>) -> Data + Send + Sync + 'static,
    ) -> Result<Self, NodeRefused> {
        count(&sizes).ok_or(NodeRefused::OutputShape)?;
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let (kernels, ignores_operands, elements) = (Box::default(), false, 0);
        Ok(Self { element, sizes, steps, kernels, ignores_operands, elements, run: Arc::new(run) })
    }

    /// The same, for a result that depends on the facts of the inputs alone.
    fn ignoring_operands(mut self) -> Self {
        self.ignores_operands = true;
        self
    }

    /// Elementary steps; an iteration of a kernel's innermost loop is one.
    pub(crate) const fn steps(&self) -> u64 {
        self.steps.saturating_add(self.kernels.plain_steps())
    }

    /// The same, with kernels that cost this much.
    fn with_kernels(mut self, cost: Cost) -> Self {
        *self.kernels = cost;
        self
    }

    /// The same, which holds as many more elements.
    fn holding(mut self, elements: usize) -> Self {
        self.elements = elements;
        self
    }

    /// Bytes that computing needs beside operands and output: their copies in f64, and lists of
    /// places.
    pub(crate) fn scratch(&self, inputs: &[Option<Fact>]) -> usize {
        let elements = |sizes: &[usize]| sizes.iter().product::<usize>();
        let inputs = inputs.iter().flatten().map(|fact| elements(fact.sizes())).sum::<usize>();
        let elements = (inputs + elements(&self.sizes)).saturating_add(self.elements);
        elements.saturating_mul(4 * size_of::<f64>())
    }

    /// The result.
    pub(crate) fn run(&self, operands: Operands<'_>) -> Tensor {
        let data = (self.run)(operands).resized(self.sizes.iter().product());
        Tensor::new(self.element, self.sizes.clone(), data)
    }

    /// Its cost; `None` if that overflows.
    pub(crate) fn cost(&self) -> Option<Cost> {
        self.kernels.with(CostKind::PlainSteps, self.steps)
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, out)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {:?} in {} steps", self.element, self.sizes, self.steps())
    }
}

/// The facts of a node's inputs.
struct Facts<'a>(&'a [Option<Fact>]);

impl Facts<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn has(&self, input: usize) -> bool {
        self.0.get(input).is_some_and(Option::is_some)
    }

    fn fact(&self, input: usize) -> Result<&Fact, NodeRefused> {
        self.0.get(input).and_then(Option::as_ref).ok_or(NodeRefused::InputCount(self.count()))
    }

    fn element(&self, input: usize) -> Result<Element, NodeRefused> {
        self.fact(input).map(Fact::element)
    }

    fn sizes(&self, input: usize) -> Result<&[usize], NodeRefused> {
        self.fact(input).map(Fact::sizes)
    }

    fn len(&self, input: usize) -> Result<usize, NodeRefused> {
        self.sizes(input).map(|sizes| sizes.iter().product())
    }

    /// The type of an input that must be of floats.
    fn real(&self, input: usize) -> Result<Element, NodeRefused> {
        self.element(input)?.is_real_or(NodeRefused::ElementType(input))
    }

    /// A tensor that must be known before running.
    fn known(&self, input: usize) -> Result<&Tensor, NodeRefused> {
        match self.fact(input)? {
            Fact::Known(tensor) => Ok(tensor),
            _ => Err(NodeRefused::NotKnown(input)),
        }
    }

    /// Whole numbers that must be known before running.
    fn integers(&self, input: usize) -> Result<&[i64], NodeRefused> {
        self.known(input)?.as_whole().ok_or(NodeRefused::ElementType(input))
    }

    /// Whole numbers that must be known before running, if the input is not left out.
    fn optional_integers(&self, input: usize) -> Result<Option<&[i64]>, NodeRefused> {
        if self.has(input) { self.integers(input).map(Some) } else { Ok(None) }
    }

    /// Numbers that must be known before running, if the input is not left out.
    fn optional_reals(&self, input: usize) -> Result<Option<Vec<f64>>, NodeRefused> {
        let known = self.has(input).then(|| self.known(input)).transpose()?;
        Ok(known.map(|tensor| tensor.reals().into_owned()))
    }

    fn at_least(&self, count: usize) -> Result<(), NodeRefused> {
        if self.count() < count { Err(NodeRefused::InputCount(self.count())) } else { Ok(()) }
    }

    fn expect(&self, least: usize, most: usize) -> Result<(), NodeRefused> {
        let fits = (least..=most).contains(&self.count());
        if fits { Ok(()) } else { Err(NodeRefused::InputCount(self.count())) }
    }
}

impl Element {
    fn is_real_or(self, refused: NodeRefused) -> Result<Self, NodeRefused> {
        if self.is_real() { Ok(self) } else { Err(refused) }
    }
}

/// The dimension meant by an axis of a tensor of this rank.
fn axis_of(axis: i64, rank: usize) -> Result<usize, NodeRefused> {
    let signed = i64::try_from(rank).unwrap_or(i64::MAX);
    let axis = if axis < 0 { axis.saturating_add(signed) } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank).ok_or(bad_value("axis"))
}

/// The dimensions meant by some axes, ascending; each may be given once.
fn axes_of(axes: &[i64], rank: usize) -> Result<Vec<usize>, NodeRefused> {
    let mut found = axes.iter().map(|axis| axis_of(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(bad_value("axes"));
    }
    Ok(found)
}

/// Elements before, along and after a dimension.
fn around(sizes: &[usize], axis: usize) -> [usize; 3] {
    let product = |sizes: &[usize]| sizes.iter().product::<usize>();
    [product(&sizes[..axis]), sizes[axis], product(&sizes[axis + 1..])]
}

/// An operand that is not left out.
fn operand<'a>(operands: Operands<'a>, input: usize) -> &'a Tensor {
    operands.get(input).and_then(Option::as_deref).expect("the input was seen before running")
}

/// A size as an unsigned number; none if negative.
fn unsigned(number: i64) -> Result<usize, NodeRefused> {
    usize::try_from(number).map_err(|_| NodeRefused::OutputShape)
}

/// A refusal of these sizes.
fn bad_sizes(sizes: &[usize]) -> NodeRefused {
    NodeRefused::Shape(sizes.into())
}
