//! Following an input: waiting until the node has processed it, and reading what it led to.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wire::Notice;

use crate::{
    chain::Output,
    http::clipped,
    node::{Node, OutputRecord},
    payment::Payment,
    printer::{Bar, Printer, Refused},
};

/// What became of an input.
#[derive(Clone, Debug)]
pub struct Processed {
    /// Its number.
    pub input: u64,
    /// What the market said, in order.
    pub notices: Vec<Notice>,
    /// What it paid, each with its voucher's output record.
    pub payments: Vec<(Payment, OutputRecord)>,
    /// What it refused, in order.
    pub refusals: Vec<Refused>,
}

impl Processed {
    /// The same, or the first refusal as an error.
    pub fn accepted(self) -> Result<Self> {
        match self.refusals.first() {
            Some(refused) => Err(refused.clone().into()),
            None => Ok(self),
        }
    }
}

/// How often and how long something is looked at until it is so.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Pause between two looks.
    pub pause: Duration,
    /// When to give up.
    pub limit: Duration,
}

impl Patience {
    /// Looks until there is something; nothing when the limit is reached.
    ///
    /// Waiting is shown once it takes longer than a moment.
    pub async fn until<T>(
        self,
        printer: &Printer,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let start = Instant::now();
        let mut shown: Option<Bar> = None;
        loop {
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if start.elapsed() >= self.limit {
                return Ok(None);
            }
            if shown.is_none() && start.elapsed() >= Duration::from_secs(1) {
                shown = Some(printer.spinner(what));
            }
            tokio::time::sleep(self.pause).await;
        }
    }
}

/// Waits until the node has processed input `input`, and reads what it led to.
///
/// - Errors: the node is silent for too long; the input was undone
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

/// Reads what a processed input led to.
pub async fn read(node: &Node, input: u64) -> Result<Processed> {
    let status = node.input(input).await?.status;
    if !status.eq_ignore_ascii_case("accepted") {
        bail!("input {input} was undone by the application ({status}): nothing changed; report it");
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
