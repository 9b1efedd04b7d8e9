//! Networks to be counted, written as ONNX files: every number in them is positive, so that
//! no ReLU or sum yields a zero, and no work can be skipped.

use super::onnx::{
    bytes, float, initializer, integer, integer_attribute, integers_attribute, model, node, ports,
    tensor, whole,
};

/// A network under construction; each step takes the previous step's result.
#[derive(Clone, Debug)]
pub struct Net {
    parts: Vec<Vec<u8>>,
    /// Number of values so far; the first is the input.
    values: usize,
    constants: usize,
}

impl Net {
    /// A network with rows of this shape.
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

    /// A constant of this shape with the values of [`weight`].
    #[must_use]
    pub fn constant(&mut self, sizes: &[i64]) -> String {
        self.constant_of(sizes, weight)
    }

    /// A constant of this shape, each value computed from its index.
    #[must_use]
    pub fn constant_of(&mut self, sizes: &[i64], number: impl Fn(i64) -> f32) -> String {
        let count = sizes.iter().product::<i64>();
        let raw = (0..count).flat_map(|index| number(index).to_le_bytes());
        let name = self.constant_name();
        self.parts.push(initializer(&name, &tensor(sizes, 1, &raw.collect::<Vec<_>>())));
        name
    }

    /// A constant of integers.
    #[must_use]
    pub fn whole(&mut self, numbers: &[i64]) -> String {
        let name = self.constant_name();
        self.parts.push(whole(&name, numbers));
        name
    }

    /// Name of the last value, the input at first.
    #[must_use]
    pub fn last(&self) -> String {
        if self.values == 0 { "x".to_owned() } else { format!("v{}", self.values) }
    }

    /// Adds a node with these inputs.
    #[must_use]
    pub fn with(mut self, operator: &str, inputs: &[&str], attributes: &[Vec<u8>]) -> Self {
        self.values += 1;
        let output = self.last();
        self.parts.push(node(operator, inputs, &output, attributes));
        self
    }

    /// Adds a node that takes the last value.
    #[must_use]
    pub fn then(self, operator: &str, attributes: &[Vec<u8>]) -> Self {
        let last = self.last();
        self.with(operator, &[&last], attributes)
    }

    /// A fully connected layer, its weights laid out as in PyTorch.
    #[must_use]
    pub fn dense(mut self, inputs: i64, outputs: i64) -> Self {
        let (weights, bias) = (self.constant(&[outputs, inputs]), self.constant(&[outputs]));
        let last = self.last();
        self.with("Gemm", &[&last, &weights, &bias], &[integer_attribute("transB", 1)])
    }

    /// A convolution with weights of this shape [filters, channels per group, kernel …].
    #[must_use]
    pub fn conv(mut self, sizes: &[i64], attributes: &[Vec<u8>]) -> Self {
        let (weights, bias) = (self.constant(sizes), self.constant(&sizes[..1]));
        let last = self.last();
        self.with("Conv", &[&last, &weights, &bias], attributes)
    }

    /// A pool with this kernel and stride, without padding.
    #[must_use]
    pub fn pool(self, operator: &str, kernel: i64, stride: i64) -> Self {
        let attributes =
            [list("kernel_shape", &[kernel, kernel]), list("strides", &[stride, stride])];
        self.then(operator, &attributes)
    }

    /// Bytes with a scale and a zero point for the last value.
    #[must_use]
    pub fn quantised(mut self) -> Self {
        let [scale, zero, _, _] = self.scales();
        let last = self.last();
        self.with("QuantizeLinear", &[&last, &scale, &zero], &[])
    }

    /// The numbers that the bytes of the last value stand for.
    #[must_use]
    pub fn dequantised(mut self) -> Self {
        let [scale, zero, _, _] = self.scales();
        let last = self.last();
        self.with("DequantizeLinear", &[&last, &scale, &zero], &[])
    }

    /// A fully connected layer of bytes.
    #[must_use]
    pub fn dense_of_bytes(mut self, inputs: i64, outputs: i64) -> Self {
        let weights = self.bytes(&[inputs, outputs]);
        let [scale, zero, of_weights, middle] = self.scales();
        let last = self.last();
        let inputs = [&last, &scale, &zero, &weights, &of_weights, &middle, &scale, &zero];
        self.with("QLinearMatMul", &inputs.map(String::as_str), &[])
    }

    /// A convolution of bytes with weights of this shape [filters, channels per group, kernel …].
    #[must_use]
    pub fn conv_of_bytes(mut self, sizes: &[i64]) -> Self {
        let weights = self.bytes(sizes);
        let [scale, zero, of_weights, middle] = self.scales();
        let last = self.last();
        let inputs = [&last, &scale, &zero, &weights, &of_weights, &middle, &scale, &zero];
        self.with("QLinearConv", &inputs.map(String::as_str), &[])
    }

    /// The scale and the zero point of values, and those of weights.
    fn scales(&mut self) -> [String; 4] {
        let [scale, of_weights] = [0.5, 0.01].map(|scale| self.constant_of(&[], |_| scale));
        let [zero, middle] = [3, 128].map(|zero| self.raw_bytes(&[], &[zero]));
        [scale, zero, of_weights, middle]
    }

    fn bytes(&mut self, sizes: &[i64]) -> String {
        let byte = |index: i64| u8::try_from(130 + index * 37 % 100).unwrap_or_default();
        let bytes = (0..sizes.iter().product::<i64>()).map(byte).collect::<Vec<_>>();
        self.raw_bytes(sizes, &bytes)
    }

    fn raw_bytes(&mut self, sizes: &[i64], bytes: &[u8]) -> String {
        let name = self.constant_name();
        self.parts.push(initializer(&name, &tensor(sizes, 2, bytes)));
        name
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

/// The network of two convolutions of 5×5 with 6 and 16 channels on 28×28.
#[must_use]
pub fn cnn() -> Net {
    let first = Net::new(&[1, 28, 28]).conv(&[6, 1, 5, 5], &[]).then("Relu", &[]);
    let second = first.pool("MaxPool", 2, 2).conv(&[16, 6, 5, 5], &[]).then("Relu", &[]);
    second.pool("MaxPool", 2, 2).then("Flatten", &[]).dense(256, 10)
}
