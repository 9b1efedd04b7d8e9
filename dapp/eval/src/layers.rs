//! A model's weights by neuron, so that models can be compared whatever the order and scale of
//! their neurons.
//!
//! The neurons of a hidden layer can be reordered if the next layer's weights are reordered with
//! them; behind a ReLU each can be scaled up if the next layer scales it down; behind a tanh each
//! can be negated if the next layer negates it again. None of this changes a model's answers.
//! Layers are followed as far as the graph is a chain of operators whose effect on channels is
//! known; all weights beyond are compared in the order of the file.

use crate::{
    graph::{Graph, Node, ValueId, Weight},
    op::Channels,
    refusal::ModelRefused,
};

/// Limit on the products of numbers in matching one model's neurons with another's; layers that
/// would need more are compared in the given order.
const MATCHING: usize = 1 << 24;

/// Cost of looking at a pair of neurons beside their numbers, in products.
const PAIR: usize = 4;

/// Limit on the neurons of all layers together; layers beyond are compared as if unknown. More
/// could not be matched, and each takes an allocation of its own.
const NEURONS: usize = 1 << 13;

/// Upper bound on the products in matching models of this many numbers: there are no more neurons
/// than numbers, each number is read twice per pair, and each pair has a cost of its own.
pub(crate) const fn matching_at_most(numbers: usize) -> usize {
    let products = numbers.saturating_mul(numbers).saturating_mul(2 + PAIR);
    if products < MATCHING { products } else { MATCHING }
}

/// A model's weights by layer.
#[derive(Clone)]
pub(crate) struct Layers {
    pub(crate) layers: Vec<Layer>,
    /// The constants of no layer, in the order of the file.
    pub(crate) rest: Vec<(ValueId, Vec<f32>)>,
}

/// Neurons, or filters, computed together.
#[derive(Clone)]
pub(crate) struct Layer {
    form: Form,
    freedom: Freedom,
    /// Constants that the numbers come from: incoming weights first.
    constants: Vec<ValueId>,
    /// For each neuron its incoming weights, then its bias and its other numbers.
    pub(crate) neurons: Vec<Vec<f64>>,
}

/// The properties that must be equal for two layers to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    /// Whether the file has a row of weights for each neuron, rather than a column.
    by_row: bool,
    neurons: usize,
    /// Incoming weights of a neuron.
    incoming: usize,
    /// Channels it reads, if the weights determine them.
    channels: Option<usize>,
    /// Further numbers of each neuron.
    own: usize,
    /// Whether the next layer reads all of one channel together, or one number of each in turn.
    order: Order,
    /// Whether another layer reads these neurons unchanged, so that their order is free.
    hidden: bool,
}

/// Changes to a neuron that the next layer can undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Freedom {
    /// Scaling it up scales its output equally.
    scales: bool,
    /// Negating it negates its output.
    turns: bool,
    /// A number added to it is still a number of the neuron, to be changed with its weights.
    takes_bias: bool,
}

impl Freedom {
    /// Before any activation.
    const ALL: Self = Self { scales: true, turns: true, takes_bias: true };
    const NONE: Self = Self { scales: false, turns: false, takes_bias: false };

