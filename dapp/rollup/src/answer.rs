//! What one request brings about, as the rollup server is told.

use serde_json::{Value, json};
use wire::Output;

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The state is kept; refusals end like this, too.
    Accept,
    /// The machine goes back to the state before the input, whose outputs are dropped.
    Reject,
}

impl Status {
    /// The body of `/finish`.
    #[must_use]
    pub fn body(self) -> Value {
        json!({ "status": match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        }})
    }
}

/// What a request brings about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Vouchers and notices, in order.
    pub outputs: Vec<Output>,
    /// JSON for whoever asked.
    pub reports: Vec<Vec<u8>>,
    /// How the request ends.
    pub status: Status,
    /// How it ends if the server does not take an output: undone, unless it cannot be.
    pub on_failure: Status,
}

impl Answer {
    /// Accepts, with nothing to say.
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

/// The path and body that post an output. The server cuts the first two characters off blindly
/// and wants all digits of a value.
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

/// The body that posts a report.
#[must_use]
pub(crate) fn report_request(report: &[u8]) -> Value {
    json!({ "payload": hexadecimal(report) })
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
