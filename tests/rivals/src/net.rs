//! A network as a list of layers, read from an ONNX file whose nodes form a chain.

use std::{collections::HashMap, error::Error};

use prost::Message;

/// One layer, applied to the output of the one before.
pub(crate) enum Layer {
    /// A convolution of stride 1, without padding.
    Convolution(Weights),
    /// Negative numbers become zero.
    Relu,
    /// The maximum of each 2×2 window.
    MaxPool,
    /// A fully connected layer.
    Dense(Weights),
}

/// The parameters of a layer.
pub(crate) struct Weights {
    /// The sizes, outputs first.
    pub(crate) sizes: Vec<usize>,
    /// The weights, as many as the sizes require.
    pub(crate) numbers: Vec<f32>,
    /// One number for each output.
    pub(crate) bias: Option<Vec<f32>>,
}

impl Weights {
    /// The bias of an output.
    pub(crate) fn bias_of(&self, output: usize) -> f32 {
        self.bias.as_ref().map_or(0.0, |bias| bias[output])
    }
}

/// The layers of a file.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Layer>, Box<dyn Error>> {
    let graph = Model::decode(file)?.graph.ok_or("the file has no graph")?;
    let constants = graph.constants.iter().map(|constant| (constant.name.as_str(), constant));
    let constants: HashMap<_, _> = constants.collect();
    let weights = |node: &Node| {
        let named = |index: usize| node.inputs.get(index).and_then(|name| constants.get(&**name));
        let weights = named(1).ok_or("a layer has no weights in the file")?;
        let sizes = weights.sizes.iter().map(|size| usize::try_from(*size));
        Ok::<_, Box<dyn Error>>(Weights {
            sizes: sizes.collect::<Result<_, _>>()?,
            numbers: numbers(weights),
            bias: named(2).map(|bias| numbers(bias)),
        })
    };
    let mut layers = Vec::new();
    for node in &graph.nodes {
        match node.operator.as_str() {
            "Conv" => layers.push(Layer::Convolution(weights(node)?)),
            "Gemm" => layers.push(Layer::Dense(weights(node)?)),
            "Relu" => layers.push(Layer::Relu),
            "MaxPool" => layers.push(Layer::MaxPool),
            // Rows are flat lists already.
            "Flatten" | "Identity" => {}
            other => return Err(format!("no {other} here").into()),
        }
    }
    Ok(layers)
}

fn numbers(constant: &Constant) -> Vec<f32> {
    constant.raw.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    constants: Vec<Constant>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    inputs: Vec<String>,
    #[prost(string, tag = "4")]
    operator: String,
}

#[derive(Clone, PartialEq, Message)]
struct Constant {
    #[prost(int64, repeated, tag = "1")]
    sizes: Vec<i64>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw: Vec<u8>,
}
