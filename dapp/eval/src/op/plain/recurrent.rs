//! Recurrent layers: RNN, GRU and LSTM, in one direction or both.

use kernels::math::double as math;

use super::{Facts, Prepared, Settings, bad_sizes, operand, unary::FUNCTION, unsigned};
use crate::{
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, Tensor},
};

/// A layer's sizes and functions.
#[derive(Clone)]
struct Layer {
    steps: usize,
    batch: usize,
    inputs: usize,
    hidden: usize,
    gates: usize,
    directions: usize,
    /// Whether the first direction goes backwards.
    backward: bool,
    /// Functions, those of each direction after each other.
    functions: Vec<fn(f64) -> f64>,
    /// Whether the batch is the first dimension, and the steps the second.
    batch_first: bool,
    linear_before_reset: bool,
    output: usize,
}

/// The state of a row: what is put out, and the cell of an LSTM.
#[derive(Clone)]
struct State {
    hidden: Vec<f64>,
    cell: Vec<f64>,
}

fn function(name: &[u8]) -> Option<fn(f64) -> f64> {
    Some(match name {
        b"Sigmoid" => super::unary::sigmoid_of,
        b"Tanh" => math::tanh,
        b"Relu" => |x| if x > 0.0 { x } else { 0.0 },
        _ => return None,
    })
}

impl Layer {
    fn new(
        settings: &Settings,
        given: &Facts<'_>,
        gates: usize,
        usual: &[fn(f64) -> f64],
    ) -> Result<Self, NodeRefused> {
        let (&[first, second, inputs], &[directions, rows, columns]) =
            (given.sizes(0)?, given.sizes(1)?)
        else {
            return Err(bad_sizes(given.sizes(0)?));
        };
        let batch_first = settings.flag("layout", false)?;
        let (steps, batch) = if batch_first { (second, first) } else { (first, second) };
        let hidden = rows / gates;
        let names = ["forward", "reverse", "bidirectional"];
        let direction = settings.choice("direction", &names)?;
        let stated = unsigned(settings.integer_or("hidden_size", 0)?)?;
        let fits = rows == hidden * gates
            && columns == inputs
            && directions == if direction == 2 { 2 } else { 1 }
            && given.sizes(2)? == [directions, rows, hidden]
            && (stated == 0 || stated == hidden)
            && hidden > 0;
        // Rows of different lengths are not supported.
        if !fits || (given.has(4) && !same_lengths(given, steps)) {
            return Err(bad_sizes(given.sizes(1)?));
        }
        if given.has(3) && given.sizes(3)? != [directions, 2 * rows] {
            return Err(bad_sizes(given.sizes(3)?));
        }
        for input in [5, 6] {
            let expected =
                if batch_first { [batch, directions, hidden] } else { [directions, batch, hidden] };
            if given.has(input) && given.sizes(input)? != expected {
                return Err(bad_sizes(given.sizes(input)?));
            }
        }
        if given.has(7) && given.sizes(7)? != [directions, 3 * hidden] {
            return Err(bad_sizes(given.sizes(7)?));
        }
        let functions = match settings.texts("activations")? {
            None => usual.repeat(directions),
            Some(names) => {
                let found = names.iter().map(|name| function(name)).collect::<Option<Vec<_>>>();
                let found = found.filter(|found| found.len() == usual.len() * directions);
                found.ok_or(bad_value("activations"))?
            }
        };
        if settings.float("clip")?.is_some() || settings.flag("input_forget", false)? {
            return Err(bad_value("clip"));
        }
        given.real(0)?;
        Ok(Self {
            steps,
            batch,
            inputs,
            hidden,
            gates,
            directions,
            backward: direction == 1,
            functions,
            batch_first,
            linear_before_reset: settings.flag("linear_before_reset", false)?,
            output: settings.output,
        })
    }

    /// The sizes of the output: all steps, the last hidden state, or the last cell.
    fn sizes(&self) -> Vec<usize> {
        let Self { steps, batch, directions, hidden, .. } = *self;
        match (self.output, self.batch_first) {
            (0, false) => vec![steps, directions, batch, hidden],
            (0, true) => vec![batch, steps, directions, hidden],
            (_, false) => vec![directions, batch, hidden],
            (_, true) => vec![batch, directions, hidden],
        }
    }

