//! What a client sees of a trained model before anything leaves.

use std::fmt;

use client::printer::Refused;
use eval::train::{self, Change};
use serde::Serialize;

use crate::{bounds::Bounds, noise::concentration};

/// The plain warning.
pub const WARNING: &str = "weights can carry data: a hostile trainer can hide rows of yours in \
                           them, and nobody sees it; submit only if you trust it, or bound what \
                           leaves with --clip and --noise";

/// How a trained model differs from its base.
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
    /// The standard deviation of the noise that was added to each weight, if so.
    pub noise: Option<f64>,
    /// What both bound, seen alone: ρ of zero-concentrated differential privacy.
    pub concentration: Option<f64>,
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
    /// A review of the change from the base to this model; `None` if the graph is another.
    ///
    /// - Errors: `UnfitModel`
    pub(crate) fn of(base: &[u8], model: &[u8], bounds: Bounds) -> Result<Option<Self>, Refused> {
        let change = train::change(base, model).map_err(|why| Refused::new("UnfitModel", why))?;
        Ok(change.map(|change| Self::new(change, bounds)))
    }

    fn new(change: Change, Bounds { clip: clipped, noise }: Bounds) -> Self {
        let Change { norm, base_norm, weights, changed, layers } = change;
        let most = layers.into_iter().max_by(|one, two| one.greatest.total_cmp(&two.greatest));
        let layer =
            |eval::train::LayerChange { name, norm, greatest }| Layer { name, norm, greatest };
        let concentration = clipped.zip(noise).map(|(norm, noise)| concentration(norm, noise));
        let most = most.map(layer);
        Self { norm, base_norm, weights, changed, most, clipped, noise, concentration }
    }
}

impl fmt::Display for Review {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { norm, base_norm, weights, changed, most, clipped, noise, .. } = self;
        write!(out, "{changed} of {weights} weights changed, by a norm of {norm:.4}")?;
        write!(out, " where the base model's is {base_norm:.4}")?;
        if let Some(clipped) = clipped {
            write!(out, ", bounded by {clipped}")?;
        }
        if let Some(noise) = noise {
            write!(out, ", with noise of {noise} on each weight")?;
        }
        if let Some(Layer { name, norm, greatest }) = most {
            write!(out, "; most in {name} (norm {norm:.4}, one weight by {greatest:.4})")?;
        }
        if let Some(concentration) = self.concentration {
            write!(out, "; seen alone, {concentration:.2}-zCDP in all your rows together")?;
            if concentration > 10.0 {
                out.write_str(", which hides next to nothing")?;
            }
        }
        Ok(())
    }
}
