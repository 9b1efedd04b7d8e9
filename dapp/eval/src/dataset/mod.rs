//! Datasets: rows of features and, for each row, the right answer.
//!
//! The file is a safetensors container: `x` [rows, …] of f32, or of u8 with `scale` and `offset`
//! in the metadata (a feature is then `x · scale + offset`, rounded after each step); `y` [rows]
//! of u8 or i64 for classes, of f32 for numbers. A row is the list of its elements: a model whose
//! input has as many elements reads them in row-major order, whatever the dimensions. Other
//! metadata, such as the names of the classes, are passed over.

mod read;
mod write;

use std::{collections::BTreeMap, sync::OnceLock};

use market::{EvaluationError, Fault};
use thiserror::Error;

use crate::{label::Label, limits, shape::Shape};

/// Labelled rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The shape of one row.
    row: Shape,
    features: Features,
    labels: Labels,
    /// Computed when first asked for.
    baselines: OnceLock<Baselines>,
}

/// Mean losses of constant answers to numbers, which a model's losses are measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Baselines {
    /// Mean squared distance of the targets from their mean: their variance.
    pub(crate) squared: f64,
    /// Mean absolute distance of the targets from their median.
    pub(crate) absolute: f64,
}

/// All rows' features, one row after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// As f32; all finite.
    Real(Vec<f32>),
    /// As bytes `b`, each standing for `b · scale + offset`.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// The factor of each byte.
        scale: f32,
        /// The number added to each product.
        offset: f32,
    },
}

/// All rows' right answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Classes, counted from zero.
    Classes(Vec<u8>),
    /// Numbers; all finite.
    Targets(Vec<f32>),
}

/// Reason why bytes, or rows and labels, are not a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DatasetRefused {
    /// The file is too large to be read.
    #[error("the file has {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size allowed.
        limit: usize,
    },
    /// Not a safetensors file, or its header is too large.
    #[error("the bytes do not form a safetensors file")]
    Malformed,
    /// `x` or `y` is missing.
    #[error("tensor {0:?} is missing")]
    Missing(Label),
    /// `x` or `y` has an unsupported type.
    #[error("the type of tensor {0:?} is not supported")]
    Type(Label),
    /// `x` is not [rows, …] or `y` is not [rows] with as many rows, or there are no rows.
    #[error("the shapes of x and y are not [rows, …] and [rows]")]
    Shape,
    /// `scale` or `offset` is missing or not a finite decimal number.
    #[error("the metadata do not give {0:?} as a decimal number")]
    Metadata(Label),
    /// A feature is not a finite number.
    #[error("row {row} has a feature that is not a finite number")]
    FeatureNotFinite {
        /// Counted from zero.
        row: usize,
    },
    /// A label is not a finite number, or not one of the classes.
    #[error("row {row} has a label that is not a class from 0 to 255, or not a finite number")]
    Label {
        /// Counted from zero.
        row: usize,
    },
}

impl From<DatasetRefused> for EvaluationError {
    fn from(_: DatasetRefused) -> Self {
        Self { fault: Fault::MalformedDataset, node: None }
    }
}

impl Dataset {
    /// A dataset of rows of this shape.
    ///
    /// - Errors: `Shape` if features and labels differ in their number of rows, or there are none;
    ///   `FeatureNotFinite` and `Label` naming the row
    pub fn new(row: Shape, features: Features, labels: Labels) -> Result<Self, DatasetRefused> {
        let (elements, rows) = (features.len(), labels.len());
        if rows == 0
            || u32::try_from(rows).is_err()
            || Some(elements) != rows.checked_mul(row.elements())
        {
            return Err(DatasetRefused::Shape);
        }
        if let Some(index) = features.first_not_finite() {
            return Err(DatasetRefused::FeatureNotFinite { row: index / row.elements() });
        }
        if let Labels::Targets(targets) = &labels
            && let Some(row) = targets.iter().position(|target| !target.is_finite())
        {
            return Err(DatasetRefused::Label { row });
        }
        Ok(Self { row, features, labels, baselines: OnceLock::new() })
    }

    /// Reads a safetensors file.
    ///
    /// - Errors: the reason, with the row at fault if there is one
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, DatasetRefused> {
        if bytes.len() > limits::DATASET_BYTES {
            let limit = limits::DATASET_BYTES;
            return Err(DatasetRefused::TooLarge { bytes: bytes.len(), limit });
        }
        read::read(bytes)
    }

