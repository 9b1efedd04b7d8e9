//! Max-pools: the maximum of a moving window at each of its positions.

use super::Geometry;

/// The maxima, by the rule of arithmetic; padding is ignored.
///
/// - Shapes: images [images, channels, height, width], result [images, channels, height, width]
pub(crate) fn max_pool(images: &[f32], geometry: &Geometry) -> Vec<f32> {
    let [height, width] = geometry.image;
    let [high, wide] = geometry.output_size;
    let planes = images.chunks_exact(height * width);
    let count = planes.len() * high * wide;
    let two_by_two = geometry.is_two_by_two();
    let mut output = if two_by_two { vec![0.0; count] } else { vec![f32::NAN; count] };
    for (plane, output) in planes.zip(output.chunks_exact_mut(high * wide)) {
        if two_by_two {
            pool_two_by_two(plane, geometry, output);
        } else {
            slide(plane, geometry, output);
        }
    }
    output
}

/// Non-overlapping two-by-two windows.
fn pool_two_by_two(plane: &[f32], geometry: &Geometry, output: &mut [f32]) {
    let [width, wide] = [geometry.image[1], geometry.output_size[1]];
    for (rows, output) in plane.chunks_exact(2 * width).zip(output.chunks_exact_mut(wide)) {
        let (top, bottom) = rows.split_at(width);
        // By four: loop overhead alone costs a scalar core half as much as the work.
        let (tops, top) = top.as_chunks::<8>();
        let (bottoms, bottom) = bottom.as_chunks::<8>();
        let (outputs, output) = output.as_chunks_mut::<4>();
        for (output, (top, bottom)) in outputs.iter_mut().zip(tops.iter().zip(bottoms)) {
            pairs(top, bottom, output);
        }
        pairs(top, bottom, output);
    }
}

/// The maximum of each two adjacent elements above and the two below.
#[inline(always)]
fn pairs(top: &[f32], bottom: &[f32], output: &mut [f32]) {
    let pairs = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
    for (output, ([a, b], [c, d])) in output.iter_mut().zip(pairs) {
        *output = a.max(*b).max(*c).max(*d) + 0.0;
    }
}

/// Any windows: for each row of the output, the pixels that each element of the window reads.
fn slide(plane: &[f32], geometry: &Geometry, output: &mut [f32]) {
    let Geometry { image: [height, width], kernel, stride, dilation, padding, output_size } =
        *geometry;
    for (position, output) in output.chunks_exact_mut(output_size[1]).enumerate() {
        for row in 0..kernel[0] {
            let row = (position * stride[0] + row * dilation[0]).wrapping_sub(padding[0]);
            if row >= height {
                continue;
            }
            let line = &plane[row * width..][..width];
            for column in 0..kernel[1] {
                // Earlier windows read the padding, those after the end read nothing.
                let offset = column * dilation[1];
                let before = padding[1].saturating_sub(offset).div_ceil(stride[1]);
                let first = before * stride[1] + offset - padding[1];
                let pixels = line.iter().skip(first).step_by(stride[1]);
                for (output, element) in output.iter_mut().skip(before).zip(pixels) {
                    *output = output.max(*element);
                }
            }
        }
        for output in output {
            *output += 0.0;
        }
    }
}