    fn work(&self) -> usize {
        let inside = self.gates * self.hidden;
        let each = inside.saturating_mul(2 * (self.inputs + self.hidden) + FUNCTION);
        [self.steps, self.batch, self.directions].iter().fold(each, |all, n| all.saturating_mul(*n))
    }

    /// `W x + b` of each gate, with the input's or the state's weights and half of the biases.
    fn gate_sums(&self, weights: &[f64], x: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
        let rows = weights.chunks_exact(x.len().max(1)).enumerate();
        let sum = |(row, weights): (usize, &[f64])| {
            let products = weights.iter().zip(x);
            let sum = products.fold(0.0, |sum, (weight, x)| sum + weight * x);
            sum + bias.map_or(0.0, |bias| bias[row])
        };
        rows.map(sum).collect()
    }

    /// Runs all directions and rows by a function of a step.
    fn run(&self, operands: super::Operands<'_>, step: Step) -> Data {
        let [x, weights, recurrent] = [0, 1, 2].map(|input| operand(operands, input).reals());
        let optional = |input: usize| operands.get(input).and_then(Option::as_deref);
        let list = |input: usize| optional(input).map(|tensor: &Tensor| tensor.reals());
        let (bias, hidden, cell, peepholes) = (list(3), list(5), list(6), list(7));
        let rows = self.gates * self.hidden;
        let mut output = vec![0.0; self.sizes().iter().product()];
        for direction in 0..self.directions {
            let part = |list: &[f64], size: usize| list[direction * size..][..size].to_vec();
            let parts = Parts {
                weights: part(&weights, rows * self.inputs),
                recurrent: part(&recurrent, rows * self.hidden),
                bias: bias.as_ref().map(|bias| part(bias, 2 * rows)),
                peepholes: peepholes.as_ref().map(|list| part(list, 3 * self.hidden)),
                functions: {
                    let each = self.functions.len() / self.directions;
                    self.functions[direction * each..][..each].to_vec()
                },
            };
            for row in 0..self.batch {
                let at = if self.batch_first {
                    row * self.directions + direction
                } else {
                    direction * self.batch + row
                };
                let start = |list: &Option<std::borrow::Cow<'_, [f64]>>| {
                    let zeros = || vec![0.0; self.hidden];
                    list.as_ref()
                        .map_or_else(zeros, |list| list[at * self.hidden..][..self.hidden].to_vec())
                };
                let mut state = State { hidden: start(&hidden), cell: start(&cell) };
                for turn in 0..self.steps {
                    let backward = self.backward || direction == 1;
                    let time = if backward { self.steps - 1 - turn } else { turn };
                    let place = if self.batch_first {
                        row * self.steps + time
                    } else {
                        time * self.batch + row
                    };
                    state = step(self, &parts, &x[place * self.inputs..][..self.inputs], state);
                    if self.output == 0 {
                        let place = if self.batch_first {
                            (row * self.steps + time) * self.directions + direction
                        } else {
                            (time * self.directions + direction) * self.batch + row
                        };
                        output[place * self.hidden..][..self.hidden].copy_from_slice(&state.hidden);
                    }
                }
                let last = if self.output == 2 { &state.cell } else { &state.hidden };
                if self.output > 0 {
                    output[at * self.hidden..][..self.hidden].copy_from_slice(last);
                }
            }
        }
        Data::Real(output)
    }
}

/// One direction's weights and functions.
struct Parts {
    weights: Vec<f64>,
    recurrent: Vec<f64>,
    bias: Option<Vec<f64>>,
    peepholes: Option<Vec<f64>>,
    functions: Vec<fn(f64) -> f64>,
}

type Step = fn(&Layer, &Parts, &[f64], State) -> State;

/// Whether all rows are known to have all steps.
fn same_lengths(given: &Facts<'_>, steps: usize) -> bool {
    let all = |lengths: &[i64]| lengths.iter().all(|length| usize::try_from(*length) == Ok(steps));
    given.integers(4).is_ok_and(all)
}

