//! Packing a model file: everything in one file, without what evaluation does not need.
//!
//! Data beside the file is put into it; metadata, doc strings, shapes of values in between, outputs
//! that are not evaluated, and nodes, functions and initializers that the answers do not need are
//! left out; equal initializers are kept once.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Attribute, File, NodeProto,
    patch::{Edit, put_bytes, rewrite},
    tensor::TensorBytes,
    wire::{Field, Message},
};
use crate::refusal::{ConstantRefused, ModelRefused, Part};

/// Data of a tensor that lies beside the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The path, relative to the file's folder.
    pub path: String,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its length in bytes; up to the end if it is not stated.
    pub length: Option<u64>,
}

/// Reads data beside a file; `None` if it cannot be read.
pub type Read<'a> = &'a mut dyn FnMut(&Beside) -> Option<Vec<u8>>;

/// Finds the nodes that outputs need.
type Live<'a> = fn(&[NodeProto<'a>], &[&'a [u8]]) -> Result<Vec<bool>, ModelRefused>;

/// What the evaluation of an output needs.
struct Needed<'a> {
    output: &'a [u8],
    live: Vec<bool>,
    names: BTreeSet<&'a [u8]>,
    /// Names used inside of branches and loops, which are not changed.
    inner: BTreeSet<&'a [u8]>,
    initializers: BTreeSet<&'a [u8]>,
    operators: BTreeSet<(&'a [u8], &'a [u8])>,
}

/// The file with everything in it, and without what the evaluation of this output does not need.
pub(crate) fn pack<'a>(
    file: &'a [u8],
    output: &'a [u8],
    live: Live<'a>,
    read: Read<'_>,
) -> Result<Vec<u8>, ModelRefused> {
    let parsed = File::read(file)?;
    let needed = Needed::new(&parsed, output, live(&parsed.graph.nodes, &[output])?)?;
    rewrite(file, Part::Model, |number, field| match number {
        7 => graph(field.bytes(Part::Graph)?, &needed, read).map(Edit::Bytes),
        // Producer, domain, doc string and metadata.
        2 | 3 | 4 | 6 | 14 => Ok(Edit::Drop),
        25 => {
            let function = field.bytes(Part::Functions)?;
            let is_used = needed.operators.is_empty() || is_called(function, &needed)?;
            Ok(if is_used { Edit::Keep } else { Edit::Drop })
        }
        _ => Ok(Edit::Keep),
    })
}

/// Whether a function may be called: from the graph, or another function.
fn is_called(function: &[u8], needed: &Needed<'_>) -> Result<bool, ModelRefused> {
    let (mut name, mut domain) = (&[][..], &[][..]);
    for field in Message::new(function, Part::Functions) {
        match field? {
            (1, field) => name = field.bytes(Part::Functions)?,
            (10, field) => domain = field.bytes(Part::Functions)?,
            _ => {}
        }
    }
    Ok(needed.operators.contains(&(domain, name)))
}

impl<'a> Needed<'a> {
    fn new(file: &File<'a>, output: &'a [u8], live: Vec<bool>) -> Result<Self, ModelRefused> {
        let mut needed = Self {
            output,
            live,
            names: BTreeSet::from([output]),
            inner: BTreeSet::new(),
            initializers: file.graph.constants.iter().map(|tensor| tensor.name).collect(),
            operators: BTreeSet::new(),
        };
        let nodes = file.graph.nodes.iter().zip(&needed.live);
        let mut has_inner = false;
        for (node, _) in nodes.filter(|(_, live)| **live) {
            needed.names.extend(&node.inputs);
            needed.operators.insert((node.domain, node.operator));
            for (_, attribute) in &node.attributes {
                if let Attribute::Graph(graph) = attribute {
                    has_inner = true;
                    let names = graph.names(0)?;
                    needed.names.extend(&names);
                    needed.inner.extend(names);
                }
            }
        }
        // Branches and functions may call functions: then all are kept.
        for function in &file.functions {
            let parts = function.parts()?;
            needed.operators.extend(parts.nodes.iter().map(|node| (node.domain, node.operator)));
        }
        if has_inner {
            needed.operators.clear();
        }
        Ok(needed)
    }
}

