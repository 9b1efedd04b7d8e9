//! Rewrites of a model's graph that preserve the class of each answer, or the number, as a copier
//! might make them. They edit the protobuf file, which no part of the evaluator does.

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::onnx::{
    bytes, float_attribute, integer, integer_attribute, node, tensor, weights, whole,
};

/// The rewrite by nodes without effect.
pub(crate) const IDLE: &str = "nodes that do nothing";
/// The rewrite by a constant that changes no argmax.
pub(crate) const BIASES: &str = "1 added to all final biases";

/// A file's graph, to be edited.
#[derive(Clone)]
pub(crate) struct Net {
    opset: i64,
    nodes: Vec<Node>,
    constants: Vec<Constant>,
    /// Inputs and outputs, unchanged.
    ports: Vec<u8>,
    output: String,
    fresh: usize,
}

#[derive(Clone)]
struct Node {
    operator: String,
    inputs: Vec<String>,
    output: String,
    attributes: Vec<Vec<u8>>,
}

#[derive(Clone)]
struct Constant {
    name: String,
    sizes: Vec<i64>,
    /// `None` for whole numbers, whose field stays unchanged.
    numbers: Option<Vec<f32>>,
    field: Vec<u8>,
}

/// All rewrites applicable to a model, by name. `is_number` for a model that answers a number.
pub(crate) fn rewrites(file: &[u8], is_number: bool) -> Vec<(&'static str, Vec<u8>)> {
    let net = Net::read(file);
    let answers = net.answers();
    let mut found = vec![
        ("unknown fields at the end", [file, &bytes(2_000, b"whatever")].concat()),
        ("another opset", Net { opset: net.opset.max(13) + 5, ..net.clone() }.write()),
    ];
    let mut all = vec![
        (IDLE, net.with_idle_nodes(answers)),
        ("MatMul and Add for Gemm, or the other way round", net.with_other_products()),
        ("a batch normalization that was not there", net.with_normalization()),
        ("batch normalizations folded", net.with_folded_normalization()),
        ("initializers as Constant nodes", net.with_constant_nodes()),
    ];
    if !is_number && answers > 1 {
        all.push((BIASES, net.with_final_layer(1.0, 1.0)));
        all.push(("a final layer three times as large", net.with_final_layer(3.0, 0.0)));
        all.push(("1 added to all answers", Some(net.with_constant("Add", 1.0))));
        all.push(("all answers three times as large", Some(net.with_constant("Mul", 3.0))));
        all.push(("a Softmax at the end", Some(net.with_last(node_of("Softmax")))));
        all.push(("a Sigmoid at the end", Some(net.with_last(node_of("Sigmoid")))));
    }
    found.extend(all.into_iter().filter_map(|(name, net)| Some((name, net?.write()))));
    found
}

fn node_of(operator: &str) -> Node {
    Node {
        operator: operator.into(),
        inputs: Vec::new(),
        output: String::new(),
        attributes: Vec::new(),
    }
}

impl Net {
    fn read(file: &[u8]) -> Self {
        let mut net = Self {
            opset: 0,
            nodes: Vec::new(),
            constants: Vec::new(),
            ports: Vec::new(),
            output: String::new(),
            fresh: 0,
        };
        for (number, _, value) in fields(file) {
            match number {
                7 => net.read_graph(value),
                8 => {
                    let version = fields(value).into_iter().find(|(number, ..)| *number == 2);
                    net.opset = version.map_or(0, |(_, field, _)| integer_of(field));
                }
                _ => {}
            }
        }
        net
    }

    fn read_graph(&mut self, graph: &[u8]) {
        for (number, field, value) in fields(graph) {
            match number {
                1 => self.nodes.push(Node::read(value)),
                5 => self.constants.push(Constant::read(field, value)),
                11 => self.ports.extend(field),
                12 => {
                    self.ports.extend(field);
                    self.output = text(value, 1);
                }
                _ => {}
            }
        }
    }

