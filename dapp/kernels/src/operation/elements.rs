//! Functions of single elements, and of lists along one dimension.

#[cfg(feature = "gradients")]
use crate::{
    extension::{Backward, Uses},
    gradient, processor,
};
use crate::{
    extension::{List, Operation},
    math,
};

/// The larger of each element and zero.
#[derive(Debug)]
pub struct Relu;

impl Operation for Relu {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        changed(operands, crate::relu)
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OUTPUT
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { output, gradient, .. } = *known;
        vec![gradient::where_positive(output, gradient)]
    }
}

/// A nonlinear function of each element.
#[derive(Clone, Copy, Debug)]
pub enum Activation {
    /// `1 / (1 + exp(−x))`
    Sigmoid,
    /// `tanh x`
    Tanh,
}

impl Operation for Activation {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let curve = match self {
            Self::Sigmoid => math::sigmoid,
            Self::Tanh => math::tanh,
        };
        changed(operands, |elements| elements.iter_mut().for_each(|x| *x = curve(*x)))
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OUTPUT
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { output, gradient, .. } = *known;
        let slope = |y: f32| match self {
            Self::Sigmoid => y * (1.0 - y),
            Self::Tanh => 1.0 - y * y,
        };
        vec![output.iter().zip(gradient).map(|(y, gradient)| slope(*y) * gradient).collect()]
    }
}

/// `√(x + epsilon)`; IEEE 754 fixes its bits.
#[derive(Debug)]
pub struct Sqrt {
    /// Added before the root is taken.
    pub epsilon: f32,
}

impl Operation for Sqrt {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let root = |x: &mut f32| *x = libm::sqrtf(*x + self.epsilon);
        changed(operands, |elements| elements.iter_mut().for_each(root))
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OUTPUT
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { output, gradient, .. } = *known;
        let back = |(root, gradient): (&f32, &f32)| gradient * 0.5 / root;
        vec![output.iter().zip(gradient).map(back).collect()]
    }
}

/// A softmax, or its logarithm, of each list along the middle of three dimensions.
#[derive(Debug)]
pub struct Softmax {
    /// The three dimensions.
    pub sizes: [usize; 3],
    /// Whether the logarithm is taken.
    pub logarithm: bool,
}

impl Operation for Softmax {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let softmax = if self.logarithm { math::log_softmax } else { math::softmax };
        changed(operands, |elements| math::along_middle(elements, self.sizes, softmax))
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OUTPUT
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { output, gradient, .. } = *known;
        let [outer, along, inner] = self.sizes;
        let mut back = gradient.to_vec();
        for first in
            (0..outer).flat_map(|block| (0..inner).map(move |at| block * along * inner + at))
        {
            let positions = || (0..along).map(|position| first + position * inner);
            if self.logarithm {
                let sum = positions().map(|at| gradient[at]).sum::<f32>();
                positions().for_each(|at| back[at] -= libm::expf(output[at]) * sum);
            } else {
                let sum = positions().map(|at| gradient[at] * output[at]).sum::<f32>();
                positions().for_each(|at| back[at] = output[at] * (gradient[at] - sum));
            }
        }
        vec![back]
    }
}

/// An operation on two numbers.
#[derive(Clone, Copy, Debug)]
pub enum Arithmetic {
    /// The sum.
    Add,
    /// The left less the right.
    Sub,
    /// The product.
    Mul,
    /// The left by the right.
    Div,
}

#[cfg(feature = "gradients")]
impl Arithmetic {
    /// Partial derivatives of the result with respect to the left and the right number.
    #[inline(always)]
    fn slopes(self, left: f32, right: f32) -> [f32; 2] {
        match self {
            Self::Add => [1.0, 1.0],
            Self::Sub => [1.0, -1.0],
            Self::Mul => [right, left],
            Self::Div => [1.0 / right, -left / (right * right)],
        }
    }
}

/// Arithmetic of a list with another one, which is repeated as often as needed.
#[derive(Debug)]
pub struct Broadcast(pub Arithmetic);

impl Operation for Broadcast {
    fn run(&self, mut operands: Vec<List>) -> Vec<f32> {
        let right = operands.pop().expect("arithmetic has two operands");
        // One loop per operation, so that none branches on it for each element.
        match self.0 {
            Arithmetic::Add => repeated(operands, &right, |left, right| left + right),
            Arithmetic::Sub => repeated(operands, &right, |left, right| left - right),
            Arithmetic::Mul => repeated(operands, &right, |left, right| left * right),
            Arithmetic::Div => repeated(operands, &right, |left, right| left / right),
        }
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OPERANDS
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, .. } = *known;
        let (left, right) = (operands[0], operands[1]);
        let (mut of_left, mut of_right) = (gradient.to_vec(), vec![0.0; right.len()]);
        processor::vectorized(
            #[inline(always)]
            || {
                let lists = of_left.chunks_exact_mut(right.len());
                for (slots, left) in lists.zip(left.chunks_exact(right.len())) {
                    let pairs = slots.iter_mut().zip(left).zip(right.iter().zip(&mut of_right));
                    for ((slot, left), (right, sum)) in pairs {
                        let [by_left, by_right] = self.0.slopes(*left, *right);
                        *sum += *slot * by_right;
                        *slot *= by_left;
                    }
                }
            },
        );
        vec![of_left, of_right]
    }
}

fn repeated(left: Vec<List>, right: &List, function: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    changed(left, |numbers| {
        let list = right.numbers();
        for numbers in numbers.chunks_exact_mut(list.len()) {
            for (number, right) in numbers.iter_mut().zip(list) {
                *number = function(*number, *right);
            }
        }
    })
}

/// Each channel scaled by a factor and then shifted: two roundings.
#[derive(Debug)]
pub struct Affine {
    /// Elements of a channel.
    pub inner: usize,
}

impl Operation for Affine {
    fn run(&self, mut operands: Vec<List>) -> Vec<f32> {
        let shifts = operands.pop().expect("there is a shift");
        let factors = operands.pop().expect("there is a factor");
        changed(operands, |numbers| {
            let channels = factors.numbers().iter().zip(shifts.numbers());
            let planes = numbers.chunks_exact_mut(self.inner);
            for (plane, (factor, shift)) in planes.zip(channels.cycle()) {
                for number in plane {
                    *number = *number * factor + shift;
                }
            }
        })
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OPERANDS
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, .. } = *known;
        let (images, factors) = (operands[0], operands[1]);
        let mut of_images = gradient.to_vec();
        let [mut of_factors, mut of_shifts] = [(); 2].map(|()| vec![0.0; factors.len()]);
        let planes = of_images.chunks_exact_mut(self.inner).zip(images.chunks_exact(self.inner));
        for (index, (slots, plane)) in planes.enumerate() {
            let channel = index % factors.len();
            of_factors[channel] += gradient::dot(slots, plane);
            of_shifts[channel] += gradient::sum(slots);
            let factor = factors[channel];
            slots.iter_mut().for_each(|slot| *slot *= factor);
        }
        vec![of_images, of_factors, of_shifts]
    }
}

/// The only operand, changed in place.
fn changed(operands: Vec<List>, change: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let operand = operands.into_iter().next().expect("there is an operand");
    let mut numbers = operand.into_numbers();
    change(&mut numbers);
    numbers
}
