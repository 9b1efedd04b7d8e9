//! Why a question has no answer.

use std::{collections::BTreeMap, fmt::Display};

use drafts::Refused;
use wire::RefusalView;

/// The result of a question.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A rule refuses it.
    #[error("{}: {}", .0.refused, .0.message)]
    Refused(RefusalView),
    /// What was given does not state what is needed.
    #[error("{0}")]
    Unclear(String),
    /// What never happens did.
    #[error("{0}: report it")]
    Broken(String),
}

impl Error {
    /// A refusal of this name, in words.
    pub fn refused(name: &str, why: impl Display) -> Self {
        let (refused, message) = (name.to_owned(), why.to_string());
        Self::Refused(RefusalView { refused, message, values: BTreeMap::new() })
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Refused>() {
            Ok(Refused(why)) => Self::Refused(why),
            Err(error) => Self::Unclear(format!("{error:#}")),
        }
    }
}

/// What is always there, or else the twin is broken.
pub(crate) trait OrReport<T> {
    fn or_report(self, what: &str) -> Result<T>;
}

impl<T> OrReport<T> for Option<T> {
    fn or_report(self, what: &str) -> Result<T> {
        self.ok_or_else(|| Error::Broken(what.to_owned()))
    }
}
