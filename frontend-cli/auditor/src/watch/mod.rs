//! The watch: follows the chain, audits each epoch when its claim arrives, and raises alerts.
//!
//! - `feed`: Ethereum's record, read for money and claims; `cursor`: read progress
//! - the audit is this crate's, with its own checkpoints; the watch decides when to run it
//! - `alert`: the alerts it raises

mod alert;
mod cursor;
mod feed;

use std::{fmt, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use client::{
    printer::{ExitStatus, Printer},
    quantity::count,
};
use reqwest::Url;
use serde::Serialize;
use wire::Genesis;

pub use self::alert::{Alarm, Alert};
pub use self::cursor::default_path;
use self::{
    cursor::{Cursor, Mark, Stepped},
    feed::Feed,
};
use crate::{Audit, Counts, Divergence, DivergenceKind, Moment, Report, Span, Target, Verdict};

/// Blocks read before the cursor is saved.
const BLOCKS_AT_ONCE: u64 = 10_000;

/// The longest pause after a failed check.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Configuration of a watch.
#[derive(Debug)]
pub struct Watch {
    /// The audit of everything.
    pub audit: Audit,
    /// The application's genesis, which defines the accepted assets.
    pub genesis: Genesis,
    /// Number of newest blocks that are ignored.
    pub confirmations: u64,
    /// Webhook that receives alerts.
    pub webhook: Option<Url>,
    /// The file that stores the cursor.
    pub place: PathBuf,
    /// Pause between looks.
    pub pause: Duration,
}

/// An event printed by a watch.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    Audited {
        block: u64,
        #[serde(flatten)]
        counts: Counts,
        seconds: f64,
    },
    Alert(Alert),
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audited { block, counts, seconds } => {
                write!(out, "all holds up to block {block}: {counts} in {seconds:.1} s")
            }
            Self::Alert(alert) => write!(out, "{alert}"),
        }
    }
}

/// Result of one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    has_alerted: bool,
    /// A divergence was found: people have to look.
    is_over: bool,
}