    fn write(&self) -> Vec<u8> {
        let nodes = self.nodes.iter().map(|each| {
            let inputs = each.inputs.iter().map(String::as_str).collect::<Vec<_>>();
            node(&each.operator, &inputs, &each.output, &each.attributes)
        });
        let constants = self.constants.iter().map(|each| match &each.numbers {
            Some(numbers) => weights(&each.name, &each.sizes, numbers),
            None => each.field.clone(),
        });
        let graph = nodes.chain(constants).chain([self.ports.clone()]).collect::<Vec<_>>().concat();
        [integer(1, 8), bytes(7, &graph), bytes(8, &integer(2, self.opset))].concat()
    }

    fn name(&mut self) -> String {
        self.fresh += 1;
        format!("fresh {}", self.fresh)
    }

    fn constant(&mut self, sizes: &[i64], numbers: Vec<f32>) -> String {
        let name = self.name();
        let (sizes, numbers) = (sizes.to_vec(), Some(numbers));
        self.constants.push(Constant { name: name.clone(), sizes, numbers, field: Vec::new() });
        name
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.constants.iter().position(|each| each.name == name && each.numbers.is_some())
    }

    fn numbers(&mut self, name: &str) -> Option<&mut Vec<f32>> {
        let index = self.find(name)?;
        self.constants[index].numbers.as_mut()
    }

    /// Indices of the products and of the nodes that add their biases, with the biases' names.
    fn products(&self) -> Vec<(usize, Option<(usize, String)>)> {
        let products = self.nodes.iter().enumerate();
        let products = products.filter(|(_, node)| is_product(&node.operator));
        let with_bias = |(index, node): (usize, &Node)| {
            if let Some(bias) = node.inputs.get(2) {
                return (index, Some((index, bias.clone())));
            }
            let next = self.nodes.get(index + 1).filter(|next| {
                next.operator == "Add" && next.inputs[0] == node.output && !is_conv(node)
            });
            (index, next.map(|next| (index + 1, next.inputs[1].clone())))
        };
        products.map(with_bias).collect()
    }

    /// Number of answers of the last product; 1 if a probability is expanded to two columns.
    fn answers(&self) -> usize {
        let products = self.products();
        let Some((_, Some((_, bias)))) = products.last() else { return 1 };
        self.find(bias).map_or(1, |index| self.constants[index].numbers.iter().flatten().count())
    }

    /// Appends a node after the output.
    fn with_last(&self, last: Node) -> Self {
        let mut net = self.clone();
        net.add_last(last);
        net
    }

    fn add_last(&mut self, mut last: Node) {
        let before = self.name();
        for node in &mut self.nodes {
            if node.output == self.output {
                node.output.clone_from(&before);
            }
        }
        last.inputs.insert(0, before);
        last.output = self.output.clone();
        self.nodes.push(last);
    }

    fn with_constant(&self, operator: &str, number: f32) -> Self {
        let mut net = self.clone();
        let constant = net.constant(&[1], vec![number]);
        net.add_last(Node { inputs: vec![constant], ..node_of(operator) });
        net
    }

    fn with_idle_nodes(&self, answers: usize) -> Option<Self> {
        let is_doubled = answers == 1 && self.nodes.iter().any(|node| node.operator == "Concat");
        let columns = if is_doubled { 2 } else { answers };
        let mut net = self.with_constant("Add", 0.0).with_constant("Mul", 1.0);
        net.add_last(node_of("Identity"));
        net.add_last(node_of("Dropout"));
        let name = net.name();
        let field = whole(&name, &[-1, i64::try_from(columns).ok()?]);
        net.constants.push(Constant {
            name: name.clone(),
            sizes: Vec::new(),
            numbers: None,
            field,
        });
        net.add_last(Node { inputs: vec![name], ..node_of("Reshape") });
        let attributes = vec![integer_attribute("axis", 1)];
        net.add_last(Node { attributes, ..node_of("Flatten") });
        Some(net)
    }

    /// Multiplies the final layer, and adds to its biases; `None` if it has none.
    fn with_final_layer(&self, factor: f32, more: f32) -> Option<Self> {
        let mut net = self.clone();
        let (index, bias) = net.products().pop()?;
        let weights = net.nodes[index].inputs[1].clone();
        net.numbers(&weights)?.iter_mut().for_each(|number| *number *= factor);
        net.numbers(&bias?.1)?.iter_mut().for_each(|number| *number = *number * factor + more);
        Some(net)
    }

