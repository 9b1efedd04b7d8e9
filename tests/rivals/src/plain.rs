//! Naive loops: for each output, a sum over its inputs.

use crate::{
    Engine,
    net::{Layer, Weights},
};

/// The layers, and the sizes of a row.
pub(crate) struct Plain {
    pub(crate) layers: Vec<Layer>,
    pub(crate) sizes: [usize; 3],
}

impl Engine for Plain {
    fn answer(&self, rows: Vec<f32>) -> Vec<f32> {
        let size = self.sizes.iter().product();
        rows.chunks_exact(size).flat_map(|row| self.answer_row(row.to_vec())).collect()
    }
}

impl Plain {
    fn answer_row(&self, mut row: Vec<f32>) -> Vec<f32> {
        let mut sizes = self.sizes;
        for layer in &self.layers {
            match layer {
                Layer::Convolution(weights) => (row, sizes) = convolution(&row, sizes, weights),
                Layer::Relu => row.iter_mut().for_each(|number| *number = number.max(0.0)),
                Layer::MaxPool => (row, sizes) = max_pool(&row, sizes),
                Layer::Dense(weights) => row = dense(&row, weights),
            }
        }
        row
    }
}

fn dense(row: &[f32], weights: &Weights) -> Vec<f32> {
    let outputs = weights.numbers.chunks_exact(row.len()).enumerate();
    outputs
        .map(|(output, weights_of_it)| {
            let mut sum = weights.bias_of(output);
            for (number, weight) in row.iter().zip(weights_of_it) {
                sum += number * weight;
            }
            sum
        })
        .collect()
}

fn convolution(
    row: &[f32],
    [channels, height, width]: [usize; 3],
    weights: &Weights,
) -> (Vec<f32>, [usize; 3]) {
    let (filters, kernel) = (weights.sizes[0], weights.sizes[2]);
    let sizes = [filters, height - kernel + 1, width - kernel + 1];
    let mut made = Vec::with_capacity(sizes.iter().product());
    for (output, filter) in weights.numbers.chunks_exact(channels * kernel * kernel).enumerate() {
        for y in 0..sizes[1] {
            for x in 0..sizes[2] {
                let mut sum = weights.bias_of(output);
                let channels = row.chunks_exact(height * width);
                for (channel, filter) in channels.zip(filter.chunks_exact(kernel * kernel)) {
                    let lines = channel[y * width..].chunks_exact(width);
                    for (line, weights) in lines.zip(filter.chunks_exact(kernel)) {
                        for (number, weight) in line[x..].iter().zip(weights) {
                            sum += number * weight;
                        }
                    }
                }
                made.push(sum);
            }
        }
    }
    (made, sizes)
}

fn max_pool(row: &[f32], [channels, height, width]: [usize; 3]) -> (Vec<f32>, [usize; 3]) {
    let sizes = [channels, height / 2, width / 2];
    let mut made = Vec::with_capacity(sizes.iter().product());
    for channel in row.chunks_exact(height * width) {
        for y in 0..sizes[1] {
            for x in 0..sizes[2] {
                let at = |line, column| channel[(2 * y + line) * width + 2 * x + column];
                made.push(at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1)));
            }
        }
    }
    (made, sizes)
}
