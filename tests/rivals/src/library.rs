//! Backends of the tensor library: their own kernels, layer by layer.

use burn_backend::{Backend, Shape, TensorData, ops::ConvOptions, read_sync, tensor::FloatTensor};

use crate::{
    Engine,
    net::{Layer, Weights},
};

/// A network whose weights are a backend's tensors.
pub(crate) struct Library<B: Backend> {
    layers: Vec<Step<B>>,
    /// Sizes of a row.
    sizes: [usize; 3],
    device: B::Device,
}

enum Step<B: Backend> {
    Convolution(FloatTensor<B>, Option<FloatTensor<B>>),
    Relu,
    MaxPool,
    /// Number of inputs, weights [inputs, outputs] as in the library's own layer, and bias.
    Dense(usize, FloatTensor<B>, Option<FloatTensor<B>>),
}

impl<B: Backend> Library<B> {
    /// The network's weights are turned into tensors here, once.
    pub(crate) fn new(layers: Vec<Layer>, sizes: [usize; 3]) -> Self {
        let device = B::Device::default();
        let tensor = |numbers: Vec<f32>, sizes: &[usize]| {
            B::float_from_data(TensorData::new(numbers, Shape::from(sizes.to_vec())), &device)
        };
        let bias = |bias: Option<Vec<f32>>| {
            bias.map(|bias| {
                let size = bias.len();
                tensor(bias, &[size])
            })
        };
        let step = |layer| match layer {
            Layer::Convolution(Weights { sizes, numbers, bias: added }) => {
                Step::Convolution(tensor(numbers, &sizes), bias(added))
            }
            Layer::Relu => Step::Relu,
            Layer::MaxPool => Step::MaxPool,
            Layer::Dense(Weights { sizes, numbers, bias: added }) => {
                let (outputs, inputs) = (sizes[0], sizes[1]);
                let turned =
                    (0..inputs).flat_map(|input| numbers[input..].iter().step_by(inputs).copied());
                let weights = tensor(turned.collect(), &[inputs, outputs]);
                Step::Dense(inputs, weights, bias(added))
            }
        };
        Self { layers: layers.into_iter().map(step).collect(), sizes, device }
    }
}

impl<B: Backend> Engine for Library<B> {
    fn answer(&self, rows: Vec<f32>) -> Vec<f32> {
        let count = rows.len() / self.sizes.iter().product::<usize>();
        let [channels, height, width] = self.sizes;
        let rows = TensorData::new(rows, [count, channels, height, width]);
        let mut made = B::float_from_data(rows, &self.device);
        for layer in &self.layers {
            made = match layer {
                Step::Convolution(weights, bias) => {
                    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
                    B::conv2d(made, weights.clone(), bias.clone(), options)
                }
                Step::Relu => B::relu(made),
                Step::MaxPool => B::max_pool2d(made, [2, 2], [2, 2], [0, 0], [1, 1], false),
                Step::Dense(inputs, weights, bias) => {
                    let rows = B::float_reshape(made, Shape::new([count, *inputs]));
                    B::linear(rows, weights.clone(), bias.clone())
                }
            };
        }
        let answers = read_sync(B::float_into_data(made)).expect("memory can be read");
        answers.try_into_vec().expect("all numbers are f32")
    }
}