    /// The freedom that is left behind an operator.
    const fn behind(self, channels: Channels) -> Self {
        match channels {
            Channels::Mixed { .. } | Channels::Kept | Channels::Last => self,
            Channels::Greatest => Self { turns: false, ..self },
            Channels::Rectified => Self { turns: false, takes_bias: false, ..self },
            Channels::Odd => Self { scales: false, takes_bias: false, ..self },
            Channels::Shifted if self.takes_bias => self,
            Channels::Shifted | Channels::Normalised | Channels::Bent | Channels::Other => {
                Self::NONE
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ChannelsFirst,
    ChannelsLast,
}

impl Layers {
    /// Reads a model file; without `by_neuron`, as if no layer's neurons were known.
    ///
    /// - Errors: the file is not a model
    pub(crate) fn read(file: &[u8], by_neuron: bool) -> Result<Self, ModelRefused> {
        let (graph, weights) = Graph::read(file)?;
        Ok(Self::of(&graph, weights, by_neuron))
    }

    /// The layers of a graph with these weights.
    pub(crate) fn of(graph: &Graph, weights: Vec<Weight>, by_neuron: bool) -> Self {
        let mut constants = graph.known.iter().map(|_| None).collect::<Vec<_>>();
        for weight in weights {
            let value = weight.value;
            constants[value] = Some(weight);
        }
        let mut walk = Walk { graph, constants, layers: Vec::new() };
        if by_neuron {
            walk.follow();
        }
        let Walk { constants, mut layers, .. } = walk;
        for index in 0..layers.len() {
            let (before, after) = layers.split_at_mut(index + 1);
            let form = &mut before[index].form;
            form.hidden &= after.first().is_some_and(|next| next.form.takes(form.neurons));
        }
        let rest = constants.into_iter().flatten().map(|weight| (weight.value, weight.elements));
        let mut layers = Self { layers, rest: rest.collect() };
        layers.rescale();
        layers
    }

    /// Whether two models have the same layers, number for number.
    pub(crate) fn has_form_of(&self, other: &Self) -> bool {
        fn forms(layers: &Layers) -> impl Iterator<Item = &Form> {
            layers.layers.iter().map(|layer| &layer.form)
        }
        fn rest(layers: &Layers) -> impl Iterator<Item = usize> {
            layers.rest.iter().map(|(_, numbers)| numbers.len())
        }
        forms(self).eq(forms(other)) && rest(self).eq(rest(other))
    }

    /// Normalises to length one each neuron that can be rescaled.
    fn rescale(&mut self) {
        for index in 0..self.layers.len() {
            if !self.is_scalable(index) {
                continue;
            }
            for channel in 0..self.layers[index].form.neurons {
                let numbers = self.layers[index].neurons[channel].iter();
                let size = numbers.map(|number| number * number).sum::<f64>().sqrt();
                if size > 0.0 {
                    self.stretch(index, channel, size.recip());
                }
            }
        }
    }

    /// Scales a hidden neuron by a factor, and the weights that read it by the inverse; negates
    /// both if the factor is negative.
    pub(crate) fn stretch(&mut self, index: usize, channel: usize, factor: f64) {
        self.layers[index].neurons[channel].iter_mut().for_each(|number| *number *= factor);
        let form = self.layers[index].form.clone();
        let Some(next) = self.layers.get_mut(index + 1) else { return };
        for taken in form.taken_by(&next.form, channel) {
            next.neurons.iter_mut().for_each(|neuron| neuron[taken] /= factor);
        }
    }

    /// The indices of the hidden layers.
    pub(crate) fn hidden(&self) -> Vec<usize> {
        (0..self.layers.len()).filter(|index| self.layers[*index].form.hidden).collect()
    }

    /// Whether the neurons of a layer are hidden and can be rescaled.
    pub(crate) fn is_scalable(&self, index: usize) -> bool {
        let layer = &self.layers[index];
        layer.form.hidden && layer.freedom.scales
    }

    /// Whether the neurons of a layer are hidden and can be negated.
    pub(crate) fn is_turnable(&self, index: usize) -> bool {
        let layer = &self.layers[index];
        layer.form.hidden && layer.freedom.turns
    }

    /// Reorders hidden neurons: neuron `order[i]` becomes neuron `i`.
    pub(crate) fn reorder(&mut self, index: usize, order: &[usize]) {
        let layer = &mut self.layers[index];
        layer.neurons = order.iter().map(|neuron| layer.neurons[*neuron].clone()).collect();
        let form = layer.form.clone();
        let Some(next) = self.layers.get_mut(index + 1) else { return };
        let taken = |channel| form.taken_by(&next.form, channel);
        let moves = (order.iter().enumerate()).flat_map(|(to, from)| taken(to).zip(taken(*from)));
        let moves = moves.collect::<Vec<_>>();
        for neuron in &mut next.neurons {
            let before = neuron.clone();
            moves.iter().for_each(|(to, from)| neuron[*to] = before[*from]);
        }
    }

    /// Puts the hidden neurons into the order, and gives them the signs, that make them most
    /// similar to those of a model of the same form: layer by layer, each of its neurons takes the
    /// nearest that is left.
    pub(crate) fn align_with(&mut self, other: &Self) {
        let mut left = MATCHING;
        for index in self.hidden() {
            let neurons = &self.layers[index].neurons;
            let turns = self.is_turnable(index);
            let numbers = neurons.first().map_or(0, Vec::len) * (1 + usize::from(turns));
            let pairs = neurons.len().saturating_mul(neurons.len());
            let cost = pairs.saturating_mul(numbers.saturating_add(PAIR));
            if cost > left {
                continue;
            }
            left -= cost;
            let found = nearest(&other.layers[index].neurons, neurons, turns);
            let (order, turned): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            self.reorder(index, &order);
            for (neuron, _) in turned.into_iter().enumerate().filter(|(_, turned)| *turned) {
                self.stretch(index, neuron, -1.0);
            }
        }
    }

    /// Subtracts from the neurons of the last layer their mean, if there are several.
    pub(crate) fn centre_last(&mut self) {
        let Some(last) = self.layers.last_mut().filter(|last| last.neurons.len() > 1) else {
            return;
        };
        #[expect(clippy::cast_precision_loss, reason = "there are few neurons")]
        let count = last.neurons.len() as f64;
        for index in 0..last.form.incoming + last.form.own {
            let mean = last.neurons.iter().map(|neuron| neuron[index]).sum::<f64>() / count;
            last.neurons.iter_mut().for_each(|neuron| neuron[index] -= mean);
        }
    }

    /// Scales the last layer to be as similar as possible to that of a model of the same form, if
    /// it has several neurons.
    pub(crate) fn scale_last(&mut self, other: &Self) {
        let (Some(last), Some(other)) = (self.layers.last_mut(), other.layers.last()) else {
            return;
        };
        let pairs = last.neurons.iter().flatten().zip(other.neurons.iter().flatten());
        let (product, square) = pairs.fold((0.0, 0.0), |(product, square), (own, other)| {
            (product + own * other, square + own * own)
        });
        let factor = product / square;
        if last.neurons.len() > 1 && factor.is_finite() && factor > 0.0 {
            last.neurons.iter_mut().flatten().for_each(|number| *number *= factor);
        }
    }

    /// All numbers, in an order that depends on the form alone.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f64> {
        let neurons = self.layers.iter().flat_map(|layer| layer.neurons.iter().flatten()).copied();
        let rest = self.rest.iter().flat_map(|(_, numbers)| numbers).copied();
        neurons.chain(rest.map(f64::from))
    }

    /// The elements of the constants that belong to layers, in the layout of the file.
    #[cfg(feature = "train")]
    pub(crate) fn constants(&self) -> Vec<(ValueId, Vec<f64>)> {
        self.layers.iter().flat_map(Layer::constants).collect()
    }
}

/// For each of these neurons, the nearest of the others that no earlier one has taken, and whether
/// it is nearest when negated, which is tried if `turns`.
fn nearest(these: &[Vec<f64>], others: &[Vec<f64>], turns: bool) -> Vec<(usize, bool)> {
    let mut left = (0..others.len()).collect::<Vec<_>>();
    let pick = |neuron: &Vec<f64>| {
        let (mut nearest, mut taken) = (f64::INFINITY, (0, false));
        let mut look_at = |far: f64, index, is_turned| {
            if far < nearest {
                (nearest, taken) = (far, (index, is_turned));
            }
        };
        for (index, other) in left.iter().enumerate() {
            let pairs = || neuron.iter().zip(&others[*other]);
            look_at(pairs().map(|(a, b)| (a - b) * (a - b)).sum(), index, false);
            if turns {
                look_at(pairs().map(|(a, b)| (a + b) * (a + b)).sum(), index, true);
            }
        }
        (left.remove(taken.0), taken.1)
    };
    these.iter().map(pick).collect()
}

impl Form {
    /// Whether the layer reads this many channels, with equally many numbers each.
    fn takes(&self, channels: usize) -> bool {
        let divides = channels > 0 && self.incoming.is_multiple_of(channels);
        divides && self.channels.is_none_or(|own| own == channels)
    }

    /// Indices of the next layer's incoming weights that read a channel of this one.
    fn taken_by(&self, next: &Self, channel: usize) -> impl Iterator<Item = usize> + use<> {
        let (channels, each) = (self.neurons, next.incoming / self.neurons.max(1));
        let (first, step) = match self.order {
            Order::ChannelsFirst => (channel * each, 1),
            Order::ChannelsLast => (channel, channels),
        };
        (0..each).map(move |index| first + index * step)
    }
}

impl Layer {
    /// The constants' elements in the layout of the file.
    #[cfg(feature = "train")]
    fn constants(&self) -> Vec<(ValueId, Vec<f64>)> {
        let incoming = self.form.incoming;
        let weights = if self.form.by_row {
            self.neurons.iter().flat_map(|neuron| &neuron[..incoming]).copied().collect()
        } else {
            let column = |index| self.neurons.iter().map(move |neuron: &Vec<f64>| neuron[index]);
            (0..incoming).flat_map(column).collect()
        };
        let own = |index| self.neurons.iter().map(|neuron| neuron[incoming + index]).collect();
        let lists = [weights].into_iter().chain((0..self.form.own).map(own));
        self.constants.iter().copied().zip(lists).collect()
    }
}

/// A traversal of a graph from its input.
struct Walk<'a> {
    graph: &'a Graph,
    /// Weights that belong to no layer yet, by value.
    constants: Vec<Option<Weight>>,
    layers: Vec<Layer>,
}

impl Walk<'_> {
    /// Follows the nodes while each has one successor whose effect on channels is known.
    fn follow(&mut self) {
        let mut value = self.graph.input;
        for node in &self.graph.nodes {
            if !node.inputs.contains(&Some(value)) {
                continue;
            }
            let is_only_use = self.graph.uses[value] == 1;
            if !is_only_use || self.pass(node, value).is_none() {
                return;
            }
            value = node.output;
        }
    }

