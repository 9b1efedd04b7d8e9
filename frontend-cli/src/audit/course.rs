//! The course of an audit: every check there is, input by input, up to the first thing that is
//! wrong and what shows who carries it.

use std::path::PathBuf;
use std::time::Instant;

use alloy::primitives::{B256, Bytes, keccak256};
use anyhow::Result;
use market::{Marks, Score};
use serde::{Deserialize, Serialize};
use wire::Genesis;

use super::books::Books;
use super::claims::{Claim, Claims};
use super::compare::compare;
use super::divergence::{Divergence, Kind, Place, shown};
use super::drill::DrillDown;
use super::engine::{Deployed, Played};
use super::evidence::{Event, Target};
use super::exam::{Exam, Examiner, Seat};
use super::outputs::Outputs;
use super::report::{Counts, Report, Verdict};
use super::scores::Papers;
use super::served::{Records, Served};
use super::timeline::{Telling, Timeline};
use super::told::Told;
use super::{Audit, Span};
use crate::chain::Input;
use crate::devnet::Completion;

/// Whether there is more to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    GoOn,
    Stop,
}

/// What an audit remembers of all it has looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) outputs: Outputs,
    claims: Claims,
    books: Books,
    papers: Papers,
    pub(super) counts: Counts,
}

/// All that is known on the way.
pub(super) struct Course {
    target: Target,
    span: Span,
    patience: u64,
    records: Option<Records>,
    /// Whether the node has told of every input so far.
    is_behind: bool,
    state: State,
    genesis: Genesis,
    examiner: Examiner,
    first: Option<Divergence>,
    /// What a score that is wrong was told of, with the input.
    exam: Option<(u64, Exam)>,
    suspect: Option<PathBuf>,
    timeline: Timeline,
    /// The node's own outputs from the first difference on: what it would claim.
    other: Option<Outputs>,
    last_block: u64,
}

impl State {
    /// What is known before the first input.
    pub(super) fn at_genesis(deployed: &Deployed) -> Self {
        Self {
            outputs: Outputs::default(),
            claims: Claims::default(),
            books: Books::new(deployed.genesis.registry),
            papers: Papers::new(deployed.drive.clone()),
            counts: Counts::default(),
        }
    }
}

