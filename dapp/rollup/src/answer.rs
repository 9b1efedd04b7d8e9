//! The answer to a request, in the form that the rollup server expects.

#[cfg(not(target_family = "wasm"))]
use serde_json::{Value, json};
use wire::Output;

/// Final status of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The state is kept, also after a refusal.
    Accept,
    /// The machine is restored to the state before the input, and its outputs are dropped.
    Reject,
}

impl Status {
    /// The body of `/finish`.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn body(self) -> Value {
        json!({ "status": match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        }})
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Vouchers and notices, in order.
    pub outputs: Vec<Output>,
    /// JSON for the sender.
    pub reports: Vec<Vec<u8>>,
    /// Final status.
    pub status: Status,
    /// Final status if the server refuses an output: rejected, unless that is impossible.
    pub on_failure: Status,
}

impl Answer {
    /// Accepts, without outputs or reports.
    #[must_use]
    pub const fn silent() -> Self {
        Self {
            outputs: Vec::new(),
            reports: Vec::new(),
            status: Status::Accept,
            on_failure: Status::Accept,
        }
    }

    /// Accepts with one report.
    #[must_use]
    pub fn report(report: Vec<u8>) -> Self {
        Self { reports: vec![report], ..Self::silent() }
    }
}

/// The path and body for posting an output. The server strips the first two characters without
/// looking at them, and requires all digits of a value.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub(crate) fn output_request(output: &Output) -> (&'static str, Value) {
    match output {
        Output::Voucher { destination, value, payload } => {
            let (destination, value) = (destination.to_string(), format!("0x{value:064x}"));
            let payload = hexadecimal(payload);
            ("/voucher", json!({ "destination": destination, "value": value, "payload": payload }))
        }
        Output::Notice { payload } => ("/notice", json!({ "payload": hexadecimal(payload) })),
        Output::DelegateCallVoucher { destination, payload } => {
            let (destination, payload) = (destination.to_string(), hexadecimal(payload));
            ("/delegate-call-voucher", json!({ "destination": destination, "payload": payload }))
        }
    }
}

/// The body for posting a report.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub(crate) fn report_request(report: &[u8]) -> Value {
    json!({ "payload": hexadecimal(report) })
}

#[cfg(not(target_family = "wasm"))]
fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
