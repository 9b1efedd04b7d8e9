//! Windows that move over images of any number of dimensions, and the filters of convolutions.

use super::{Settings, bad_sizes, unsigned};
use crate::{
    limits,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{each_coordinate, strides},
};

/// A window over an image, one number per spatial dimension in each list.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) image: Vec<usize>,
    pub(super) kernel: Vec<usize>,
    stride: Vec<usize>,
    dilation: Vec<usize>,
    begin: Vec<usize>,
    end: Vec<usize>,
    pub(super) output: Vec<usize>,
}

/// A list attribute with one positive number per spatial dimension, ones if missing.
pub(super) fn list(
    settings: &Settings,
    name: &str,
    rank: usize,
) -> Result<Vec<usize>, NodeRefused> {
    let Some(list) = settings.integers(name)? else { return Ok(vec![1; rank]) };
    let fits = |number: &usize| (1..=limits::WINDOW).contains(number);
    let list = list.iter().map(|number| usize::try_from(*number).ok().filter(fits));
    let list = list.collect::<Option<Vec<_>>>().filter(|list| list.len() == rank);
    list.ok_or(bad_value(name))
}

/// Padding at the beginnings and ends.
pub(super) fn pads(settings: &Settings, rank: usize) -> Result<[Vec<usize>; 2], NodeRefused> {
    let Some(list) = settings.integers("pads")? else { return Ok([vec![0; rank], vec![0; rank]]) };
    let list = list.iter().map(|number| usize::try_from(*number).ok());
    let list = list.collect::<Option<Vec<_>>>().filter(|list| list.len() == 2 * rank);
    let list = list.ok_or(bad_value("pads"))?;
    if list.iter().any(|pad| *pad > limits::WINDOW) {
        return Err(bad_value("pads"));
    }
    Ok([list[..rank].to_vec(), list[rank..].to_vec()])
}

impl Window {
    /// The window over an image of these sizes; `kernel` is its size.
    pub(super) fn new(
        settings: &Settings,
        image: &[usize],
        kernel: Vec<usize>,
    ) -> Result<Self, NodeRefused> {
        let rank = image.len();
        let fits =
            kernel.len() == rank && kernel.iter().all(|size| (1..=limits::WINDOW).contains(size));
        if !fits {
            return Err(bad_value("kernel_shape"));
        }
        let (stride, dilation) =
            (list(settings, "strides", rank)?, list(settings, "dilations", rank)?);
        let [mut begin, mut end] = pads(settings, rank)?;
        let automatic = settings.text("auto_pad")?.unwrap_or("NOTSET");
        let ceil = settings.flag("ceil_mode", false)?;
        let mut output = Vec::with_capacity(rank);
        for side in 0..rank {
            let extent = (kernel[side] - 1) * dilation[side] + 1;
            match automatic {
                "NOTSET" => {}
                "VALID" => (begin[side], end[side]) = (0, 0),
                "SAME_UPPER" | "SAME_LOWER" => {
                    let positions = image[side].div_ceil(stride[side]).max(1);
                    let total =
                        ((positions - 1) * stride[side] + extent).saturating_sub(image[side]);
                    let (less, more) = (total / 2, total - total / 2);
                    (begin[side], end[side]) =
                        if automatic == "SAME_UPPER" { (less, more) } else { (more, less) };
                }
                _ => return Err(bad_value("auto_pad")),
            }
            let room = (image[side] + begin[side] + end[side]).checked_sub(extent);
            let room = room.ok_or_else(|| bad_sizes(image))?;
            let steps = if ceil { room.div_ceil(stride[side]) } else { room / stride[side] };
            // A position that would begin in the end padding is left out.
            let beyond = ceil && steps * stride[side] >= image[side] + begin[side];
            output.push(steps + usize::from(!beyond));
        }
        Ok(Self { image: image.to_vec(), kernel, stride, dilation, begin, end, output })
    }

    /// The coordinates that a tap reads at a position; `None` in the padding.
    pub(super) fn pixel(&self, position: &[usize], tap: &[usize]) -> Option<Vec<usize>> {
        let pixel = (0..self.image.len()).map(|side| {
            let at = position[side] * self.stride[side] + tap[side] * self.dilation[side];
            at.checked_sub(self.begin[side]).filter(|at| *at < self.image[side])
        });
        pixel.collect()
    }

    /// For each position, the taps that read the image, with the pixel each reads.
    pub(super) fn reads(&self) -> Vec<Vec<(usize, usize)>> {
        let steps = strides(&self.image);
        let mut all = Vec::with_capacity(self.output.iter().product());
        each_coordinate(&self.output, |position| {
            let (mut read, mut index) = (Vec::new(), 0);
            each_coordinate(&self.kernel, |tap| {
                if let Some(pixel) = self.pixel(position, tap) {
                    let pixel = pixel.iter().zip(&steps).map(|(at, step)| at * step).sum();
                    read.push((index, pixel));
                }
                index += 1;
            });
            all.push(read);
        });
        all
    }

    /// Whether every position reads a pixel of the image.
    pub(super) fn reads_everywhere(&self) -> bool {
        (0..self.image.len()).all(|side| {
            let extent = (self.kernel[side] - 1) * self.dilation[side] + 1;
            self.begin[side] < extent && self.end[side] < extent
        })
    }

