//! The run of an audit: all checks, input by input, and the source of each wrong value.

use std::path::PathBuf;
use std::time::Instant;

use alloy::primitives::{B256, Bytes, keccak256};
use anyhow::Result;
use application::Completion;
use client::chain::Input;
use market::Score;
use serde::{Deserialize, Serialize};
use wire::Genesis;

use super::blobs::BlobTracker;
use super::claims::{Claim, Claims};
use super::compare::compare;
use super::decoded::DecodedInput;
use super::divergence::{Divergence, DivergenceKind, shown};
use super::drill::drill_down;
use super::engine::{Deployed, Played};
use super::evaluation::{CheckOutcome, EvaluationThread, OutputLocation, Task};
use super::evidence::{Event, Target};
use super::findings::Findings;
use super::ledger::LedgerModel;
use super::outputs::Outputs;
use super::report::{Counts, Report, Verdict};
use super::rulings::Rulings;
use super::served::{Records, Served};
use super::summary::JobSummaries;
use super::timeline::{Timeline, TimelineEntry};
use super::{Audit, Span};

/// Whether there is more to process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    GoOn,
    Stop,
}

/// State that an audit carries across blocks and checkpoints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) outputs: Outputs,
    claims: Claims,
    ledger: LedgerModel,
    blobs: BlobTracker,
    rulings: Rulings,
    pub(super) counts: Counts,
}

/// An audit in progress.
pub(super) struct AuditRun {
    target: Target,
    span: Span,
    patience: u64,
    records: Option<Records>,
    /// Whether the node has not processed every input so far.
    is_behind: bool,
    state: State,
    genesis: Genesis,
    evaluations: EvaluationThread,
    findings: Findings,
    suspect: Option<PathBuf>,
    timeline: Timeline,
    jobs: JobSummaries,
    /// The node's own outputs from the first difference on, which it would claim.
    other: Option<Outputs>,
    notes: Vec<String>,
}

impl State {
    /// State before the first input.
    pub(super) fn at_genesis(deployed: &Deployed) -> Self {
        let genesis = &deployed.genesis;
        Self {
            outputs: Outputs::default(),
            claims: Claims::default(),
            ledger: LedgerModel::new(genesis.settings.clone()),
            blobs: BlobTracker::new(deployed.drive.clone()),
            rulings: Rulings::new(genesis.registry),
            counts: Counts::default(),
        }
    }
}

impl AuditRun {
    /// Continues from `state`, which is empty at genesis.
    pub(super) fn new(audit: &Audit, target: &Target, genesis: &Genesis, state: State) -> Self {
        let (inputs, outputs) = (state.counts.inputs, state.outputs.len());
        Self {
            target: target.clone(),
            span: audit.span,
            patience: audit.patience.unwrap_or(target.epoch_length),
            records: audit.node.as_ref().map(|node| Records::new(node, inputs, outputs)),
            is_behind: false,
            state,
            genesis: genesis.clone(),
            evaluations: EvaluationThread::new(),
            findings: Findings::default(),
            suspect: audit.suspect.clone(),
            timeline: Timeline::default(),
            jobs: JobSummaries::default(),
            other: None,
            notes: Vec::new(),
        }
    }

    pub(super) const fn counts(&self) -> Counts {
        self.state.counts
    }

    /// Records a divergence.
    pub(super) fn suspect(&mut self, divergence: Divergence) {
        self.findings.add(divergence, None);
    }

