//! Transformations of datasets: joining, and converting features to bytes.

use anyhow::Result;
use client::printer::Refused;
use dataset::Understood;
use eval::{Dataset, Features, Labels};

/// All rows of several datasets, in order.
///
/// - Errors: `UnfitDataset` if their rows or labels are of different kinds, or their classes have
///   other names
pub fn joined(files: Vec<Understood>) -> Result<Dataset> {
    let names = |file: &Understood| file.classes.clone();
    let longest = files.iter().map(names).max_by_key(Vec::len).unwrap_or_default();
    if let Some(other) = files.iter().map(names).find(|names| !longest.starts_with(names)) {
        let (one, other) = (longest.join(","), other.join(","));
        let why = format_args!(
            "one file has the classes {one}, another {other}: list all with --classes"
        );
        return Err(Refused::new("UnfitDataset", why).into());
    }
    let mut rest = files.into_iter().map(|file| file.dataset);
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

/// The same rows with features as bytes `b`, each standing for `b · scale`. What is bytes already
/// keeps them, and its own scale unless there is another.
///
/// - Errors: `NotBytes` if a feature is not such a product
pub fn as_bytes(dataset: &Dataset, scale: Option<f32>) -> Result<Dataset> {
    if let Features::Bytes { bytes, scale: own, offset } = dataset.stored() {
        let (bytes, scale) = (bytes.clone(), scale.unwrap_or(*own));
        let features = Features::Bytes { bytes, scale, offset: *offset };
        return made(Dataset::new(dataset.row(), features, dataset.labels().clone()));
    }
    let scale = scale.unwrap_or(1.0);
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

    fn row(features: &[f32]) -> Dataset {
        let row = Shape::new(&[features.len()]).unwrap();
        let labels = Labels::Classes(vec![0]);
        Dataset::new(row, Features::Real(features.to_vec()), labels).unwrap()
    }

    #[test]
    fn rows_are_joined_in_order() {
        let joined = |text: [&str; 2]| joined(text.map(understood).to_vec());
        let all = joined(["1,2,0\n1.5,2,1\n", "3,4.5,1\n5,6,0\n"]).unwrap();
        assert_eq!(real(&all), [1.0, 2.0, 1.5, 2.0, 3.0, 4.5, 5.0, 6.0]);
        assert_eq!(all.labels(), &Labels::Classes(vec![0, 1, 1, 0]));
        let why = joined(["1.5,0\n2,1\n", "1,2.5,0\n3,4,1\n"]).unwrap_err();
        assert!(why.to_string().contains("of other kinds"), "{why}");
        let why = joined(["1.5,a\n2,b\n", "1.5,b\n2,c\n"]).unwrap_err();
        assert!(why.to_string().contains("--classes"), "{why}");
        assert!(super::joined(Vec::new()).is_err());
    }

    fn understood(text: &str) -> Understood {
        let source = dataset::Source::from_bytes("rows.csv".as_ref(), text.as_bytes().to_vec());
        let options = dataset::Options { header: Some(dataset::Header::No), ..Default::default() };
        dataset::read(&source.unwrap(), &options).unwrap()
    }

    #[test]
    fn features_become_bytes_exactly_or_not_at_all() {
        let bytes = as_bytes(&row(&[0.0, 0.0625, 1.0]), Some(0.0625)).unwrap();
        let expected = Features::Bytes { bytes: vec![0, 1, 16], scale: 0.0625, offset: 0.0 };
        assert_eq!(bytes.stored(), &expected);
        let half = as_bytes(&bytes, Some(0.5)).unwrap();
        assert_eq!(half.features(0..1), [0.0, 0.5, 8.0]);
        assert_eq!(as_bytes(&bytes, None).unwrap(), bytes);
        assert!(as_bytes(&row(&[0.03]), Some(0.0625)).is_err());
        assert!(as_bytes(&row(&[-1.0]), None).is_err());
    }
}