    /// Taps of one window, padding included, that lie within the padded image.
    pub(super) fn taps_in_padding(&self, position: &[usize]) -> usize {
        let side = |side: usize| {
            let within = |tap: &usize| {
                let at = position[side] * self.stride[side] + tap * self.dilation[side];
                at < self.image[side] + self.begin[side] + self.end[side]
            };
            (0..self.kernel[side]).filter(within).count()
        };
        (0..self.image.len()).map(side).product()
    }

    /// The sizes of the image with its padding.
    pub(super) fn padded(&self) -> Vec<usize> {
        let side = |side: usize| self.begin[side] + self.image[side] + self.end[side];
        (0..self.image.len()).map(side).collect()
    }

    /// Where a position's window begins in the padded image, whose dimensions have these strides.
    pub(super) fn corner(&self, position: &[usize], strides: &[usize]) -> usize {
        (0..position.len()).map(|side| position[side] * self.stride[side] * strides[side]).sum()
    }

    /// How far from there a tap reads.
    pub(super) fn reach(&self, tap: &[usize], strides: &[usize]) -> usize {
        (0..tap.len()).map(|side| tap[side] * self.dilation[side] * strides[side]).sum()
    }

    /// Copies an image of some channels into the middle of a padded one.
    pub(super) fn pad(&self, image: &[u8], strides: &[usize], pixels: usize, padded: &mut [u8]) {
        let Some((width, outer)) = self.image.split_last() else { return };
        let rows = outer.iter().product::<usize>();
        let first = self.begin.iter().zip(strides).map(|(begin, step)| begin * step).sum::<usize>();
        let mut places = Vec::with_capacity(rows);
        each_coordinate(outer, |at| {
            places.push(first + at.iter().zip(strides).map(|(at, step)| at * step).sum::<usize>());
        });
        for (index, row) in image.chunks_exact(*width).enumerate() {
            let place = index / rows * pixels + places[index % rows];
            padded[place..place + width].copy_from_slice(row);
        }
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    pub(super) fn positions(&self) -> usize {
        self.output.iter().product()
    }
}

/// A convolution's window, groups and sizes.
#[derive(Clone)]
pub(super) struct Filters {
    pub(super) window: Window,
    pub(super) images: usize,
    pub(super) groups: usize,
    /// Channels that a filter reads.
    pub(super) depth: usize,
    pub(super) filters: usize,
}

impl Filters {
    /// The convolution of images [n, c, size …] with weights [m, c / groups, kernel …].
    pub(super) fn new(
        settings: &Settings,
        images: &[usize],
        weights: &[usize],
    ) -> Result<Self, NodeRefused> {
        let refused = || NodeRefused::Shapes(images.into(), weights.into());
        let groups = unsigned(settings.integer_or("group", 1)?)?;
        let (&[n, channels, ref image @ ..], &[filters, depth, ref kernel @ ..]) =
            (images, weights)
        else {
            return Err(refused());
        };
        let divided = groups > 0
            && depth.checked_mul(groups) == Some(channels)
            && filters.is_multiple_of(groups);
        if !divided || image.is_empty() {
            return Err(refused());
        }
        if let Some(stated) = settings.integers("kernel_shape")? {
            let same = stated.iter().map(|size| usize::try_from(*size).unwrap_or(0));
            if !same.eq(kernel.iter().copied()) {
                return Err(bad_value("kernel_shape"));
            }
        }
        let window = Window::new(settings, image, kernel.to_vec())?;
        Ok(Self { window, images: n, groups, depth, filters })
    }

    /// The sizes of the output.
    pub(super) fn sizes(&self) -> Vec<usize> {
        [&[self.images, self.filters], self.window.output.as_slice()].concat()
    }

    /// Multiplications.
    pub(super) fn products(&self) -> usize {
        let sizes = [self.images, self.filters, self.depth, self.window.taps()];
        sizes.iter().fold(self.window.positions(), |all, size| all.saturating_mul(*size))
    }

    /// The sums, taken by channel and tap in index order; padding is left out.
    pub(super) fn convolve<T: Copy + Default>(
        &self,
        images: &[T],
        weights: &[T],
        add: impl Fn(T, T, T) -> T,
    ) -> Vec<T> {
        let (pixels, taps) = (self.window.image.iter().product::<usize>(), self.window.taps());
        let reads = self.window.reads();
        let (in_group, channels) = (self.filters / self.groups, self.depth * self.groups);
        let mut output = Vec::with_capacity(self.images * self.filters * reads.len());
        for image in 0..self.images {
            for filter in 0..self.filters {
                let first = filter / in_group * self.depth;
                for read in &reads {
                    let mut sum = T::default();
                    for depth in 0..self.depth {
                        let image = (image * channels + first + depth) * pixels;
                        let weight = (filter * self.depth + depth) * taps;
                        for (tap, pixel) in read {
                            sum = add(sum, images[image + pixel], weights[weight + tap]);
                        }
                    }
                    output.push(sum);
                }
            }
        }
        output
    }
}
