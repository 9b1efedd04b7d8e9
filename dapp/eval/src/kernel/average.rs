//! The mean of each window of a moving window, added up in index order.

use super::Geometry;

/// What beginning a mean takes, in elements that it is taken of.
pub(crate) const MEAN: usize = 12;

/// How the elements of a mean are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counting {
    /// Whether padding counts as zeros; otherwise it counts as nothing.
    pub(crate) padding: bool,
    /// Rows and columns with all padding.
    pub(crate) padded: [usize; 2],
    /// Whether a side has more padding at one end than at the other. Where padding counts as
    /// nothing, a mean is then taken of all elements first, and divided by the share that is real.
    pub(crate) is_uneven: bool,
}

/// The means of windows over planes, one after the other.
pub(crate) fn average_pool(images: &[f32], geometry: &Geometry, counting: Counting) -> Vec<f32> {
    let [height, width] = geometry.image;
    let planes = images.chunks_exact(height * width);
    let mut output = Vec::with_capacity(planes.len() * geometry.places[0] * geometry.places[1]);
    let windows = windows(geometry, counting);
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
#[cfg(feature = "train")]
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

/// What a place of the window sees of a plane, and by what its sum is divided.
struct Seen {
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    count: f32,
    /// The share of what is counted that is real, if that is divided by later.
    share: f32,
}

/// All places, row by row.
fn windows(geometry: &Geometry, counting: Counting) -> Vec<Seen> {
    let side = |side: usize, place: usize| {
        let first = place * geometry.stride[side];
        let (padding, size) = (geometry.padding[side], geometry.image[side]);
        let end = first + geometry.kernel[side];
        let seen = first.max(padding) - padding..end.min(padding + size).max(padding) - padding;
        let padded = end.min(counting.padded[side]).saturating_sub(first);
        (seen, padded)
    };
    let places = (0..geometry.places[0])
        .flat_map(|row| (0..geometry.places[1]).map(move |column| (row, column)));
    let seen = places.map(|(row, column)| {
        let ((rows, padded_rows), (columns, padded_columns)) = (side(0, row), side(1, column));
        let [seen, all] = [rows.len() * columns.len(), padded_rows * padded_columns];
        #[expect(clippy::cast_precision_loss, reason = "windows are far smaller than 2²⁴")]
        let [seen, all] = [seen as f32, all as f32];
        let (count, share) = match counting {
            Counting { padding: true, .. } => (all, 1.0),
            Counting { is_uneven: true, .. } => (all, seen / all),
            Counting { .. } => (seen, 1.0),
        };
        Seen { rows, columns, count, share }
    });
    seen.collect()
}