    fn with_other_products(&self) -> Option<Self> {
        let mut net = self.clone();
        let mut changed = false;
        for (index, bias) in self.products().into_iter().rev() {
            let node = net.nodes[index].clone();
            if node.operator == "Gemm" {
                let weights = net.find(&node.inputs[1])?;
                let turned = node.attributes.iter().any(|each| {
                    let [(_, _, attribute)] = fields(each)[..] else { return false };
                    text(attribute, 1) == "transB"
                });
                let sizes = net.constants[weights].sizes.clone();
                let numbers = net.constants[weights].numbers.clone()?;
                let (sizes, numbers) =
                    if turned { transposed(&sizes, &numbers) } else { (sizes, numbers) };
                let weights = net.constant(&sizes, numbers);
                let between = net.name();
                let inputs = vec![node.inputs[0].clone(), weights];
                let sum = Node {
                    inputs: vec![between.clone(), node.inputs[2].clone()],
                    output: node.output,
                    ..node_of("Add")
                };
                net.nodes[index] = Node { inputs, output: between, ..node_of("MatMul") };
                net.nodes.insert(index + 1, sum);
                changed = true;
            } else if let (false, Some((sum, bias))) = (is_conv(&node), bias) {
                let sum = net.nodes.remove(sum);
                let inputs = [node.inputs, vec![bias]].concat();
                net.nodes[index] = Node { inputs, output: sum.output, ..node_of("Gemm") };
                changed = true;
            }
        }
        changed.then_some(net)
    }

    /// Adds a batch normalization after each product, and changes the product's weights to undo it.
    fn with_normalization(&self) -> Option<Self> {
        let mut net = self.clone();
        for (index, bias) in self.products().into_iter().rev() {
            let Some((last, bias)) = bias else { continue };
            let count = net.numbers(&bias)?.len();
            let size = |channel: usize| [0.5, 2.0, 4.0][channel % 3];
            let mean = |channel: usize| [0.25, -0.5][channel % 2];
            // The result must be y, so the product now gives (y − shift) / scale.
            let numbers = |of: &dyn Fn(usize) -> f32| (0..count).map(of).collect::<Vec<_>>();
            let channels = [i64::try_from(count).ok()?];
            let scales = net.constant(&channels, numbers(&size));
            let shifts = net.constant(&channels, numbers(&mean));
            let zeros = net.constant(&channels, vec![0.0; count]);
            let ones = net.constant(&channels, vec![1.0; count]);
            net.scale_channels(index, &numbers(&|channel| 1.0 / size(channel)))?;
            for (channel, number) in net.numbers(&bias)?.iter_mut().enumerate() {
                *number = (*number - mean(channel)) / size(channel);
            }
            let between = net.name();
            let output = std::mem::replace(&mut net.nodes[last].output, between.clone());
            let inputs = vec![between, scales, shifts, zeros, ones];
            let attributes = vec![float_attribute("epsilon", 1e-9)];
            let operator = "BatchNormalization".into();
            net.nodes.insert(last + 1, Node { operator, inputs, output, attributes });
        }
        Some(net)
    }

    /// Multiplies the weights of each output channel of a product.
    fn scale_channels(&mut self, index: usize, factors: &[f32]) -> Option<()> {
        let node = self.nodes[index].clone();
        let by_row = is_conv(&node) || !node.attributes.is_empty();
        let numbers = self.numbers(&node.inputs[1])?;
        let each = numbers.len() / factors.len();
        for (index, number) in numbers.iter_mut().enumerate() {
            *number *= factors[if by_row { index / each } else { index % factors.len() }];
        }
        Some(())
    }