impl Course {
    /// Goes on from what was known; at the beginning that is nothing.
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
            examiner: Examiner::new(),
            first: None,
            exam: None,
            suspect: audit.suspect.clone(),
            timeline: Timeline::default(),
            other: None,
            last_block: target.deployment_block,
        }
    }

    pub(super) const fn counts(&self) -> Counts {
        self.state.counts
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
        let Played { stretch, completions, totals, .. } = played;
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
        // The books end with the first difference, and say nothing of what comes after it.
        let totals = totals.filter(|_| self.first.is_none());
        if let Some(wrong) = totals.and_then(|totals| self.state.books.compare(&totals)) {
            let input = self.state.counts.inputs.checked_sub(1);
            self.suspect(Divergence { input, ..wrong });
        }
        stretch.wrong.into_iter().for_each(|wrong| self.suspect(wrong));
        // What a claim has to say about a difference is waited for.
        let is_over = self.first.is_some() && self.other.is_none();
        Ok(if is_over { Step::Stop } else { Step::GoOn })
    }

    async fn input(&mut self, input: &Input, completion: &Completion) -> Result<()> {
        let advance = &input.advance;
        let (index, first_output) = (advance.index, self.state.outputs.len());
        let served = match &mut self.records {
            Some(records) if !self.is_behind => match records.next(index).await {
                // What was found stays found, whatever else the node does.
                Err(_) if self.first.is_some() => Served::Behind,
                served => served?,
            },
            _ => Served::Behind,
        };
        self.is_behind = self.records.is_some() && matches!(served, Served::Behind);
        if self.first.is_none()
            && self.span.has(index, advance.block_number)
            && let Some(divergence) = compare(input, completion, first_output, &served)
        {
            self.other = Some(self.state.outputs.clone());
            self.suspect(divergence);
        }
        if let Some(other) = &mut self.other {
            let outputs = match &served {
                Served::Processed { outputs, .. } => outputs.as_slice(),
                Served::Missing | Served::Behind => &[],
            };
            other.add(advance, outputs);
        }
        match self.first.as_ref().map(|first| (first.kind, first.input, first.output)) {
            None => self.follow(input, completion, first_output).await?,
            Some((Kind::Score, Some(at), Some(output))) if at == index => {
                self.file(input, completion, output.saturating_sub(first_output));
            }
            Some(_) => {}
        }
        self.state.outputs.add(advance, &completion.outputs);
        let last_block = self.target.epoch_end(advance.block_number);
        self.state.claims.await_claim(last_block, index, input.transaction);
        self.state.counts.inputs += 1;
        self.state.counts.outputs += completion.outputs.len() as u64;
        Ok(())
    }

    /// Keeps what a wrong score of an input, told by one of its outputs, was told of.
    fn file(&mut self, input: &Input, completion: &Completion, place: u64) {
        let Some(told) = Told::read(&self.genesis, &input.advance, completion) else { return };
        let exams = self.state.papers.take(&told).unwrap_or_default();
        let exam = exams.into_iter().find(|(at, _)| *at == place);
        self.exam = exam.map(|(_, exam)| (input.advance.index, exam));
    }

    /// Whether money and scores follow from what there was before.
    async fn follow(
        &mut self,
        input: &Input,
        completion: &Completion,
        first_output: u64,
    ) -> Result<()> {
        let (index, transaction) = (input.advance.index, input.transaction);
        let Some(told) = Told::read(&self.genesis, &input.advance, completion) else {
            return Ok(());
        };
        self.timeline.input(&input.advance, transaction, &told);
        let is_judged = self.span.has(index, input.advance.block_number);
        let paid = self.state.books.take(&told);
        let exams = self.state.papers.take(&told);
        let mut wrongs = Vec::new();
        match paid {
            Ok(payouts) => self.state.counts.payouts += payouts,
            Err(wrong) => wrongs.push(wrong),
        }
        let exams = exams.unwrap_or_else(|wrong| {
            wrongs.push(wrong);
            Vec::new()
        });
        for wrong in wrongs.into_iter().filter(|_| is_judged) {
            let output = wrong.output.map(|place| first_output + place);
            self.suspect(Divergence { output, ..wrong.at(index, transaction) });
        }
        for (place, exam) in exams.into_iter().filter(|_| is_judged) {
            let seat = Seat { input: index, output: first_output + place, transaction };
            let failed = self.examiner.examine(seat, exam).await?;
            failed.into_iter().for_each(|failed| self.failed(failed));
        }
        Ok(())
    }

    /// A claim shows whether a difference is only in the node's answers.
    fn claim(&mut self, claim: &Claim) {
        let words = format!("Ethereum accepts the claim up to block {}", claim.last_block);
        self.tell(words, claim.transaction);
        let wrong = self.state.claims.check(claim, &self.state.outputs);
        let is_judged = self
            .state
            .outputs
            .after(claim.last_block)
            .is_none_or(|end| self.span.has(end.input, end.block));
        if !is_judged {
            return;
        }
        self.state.counts.claims += 1;
        let Some(wrong) = wrong else { return };
        let claimed = self.other.as_ref().map(|other| other.root_after(claim.last_block));
        match &mut self.first {
            Some(first) if claimed == Some(claim.root) => first.place = Place::Claim,
            _ => self.suspect(wrong),
        }
    }

    fn tell(&mut self, words: String, transaction: B256) {
        self.timeline.tell(Telling { time: None, input: None, transaction, words });
    }

    fn executed(&mut self, output: u64, raw: &Bytes, transaction: B256) {
        self.tell(format!("Ethereum executes output {output}"), transaction);
        let ours = self.state.outputs.hash(output);
        if ours == Some(keccak256(raw)) || self.first.is_some() {
            return;
        }
        let sentence = format!("Ethereum executed output {output}, which is another one");
        let wrong = Divergence::new(Kind::Executed, sentence)
            .between(ours.map(|hash| hash.to_string()), shown(raw));
        self.suspect(Divergence { output: Some(output), transaction: Some(transaction), ..wrong });
    }

    /// What is known now, if all of it holds and can be gone on from.
    ///
    /// - Errors: an evaluation failed
    pub(super) async fn settled(&mut self) -> Result<Option<&State>> {
        self.finish_exams().await?;
        let is_whole = self.first.is_none() && !self.is_behind;
        Ok(is_whole.then_some(&self.state))
    }

    async fn finish_exams(&mut self) -> Result<()> {
        let (passed, failed) = self.examiner.finish().await?;
        self.state.counts.scores += passed;
        failed.into_iter().for_each(|failed| self.failed(failed));
        Ok(())
    }

    fn failed(&mut self, (wrong, exam): (Divergence, Exam)) {
        if self.first.as_ref().is_none_or(|first| wrong.is_before(first)) {
            self.exam = wrong.input.map(|input| (input, exam));
            self.first = Some(wrong);
        }
    }

    /// Looks into a score that is wrong.
    async fn drill_down(&mut self, notes: &mut Vec<String>) {
        let Some(first) = self.first.as_mut().filter(|first| first.kind == Kind::Score) else {
            return;
        };
        let exam = self.exam.take().filter(|(input, _)| Some(*input) == first.input);
        let Some((_, exam)) = exam else { return };
        let told = first.found.as_ref().and_then(|found| found.parse().ok());
        let found = told.map(|score| Marks { score: Score(score), ..exam.told });
        match DrillDown::of(&exam, found, self.suspect.as_deref()).await {
            Ok(drill_down) => first.drill_down = Some(drill_down),
            Err(error) => notes.push(format!("the score was not looked into: {error:#}")),
        }
    }

    /// What all of it comes to where something was wrong from the beginning.
    pub(super) async fn finish_with(
        mut self,
        wrong: Divergence,
        head: u64,
        begun: Instant,
        notes: Vec<String>,
    ) -> Result<Report> {
        self.suspect(wrong);
        self.finish(head, begun, notes).await
    }

    /// What all of it comes to.
    ///
    /// - Errors: an evaluation failed
    pub(super) async fn finish(
        mut self,
        head: u64,
        begun: Instant,
        mut notes: Vec<String>,
    ) -> Result<Report> {
        self.finish_exams().await?;
        let until = if self.first.is_some() { self.last_block } else { head };
        let is_judged = |input, block| self.span.has(input, block);
        let missing =
            self.state.claims.missing(until, self.patience, &self.state.outputs, is_judged);
        if let Some(missing) = missing {
            self.suspect(missing);
        }
        if self.is_behind && self.first.is_none() {
            notes.push("the node has not processed the last inputs yet".to_owned());
        }
        self.drill_down(&mut notes).await;
        let verdict = if self.first.is_some() { Verdict::Diverges } else { Verdict::Holds };
        Ok(Report {
            verdict,
            divergence: self.first,
            counts: self.state.counts,
            resumed: None,
            block: head,
            seconds: begun.elapsed().as_secs_f64(),
            notes,
            timeline: self.timeline,
        })
    }
}