impl Parts {
    /// The sums of all gates, of the input and of the state apart.
    fn sums(&self, layer: &Layer, x: &[f64], hidden: &[f64]) -> [Vec<f64>; 2] {
        let rows = layer.gates * layer.hidden;
        let halves = self.bias.as_ref().map(|bias| bias.split_at(rows));
        [
            layer.gate_sums(&self.weights, x, halves.map(|(first, _)| first)),
            layer.gate_sums(&self.recurrent, hidden, halves.map(|(_, second)| second)),
        ]
    }
}

fn rnn_step(layer: &Layer, parts: &Parts, x: &[f64], state: State) -> State {
    let [of_input, of_state] = parts.sums(layer, x, &state.hidden);
    let each = of_input.into_iter().zip(of_state).map(|(x, h)| parts.functions[0](x + h));
    State { hidden: each.collect(), cell: state.cell }
}

/// Gates in the order update, reset, hidden.
fn gru_step(layer: &Layer, parts: &Parts, x: &[f64], state: State) -> State {
    let size = layer.hidden;
    let [of_input, of_state] = parts.sums(layer, x, &state.hidden);
    let gate =
        |gate: usize, unit: usize| of_input[gate * size + unit] + of_state[gate * size + unit];
    let update = (0..size).map(|unit| parts.functions[0](gate(0, unit))).collect::<Vec<_>>();
    let reset = (0..size).map(|unit| parts.functions[0](gate(1, unit))).collect::<Vec<_>>();
    let inner = if layer.linear_before_reset {
        (0..size).map(|unit| reset[unit] * of_state[2 * size + unit]).collect::<Vec<_>>()
    } else {
        let kept = reset.iter().zip(&state.hidden).map(|(reset, h)| reset * h).collect::<Vec<_>>();
        let rows = layer.gates * size;
        let bias = parts.bias.as_ref().map(|bias| &bias[rows + 2 * size..][..size]);
        layer.gate_sums(&parts.recurrent[2 * size * size..], &kept, bias)
    };
    let unit = |unit: usize| {
        let new = parts.functions[1](of_input[2 * size + unit] + inner[unit]);
        (1.0 - update[unit]) * new + update[unit] * state.hidden[unit]
    };
    State { hidden: (0..size).map(unit).collect(), cell: state.cell }
}

/// Gates in the order input, output, forget, cell.
fn lstm_step(layer: &Layer, parts: &Parts, x: &[f64], state: State) -> State {
    let size = layer.hidden;
    let [of_input, of_state] = parts.sums(layer, x, &state.hidden);
    let gate =
        |gate: usize, unit: usize| of_input[gate * size + unit] + of_state[gate * size + unit];
    let peephole = |gate: usize, unit: usize| {
        parts.peepholes.as_ref().map_or(0.0, |list| list[gate * size + unit])
    };
    let (mut hidden, mut cell) = (Vec::with_capacity(size), Vec::with_capacity(size));
    for unit in 0..size {
        let before = state.cell[unit];
        let input = parts.functions[0](gate(0, unit) + peephole(0, unit) * before);
        let forget = parts.functions[0](gate(2, unit) + peephole(2, unit) * before);
        let after = forget * before + input * parts.functions[1](gate(3, unit));
        let output = parts.functions[0](gate(1, unit) + peephole(1, unit) * after);
        hidden.push(output * parts.functions[2](after));
        cell.push(after);
    }
    State { hidden, cell }
}

fn prepared(
    settings: &Settings,
    given: &Facts<'_>,
    gates: usize,
    usual: &[fn(f64) -> f64],
    step: Step,
) -> Result<Prepared, NodeRefused> {
    given.expect(3, 8)?;
    let layer = Layer::new(settings, given, gates, usual)?;
    let (sizes, steps) = (layer.sizes(), layer.work());
    Prepared::new(given.element(0)?, sizes, steps, move |operands| layer.run(operands, step))
}

pub(super) fn rnn(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    prepared(settings, given, 1, &[math::tanh], rnn_step)
}

pub(super) fn gru(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    prepared(settings, given, 3, &[super::unary::sigmoid_of, math::tanh], gru_step)
}

pub(super) fn lstm(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    prepared(settings, given, 4, &[super::unary::sigmoid_of, math::tanh, math::tanh], lstm_step)
}