    /// Follows a node; `None` if its effect on channels is not known.
    fn pass(&mut self, node: &Node, value: ValueId) -> Option<()> {
        let channels = node.operator.channels();
        if let Channels::Mixed { by_row, by_channel } = channels {
            return self.layer(node, value, by_row, by_channel);
        }
        let Some(layer) = self.layers.last_mut() else { return Some(()) };
        layer.freedom = layer.freedom.behind(channels);
        match channels {
            Channels::Kept
            | Channels::Greatest
            | Channels::Rectified
            | Channels::Odd
            | Channels::Bent => {}
            Channels::Last => layer.form.order = Order::ChannelsLast,
            Channels::Shifted | Channels::Normalised => {
                let others = node.inputs.iter().flatten().filter(|input| **input != value);
                for constant in others.copied().collect::<Vec<_>>() {
                    self.own(constant)?;
                }
            }
            Channels::Mixed { .. } | Channels::Other => return None,
        }
        Some(())
    }

    /// Begins a layer.
    fn layer(&mut self, node: &Node, value: ValueId, by_row: bool, by_channel: bool) -> Option<()> {
        let (input, weights) = (*node.inputs.first()?, (*node.inputs.get(1)?)?);
        let sizes = self.graph_sizes(weights)?;
        if input != Some(value) || self.graph.uses[weights] != 1 || sizes.len() < 2 {
            return None;
        }
        let neurons = if by_row { sizes[0] } else { *sizes.get(1).filter(|_| sizes.len() == 2)? };
        let known = self.layers.iter().map(|layer| layer.form.neurons).sum::<usize>();
        if known.saturating_add(neurons) > NEURONS {
            return None;
        }
        let elements = self.constants.get_mut(weights)?.take()?.elements;
        let incoming = elements.len().checked_div(neurons)?;
        let at = |neuron: usize, index: usize| {
            if by_row { neuron * incoming + index } else { index * neurons + neuron }
        };
        let row =
            |neuron| (0..incoming).map(|index| f64::from(elements[at(neuron, index)])).collect();
        if let Some(before) = self.layers.last_mut() {
            before.form.hidden = true;
        }
        self.layers.push(Layer {
            form: Form {
                by_row,
                neurons,
                incoming,
                channels: by_channel.then(|| sizes[1]),
                own: 0,
                order: Order::ChannelsFirst,
                hidden: false,
            },
            freedom: Freedom::ALL,
            constants: vec![weights],
            neurons: (0..neurons).map(row).collect(),
        });
        node.inputs.iter().skip(2).flatten().try_for_each(|constant| self.own(*constant))
    }

