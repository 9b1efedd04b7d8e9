//! A refusal, as every program prints it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use wire::RefusalView;

use crate::words;

/// A refusal by the rules, not a failure; in the format of the market's own reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refused(pub RefusalView);

impl Refused {
    /// A refusal by a check of this program.
    pub fn new(name: &str, message: impl fmt::Display) -> Self {
        let values = BTreeMap::new();
        Self(RefusalView { refused: name.to_owned(), message: message.to_string(), values })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", words::heading(&self.0.refused), words::sentence(&self.0))
    }
}

impl std::error::Error for Refused {}
