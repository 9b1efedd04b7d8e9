//! Transformations of datasets: joining, and converting features to bytes.

use anyhow::Result;
use client::printer::Refused;
use eval::{Dataset, Features, Labels};

/// All rows of several datasets, in order.
///
/// - Errors: `UnfitDataset` if their rows or labels are of different kinds
pub fn joined(datasets: Vec<Dataset>) -> Result<Dataset> {
    let mut rest = datasets.into_iter();
    let Some(first) = rest.next() else {
        return Err(Refused::new("UnfitDataset", "there is no dataset").into());
    };
    rest.try_fold(first, |all, next| {
        let differ =
            || Refused::new("UnfitDataset", "the files' rows or labels are of other kinds");
        if all.row() != next.row() {
            return Err(differ().into());
        }
        let labels = match (all.labels(), next.labels()) {
            (Labels::Classes(one), Labels::Classes(other)) => {
                Labels::Classes([one.as_slice(), other].concat())
            }
            (Labels::Targets(one), Labels::Targets(other)) => {
                Labels::Targets([one.as_slice(), other].concat())
            }
            _ => return Err(differ().into()),
        };
        let features = Features::Real([real(&all), real(&next)].concat());
        made(Dataset::new(all.row(), features, labels))
    })
}

/// The same rows with features as bytes `b`, each standing for `b · scale`.
///
/// - Errors: `NotBytes` if a feature is not such a product
pub fn as_bytes(dataset: &Dataset, scale: f32) -> Result<Dataset> {
    let elements = dataset.row().elements().max(1);
    let mut bytes = Vec::new();
    for (index, feature) in real(dataset).into_iter().enumerate() {
        let byte = (0..=u8::MAX).find(|byte| f32::from(*byte) * scale == feature);
        let Some(byte) = byte else {
            let row = index / elements;
            let why = format_args!("feature {feature} of row {row} is no byte times {scale}");
            return Err(Refused::new("NotBytes", why).into());
        };
        bytes.push(byte);
    }
    let features = Features::Bytes { bytes, scale, offset: 0.0 };
    made(Dataset::new(dataset.row(), features, dataset.labels().clone()))
}

fn made(dataset: Result<Dataset, eval::DatasetRefused>) -> Result<Dataset> {
    Ok(dataset.map_err(|why| Refused::new("UnfitDataset", why))?)
}

/// All features as floats.
fn real(dataset: &Dataset) -> Vec<f32> {
    match dataset.stored() {
        Features::Real(features) => features.clone(),
        Features::Bytes { bytes, scale, offset } => {
            bytes.iter().map(|byte| f32::from(*byte) * scale + offset).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use eval::Shape;

    use super::*;

    fn dataset(features: &[f32], classes: &[u8]) -> Dataset {
        let row = Shape::new(&[features.len() / classes.len()]).unwrap();
        let labels = Labels::Classes(classes.to_vec());
        Dataset::new(row, Features::Real(features.to_vec()), labels).unwrap()
    }

    #[test]
    fn rows_are_joined_in_order() {
        let all = joined(vec![dataset(&[1.0, 2.0], &[0]), dataset(&[3.0, 4.0, 5.0, 6.0], &[1, 0])]);
        let all = all.unwrap();
        assert_eq!(real(&all), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(all.labels(), &Labels::Classes(vec![0, 1, 0]));
        assert!(joined(vec![dataset(&[1.0], &[0]), dataset(&[1.0, 2.0], &[0])]).is_err());
        assert!(joined(Vec::new()).is_err());
    }

    #[test]
    fn features_become_bytes_exactly_or_not_at_all() {
        let bytes = as_bytes(&dataset(&[0.0, 0.0625, 1.0], &[0]), 0.0625).unwrap();
        let expected = Features::Bytes { bytes: vec![0, 1, 16], scale: 0.0625, offset: 0.0 };
        assert_eq!(bytes.stored(), &expected);
        assert!(as_bytes(&dataset(&[0.03], &[0]), 0.0625).is_err());
        assert!(as_bytes(&dataset(&[-1.0], &[0]), 1.0).is_err());
    }
}
