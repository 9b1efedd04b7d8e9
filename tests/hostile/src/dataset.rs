//! Hold-outs, from bytes to rows.

use eval::{Dataset, Features, Labels};

use crate::memory::within;

/// Memory for reading a header of a few thousand bytes.
const HEADER_BYTES: usize = 256 << 10;

/// Reads a dataset.
///
/// - Memory follows the file's size, not the sizes it states.
/// - The dataset holds no more than the file does, and only finite numbers.
/// - Writing and reading it again gives the same dataset, and its encoding is unique.
///
/// - Panics: if one of these does not hold
pub fn dataset(bytes: &[u8]) {
    let read =
        within(HEADER_BYTES + 2 * bytes.len(), "a dataset", || Dataset::from_safetensors(bytes));
    let Ok(dataset) = read else { return };
    let (rows, elements) = (dataset.rows(), dataset.row().elements());
    let (width, finite) = match dataset.stored() {
        Features::Real(features) => (4, features.iter().all(|feature| feature.is_finite())),
        Features::Bytes { bytes, scale, offset } => {
            (1, bytes.iter().all(|byte| (f32::from(*byte) * scale + offset).is_finite()))
        }
    };
    assert!(finite, "a feature is not finite");
    assert!(rows > 0 && rows * elements * width <= bytes.len(), "{rows} rows of {elements}");
    match dataset.labels() {
        Labels::Classes(labels) => {
            let most = labels.iter().copied().max().unwrap_or_default();
            assert!(dataset.classes() > u16::from(most), "a label beyond the classes");
        }
        Labels::Targets(targets) => {
            assert!(targets.iter().all(|target| target.is_finite()), "a target is not finite");
            assert_eq!(dataset.classes(), 0);
        }
    }
    let written = dataset.to_safetensors();
    let again = Dataset::from_safetensors(&written).expect("what was written is read");
    assert!(again == dataset, "a dataset changed on its way through a file");
    assert!(again.to_safetensors() == written, "a dataset has two files");
}