fn graph(bytes: &[u8], needed: &Needed<'_>, read: Read<'_>) -> Result<Vec<u8>, ModelRefused> {
    let mut kept = BTreeMap::<Vec<u8>, &[u8]>::new();
    let mut same = BTreeMap::<&[u8], &[u8]>::new();
    let without_initializers = rewrite(bytes, Part::Graph, |number, field| match number {
        5 => {
            let tensor = field.bytes(Part::Tensor)?;
            let name = TensorBytes::new(tensor)?.name;
            if !needed.names.contains(name) {
                return Ok(Edit::Drop);
            }
            let data = initializer(tensor, name, read)?;
            match kept.get(&data) {
                Some(first) if !needed.inner.contains(name) && name != needed.output => {
                    same.insert(name, first);
                    Ok(Edit::Drop)
                }
                _ => {
                    let mut written = data.clone();
                    put_bytes(&mut written, 8, name);
                    kept.entry(data).or_insert(name);
                    Ok(Edit::Bytes(written))
                }
            }
        }
        _ => Ok(Edit::Keep),
    })?;
    let mut nodes = needed.live.iter();
    rewrite(&without_initializers, Part::Graph, |number, field| match number {
        1 if nodes.next() != Some(&true) => Ok(Edit::Drop),
        1 => node(field.bytes(Part::Node)?, &same).map(Edit::Bytes),
        11 | 12 => {
            let port = field.bytes(Part::ValueInfo)?;
            let name = text(port, 1)?;
            let is_kept = match number {
                11 => !needed.initializers.contains(name),
                _ => name == needed.output,
            };
            if !is_kept {
                return Ok(Edit::Drop);
            }
            let stripped = rewrite(port, Part::ValueInfo, |number, _| Ok(drop_if(number > 2)));
            stripped.map(Edit::Bytes)
        }
        // Doc string, values in between, quantization annotations, metadata.
        10 | 13 | 14 | 16 => Ok(Edit::Drop),
        _ => Ok(Edit::Keep),
    })
}

const fn drop_if(condition: bool) -> Edit {
    if condition { Edit::Drop } else { Edit::Keep }
}

fn text(message: &[u8], wanted: u32) -> Result<&[u8], ModelRefused> {
    for field in Message::new(message, Part::ValueInfo) {
        let (number, field) = field?;
        if number == wanted {
            return field.bytes(Part::ValueInfo);
        }
    }
    Ok(&[])
}

/// A node without doc string and metadata, its inputs being the first of equal initializers.
fn node(bytes: &[u8], same: &BTreeMap<&[u8], &[u8]>) -> Result<Vec<u8>, ModelRefused> {
    rewrite(bytes, Part::Node, |number, field| match number {
        1 => {
            let first = same.get(field.bytes(Part::Node)?);
            Ok(first.map_or(Edit::Keep, |first| Edit::Bytes(first.to_vec())))
        }
        6 | 9 => Ok(Edit::Drop),
        _ => Ok(Edit::Keep),
    })
}

/// A tensor without its name, with the data that lies beside the file.
fn initializer(bytes: &[u8], name: &[u8], read: Read<'_>) -> Result<Vec<u8>, ModelRefused> {
    let (mut beside, mut is_beside) = (Beside::default(), false);
    let mut written = rewrite(bytes, Part::Tensor, |number, field| {
        match (number, field) {
            (13, field) => external(&mut beside, field.bytes(Part::Tensor)?)?,
            (14, Field::Varint(location)) => is_beside = location != 0,
            _ => {}
        }
        Ok(drop_if(matches!(number, 8 | 12..=14 | 16)))
    })?;
    if is_beside {
        let name = crate::label::Label::new(name);
        let refused = ModelRefused::Constant { name, reason: ConstantRefused::External };
        put_bytes(&mut written, 9, &read(&beside).ok_or(refused)?);
    }
    Ok(written)
}

/// Reads one of the entries that say where data lies.
fn external(beside: &mut Beside, entry: &[u8]) -> Result<(), ModelRefused> {
    let as_text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = as_text(text(entry, 2)?);
    let number = || value.parse().map_err(|_| ModelRefused::Malformed(Part::Tensor));
    match text(entry, 1)? {
        b"offset" => beside.offset = number()?,
        b"length" => beside.length = Some(number()?),
        b"location" => beside.path = value,
        _ => {}
    }
    Ok(())
}