    /// Gives each neuron of the last layer its element of a constant.
    fn own(&mut self, constant: ValueId) -> Option<()> {
        let layer = self.layers.last_mut()?;
        let weight = self.constants.get_mut(constant)?;
        let fits = weight.as_ref()?.elements.len() == layer.form.neurons;
        if !fits || self.graph.uses[constant] != 1 {
            return None;
        }
        let elements = weight.take()?.elements;
        layer.form.own += 1;
        layer.constants.push(constant);
        for (neuron, number) in layer.neurons.iter_mut().zip(elements) {
            neuron.push(number.into());
        }
        Some(())
    }

    fn graph_sizes(&self, weights: ValueId) -> Option<Vec<usize>> {
        Some(self.constants.get(weights)?.as_ref()?.shape.sizes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_undone_behind_operators() {
        use Channels::{Bent, Greatest, Kept, Normalised, Odd, Rectified, Shifted};
        for (operators, scales, turns) in [
            (&[][..], true, true),
            (&[Shifted, Kept][..], true, true),
            (&[Rectified][..], true, false),
            (&[Shifted, Rectified, Greatest][..], true, false),
            (&[Greatest, Rectified][..], true, false),
            (&[Rectified, Shifted][..], false, false),
            (&[Odd][..], false, true),
            (&[Shifted, Odd, Kept][..], false, true),
            (&[Odd, Odd][..], false, true),
            (&[Greatest, Odd][..], false, false),
            (&[Odd, Greatest][..], false, false),
            (&[Odd, Shifted][..], false, false),
            (&[Odd, Rectified][..], false, false),
            (&[Rectified, Odd][..], false, false),
            (&[Bent][..], false, false),
            (&[Normalised, Odd][..], false, false),
        ] {
            let behind = operators.iter().fold(Freedom::ALL, |left, next| left.behind(*next));
            assert_eq!((behind.scales, behind.turns), (scales, turns), "{operators:?}");
        }
    }
}