    /// Writes a safetensors file; equal datasets give equal bytes.
    #[must_use]
    pub fn to_safetensors(&self) -> Vec<u8> {
        self.to_safetensors_with(&BTreeMap::new())
    }

    /// Writes a safetensors file with more metadata, which readers of datasets pass over.
    #[must_use]
    pub fn to_safetensors_with(&self, metadata: &BTreeMap<String, String>) -> Vec<u8> {
        write::write(self, metadata)
    }

    /// The shape of one row.
    #[must_use]
    pub const fn row(&self) -> Shape {
        self.row
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The features as they are stored, one row after the other.
    #[must_use]
    pub const fn stored(&self) -> &Features {
        &self.features
    }

    /// The right answers.
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Number of classes that the labels distinguish, at least two; zero for numbers.
    #[must_use]
    pub fn classes(&self) -> u16 {
        match &self.labels {
            Labels::Classes(classes) => {
                classes.iter().map(|class| u16::from(*class) + 1).max().unwrap_or(0).max(2)
            }
            Labels::Targets(_) => 0,
        }
    }

    /// The losses of constant answers; zero for classes.
    pub(crate) fn baselines(&self) -> Baselines {
        *self.baselines.get_or_init(|| match &self.labels {
            Labels::Classes(_) => Baselines::default(),
            Labels::Targets(targets) => Baselines::of(targets),
        })
    }

    /// These rows, in this order, without those that do not exist.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        fn picked<T: Copy>(list: &[T], width: usize, rows: &[usize]) -> Vec<T> {
            let row = |row: &usize| list.chunks_exact(width).nth(*row).unwrap_or_default();
            let mut all = Vec::with_capacity(rows.len() * width);
            rows.iter().for_each(|each| all.extend_from_slice(row(each)));
            all
        }
        let width = self.row.elements();
        let features = match &self.features {
            Features::Real(features) => Features::Real(picked(features, width, rows)),
            Features::Bytes { bytes, scale, offset } => Features::Bytes {
                bytes: picked(bytes, width, rows),
                scale: *scale,
                offset: *offset,
            },
        };
        let labels = match &self.labels {
            Labels::Classes(classes) => Labels::Classes(picked(classes, 1, rows)),
            Labels::Targets(targets) => Labels::Targets(picked(targets, 1, rows)),
        };
        Self { row: self.row, features, labels, baselines: OnceLock::new() }
    }

    /// The features of these rows, if they exist, one row after the other, as a model reads them.
    #[must_use]
    pub fn features(&self, rows: std::ops::Range<usize>) -> Vec<f32> {
        let elements = self.row.elements();
        let range = rows.start * elements..rows.end.min(self.rows()) * elements;
        match &self.features {
            Features::Real(features) => features[range].to_vec(),
            Features::Bytes { bytes, scale, offset } => {
                kernels::scaled(&bytes[range], *scale, *offset)
            }
        }
    }
}

impl Baselines {
    /// In f64, added up in the order of the rows.
    fn of(targets: &[f32]) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2³² rows")]
        let rows = targets.len() as f64;
        let mean_of = |number: &dyn Fn(f64) -> f64| {
            targets.iter().map(|target| number(f64::from(*target))).sum::<f64>() / rows
        };
        let mean = mean_of(&|target| target);
        let mut sorted = targets.to_vec();
        // Of an even number of rows either of the two in the middle has the same mean distance.
        let (_, median, _) = sorted.select_nth_unstable_by(targets.len() / 2, f32::total_cmp);
        let median = f64::from(*median);
        Self {
            squared: mean_of(&|target| (target - mean) * (target - mean)),
            absolute: mean_of(&|target| (target - median).abs()),
        }
    }
}

impl Features {
    const fn len(&self) -> usize {
        match self {
            Self::Real(features) => features.len(),
            Self::Bytes { bytes, .. } => bytes.len(),
        }
    }

    fn first_not_finite(&self) -> Option<usize> {
        match self {
            Self::Real(features) => features.iter().position(|feature| !feature.is_finite()),
            Self::Bytes { bytes, scale, offset } => {
                bytes.iter().position(|byte| !(f32::from(*byte) * scale + offset).is_finite())
            }
        }
    }
}

impl Labels {
    /// Number of rows labelled.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Targets(targets) => targets.len(),
        }
    }

    /// Whether no row is labelled.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
