//! Operations that only move elements.

#[cfg(feature = "gradients")]
use crate::extension::Backward;
use crate::extension::{List, Operation};

/// The dimensions permuted: dimension `i` of the output is dimension `order[i]` of the input.
#[derive(Debug)]
pub struct Permute {
    /// Dimensions of the input, outermost first.
    pub sizes: Vec<usize>,
    /// For each dimension of the output, its index in the input.
    pub order: Vec<usize>,
}

impl Operation for Permute {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        crate::permute(operands[0].numbers(), &self.sizes, &self.order)
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { gradient, .. } = *known;
        let mut back = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(to, from)| back[*from] = to);
        let sizes = self.order.iter().map(|axis| self.sizes[*axis]).collect::<Vec<_>>();
        vec![crate::permute(gradient, &sizes, &back)]
    }
}

/// Two or three lists cut into equally many pieces each, one piece of each taken in turn.
#[derive(Debug)]
pub struct Concat {
    /// Pieces of each list.
    pub pieces: usize,
}

impl Operation for Concat {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let lists = operands.iter().map(List::numbers).collect::<Vec<_>>();
        crate::interleave(&lists, self.pieces)
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, .. } = *known;
        let mut back =
            operands.iter().map(|list| Vec::with_capacity(list.len())).collect::<Vec<_>>();
        let mut rest = gradient;
        for _ in 0..self.pieces {
            for (list, operand) in back.iter_mut().zip(operands) {
                let (piece, after) = rest.split_at(operand.len() / self.pieces);
                list.extend_from_slice(piece);
                rest = after;
            }
        }
        back
    }
}
