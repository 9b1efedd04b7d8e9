//! Following an input: waiting until the node has processed it, and reading its results.

use anyhow::{Context, Result};
use wire::Notice;

use crate::{
    chain::Output,
    http::clipped,
    node::{Node, OutputRecord},
    patience::Patience,
    payment::Payment,
    printer::{Printer, Refused},
};

/// The results of an input.
#[derive(Clone, Debug)]
pub struct Processed {
    /// Its number.
    pub input: u64,
    /// The market's notices, in order.
    pub notices: Vec<Notice>,
    /// Its payments, each with its voucher's output record.
    pub payments: Vec<(Payment, OutputRecord)>,
    /// Its refusals, in order.
    pub refusals: Vec<Refused>,
}

impl Processed {
    /// The same, or its first refusal as an error.
    pub fn accepted(self) -> Result<Self> {
        match self.refusals.first() {
            Some(refused) => Err(refused.clone().into()),
            None => Ok(self),
        }
    }
}

/// Waits until the node has processed input `input`, and reads its results.
///
/// - Errors: the node does not answer in time; the input was undone
pub async fn follow(
    node: &Node,
    patience: Patience,
    printer: &Printer,
    input: u64,
) -> Result<Processed> {
    let what = format!("waiting for the node to process input {input}");
    let done = patience
        .until(printer, &what, async || Ok((node.processed_inputs().await? > input).then_some(())))
        .await?;
    done.with_context(|| {
        format!(
            "the node has not processed input {input} within {}: it is on Ethereum and will be \
             processed once the node goes on; look again later",
            crate::quantity::duration(patience.limit.as_secs())
        )
    })?;
    read(node, input).await
}

/// The application failed on an input: what it did was undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input {input} was undone by the application ({status}): nothing changed; report it")]
pub struct Undone {
    /// Its number.
    pub input: u64,
    /// The node's status of it.
    pub status: String,
}

/// Reads the results of a processed input.
pub async fn read(node: &Node, input: u64) -> Result<Processed> {
    let status = node.input(input).await?.status;
    if !status.eq_ignore_ascii_case("accepted") {
        return Err(Undone { input, status }.into());
    }
    let mut processed =
        Processed { input, notices: Vec::new(), payments: Vec::new(), refusals: Vec::new() };
    for record in node.outputs_of(input).await? {
        match Output::decode(&record.raw_data) {
            Some(Output::Notice { payload }) => {
                processed.notices.extend(wire::decode_notice(&payload));
            }
            Some(voucher) => {
                processed.payments.extend(Payment::of(&voucher).map(|payment| (payment, record)));
            }
            None => {}
        }
    }
    for report in node.reports_of(input).await? {
        processed.refusals.push(serde_json::from_slice(&report).unwrap_or_else(|_| {
            Refused::new("Unknown", clipped(&String::from_utf8_lossy(&report)))
        }));
    }
    Ok(processed)
}
