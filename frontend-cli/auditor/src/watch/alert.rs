//! Alerts that need a person's attention, as text, as JSON, and to a webhook.

use std::{fmt, time::Duration};

use alloy::primitives::{Address, B256};
use anyhow::{Result, anyhow, ensure};
use client::http;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::{Divergence, DivergenceKind};

/// Kind of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alarm {
    /// A divergence found by an audit.
    Divergence,
    /// An epoch's claim is overdue.
    MissingClaim,
    /// Another validator's claims count from now on.
    ValidatorChanged,
    /// The contract holds less of an asset than the market owes.
    Insolvent,
    /// The application's guardian has given it up; 3.0.0-alpha only.
    Foreclosed,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its kind.
    pub alert: Alarm,
    /// The chain.
    pub chain_id: u64,
    /// The application.
    pub application: Address,
    /// The block up to which the chain was read.
    pub block: u64,
    /// Full description.
    pub sentence: String,
    /// The divergence's kind as named by an audit; or the asset.
    pub kind: Option<String>,
    /// The input it happened at.
    pub input: Option<u64>,
    /// The output.
    pub output: Option<u64>,
    /// The expected value.
    pub expected: Option<String>,
    /// The found value.
    pub found: Option<String>,
    /// The transaction that proves it.
    pub transaction: Option<B256>,
}

impl Alert {
    /// An alert with only a description; callers fill in the rest.
    pub(super) fn new(
        alert: Alarm,
        of: (u64, Address),
        block: u64,
        words: impl fmt::Display,
    ) -> Self {
        let (chain_id, application) = of;
        Self {
            alert,
            chain_id,
            application,
            block,
            sentence: words.to_string(),
            kind: None,
            input: None,
            output: None,
            expected: None,
            found: None,
            transaction: None,
        }
    }

    /// An alert for an audit's finding.
    pub(super) fn of_audit(divergence: Divergence, of: (u64, Address), block: u64) -> Self {
        let alarm = match divergence.kind {
            DivergenceKind::MissingClaim => Alarm::MissingClaim,
            _ => Alarm::Divergence,
        };
        let Divergence { kind, input, output, expected, found, transaction, sentence, .. } =
            divergence;
        let kind = Some(kind.to_string());
        let alert = Self::new(alarm, of, block, sentence);
        Self { kind, input, output, expected, found, transaction, ..alert }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ALERT")?;
        if let Some(kind) = &self.kind {
            write!(out, " {kind}")?;
        }
        write!(out, ": {}", self.sentence)?;
        let mut line = |name: &str, value: Option<String>| match value {
            Some(value) => write!(out, "\n  {name:<12} {value}"),
            None => Ok(()),
        };
        line("input", self.input.map(|input| input.to_string()))?;
        line("output", self.output.map(|output| output.to_string()))?;
        line("expected", self.expected.clone())?;
        line("found", self.found.clone())?;
        line("transaction", self.transaction.map(|hash| hash.to_string()))?;
        line("up to block", Some(self.block.to_string()))
    }
}

/// Attempts to post an alert before it is deferred.
const TRIES: u32 = 3;

/// Posts an alert as JSON.
///
/// - Errors: the webhook did not accept it
pub(super) async fn post(alert: &Alert, webhook: &Url) -> Result<()> {
    let client = http::client(Duration::from_secs(10))?;
    let mut pause = Duration::from_millis(200);
    for _ in 1..TRIES {
        match post_once(&client, alert, webhook).await {
            Ok(()) => return Ok(()),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause *= 2;
    }
    post_once(&client, alert, webhook).await
}

async fn post_once(client: &reqwest::Client, alert: &Alert, webhook: &Url) -> Result<()> {
    let answer = client.post(webhook.clone()).json(alert).send().await;
    // The address may contain a secret, so it is not shown.
    let answer = answer.map_err(|_| anyhow!("the webhook does not answer"))?;
    let status = answer.status();
    ensure!(status.is_success(), "the webhook answers {status}");
    Ok(())
}
