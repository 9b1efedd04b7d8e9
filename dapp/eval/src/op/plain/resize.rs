//! `Resize` and `Upsample`: images in other sizes, by the nearest pixels or linearly.

use kernels::math::double as math;

use super::{Facts, Prepared, Settings, axes_of, axis_of, bad_sizes, operand, unsigned};
use crate::{
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, each_coordinate, strides},
};

/// Where a pixel of the output lies in the input.
#[derive(Clone, Copy)]
enum Coordinates {
    HalfPixel,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    /// As TensorFlow's converters have it for the nearest pixel.
    HalfPixelForNearest,
}

impl Coordinates {
    #[expect(clippy::cast_precision_loss, reason = "sizes are below 2⁵³")]
    fn of(self, at: usize, scale: f64, [from, to]: [usize; 2]) -> f64 {
        let at = at as f64;
        match self {
            Self::HalfPixel => (at + 0.5) / scale - 0.5,
            Self::PytorchHalfPixel if to == 1 => 0.0,
            Self::PytorchHalfPixel => (at + 0.5) / scale - 0.5,
            Self::AlignCorners if to == 1 => 0.0,
            Self::AlignCorners => at * (from as f64 - 1.0) / (to as f64 - 1.0),
            Self::Asymmetric => at / scale,
            Self::HalfPixelForNearest => (at + 0.5) / scale,
        }
    }
}

/// The pixels along one dimension that each pixel of the output is made of, with their shares.
fn shares(
    coordinates: Coordinates,
    linear: bool,
    nearest: usize,
    scale: f64,
    [from, to]: [usize; 2],
) -> Vec<Vec<(usize, f64)>> {
    #[expect(clippy::cast_precision_loss, reason = "sizes are below 2⁵³")]
    let last = from as f64 - 1.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let pixel = |at: f64| at.clamp(0.0, last) as usize;
    let share = |at: usize| {
        let at = coordinates.of(at, scale, [from, to]);
        if !linear {
            let at = match nearest {
                0 => math::ceil(at - 0.5),
                1 => math::floor(at + 0.5),
                2 => math::floor(at),
                _ => math::ceil(at),
            };
            return vec![(pixel(at), 1.0)];
        }
        let at = at.clamp(0.0, last);
        let below = math::floor(at);
        let part = at - below;
        if part == 0.0 {
            vec![(pixel(below), 1.0)]
        } else {
            vec![(pixel(below), 1.0 - part), (pixel(below + 1.0), part)]
        }
    };
    (0..to).map(share).collect()
}

/// The scale and size of each dimension.
fn targets(settings: &Settings, given: &Facts<'_>) -> Result<(Vec<f64>, Vec<usize>), NodeRefused> {
    let sizes = given.sizes(0)?;
    let axes = match settings.integers("axes")? {
        Some(axes) => {
            axes_of(axes, sizes.len())?;
            axes.iter().map(|axis| axis_of(*axis, sizes.len())).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..sizes.len()).collect(),
    };
    // Before opset 11 the scales are the second input, and of `Upsample`.
    let at = if given.count() == 2 { 1 } else { 2 };
    let scales = given.optional_reals(at)?.filter(|scales| !scales.is_empty());
    let wanted = given.optional_integers(3)?;
    let (mut scale, mut output) = (vec![1.0; sizes.len()], sizes.to_vec());
    #[expect(clippy::cast_precision_loss, reason = "sizes are below 2⁵³")]
    match (scales, wanted) {
        (Some(scales), _) if scales.len() == axes.len() => {
            for (axis, factor) in axes.iter().zip(scales) {
                let size = math::floor(sizes[*axis] as f64 * factor);
                if factor.is_nan() || factor <= 0.0 || size > crate::limits::DIMENSION as f64 {
                    return Err(NodeRefused::OutputShape);
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "bounded"
                )]
                let size = size as usize;
                (scale[*axis], output[*axis]) = (factor, size);
            }
        }
        (None, Some(wanted)) if wanted.len() == axes.len() => {
            if settings.choice("keep_aspect_ratio_policy", &["stretch"])? != 0 {
                return Err(bad_value("keep_aspect_ratio_policy"));
            }
            for (axis, size) in axes.iter().zip(wanted) {
                let size = unsigned(*size)?;
                scale[*axis] = size as f64 / sizes[*axis].max(1) as f64;
                output[*axis] = size;
            }
        }
        _ => return Err(NodeRefused::NotKnown(at)),
    }
    if sizes.contains(&0) || output.contains(&0) {
        return Err(bad_sizes(sizes));
    }
    Ok((scale, output))
}

pub(super) fn resize(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 4)?;
    let linear = settings.choice("mode", &["nearest", "linear"])? == 1;
    let all = [
        Coordinates::HalfPixel,
        Coordinates::PytorchHalfPixel,
        Coordinates::AlignCorners,
        Coordinates::Asymmetric,
        Coordinates::HalfPixelForNearest,
    ];
    let names =
        ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"];
    let mut coordinates = all[settings.choice("coordinate_transformation_mode", &names)?];
    let rounding = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
    let mut nearest = settings.choice("nearest_mode", &rounding)?;
    if settings.opset < 11 {
        (coordinates, nearest) = (Coordinates::Asymmetric, 2);
    }
    // Engines differed in which pixel was taken before the standard said.
    let shrinks = targets(settings, given)?.0.iter().any(|scale| *scale < 1.0);
    if settings.opset < 11 && shrinks {
        return Err(bad_value("mode"));
    }
    if settings.flag("antialias", false)? {
        return Err(bad_value("antialias"));
    }
    let (sizes, (scale, output)) = (given.sizes(0)?.to_vec(), targets(settings, given)?);
    // Engines differ in whether corners are aligned to the size before or after it is cut off.
    #[expect(clippy::cast_precision_loss, reason = "sizes are below 2⁵³")]
    let is_whole = |(scale, size): (&f64, &usize)| (scale * *size as f64).fract() == 0.0;
    let aligned = matches!(coordinates, Coordinates::AlignCorners);
    if aligned && !scale.iter().zip(&sizes).all(is_whole) {
        return Err(bad_value("coordinate_transformation_mode"));
    }
    let element = given.real(0)?;
    let count = output.iter().product::<usize>();
    let taps = 1_usize << sizes.len().min(8);
    let to = output.clone();
    Prepared::new(element, output, count.saturating_mul(taps * 3), move |operands| {
        let numbers = operand(operands, 0).reals();
        let places = strides(&sizes);
        let shares = (0..sizes.len())
            .map(|side| shares(coordinates, linear, nearest, scale[side], [sizes[side], to[side]]));
        let shares = shares.collect::<Vec<_>>();
        let mut result = Vec::with_capacity(count);
        each_coordinate(&to, |at| {
            let mut parts = vec![(0, 1.0)];
            for side in 0..at.len() {
                let along = &shares[side][at[side]];
                let step = places[side];
                let more = parts.iter().flat_map(|(place, part)| {
                    along.iter().map(move |(pixel, share)| (place + pixel * step, part * share))
                });
                parts = more.collect();
            }
            result.push(parts.iter().fold(0.0, |sum, (place, part)| sum + part * numbers[*place]));
        });
        Data::Real(result)
    })
}
