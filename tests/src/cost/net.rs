//! Networks to be counted, written as ONNX files: every number in them is above zero, so that no
//! output of a ReLU or a sum is zero, and no work can be skipped.

use super::onnx::{
    bytes, float, initializer, integer, integer_attribute, integers_attribute, model, node, ports,
    tensor, whole,
};

/// A network under construction; each step reads the output of the last.
#[derive(Clone, Debug)]
pub struct Net {
    parts: Vec<Vec<u8>>,
    /// Values computed so far; the first is the input.
    values: usize,
    constants: usize,
}

impl Net {
    /// A network whose rows have these sizes.
    #[must_use]
    pub fn new(row: &[i64]) -> Self {
        let sizes = [&[-1], row].concat();
        Self { parts: vec![ports(&sizes)], values: 0, constants: 0 }
    }

    /// The file; the last value is the output.
    #[must_use]
    pub fn file(mut self) -> Vec<u8> {
        let last = self.last();
        self.parts.push(node("Identity", &[&last], "y", &[]));
        model(&self.parts)
    }

    /// A constant of these sizes, its numbers those of [`weight`].
    #[must_use]
    pub fn constant(&mut self, sizes: &[i64]) -> String {
        self.constant_of(sizes, weight)
    }

    /// A constant of these sizes, each number computed from its index.
    #[must_use]
    pub fn constant_of(&mut self, sizes: &[i64], number: impl Fn(i64) -> f32) -> String {
        let count = sizes.iter().product::<i64>();
        let raw = (0..count).flat_map(|index| number(index).to_le_bytes());
        let name = self.constant_name();
        self.parts.push(initializer(&name, &tensor(sizes, 1, &raw.collect::<Vec<_>>())));
        name
    }

    /// A constant of whole numbers.
    #[must_use]
    pub fn whole(&mut self, numbers: &[i64]) -> String {
        let name = self.constant_name();
        self.parts.push(whole(&name, numbers));
        name
    }

    /// The last value, initially the input.
    #[must_use]
    pub fn last(&self) -> String {
        if self.values == 0 { "x".to_owned() } else { format!("v{}", self.values) }
    }

    /// Appends a node that reads these values.
    #[must_use]
    pub fn with(mut self, operator: &str, inputs: &[&str], attributes: &[Vec<u8>]) -> Self {
        self.values += 1;
        let output = self.last();
        self.parts.push(node(operator, inputs, &output, attributes));
        self
    }

    /// Appends a node that reads the last value.
    #[must_use]
    pub fn then(self, operator: &str, attributes: &[Vec<u8>]) -> Self {
        let last = self.last();
        self.with(operator, &[&last], attributes)
    }

    /// A fully connected layer, with weights in PyTorch's layout.
    #[must_use]
    pub fn dense(mut self, inputs: i64, outputs: i64) -> Self {
        let (weights, bias) = (self.constant(&[outputs, inputs]), self.constant(&[outputs]));
        let last = self.last();
        self.with("Gemm", &[&last, &weights, &bias], &[integer_attribute("transB", 1)])
    }

    /// A convolution with weights of these sizes [filters, channels per group, kernel …].
    #[must_use]
    pub fn conv(mut self, sizes: &[i64], attributes: &[Vec<u8>]) -> Self {
        let (weights, bias) = (self.constant(sizes), self.constant(&sizes[..1]));
        let last = self.last();
        self.with("Conv", &[&last, &weights, &bias], attributes)
    }

    /// A pool of this kernel and stride, without padding.
    #[must_use]
    pub fn pool(self, operator: &str, kernel: i64, stride: i64) -> Self {
        let attributes =
            [list("kernel_shape", &[kernel, kernel]), list("strides", &[stride, stride])];
        self.then(operator, &attributes)
    }

    fn constant_name(&mut self) -> String {
        self.constants += 1;
        format!("c{}", self.constants)
    }
}

/// A weight computed from its index: from 1/64 to 1/8.
#[must_use]
pub fn weight(index: i64) -> f32 {
    let step = u8::try_from(index * 37 % 8).unwrap_or_default();
    f32::from(step + 1) / 64.0
}

/// A list attribute.
#[must_use]
pub fn list(name: &str, numbers: &[i64]) -> Vec<u8> {
    integers_attribute(name, numbers)
}

/// An integer attribute.
#[must_use]
pub fn number(name: &str, value: i64) -> Vec<u8> {
    integer_attribute(name, value)
}

/// A float attribute.
#[must_use]
pub fn real(name: &str, value: f32) -> Vec<u8> {
    bytes(5, &[bytes(1, name.as_bytes()), float(2, value), integer(20, 1)].concat())
}

/// The perceptron 784-128-10.
#[must_use]
pub fn mlp() -> Net {
    Net::new(&[1, 28, 28]).then("Flatten", &[]).dense(784, 128).then("Relu", &[]).dense(128, 10)
}

/// The network of two 5×5 convolutions with 6 and 16 channels on 28×28.
#[must_use]
pub fn cnn() -> Net {
    let first = Net::new(&[1, 28, 28]).conv(&[6, 1, 5, 5], &[]).then("Relu", &[]);
    let second = first.pool("MaxPool", 2, 2).conv(&[16, 6, 5, 5], &[]).then("Relu", &[]);
    second.pool("MaxPool", 2, 2).then("Flatten", &[]).dense(256, 10)
}
