//! Arrays of numbers: NumPy's `.npy` and `.npz`, and safetensors of any type.

mod choice;
mod element;
mod npy;
mod npz;
mod tensors;

use crate::{
    content::Loaded,
    options::Options,
    refused::ReadRefused,
    table::{Column, Table, Values},
};

/// An array in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    /// Its dimensions.
    shape: Vec<usize>,
    /// Its elements.
    elements: Elements,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Elements {
    /// Bytes, as images have them.
    Bytes(Vec<u8>),
    /// Other numbers.
    Numbers(Vec<f64>),
    /// Words, which only labels can be.
    Texts(Vec<String>),
}

/// Reads one array: a table without names, or features whose labels are in another file.
pub(crate) fn read_npy(bytes: &[u8], options: &Options) -> Result<Loaded, ReadRefused> {
    let array = npy::read(bytes)?;
    let other = options.label.as_deref().filter(|label| label.ends_with(".npy"));
    if let Some(path) = other {
        let labels = crate::source::Source::open(path.as_ref())?;
        let arrays = vec![("x".to_owned(), array), ("y".to_owned(), npy::read(labels.bytes())?)];
        let options = Options { label: None, ..options.clone() };
        return choice::content(arrays, &options, ".npy").map(Loaded::Content);
    }
    let [rows, width] = array.shape[..] else {
        let why = format!("the array has the shape {:?} and no labels", array.shape);
        let advice = "say --label FILE.npy, or save both with numpy.savez(FILE, x=…, y=…)";
        return Err(ReadRefused::Arrays { why, advice });
    };
    let columns = columns(array.elements, width);
    let notes = Vec::new();
    let format = format!(".npy array of {rows} × {width}");
    Ok(Loaded::Table(Table { columns, lines: Vec::new(), format, header: None, notes }))
}

/// Reads an archive of arrays.
pub(crate) fn read_npz(bytes: &[u8], options: &Options) -> Result<Loaded, ReadRefused> {
    choice::content(npz::read(bytes)?, options, ".npz").map(Loaded::Content)
}

/// Reads tensors that are not a packed dataset.
pub(crate) fn read_tensors(bytes: &[u8], options: &Options) -> Result<Loaded, ReadRefused> {
    choice::content(tensors::read(bytes)?, options, "safetensors").map(Loaded::Content)
}

/// The columns of a matrix.
fn columns(elements: Elements, width: usize) -> Vec<Column> {
    let column = |at: usize| {
        let values = match &elements {
            Elements::Bytes(bytes) => {
                let bytes = bytes.iter().skip(at).step_by(width);
                Values::Numbers(bytes.map(|byte| f64::from(*byte)).collect())
            }
            Elements::Numbers(numbers) => {
                Values::Numbers(numbers.iter().skip(at).step_by(width).copied().collect())
            }
            Elements::Texts(texts) => {
                Values::Text(texts.iter().skip(at).step_by(width).cloned().collect())
            }
        };
        Column { name: None, values }
    };
    (0..width).map(column).collect()
}
