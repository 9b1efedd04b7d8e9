//! Pools.

use crate::{
    Counting, Geometry,
    extension::{List, Operation},
};
#[cfg(feature = "gradients")]
use crate::{extension::Backward, gradient};

/// The maximum of each window.
#[derive(Debug)]
pub struct MaxPool(pub Geometry);

impl Operation for MaxPool {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        crate::max_pool(operands[0].numbers(), &self.0)
    }

    /// The gradient goes to the first element of each window that attains the maximum.
    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, output, gradient, .. } = *known;
        let images = operands[0];
        let Geometry { image, kernel, output_size, .. } = self.0;
        let (pixels, count) = (image[0] * image[1], output_size[0] * output_size[1]);
        if self.0.is_two_by_two() {
            return vec![gradient::max_pool_two_by_two(images, &self.0, output, gradient)];
        }
        let mut back = vec![0.0; images.len()];
        let pixel = |side, position, element| self.0.pixel(side, position, element);
        for (index, (greatest, gradient)) in output.iter().zip(gradient).enumerate() {
            let (plane, position) = (index / count * pixels, index % count);
            let (high, wide) = (position / output_size[1], position % output_size[1]);
            let rows = (0..kernel[0]).filter_map(|row| pixel(0, high, row));
            let mut elements = rows.flat_map(|row| {
                let columns = (0..kernel[1]).filter_map(move |column| pixel(1, wide, column));
                columns.map(move |column| plane + row * image[1] + column)
            });
            #[expect(clippy::float_cmp, reason = "the greatest is one of them")]
            if let Some(first) = elements.find(|at| images[*at] == *greatest) {
                back[first] += gradient;
            }
        }
        vec![back]
    }
}

/// The mean of each window.
#[derive(Debug)]
pub struct AveragePool {
    /// The window and its positions.
    pub geometry: Geometry,
    /// The elements that a mean is taken of.
    pub counting: Counting,
}

impl Operation for AveragePool {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        crate::average_pool(operands[0].numbers(), &self.geometry, self.counting)
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { gradient, .. } = *known;
        vec![crate::average_pool_back(gradient, &self.geometry, self.counting)]
    }
}
