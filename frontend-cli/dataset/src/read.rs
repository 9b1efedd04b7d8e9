//! From a source to a dataset, and a description of what was understood.

use eval::{Dataset, Features, Labels, Shape};

use crate::{
    arrays,
    classes::{Classes, Label},
    columnar,
    content::{Content, Loaded},
    description::{Class, Description, Understood},
    features, images,
    options::{LabelKind, Options},
    packed,
    refused::ReadRefused,
    source::{Format, Source},
    text,
};

/// Reads rows.
///
/// - Errors: the reason, with line and column; or what to say where two readings are plausible
pub fn read(source: &Source, options: &Options) -> Result<Understood, ReadRefused> {
    let content = match load(source, options)? {
        Loaded::Table(table) => features::content(table, options)?,
        Loaded::Content(content) => content,
        Loaded::Packed(dataset) => return Ok(packed(source, dataset)),
    };
    understood(content, options)
}

/// Reads a file as far as no choice is needed.
pub(crate) fn load(source: &Source, options: &Options) -> Result<Loaded, ReadRefused> {
    match source.format()? {
        Format::Text => text::read(source.bytes(), options).map(Loaded::Table),
        Format::Parquet => columnar::read(source.bytes()).map(Loaded::Table),
        Format::Images => images::read(&source.path, options).map(Loaded::Content),
        Format::Npy => arrays::read_npy(source.bytes(), options),
        Format::Npz => arrays::read_npz(source.bytes(), options),
        Format::Safetensors if packed::is_packed(source.bytes()) => {
            Ok(Loaded::Packed(Dataset::from_safetensors(source.bytes())?))
        }
        Format::Safetensors => arrays::read_tensors(source.bytes(), options),
    }
}

/// Content as a dataset.
pub(crate) fn understood(content: Content, options: &Options) -> Result<Understood, ReadRefused> {
    let location = |row| content.label_location(row);
    let label = Label { called: called(&content), values: &content.labels, location: &location };
    let (labels, classes) = match options.kind {
        LabelKind::Targets => (Labels::Targets(label.targets()?), Vec::new()),
        LabelKind::Classes => {
            let Classes { of_rows, names } = label.classes(options)?;
            (Labels::Classes(of_rows), names)
        }
    };
    let label = content.label_name.as_ref().filter(|name| !name.is_empty());
    let label = label.map_or_else(
        || format!("in column {}", content.label_column + 1),
        |name| format!("`{name}`"),
    );
    let Content { row, features, format, header, notes, .. } = content;
    let shape = Shape::new(&row).ok_or(eval::DatasetRefused::Shape)?;
    let dataset = Dataset::new(shape, features, labels)?;
    let description = described(&dataset, &classes, label, format, header, notes);
    Ok(Understood { dataset, classes, description, is_packed: false })
}

fn packed(source: &Source, dataset: Dataset) -> Understood {
    let mut classes = packed::class_names(source.bytes());
    if classes.is_empty() {
        classes = (0..dataset.classes()).map(|class| class.to_string()).collect();
    }
    let (label, format) = ("`y`".to_owned(), "packed dataset".to_owned());
    let description = described(&dataset, &classes, label, format, None, Vec::new());
    Understood { dataset, classes, description, is_packed: true }
}

fn called(content: &Content) -> String {
    let number = content.label_column + 1;
    match content.label_name.as_deref() {
        Some(name) if !name.is_empty() => format!("the label `{name}`"),
        _ => format!("the label in column {number}"),
    }
}

fn described(
    dataset: &Dataset,
    names: &[String],
    label: String,
    format: String,
    header: Option<bool>,
    mut notes: Vec<String>,
) -> Description {
    if let Features::Bytes { scale, offset, .. } = dataset.stored() {
        notes.push(format!("features are bytes, each times {scale} plus {offset}"));
    }
    let (classes, range) = match dataset.labels() {
        Labels::Classes(labels) => (counts(labels, names), None),
        Labels::Targets(targets) => {
            let least = targets.iter().copied().fold(f32::INFINITY, f32::min);
            (Vec::new(), Some((least, targets.iter().copied().fold(f32::NEG_INFINITY, f32::max))))
        }
    };
    let without: Vec<_> = classes.iter().filter(|class| class.rows == 0).collect();
    if !without.is_empty() {
        let names: Vec<_> = without.iter().take(8).map(|class| class.name.as_str()).collect();
        notes.push(format!("no rows of class {}", names.join(", ")));
    }
    let (rows, row) = (dataset.rows(), dataset.row().sizes().to_vec());
    Description { format, rows, row, label, classes, range, header, notes }
}

/// The rows of each class.
fn counts(labels: &[u8], names: &[String]) -> Vec<Class> {
    let mut counts = [0; 256];
    labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    let classes = names.iter().zip(counts);
    classes.map(|(name, rows)| Class { name: name.clone(), rows }).collect()
}
