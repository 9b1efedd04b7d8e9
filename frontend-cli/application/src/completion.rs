//! Outcome of an input.

use alloy::primitives::Bytes;
use serde::Serialize;

use super::rollup_server::Emitted;

/// Status of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InputStatus {
    /// Not processed yet.
    None,
    /// Processed.
    Accepted,
    /// Rejected: its effects are undone.
    Rejected,
    /// The application reported an exception.
    Exception,
    /// The application exited, twice.
    MachineHalted,
    /// The application did not answer in time.
    TimeLimitExceeded,
}

/// The result of processing an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Its status.
    pub status: InputStatus,
    /// Vouchers and notices as proven on L1; empty unless it was accepted.
    pub outputs: Vec<Bytes>,
    /// Reports; empty unless it was accepted.
    pub reports: Vec<Bytes>,
}

impl Completion {
    pub(super) fn accepted(Emitted { outputs, reports }: Emitted) -> Self {
        Self { status: InputStatus::Accepted, outputs, reports }
    }

    /// A failed input: its outputs are dropped.
    #[must_use]
    pub fn failed(status: InputStatus) -> Self {
        Self { status, outputs: Vec::new(), reports: Vec::new() }
    }
}
