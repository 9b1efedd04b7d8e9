//! Rows to be counted, as dataset files.

use std::{fs, path::Path};

use anyhow::Result;
use eval::{Dataset, Features, Labels, Shape};

use crate::fixture;

/// Rows without a zero: bytes from 1 to 255, which stand for numbers from 1/255 to 1; with classes
/// 0 and 1.
///
/// - Errors: no such shape, or no rows
pub fn bytes(row: &[usize], rows: usize) -> Result<Dataset> {
    bytes_and_zeros(row, rows, |_| false)
}

/// The same rows, with zeros at the indices of all numbers selected by `is_zero`.
///
/// - Errors: no such shape, or no rows
pub fn bytes_and_zeros(
    row: &[usize],
    rows: usize,
    is_zero: impl Fn(usize) -> bool,
) -> Result<Dataset> {
    let row = shape(row)?;
    let number = |index| if is_zero(index) { Ok(0) } else { byte(index) };
    let bytes = (0..rows * row.elements()).map(number).collect::<Result<Vec<_>>>()?;
    let features = Features::Bytes { bytes, scale: 1.0 / 255.0, offset: 0.0 };
    Ok(Dataset::new(row, features, classes(rows)?)?)
}

/// The rows of [`bytes`] as f32.
///
/// - Errors: no such shape, or no rows
pub fn reals(row: &[usize], rows: usize) -> Result<Dataset> {
    let row = shape(row)?;
    Ok(Dataset::new(row, real_features(row, rows)?, classes(rows)?)?)
}

/// The same rows as f32, with numbers as labels.
///
/// - Errors: no such shape, or no rows
pub fn targets(row: &[usize], rows: usize) -> Result<Dataset> {
    let row = shape(row)?;
    let targets = (0..rows).map(|row| Ok(f32::from(byte(row * 7)?) / 255.0));
    let targets = Labels::Targets(targets.collect::<Result<Vec<_>>>()?);
    Ok(Dataset::new(row, real_features(row, rows)?, targets)?)
}

fn real_features(row: Shape, rows: usize) -> Result<Features> {
    let numbers = (0..rows * row.elements()).map(|index| Ok(f32::from(byte(index)?) / 255.0));
    Ok(Features::Real(numbers.collect::<Result<Vec<_>>>()?))
}

fn byte(index: usize) -> Result<u8> {
    Ok(u8::try_from(index % 255 + 1)?)
}

fn classes(rows: usize) -> Result<Labels> {
    let classes = (0..rows).map(|row| u8::try_from(row % 2)).collect::<Result<Vec<_>, _>>()?;
    Ok(Labels::Classes(classes))
}

/// Rows of real digits from this one on, with their natural zeros; starting over when they run out.
///
/// - Errors: the file of the images cannot be read
pub fn natural(first: usize, rows: usize) -> Result<Dataset> {
    let images = Dataset::from_safetensors(&fs::read(fixture("images/holdout.safetensors"))?)?;
    let (Features::Bytes { bytes, scale, offset }, Labels::Classes(classes)) =
        (images.stored(), images.labels())
    else {
        anyhow::bail!("the images are not bytes of classes");
    };
    let (scale, offset, size) = (*scale, *offset, images.row().elements());
    let indices = (first..first + rows).map(|row| row % images.rows()).collect::<Vec<_>>();
    let bytes = indices.iter().flat_map(|row| &bytes[row * size..][..size]).copied().collect();
    let classes = indices.iter().map(|row| classes[*row]).collect();
    let features = Features::Bytes { bytes, scale, offset };
    Ok(Dataset::new(images.row(), features, Labels::Classes(classes))?)
}

/// Writes rows to a file.
///
/// - Errors: it cannot be written
pub fn write(rows: &Dataset, path: &Path) -> Result<()> {
    Ok(fs::write(path, rows.to_safetensors())?)
}

fn shape(row: &[usize]) -> Result<Shape> {
    Shape::new(row).ok_or_else(|| anyhow::anyhow!("no such shape {row:?}"))
}