    /// Folds normalizations into the convolutions before them; `None` if there are none.
    fn with_folded_normalization(&self) -> Option<Self> {
        let net = self.with_normalization()?;
        let mut folded = net.clone();
        for index in (1..net.nodes.len()).rev() {
            let node = net.nodes[index].clone();
            if node.operator != "BatchNormalization" || !is_conv(&net.nodes[index - 1]) {
                continue;
            }
            let bias = net.nodes[index - 1].inputs.get(2)?.clone();
            let scales = folded.numbers(&node.inputs[1])?.clone();
            let shifts = folded.numbers(&node.inputs[2])?.clone();
            folded.scale_channels(index - 1, &scales)?;
            let biases = folded.numbers(&bias)?.iter_mut().zip(scales.iter().zip(shifts));
            biases.for_each(|(bias, (scale, shift))| *bias = *bias * scale + shift);
            folded.nodes.remove(index);
            folded.nodes[index - 1].output = node.output;
        }
        (folded.nodes.len() < net.nodes.len()).then_some(folded)
    }

    fn with_constant_nodes(&self) -> Option<Self> {
        let mut net = self.clone();
        for constant in std::mem::take(&mut net.constants) {
            let Some(numbers) = constant.numbers else {
                net.constants.push(constant);
                continue;
            };
            let raw = numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
            let value = bytes(5, &tensor(&constant.sizes, 1, &raw));
            let attribute = bytes(5, &[bytes(1, b"value"), value, integer(20, 4)].concat());
            let (output, attributes) = (constant.name, vec![attribute]);
            net.nodes.insert(0, Node { output, attributes, ..node_of("Constant") });
        }
        Some(net)
    }
}

impl Node {
    fn read(bytes: &[u8]) -> Self {
        let of = |wanted| fields(bytes).into_iter().filter(move |(number, ..)| *number == wanted);
        Self {
            operator: text(bytes, 4),
            inputs: of(1).map(|(_, _, name)| String::from_utf8(name.to_vec()).unwrap()).collect(),
            output: text(bytes, 2),
            attributes: of(5).map(|(_, field, _)| field.to_vec()).collect(),
        }
    }
}

impl Constant {
    fn read(field: &[u8], bytes: &[u8]) -> Self {
        let (mut sizes, mut raw, mut is_real) = (Vec::new(), Vec::new(), false);
        for (number, field, value) in fields(bytes) {
            match number {
                1 if value.is_empty() => sizes.push(integer_of(field)),
                1 => {
                    let mut rest = value;
                    while !rest.is_empty() {
                        sizes.push(decode_varint(&mut rest).unwrap().cast_signed());
                    }
                }
                2 => is_real = integer_of(field) == 1,
                // As a packed list, or as raw bytes.
                4 | 9 => raw = value.to_vec(),
                _ => {}
            }
        }
        let numbers = raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let numbers = is_real.then(|| numbers.collect());
        Self { name: text(bytes, 8), sizes, numbers, field: field.to_vec() }
    }
}

fn is_conv(node: &Node) -> bool {
    node.operator == "Conv"
}

fn is_product(operator: &str) -> bool {
    matches!(operator, "Conv" | "Gemm" | "MatMul")
}

fn transposed(sizes: &[i64], numbers: &[f32]) -> (Vec<i64>, Vec<f32>) {
    let columns = usize::try_from(sizes[1]).unwrap();
    let column = |index| numbers.iter().skip(index).step_by(columns).copied();
    (vec![sizes[1], sizes[0]], (0..columns).flat_map(column).collect())
}

/// A message's fields: the number, the whole field, and its payload.
fn fields(message: &[u8]) -> Vec<(u32, &[u8], &[u8])> {
    let (mut rest, mut found) = (message, Vec::new());
    while !rest.is_empty() {
        let before = rest;
        let (number, kind) = decode_key(&mut rest).unwrap();
        let length = match kind {
            WireType::LengthDelimited => decode_varint(&mut rest).unwrap().try_into().unwrap(),
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            _ => decode_varint(&mut rest).map(|_| 0).unwrap(),
        };
        let value = rest.split_off(..length).unwrap();
        found.push((number, &before[..before.len() - rest.len()], value));
    }
    found
}

/// The string in a field.
fn text(message: &[u8], wanted: u32) -> String {
    let found = fields(message).into_iter().find(|(number, ..)| *number == wanted);
    found.map_or(String::new(), |(_, _, value)| String::from_utf8(value.to_vec()).unwrap())
}

/// The integer in a field.
fn integer_of(mut field: &[u8]) -> i64 {
    decode_key(&mut field).unwrap();
    decode_varint(&mut field).unwrap().cast_signed()
}
