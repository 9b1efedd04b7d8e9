//! What the page's questions are answered from.

use std::path::PathBuf;

use client::session::Session;

/// What questions are answered from.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) session: Session,
    /// The genesis file, if it is known.
    pub(super) genesis: Option<PathBuf>,
    /// Whether the application is a machine.
    pub(super) is_of_machine: bool,
    /// Whether browsers can have the market's code.
    pub(super) has_twin: bool,
}
