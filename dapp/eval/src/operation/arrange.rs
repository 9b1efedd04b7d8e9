//! Operations that only move elements.

#[cfg(feature = "train")]
use crate::extension::Backward;
use crate::{
    extension::{List, Operation},
    kernel,
};

/// The dimensions permuted: dimension `i` of the output is dimension `order[i]` of the input.
#[derive(Debug)]
pub(crate) struct Permute {
    pub(crate) sizes: Vec<usize>,
    pub(crate) order: Vec<usize>,
}

impl Operation for Permute {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        kernel::permute(operands[0].numbers(), &self.sizes, &self.order)
    }

    #[cfg(feature = "train")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { gradient, .. } = *known;
        let mut back = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(to, from)| back[*from] = to);
        let sizes = self.order.iter().map(|axis| self.sizes[*axis]).collect::<Vec<_>>();
        vec![kernel::permute(gradient, &sizes, &back)]
    }
}

/// Two or three lists cut into equally many pieces each, one piece of each taken in turn.
#[derive(Debug)]
pub(crate) struct Concat {
    pub(crate) pieces: usize,
}

impl Operation for Concat {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let lists = operands.iter().map(List::numbers).collect::<Vec<_>>();
        kernel::interleave(&lists, self.pieces)
    }

    #[cfg(feature = "train")]
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
