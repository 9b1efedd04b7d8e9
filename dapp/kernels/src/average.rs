//! The mean of each window of a moving window, added up in index order.

use super::Geometry;

/// The fixed cost of a mean, expressed in elements averaged.
pub const MEAN: usize = 12;

/// The rule by which the elements of a mean are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// Whether padding counts as zeros; otherwise it is left out.
    pub padding: bool,
    /// Rows and columns including all padding.
    pub padded: [usize; 2],
    /// Whether a side has more padding at one end than at the other. If padding is left out, a mean
    /// is then taken of all elements first, and divided by the share that is real.
    pub is_uneven: bool,
}

/// The means of windows over planes, one after the other.
pub(crate) fn average_pool(images: &[f32], geometry: &Geometry, counting: Counting) -> Vec<f32> {
    let [height, width] = geometry.image;
    let planes = images.chunks_exact(height * width);
    let windows = windows(geometry, counting);
    let mut output = Vec::with_capacity(planes.len() * windows.len());
    for plane in planes {
        output.extend(windows.iter().map(|window| {
            let lines = window.rows.clone().map(|row| &plane[row * width..][..width]);
            let mut sum = 0.0;
            for line in lines {
                line[window.columns.clone()].iter().for_each(|element| sum += element);
            }
            sum / window.count / window.share
        }));
    }
    output
}

/// The gradient of the images, given that of the means.
#[cfg(feature = "gradients")]
pub(crate) fn average_pool_back(
    gradient: &[f32],
    geometry: &Geometry,
    counting: Counting,
) -> Vec<f32> {
    let [height, width] = geometry.image;
    let windows = windows(geometry, counting);
    let mut back = vec![0.0; gradient.len() / windows.len() * height * width];
    let planes = back.chunks_exact_mut(height * width);
    for (plane, gradient) in planes.zip(gradient.chunks_exact(windows.len())) {
        for (window, gradient) in windows.iter().zip(gradient) {
            let share = gradient / window.count / window.share;
            for row in window.rows.clone() {
                let line = &mut plane[row * width..][..width];
                line[window.columns.clone()].iter_mut().for_each(|element| *element += share);
            }
        }
    }
    back
}

/// The pixels of a plane that a window reads, and the divisors of their sum.
struct Window {
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    count: f32,
    /// The share of the counted elements that is real, if the mean is divided by it later.
    share: f32,
}

/// All positions of the window, row by row.
fn windows(geometry: &Geometry, counting: Counting) -> Vec<Window> {
    let side = |side: usize, position: usize| {
        let first = position * geometry.stride[side];
        let (padding, size) = (geometry.padding[side], geometry.image[side]);
        let end = first + geometry.kernel[side];
        let read = first.max(padding) - padding..end.min(padding + size).max(padding) - padding;
        let padded = end.min(counting.padded[side]).saturating_sub(first);
        (read, padded)
    };
    let [height, width] = geometry.output_size;
    let positions = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let windows = positions.map(|(row, column)| {
        let ((rows, padded_rows), (columns, padded_columns)) = (side(0, row), side(1, column));
        let [read, all] = [rows.len() * columns.len(), padded_rows * padded_columns];
        #[expect(clippy::cast_precision_loss, reason = "windows are far smaller than 2²⁴")]
        let [read, all] = [read as f32, all as f32];
        let (count, share) = match counting {
            Counting { padding: true, .. } => (all, 1.0),
            Counting { is_uneven: true, .. } => (all, read / all),
            Counting { .. } => (read, 1.0),
        };
        Window { rows, columns, count, share }
    });
    windows.collect()
}
