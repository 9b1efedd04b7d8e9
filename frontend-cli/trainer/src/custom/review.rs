//! What a client sees of a stranger's result before anything leaves.

use std::fmt;

use eval::train::Change;
use serde::Serialize;

/// The plain warning.
pub const WARNING: &str = "weights can carry data: a hostile trainer can hide rows of yours in \
                           them, and nobody sees it; submit only if you trust it, or bound what \
                           leaves with --clip";

/// The change that a trainer made.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// Norm of the change.
    pub norm: f64,
    /// Norm of the base model's weights.
    pub base_norm: f64,
    /// Number of weights.
    pub weights: usize,
    /// Number of those that changed.
    pub changed: usize,
    /// The constant that changed most.
    pub most: Option<Layer>,
    /// The norm that the change was bounded by, if so.
    pub clipped: Option<f64>,
}

/// The change of a constant.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Norm of its change.
    pub norm: f64,
    /// The greatest change of one of its numbers.
    pub greatest: f32,
}

impl Review {
    /// A review of this change.
    #[must_use]
    pub fn new(change: Change, clipped: Option<f64>) -> Self {
        let Change { norm, base_norm, weights, changed, layers } = change;
        let most = layers.into_iter().max_by(|one, two| one.greatest.total_cmp(&two.greatest));
        let layer =
            |eval::train::LayerChange { name, norm, greatest }| Layer { name, norm, greatest };
        Self { norm, base_norm, weights, changed, most: most.map(layer), clipped }
    }
}

impl fmt::Display for Review {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { norm, base_norm, weights, changed, most, clipped } = self;
        write!(out, "{changed} of {weights} weights changed, by a norm of {norm:.4}")?;
        write!(out, " where the base model's is {base_norm:.4}")?;
        if let Some(clipped) = clipped {
            write!(out, ", bounded by {clipped}")?;
        }
        if let Some(Layer { name, norm, greatest }) = most {
            write!(out, "; most in {name} (norm {norm:.4}, one weight by {greatest:.4})")?;
        }
        Ok(())
    }
}