impl Watch {
    /// Watches until there is a divergence, or one look if `once`.
    ///
    /// - Errors: `once`, and something could not be checked; it cannot start at all
    pub async fn run(&self, once: bool) -> Result<ExitStatus> {
        let mut begun = None;
        let mut pause = self.pause;
        loop {
            match self.look(&mut begun).await {
                Ok(look) if once || look.is_over => {
                    return Ok(if look.has_alerted {
                        ExitStatus::Refused
                    } else {
                        ExitStatus::Done
                    });
                }
                Ok(_) => pause = self.pause,
                Err(error) if once => return Err(error),
                Err(error) => {
                    self.printer().say(format_args!("could not check, trying again: {error:#}"));
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    const fn printer(&self) -> &Printer {
        &self.audit.printer
    }

    /// Loads the cursor, reads up to the newest confirmed block, and audits if needed.
    async fn look(&self, begun: &mut Option<(Target, Cursor)>) -> Result<Look> {
        let (target, cursor) = match begun {
            Some(begun) => begun,
            None => begun.insert(self.begin().await?),
        };
        match cursor.step_back(&self.audit.chain).await? {
            Stepped::Nowhere => {}
            Stepped::Back => {
                self.printer().say("the chain's last blocks were replaced: stepping back");
            }
            Stepped::OtherChain => {
                let words = "this is another chain than the one that was watched; beginning anew";
                self.printer().say(words);
                *target = self.target().await?;
                let mut fresh = self.first(target).await?;
                fresh.undelivered = std::mem::take(&mut cursor.undelivered);
                *cursor = fresh;
            }
        }
        let mut look = Look::default();
        look.has_alerted |= self.read(target, cursor).await?;
        let found = self.audit_if_needed(target, cursor).await?;
        look = Look { has_alerted: look.has_alerted || found.has_alerted, ..found };
        if let Err(error) = self.deliver(cursor).await {
            let left = count(cursor.undelivered.len() as u64, "alert");
            self.printer().say(format_args!("{error:#}: {left} will be sent later"));
        }
        Ok(look)
    }

    async fn begin(&self) -> Result<(Target, Cursor)> {
        let target = self.target().await?;
        let of = (target.chain_id, self.audit.application);
        if self.place.exists() {
            match Cursor::read(&self.place, of) {
                Ok(cursor) => return Ok((target, cursor)),
                Err(why) => self.printer().say(format_args!("{why}; beginning anew")),
            }
        }
        let first = self.first(&target).await?;
        Ok((target, first))
    }

    async fn target(&self) -> Result<Target> {
        let Audit { chain, application, .. } = &self.audit;
        Target::read(chain, *application, chain.head().await?).await
    }

    /// A cursor at the application's deployment.
    async fn first(&self, target: &Target) -> Result<Cursor> {
        let block = target.deployment_block.saturating_sub(1);
        let hash = self.audit.chain.block_hash(block).await?;
        let (_, validator) = target.validators.first().context("nobody accepts claims")?;
        let mark = Mark {
            block,
            hash: hash.context("the Ethereum node lacks old blocks")?,
            validator: *validator,
            ..Mark::default()
        };
        Ok(Cursor::new(target.chain_id, self.audit.application, mark))
    }

    /// Reads on up to the newest confirmed block; returns whether there was an alert.
    async fn read(&self, target: &Target, cursor: &mut Cursor) -> Result<bool> {
        let chain = &self.audit.chain;
        let newest = chain.head().await?.saturating_sub(self.confirmations);
        let feed = Feed { chain, target, genesis: &self.genesis };
        let mut has_alerted = false;
        while cursor.now().block < newest {
            let last = newest.min(cursor.now().block + BLOCKS_AT_ONCE);
            let (mut mark, mut alerts) = feed.read(cursor.now(), last).await?;
            if last == newest {
                alerts.extend(feed.check_solvency(&mut mark).await?);
            }
            has_alerted |= !alerts.is_empty();
            cursor.go_on(mark);
            self.raise(cursor, alerts)?;
        }
        Ok(has_alerted)
    }

    /// Audits if a claim came or is overdue.
    async fn audit_if_needed(&self, target: &Target, cursor: &mut Cursor) -> Result<Look> {
        let mut look = Look::default();
        let patience = self.audit.patience.unwrap_or(target.epoch_length);
        while cursor.now().needs_audit(patience) {
            let mut mark = cursor.now().clone();
            let span =
                Span { from: Some(Moment::Input(mark.from)), to: Some(Moment::Block(mark.block)) };
            let report = Audit { span, ..self.audit.clone() }.run().await?;
            mark.is_claimed = false;
            if report.verdict == Verdict::Holds {
                let Report { counts, seconds, .. } = report;
                let block = mark.block;
                mark.awaited.retain(|end, _| block <= end.saturating_add(patience));
                cursor.go_on(mark);
                self.raise(cursor, Vec::new())?;
                self.printer().answer_line(&Event::Audited { block, counts, seconds })?;
                continue;
            }
            look.has_alerted = true;
            look.is_over =
                report.divergences().any(|wrong| wrong.kind != DivergenceKind::MissingClaim);
            let last = report.divergences().filter_map(|wrong| wrong.input).max();
            let of = (cursor.chain_id, cursor.application);
            let alert = |wrong: &Divergence| Alert::of_audit(wrong.clone(), of, mark.block);
            let alerts = report.divergences().map(alert).collect();
            if look.is_over {
                self.raise(cursor, alerts)?;
                return Ok(look);
            }
            // Epochs after the missing claims may still hold.
            mark.from = last.map_or(mark.from, |last| last + 1);
            mark.awaited.retain(|_, last_input| Some(*last_input) > last);
            mark.is_claimed = true;
            cursor.go_on(mark);
            self.raise(cursor, alerts)?;
        }
        Ok(look)
    }

    /// Prints alerts and saves the cursor, with those pending for the webhook.
    fn raise(&self, cursor: &mut Cursor, alerts: Vec<Alert>) -> Result<()> {
        for alert in &alerts {
            self.printer().answer_line(&Event::Alert(alert.clone()))?;
        }
        if self.webhook.is_some() {
            cursor.undelivered.extend(alerts);
        }
        cursor.write(&self.place)
    }

    /// Delivers pending alerts to the webhook.
    async fn deliver(&self, cursor: &mut Cursor) -> Result<()> {
        let Some(webhook) = &self.webhook else { return Ok(()) };
        while let Some(alert) = cursor.undelivered.first() {
            alert::post(alert, webhook).await?;
            cursor.undelivered.remove(0);
            cursor.write(&self.place)?;
        }
        Ok(())
    }
}
