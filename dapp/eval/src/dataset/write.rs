//! Writing a safetensors file. The container's own library writes metadata in the order of a hash
//! map; a blob's CID needs equal bytes for equal datasets, so the header is built here.

use super::{Dataset, Features, Labels};

/// The file of a dataset: header length, header, `x`, `y`.
pub(super) fn write(dataset: &Dataset) -> Vec<u8> {
    let (x_type, x, metadata) = match &dataset.features {
        Features::Real(features) => ("F32", bytes_of(features), String::new()),
        Features::Bytes { bytes, scale, offset } => {
            let metadata = format!(r#""__metadata__":{{"offset":"{offset}","scale":"{scale}"}},"#);
            ("U8", bytes.clone(), metadata)
        }
    };
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

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
