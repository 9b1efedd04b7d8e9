//! Reading a safetensors file.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{Dataset, DatasetRefused, Features, Labels};
use crate::{limits, shape::Shape};

/// Reads a file whose size has been checked.
pub(super) fn read(bytes: &[u8]) -> Result<Dataset, DatasetRefused> {
    let header = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    let header = header.and_then(|length| usize::try_from(length).ok());
    if header.is_none_or(|length| length > limits::DATASET_HEADER_BYTES) {
        return Err(DatasetRefused::Malformed);
    }
    let file = SafeTensors::deserialize(bytes).map_err(|_| DatasetRefused::Malformed)?;
    let x = file.tensor("x").map_err(|_| DatasetRefused::Missing("x".into()))?;
    let y = file.tensor("y").map_err(|_| DatasetRefused::Missing("y".into()))?;
    let Some((rows, row)) = x.shape().split_first() else { return Err(DatasetRefused::Shape) };
    let row = Shape::new(row).ok_or(DatasetRefused::Shape)?;
    if y.shape() != [*rows] {
        return Err(DatasetRefused::Shape);
    }
    Dataset::new(row, features(bytes, &x)?, labels(&y)?)
}

fn features(bytes: &[u8], x: &TensorView<'_>) -> Result<Features, DatasetRefused> {
    match x.dtype() {
        Dtype::F32 => Ok(Features::Real(reals(x.data()))),
        Dtype::U8 => {
            let (_, header) =
                SafeTensors::read_metadata(bytes).map_err(|_| DatasetRefused::Malformed)?;
            let number = |name: &str| {
                let text = header.metadata().as_ref().and_then(|metadata| metadata.get(name));
                let number = text.and_then(|text| text.parse::<f32>().ok());
                number
                    .filter(|number| number.is_finite())
                    .ok_or(DatasetRefused::Metadata(name.into()))
            };
            Ok(Features::Bytes {
                scale: number("scale")?,
                offset: number("offset")?,
                bytes: x.data().to_vec(),
            })
        }
        _ => Err(DatasetRefused::Type("x".into())),
    }
}

fn labels(y: &TensorView<'_>) -> Result<Labels, DatasetRefused> {
    match y.dtype() {
        Dtype::U8 => Ok(Labels::Classes(y.data().to_vec())),
        Dtype::I64 => {
            let (labels, _) = y.data().as_chunks::<8>();
            let classes = labels.iter().enumerate().map(|(row, label)| {
                u8::try_from(i64::from_le_bytes(*label)).map_err(|_| DatasetRefused::Label { row })
            });
            classes.collect::<Result<_, _>>().map(Labels::Classes)
        }
        Dtype::F32 => Ok(Labels::Targets(reals(y.data()))),
        _ => Err(DatasetRefused::Type("y".into())),
    }
}

fn reals(data: &[u8]) -> Vec<f32> {
    data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
