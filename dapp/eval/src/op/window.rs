//! The moving window that convolutions and pools share.

use super::{Attributes, attributes::bad_value};
use kernels::Geometry;

use crate::{limits, refusal::NodeRefused, shape::Shape};

/// The attributes of a moving window, each list with one number per spatial dimension.
#[derive(Debug)]
pub(super) struct Window {
    kernel: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    dilations: Option<Vec<i64>>,
    padding: Padding,
    ceil: bool,
}

/// Padding of the image.
#[derive(Debug)]
enum Padding {
    /// By these numbers: all beginnings, then all ends.
    Explicit(Option<Vec<i64>>),
    /// For an output of `⌈size / stride⌉`, with an odd pixel of padding at the end.
    SameUpper,
    /// The same, with an odd pixel at the beginning.
    SameLower,
}

/// A window over an image of a certain size, in two dimensions; for a series of one dimension, the
/// height is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    /// Images, channels, height, width.
    pub(super) image: [usize; 4],
    /// Height and width of the window.
    pub(super) kernel: [usize; 2],
    /// Pixels from one position of the window to the next.
    pub(super) stride: [usize; 2],
    /// Pixels from one element of the window to the next.
    pub(super) dilation: [usize; 2],
    /// Padding at the beginning and the end.
    pub(super) padding: [(usize, usize); 2],
    /// Height and width of the output: positions of the window.
    pub(super) output_size: [usize; 2],
    /// Whether positions that reach past the end count.
    pub(super) ceil: bool,
}

impl Window {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        let explicit = from.integers("pads")?;
        let padding = match from.text("auto_pad")? {
            None | Some(b"NOTSET") => Padding::Explicit(explicit),
            Some(b"VALID") => Padding::Explicit(None),
            Some(b"SAME_UPPER") => Padding::SameUpper,
            Some(b"SAME_LOWER") => Padding::SameLower,
            Some(_) => return Err(bad_value("auto_pad")),
        };
        Ok(Self {
            kernel: from.integers("kernel_shape")?,
            strides: from.integers("strides")?,
            dilations: from.integers("dilations")?,
            padding,
            ceil: false,
        })
    }

    /// A pool's window, which may also reach past the end.
    pub(super) fn parse_pool(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        let ceil = from.flag("ceil_mode")?;
        Ok(Self { ceil, ..Self::parse(from)? })
    }

    /// The window over an image [n, c, h, w] or a series [n, c, w]; `kernel` is the window's size
    /// if a weight determines it.
    pub(super) fn place(
        &self,
        image: Shape,
        kernel: Option<&[usize]>,
    ) -> Result<Placed, NodeRefused> {
        let (spatial, sizes_2d) = match *image.sizes() {
            [n, c, h, w] => (2, [n, c, h, w]),
            [n, c, w] => (1, [n, c, 1, w]),
            _ => return Err(NodeRefused::shape(image)),
        };
        let stated = self.kernel.as_deref().map(|list| sizes(list, spatial, "kernel_shape"));
        let kernel = match (stated.transpose()?, kernel) {
            (Some(stated), None) => stated,
            (stated, Some(kernel)) => {
                let weights = plane(kernel.iter().copied(), spatial, 1);
                let weights = weights.ok_or(NodeRefused::shape(image))?;
                if stated.is_some_and(|stated| stated != weights) {
                    return Err(bad_value("kernel_shape"));
                }
                weights
            }
            (None, None) => return Err(NodeRefused::AttributeMissing("kernel_shape".into())),
        };
        let list = |list: &Option<Vec<i64>>, name| {
            list.as_deref().map_or(Ok([1, 1]), |list| sizes(list, spatial, name))
        };
        let mut placed = Placed {
            image: sizes_2d,
            kernel,
            stride: list(&self.strides, "strides")?,
            dilation: list(&self.dilations, "dilations")?,
            padding: [(0, 0); 2],
            output_size: [1, 1],
            ceil: self.ceil,
        };
        self.pad(&mut placed, spatial)?;
        placed.count_positions().ok_or(NodeRefused::shape(image))?;
        Ok(placed)
    }

    fn pad(&self, placed: &mut Placed, spatial: usize) -> Result<(), NodeRefused> {
        let odd_at_end = match &self.padding {
            Padding::Explicit(None) => return Ok(()),
            Padding::Explicit(Some(list)) => {
                placed.padding = pairs(list, spatial).ok_or(bad_value("pads"))?;
                return Ok(());
            }
            Padding::SameUpper => true,
            Padding::SameLower => false,
        };
        for side in 0..2 {
            let (size, stride) = (placed.image[side + 2], placed.stride[side]);
            let reach = (size.div_ceil(stride) - 1) * stride + placed.extent(side);
            let total = reach.saturating_sub(size);
            let (less, more) = (total / 2, total - total / 2);
            placed.padding[side] = if odd_at_end { (less, more) } else { (more, less) };
        }
        Ok(())
    }
}

