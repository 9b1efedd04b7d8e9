//! The course of an audit: every check there is, input by input, up to the first thing that is
//! wrong and what shows who carries it.

use std::time::Duration;

use alloy::primitives::{B256, Bytes, keccak256};
use anyhow::Result;

use super::claims::{Claim, Claims};
use super::compare::compare;
use super::divergence::{Divergence, Kind, Place, shown};
use super::engine::Played;
use super::evidence::{Event, Target};
use super::outputs::Outputs;
use super::report::{Counts, Report, Verdict};
use super::served::{Records, Served};
use super::{Audit, Span};
use crate::chain::Input;
use crate::devnet::Completion;

/// Whether there is more to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    GoOn,
    Stop,
}

/// All that is known on the way.
pub(super) struct Course {
    target: Target,
    span: Span,
    patience: u64,
    records: Option<Records>,
    /// Whether the node has told of every input so far.
    is_behind: bool,
    outputs: Outputs,
    claims: Claims,
    counts: Counts,
    first: Option<Divergence>,
    /// The node's own outputs from the first difference on: what it would claim.
    other: Option<Outputs>,
    last_block: u64,
}

impl Course {
    pub(super) fn new(audit: &Audit, target: &Target) -> Self {
        Self {
            target: target.clone(),
            span: audit.span,
            patience: audit.patience.unwrap_or(target.epoch_length),
            records: audit.node.as_ref().map(Records::new),
            is_behind: false,
            outputs: Outputs::default(),
            claims: Claims::default(),
            counts: Counts::default(),
            first: None,
            other: None,
            last_block: target.deployment_block,
        }
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Notes something wrong, unless something else was before it.
    pub(super) fn suspect(&mut self, divergence: Divergence) {
        if self.first.as_ref().is_none_or(|first| divergence.is_before(first)) {
            self.first = Some(divergence);
        }
    }

    /// Goes over blocks that were replayed.
    ///
    /// - Errors: the node does not answer as a node does
    pub(super) async fn take(&mut self, played: Played) -> Result<Step> {
        let Played { stretch, completions } = played;
        let mut completions = completions.into_iter();
        for event in stretch.events {
            match event {
                Event::Input(input) => {
                    let Some(completion) = completions.next() else { break };
                    let (index, block) = (input.advance.index, input.advance.block_number);
                    if self.span.is_over(index, block) {
                        return Ok(Step::Stop);
                    }
                    self.input(&input, &completion).await?;
                }
                Event::Claim { last_block, root, transaction } => {
                    self.claim(&Claim { last_block, root, transaction });
                    if self.first.is_some() {
                        return Ok(Step::Stop);
                    }
                }
                Event::Executed { output, raw, transaction } => {
                    self.executed(output, &raw, transaction);
                }
            }
        }
        self.last_block = stretch.last_block;
        if let Some(wrong) = stretch.wrong {
            self.suspect(wrong);
            return Ok(Step::Stop);
        }
        Ok(Step::GoOn)
    }

    async fn input(&mut self, input: &Input, completion: &Completion) -> Result<()> {
        let advance = &input.advance;
        let (index, first_output) = (advance.index, self.outputs.len());
        let served = match &mut self.records {
            Some(records) if !self.is_behind => records.next(index).await?,
            _ => Served::Behind,
        };
        self.is_behind = matches!(served, Served::Behind);
        if self.first.is_none()
            && self.span.has(index, advance.block_number)
            && let Some(divergence) = compare(input, completion, first_output, &served)
        {
            self.other = Some(self.outputs.clone());
            self.suspect(divergence);
        }
        if let Some(other) = &mut self.other {
            let outputs = match &served {
                Served::Processed { outputs, .. } => outputs.as_slice(),
                Served::Missing | Served::Behind => &[],
            };
            other.add(advance, outputs);
        }
        self.outputs.add(advance, &completion.outputs);
        let last_block = self.target.epoch_end(advance.block_number);
        self.claims.await_claim(last_block, index, input.transaction);
        self.counts.inputs += 1;
        self.counts.outputs += completion.outputs.len() as u64;
        Ok(())
    }

    /// A claim shows whether a difference is only in the node's answers.
    fn claim(&mut self, claim: &Claim) {
        let wrong = self.claims.check(claim, &self.outputs);
        let is_judged = self
            .outputs
            .after(claim.last_block)
            .is_none_or(|end| self.span.has(end.input, end.block));
        if !is_judged {
            return;
        }
        self.counts.claims += 1;
        let Some(wrong) = wrong else { return };
        let claimed = self.other.as_ref().map(|other| other.root_after(claim.last_block));
        match &mut self.first {
            Some(first) if claimed == Some(claim.root) => first.place = Place::Claim,
            _ => self.suspect(wrong),
        }
    }

    fn executed(&mut self, output: u64, raw: &Bytes, transaction: B256) {
        let ours = self.outputs.hash(output);
        if ours == Some(keccak256(raw)) || self.first.is_some() {
            return;
        }
        let sentence = format!("Ethereum executed output {output}, which is another one");
        let wrong = Divergence::new(Kind::Executed, sentence)
            .between(ours.map(|hash| hash.to_string()), shown(raw));
        self.suspect(Divergence { output: Some(output), transaction: Some(transaction), ..wrong });
    }

    /// What all of it comes to.
    pub(super) fn finish(mut self, head: u64, took: Duration, mut notes: Vec<String>) -> Report {
        let until = if self.first.is_some() { self.last_block } else { head };
        let is_judged = |input, block| self.span.has(input, block);
        let missing = self.claims.missing(until, self.patience, &self.outputs, is_judged);
        if let Some(missing) = missing {
            self.suspect(missing);
        }
        if self.is_behind && self.first.is_none() {
            notes.push("the node has not processed the last inputs yet".to_owned());
        }
        let verdict = if self.first.is_some() { Verdict::Diverges } else { Verdict::Holds };
        Report {
            verdict,
            divergence: self.first,
            counts: self.counts,
            block: head,
            seconds: took.as_secs_f64(),
            notes,
        }
    }
}
