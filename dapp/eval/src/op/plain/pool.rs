//! Pools: the greatest element, the mean or a norm of each window.

use super::{
    Facts, Prepared, Settings, bad_sizes, operand,
    product::reals_of,
    reduce::{power_norm, power_of},
    unsigned,
    window::Window,
};
use crate::{
    element::Element,
    refusal::NodeRefused,
    tensor::{Data, each_coordinate, strides},
};

/// A pool's window over the spatial dimensions.
fn pool(settings: &Settings, given: &Facts<'_>) -> Result<Window, NodeRefused> {
    given.expect(1, 1)?;
    let sizes = given.sizes(0)?;
    let Some(image) = sizes.get(2..).filter(|image| !image.is_empty()) else {
        return Err(bad_sizes(sizes));
    };
    let kernel = settings.integers("kernel_shape")?;
    let kernel = kernel.ok_or(NodeRefused::AttributeMissing("kernel_shape".into()))?;
    let kernel = kernel.iter().map(|size| unsigned(*size)).collect::<Result<Vec<_>, _>>()?;
    let window = Window::new(settings, image, kernel)?;
    if window.reads_everywhere() { Ok(window) } else { Err(bad_sizes(sizes)) }
}

/// The sizes of a pool's output, and its steps.
fn pooled(window: &Window, given: &Facts<'_>) -> Result<(Vec<usize>, usize), NodeRefused> {
    let planes = &given.sizes(0)?[..2];
    let steps = planes
        .iter()
        .fold(window.positions().saturating_mul(window.taps()), |all, n| all.saturating_mul(*n));
    Ok(([planes, &window.output].concat(), steps.saturating_mul(3)))
}

pub(super) fn max_pool(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let window = pool(settings, given)?;
    let (sizes, steps) = pooled(&window, given)?;
    let element = given.element(0)?;
    let by_column = settings.flag("storage_order", false)?;
    let indices = settings.output == 1;
    let pixels = window.image.iter().product::<usize>();
    let to = if indices { Element::I64 } else { element };
    Prepared::new(to, sizes, steps, move |operands| {
        let tensor = operand(operands, 0);
        let (reads, numbers) = (window.reads(), tensor.reals());
        let mut places = Vec::new();
        for plane in 0..numbers.len() / pixels.max(1) {
            for read in &reads {
                let mut best = None;
                for (_, pixel) in read {
                    let place = plane * pixels + pixel;
                    let is_greater = |best: usize| {
                        let (found, best) = (numbers[place], numbers[best]);
                        found > best || (found.is_nan() && !best.is_nan())
                    };
                    if best.is_none_or(is_greater) {
                        best = Some(place);
                    }
                }
                places.push(best);
            }
        }
        if !indices {
            return tensor.data.taken(places.into_iter());
        }
        let index = |place: Option<usize>| {
            let place = place.unwrap_or(0);
            let (plane, pixel) = (place / pixels, place % pixels);
            let pixel = if by_column { in_columns(&window.image, pixel) } else { pixel };
            i64::try_from(plane * pixels + pixel).unwrap_or(0)
        };
        Data::Whole(places.into_iter().map(index).collect())
    })
}

/// The place of a pixel if the first spatial dimension is the innermost.
fn in_columns(image: &[usize], pixel: usize) -> usize {
    let (mut place, mut step) = (0, 1);
    for (size, stride) in image.iter().zip(strides(image)) {
        place += pixel / stride % size * step;
        step *= size;
    }
    place
}

pub(super) fn average_pool(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    let window = pool(settings, given)?;
    let (sizes, steps) = pooled(&window, given)?;
    let with_padding = settings.flag("count_include_pad", false)?;
    let pixels = window.image.iter().product::<usize>();
    Prepared::new(given.real(0)?, sizes, steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let (reads, mut counts) = (window.reads(), Vec::new());
        each_coordinate(&window.output, |position| {
            let read = reads[counts.len()].len();
            counts.push(if with_padding { window.taps_in_padding(position) } else { read });
        });
        let mut means = Vec::new();
        for plane in numbers.chunks_exact(pixels.max(1)) {
            for (read, count) in reads.iter().zip(&counts) {
                let sum = read.iter().fold(0.0, |sum, (_, pixel)| sum + plane[*pixel]);
                #[expect(clippy::cast_precision_loss, reason = "a window is small")]
                means.push(sum / *count as f64);
            }
        }
        Data::Real(means)
    })
}

pub(super) fn lp_pool(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let window = pool(settings, given)?;
    let (sizes, steps) = pooled(&window, given)?;
    let norm = power_norm(power_of(settings)?);
    let pixels = window.image.iter().product::<usize>();
    Prepared::new(given.real(0)?, sizes, steps.saturating_mul(4), move |operands| {
        let numbers = reals_of(operand(operands, 0).data.clone());
        let (reads, mut norms) = (window.reads(), Vec::new());
        for plane in numbers.chunks_exact(pixels.max(1)) {
            for read in &reads {
                let list = read.iter().map(|(_, pixel)| plane[*pixel]).collect::<Vec<_>>();
                norms.push(norm(&list));
            }
        }
        Data::Real(norms)
    })
}