impl Placed {
    /// Span of the window, from its first element to just after its last.
    fn extent(&self, side: usize) -> usize {
        (self.kernel[side] - 1) * self.dilation[side] + 1
    }

    /// Counts the positions; `None` if the window does not fit, or would read only padding at one.
    fn count_positions(&mut self) -> Option<()> {
        for side in 0..2 {
            let (size, extent, stride) =
                (self.image[side + 2], self.extent(side), self.stride[side]);
            let (begin, end) = self.padding[side];
            if begin >= extent || end >= extent {
                return None;
            }
            let room = (size + begin + end).checked_sub(extent)?;
            let steps = if self.ceil { room.div_ceil(stride) } else { room / stride };
            // A position that would begin in the end padding is left out.
            let beyond = self.ceil && steps * stride >= size + begin;
            self.output_size[side] = steps + usize::from(!beyond);
        }
        Some(())
    }

    /// The geometry for a kernel.
    pub(super) fn geometry(&self) -> Geometry {
        let Self {
            image: [_, _, height, width],
            kernel,
            stride,
            dilation,
            padding,
            output_size,
            ..
        } = *self;
        let padding = padding.map(|(begin, _)| begin);
        Geometry { image: [height, width], kernel, stride, dilation, padding, output_size }
    }

    /// The output shape with this many channels: of an image, or of a series if `like` is one.
    pub(super) fn output(&self, like: Shape, channels: usize) -> Option<Shape> {
        let [images, ..] = self.image;
        let [height, width] = self.output_size;
        if like.rank() == 3 {
            Shape::new(&[images, channels, width])
        } else {
            Shape::new(&[images, channels, height, width])
        }
    }

    /// Whether the window's elements are adjacent.
    pub(super) fn is_dense(&self) -> bool {
        self.dilation == [1, 1]
    }
}

/// Height and width of a list with one number per spatial dimension; for a series, `height`.
fn plane(
    list: impl ExactSizeIterator<Item = usize>,
    spatial: usize,
    height: usize,
) -> Option<[usize; 2]> {
    if list.len() != spatial {
        return None;
    }
    let mut plane = [height; 2];
    for (slot, number) in plane.iter_mut().rev().zip(list.collect::<Vec<_>>().into_iter().rev()) {
        *slot = (number <= limits::WINDOW).then_some(number)?;
    }
    Some(plane)
}

fn sizes(list: &[i64], spatial: usize, name: &str) -> Result<[usize; 2], NodeRefused> {
    let numbers = list.iter().map(|number| usize::try_from(*number).unwrap_or(0));
    plane(numbers, spatial, 1).filter(|plane| !plane.contains(&0)).ok_or(bad_value(name))
}

fn pairs(list: &[i64], spatial: usize) -> Option<[(usize, usize); 2]> {
    if list.len() != 2 * spatial || list.iter().any(|number| *number < 0) {
        return None;
    }
    let (begins, ends) = list.split_at(spatial);
    let [begins, ends] = [begins, ends].map(|list| {
        let numbers = list.iter().map(|number| usize::try_from(*number).unwrap_or(usize::MAX));
        plane(numbers, spatial, 0)
    });
    let ([top, left], [bottom, right]) = (begins?, ends?);
    Some([(top, bottom), (left, right)])
}