    /// Checks replayed blocks.
    ///
    /// - Errors: the node's answer is malformed
    pub(super) async fn take(&mut self, played: Played) -> Result<Step> {
        let Played { range, completions, totals, .. } = played;
        let mut completions = completions.into_iter();
        for event in range.events {
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
                }
                Event::Executed { output, raw, transaction } => {
                    self.executed(output, &raw, transaction);
                }
            }
        }
        let input = self.state.counts.inputs.checked_sub(1);
        let wrongs = totals.map(|totals| self.state.ledger.compare(&totals));
        let wrongs = wrongs.into_iter().flatten().map(|wrong| Divergence { input, ..wrong });
        let wrongs: Vec<_> = wrongs.collect();
        wrongs.into_iter().for_each(|wrong| self.suspect(wrong));
        // Nothing after an input whose hash differs from the InputBox's can be replayed.
        match range.wrong {
            Some(wrong) => {
                self.suspect(wrong);
                Ok(Step::Stop)
            }
            None => Ok(Step::GoOn),
        }
    }

    async fn input(&mut self, input: &Input, completion: &Completion) -> Result<()> {
        let advance = &input.advance;
        let (index, first_output) = (advance.index, self.state.outputs.len());
        let served = match &mut self.records {
            Some(records) if !self.is_behind => match records.next(index).await {
                // Earlier findings stand, whatever else the node does.
                Err(_) if !self.findings.is_empty() => Served::Behind,
                served => served?,
            },
            _ => Served::Behind,
        };
        self.is_behind = self.records.is_some() && matches!(served, Served::Behind);
        let is_judged = self.span.has(index, advance.block_number);
        let different = compare(input, completion, first_output, &served);
        let different = different.filter(|_| is_judged);
        if different.is_some() && self.other.is_none() {
            self.other = Some(self.state.outputs.clone());
        }
        if let Some(other) = &mut self.other {
            let outputs = match &served {
                Served::Processed { outputs, .. } => outputs.as_slice(),
                Served::Missing | Served::Behind => &[],
            };
            other.add(advance, outputs);
        }
        let tasks = self.follow(input, completion, first_output, is_judged).await?;
        if let Some(wrong) = different {
            let told = tasks.into_iter().find_map(|(offset, task)| match task {
                Task::Evaluate(told) if Some(first_output + offset) == wrong.output => Some(told),
                _ => None,
            });
            let told = told.filter(|_| wrong.kind == DivergenceKind::Score);
            self.findings.add(wrong, told);
        }
        self.state.outputs.add(advance, &completion.outputs);
        let last_block = self.target.epoch_end(advance.block_number);
        self.state.claims.await_claim(last_block, index, input.transaction);
        self.state.counts.inputs += 1;
        self.state.counts.outputs += completion.outputs.len() as u64;
        Ok(())
    }

    /// Checks that money, scores and rulings follow from the previous state; returns the reported
    /// scores, by the index of their output.
    async fn follow(
        &mut self,
        input: &Input,
        completion: &Completion,
        first_output: u64,
        is_judged: bool,
    ) -> Result<Vec<(u64, Task)>> {
        let (index, transaction) = (input.advance.index, input.transaction);
        let Some(decoded) = DecodedInput::read(&self.genesis, &input.advance, completion) else {
            return Ok(Vec::new());
        };
        self.jobs.take(&decoded);
        self.timeline.input(&input.advance, transaction, &decoded, &self.jobs);
        let (payouts, mut wrongs) = self.state.ledger.take(&decoded);
        self.state.counts.payouts += payouts;
        let tasks = self.state.blobs.take(&decoded);
        for (offset, task) in &tasks {
            let output = first_output + offset;
            let location = OutputLocation { input: index, output, transaction, is_judged };
            let outcomes = self.evaluations.ask(location, task.clone()).await?;
            self.settle(outcomes);
        }
        if Rulings::needs_results(&decoded) {
            self.finish_evaluations().await?;
        }
        wrongs.extend(self.state.rulings.take(&decoded));
        for wrong in wrongs.into_iter().filter(|_| is_judged) {
            let output = wrong.output.map(|offset| first_output + offset);
            self.suspect(Divergence { output, ..wrong.at(index, transaction) });
        }
        Ok(tasks)
    }

    /// Records the outcomes of evaluations.
    fn settle(&mut self, outcomes: Vec<CheckOutcome>) {
        for outcome in outcomes {
            match outcome {
                CheckOutcome::Holds(results) => {
                    self.state.counts.scores += 1;
                    if let Some((job, submission, results)) = results {
                        self.state.rulings.file(job, submission, results);
                    }
                }
                CheckOutcome::Wrong(wrong, told) => {
                    told.iter().for_each(|told| self.state.rulings.dispute(told.job));
                    self.findings.add(*wrong, told);
                }
                CheckOutcome::AttestedOtherwise(words) => self.notes.push(words),
                CheckOutcome::NotJudged => {}
            }
        }
    }

    /// A claim shows whether a difference is only in the node's answers.
    fn claim(&mut self, claim: &Claim) {
        let words = format!("Ethereum accepts the claim up to block {}", claim.last_block);
        self.tell(words, claim.transaction);
        let wrong = self.state.claims.check(claim, &self.state.outputs);
        let end = self.state.outputs.after(claim.last_block);
        if end.is_some_and(|end| !self.span.has(end.input, end.block)) {
            return;
        }
        self.state.counts.claims += 1;
        let Some(wrong) = wrong else { return };
        let claimed = self.other.as_ref().map(|other| other.root_after(claim.last_block));
        match end.filter(|_| claimed == Some(claim.root)) {
            Some(end) => self.findings.claimed_up_to(end.input),
            None => self.suspect(wrong),
        }
    }

    fn tell(&mut self, words: String, transaction: B256) {
        self.timeline.tell(TimelineEntry { time: None, input: None, transaction, words });
    }

    fn executed(&mut self, output: u64, raw: &Bytes, transaction: B256) {
        self.tell(format!("Ethereum executes output {output}"), transaction);
        let (ours, found) = (self.state.outputs.hash(output), keccak256(raw));
        // A wrong claim by the node is reported already.
        let claimed = self.other.as_ref().and_then(|other| other.hash(output));
        if [ours, claimed].contains(&Some(found)) {
            return;
        }
        let sentence = format!("Ethereum executed output {output}, which is another one");
        let wrong = Divergence::new(DivergenceKind::Executed, sentence)
            .between(ours.map(|hash| hash.to_string()), shown(raw));
        self.suspect(Divergence { output: Some(output), transaction: Some(transaction), ..wrong });
    }

    /// The current state, if no fault was found and an audit can resume from it.
    ///
    /// - Errors: an evaluation failed
    pub(super) async fn settled(&mut self) -> Result<Option<&State>> {
        self.finish_evaluations().await?;
        let is_whole = self.findings.is_empty() && !self.is_behind;
        Ok(is_whole.then_some(&self.state))
    }

    async fn finish_evaluations(&mut self) -> Result<()> {
        let outcomes = self.evaluations.finish().await?;
        self.settle(outcomes);
        Ok(())
    }

    /// Drills down into the wrong scores.
    async fn drill_down(&mut self) {
        for (wrong, told) in self.findings.scores() {
            let found = wrong.found.as_ref().and_then(|found| found.parse().ok()).map(Score);
            match drill_down(told, found, self.suspect.as_deref()).await {
                Ok(drill_down) => wrong.drill_down = Some(drill_down),
                Err(error) => {
                    self.notes.push(format!("a score was not looked into: {error:#}"));
                }
            }
        }
    }

    /// The final report.
    ///
    /// - Errors: an evaluation failed
    pub(super) async fn finish(
        mut self,
        head: u64,
        begun: Instant,
        mut notes: Vec<String>,
    ) -> Result<Report> {
        self.finish_evaluations().await?;
        let is_judged = |input, block| self.span.has(input, block);
        let (claims, outputs) = (&self.state.claims, &self.state.outputs);
        let missing = claims.missing(head, self.patience, outputs, is_judged);
        missing.into_iter().for_each(|missing| self.suspect(missing));
        if self.is_behind && self.findings.is_empty() {
            notes.push("the node has not processed the last inputs yet".to_owned());
        }
        self.drill_down().await;
        notes.append(&mut self.notes);
        let verdict = if self.findings.is_empty() { Verdict::Holds } else { Verdict::Diverges };
        let (divergence, later, left_out) = self.findings.into_parts();
        for job in &mut self.jobs.jobs {
            job.held = self.state.ledger.held(job.job);
        }
        Ok(Report {
            verdict,
            divergence,
            later,
            left_out,
            counts: self.state.counts,
            resumed: None,
            block: head,
            seconds: begun.elapsed().as_secs_f64(),
            notes,
            timeline: self.timeline,
            jobs: self.jobs,
            totals: self.state.ledger.totals().clone(),
        })
    }
}
