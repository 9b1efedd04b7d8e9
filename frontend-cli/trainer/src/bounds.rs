//! What bounds how much a trained model says of the rows that it was trained on.

use std::fmt;

use anyhow::Result;
use client::printer::Refused;
use eval::train;
use serde::{Deserialize, Serialize};

use crate::noise;

/// Bounds of a model's change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The greatest norm of the change that is kept: more is scaled down to it.
    pub clip: Option<f64>,
    /// The standard deviation of the noise that is added to each weight.
    pub noise: Option<f64>,
}

impl Bounds {
    /// Whether nothing is bounded.
    pub(crate) const fn is_none(self) -> bool {
        self.clip.is_none() && self.noise.is_none()
    }

    /// The model with its change bounded.
    ///
    /// - Errors: `UnfitModel`: it is none, or its graph is not the base model's
    pub(crate) fn applied(self, base: &[u8], mut model: Vec<u8>) -> Result<Vec<u8>, Refused> {
        let unfit = |why: &dyn fmt::Display| Refused::new("UnfitModel", why);
        let other = "--clip and --noise bound a change, but this is a model of another graph";
        if let Some(norm) = self.clip {
            let bounded = train::bounded(base, &model, norm).map_err(|why| unfit(&why))?;
            model = bounded.ok_or_else(|| unfit(&other))?;
        }
        if let Some(deviation) = self.noise {
            let noised = train::noised(base, &model, &mut noise::normal(deviation));
            model = noised.map_err(|why| unfit(&why))?.ok_or_else(|| unfit(&other))?;
        }
        Ok(model)
    }
}
