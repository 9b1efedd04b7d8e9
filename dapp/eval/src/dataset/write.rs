//! Writing a safetensors file. The container's own library writes metadata in the order of a hash
//! map; a blob's CID needs equal bytes for equal datasets, so the header is built here.

use std::collections::BTreeMap;

use super::{Dataset, Features, Labels};

/// The file of a dataset: header length, header, `x`, `y`. The header has these metadata and its
/// own, in alphabetical order.
pub(super) fn write(dataset: &Dataset, metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut metadata = metadata.clone();
    let (x_type, x) = match &dataset.features {
        Features::Real(features) => ("F32", bytes_of(features)),
        Features::Bytes { bytes, scale, offset } => {
            metadata.insert("offset".to_owned(), offset.to_string());
            metadata.insert("scale".to_owned(), scale.to_string());
            ("U8", bytes.clone())
        }
    };
    let metadata = object(&metadata);
    let (y_type, y) = match &dataset.labels {
        Labels::Classes(classes) => ("U8", classes.clone()),
        Labels::Targets(targets) => ("F32", bytes_of(targets)),
    };
    let rows = dataset.rows();
    let sizes = dataset.row.sizes().iter().map(|size| format!(",{size}")).collect::<String>();
    let (middle, end) = (x.len(), x.len() + y.len());
    let mut header = format!(
        r#"{{{metadata}"x":{{"dtype":"{x_type}","shape":[{rows}{sizes}],"data_offsets":[0,{middle}]}},"y":{{"dtype":"{y_type}","shape":[{rows}],"data_offsets":[{middle},{end}]}}}}"#
    );
    // The data begins at a multiple of eight.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let length = u64::try_from(header.len()).unwrap_or(u64::MAX).to_le_bytes();
    [&length[..], header.as_bytes(), &x, &y].concat()
}

/// The metadata as the header's first member; nothing if there are none.
fn object(metadata: &BTreeMap<String, String>) -> String {
    if metadata.is_empty() {
        return String::new();
    }
    let member = |(key, value): (&String, &String)| format!("{}:{}", quoted(key), quoted(value));
    let members: Vec<_> = metadata.iter().map(member).collect();
    format!(r#""__metadata__":{{{}}},"#, members.join(","))
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for part in text.chars() {
        match part {
            '"' | '\\' => quoted.extend(['\\', part]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
