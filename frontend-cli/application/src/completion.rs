//! What became of an input.

use alloy::primitives::Bytes;
use serde::Serialize;

use super::rollup_server::Emitted;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InputStatus {
    /// Not processed yet.
    None,
    /// Processed.
    Accepted,
    /// Undone: it never happened.
    Rejected,
    /// The application gave up on itself.
    Exception,
    /// The application ended, twice.
    MachineHalted,
    /// The application did not answer in time.
    TimeLimitExceeded,
}

/// The result of processing an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// How it ended.
    pub status: InputStatus,
    /// Vouchers and notices as L1 proves them; none unless it was accepted.
    pub outputs: Vec<Bytes>,
    /// Reports; none unless it was accepted.
    pub reports: Vec<Bytes>,
}

impl Completion {
    pub(super) fn accepted(Emitted { outputs, reports }: Emitted) -> Self {
        Self { status: InputStatus::Accepted, outputs, reports }
    }

    /// The input ended badly: what was emitted is dropped.
    #[must_use]
    pub fn failed(status: InputStatus) -> Self {
        Self { status, outputs: Vec::new(), reports: Vec::new() }
    }
}
