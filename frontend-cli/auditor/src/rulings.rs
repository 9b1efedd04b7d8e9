//! Rulings: the decisions that follow from scores and terms, computed independently of the market:
//! who is accepted and in which order, who wins, which seats are drawn, and their attestations.

mod seats;

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Bytes;
use blobs::{Binding, BlobRef, Digest, Opening};
use market::{
    Address, Attestation, Award, Command, Context, Effect, JobId, Outcome, Results, Score, Scores,
    Sealing, SubmittedModel, Terms, separated,
};
use serde::{Deserialize, Serialize};
use wire::{Notice, Ruling};

use super::decoded::{DecodedInput, DecodedOutput};
use super::divergence::Checked;
use super::divergence::{Divergence, DivergenceKind};

/// All decisions by terms and scores.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Rulings {
    registry: Address,
    jobs: BTreeMap<JobId, Job>,
}

/// A job that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    id: JobId,
    sponsor: Address,
    salt: [u8; 32],
    terms: Box<Terms>,
    /// The base model's scores, which models must beat.
    base: Option<Scores>,
    hold_out: Option<BlobRef>,
    submissions: BTreeMap<u32, Entry>,
    /// Number of submissions ever made.
    submitted: u32,
    /// Running hashes over all commitments and over all revealed keys.
    commitments: Digest,
    keys: Digest,
    /// Revealed submissions, in order.
    revealed: Vec<u32>,
    payouts: u32,
    /// The best accepted submission; the earlier of equals.
    best: Option<(u32, Scores)>,
    enlisted: Vec<Address>,
    /// Each seat's commitment to a page.
    attested: BTreeMap<(Address, u32), Digest>,
    /// Each seat's attestation of a model; `None` is the base model.
    words: BTreeMap<Option<u32>, Vec<(Address, Attestation)>>,
    /// Seats that have lost their bonds, and those of them that were wrong about the model whose
    /// evaluation is reported next.
    blamed: BTreeSet<Address>,
    accused: Vec<Address>,
    /// Row results of models that are compared.
    results: BTreeMap<u32, Results>,
    /// Row results revealed by seats, where the machine samples.
    said: BTreeMap<Digest, Results>,
    compared: Vec<Comparison>,
    outcome: Option<(Outcome, Option<u32>)>,
    /// Whether a fault was found: the job's end, which depends on it, is accepted as reported.
    is_disputed: bool,
}

/// A submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    client: Address,
    submitted: SubmittedModel,
    model: Option<BlobRef>,
    /// The machine's finding for it.
    found: Option<Attestation>,
    scores: Option<Scores>,
    is_decided: bool,
    /// Whether its scores meet the terms.
    is_acceptable: bool,
}

/// A reported comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Comparison {
    best: u32,
    other: u32,
    best_better: u32,
    other_better: u32,
    separated: bool,
}

impl Rulings {
    pub(super) fn new(registry: Address) -> Self {
        Self { registry, jobs: BTreeMap::new() }
    }

    /// Whether an input ends a job whose models were compared row by row.
    pub(super) fn needs_results(input: &DecodedInput) -> bool {
        input.notices().any(|(_, notice)| matches!(notice, Notice::JobEnded { .. }))
    }

    /// Records the row results of a model.
    pub(super) fn file(&mut self, job: JobId, submission: u32, results: Results) {
        if let Some(job) = self.jobs.get_mut(&job) {
            job.results.insert(submission, results);
        }
    }

    /// Records that a score of a job is wrong.
    pub(super) fn dispute(&mut self, job: JobId) {
        if let Some(job) = self.jobs.get_mut(&job) {
            job.is_disputed = true;
        }
    }

    /// Applies an input; returns each ruling that contradicts the terms, with the output's index
    /// among those of the input.
    pub(super) fn take(&mut self, input: &DecodedInput) -> Vec<Divergence> {
        let mut wrongs = Vec::new();
        // The next call expected to the registry; any call for a disputed job.
        let mut record: Option<Option<Bytes>> = None;
        for (index, output) in (0..).zip(&input.outputs) {
            let checked = match output {
                DecodedOutput::Notice(notice) => {
                    if let Notice::JobEnded { job, .. } = notice.as_ref() {
                        record = self.jobs.get(job).and_then(|job| job.record(self.registry));
                    }
                    self.notice(&input.context, input.command.as_ref(), notice)
                }
                DecodedOutput::Call(call) => match record.take() {
                    Some(told) if told.as_ref().is_none_or(|told| told == call) => Ok(()),
                    _ => ruling("the registry is told what nobody won"),
                },
                DecodedOutput::Payment(_) | DecodedOutput::Other => Ok(()),
            };
            let located = |wrong: Box<Divergence>| Divergence { output: Some(index), ..*wrong };
            wrongs.extend(checked.err().map(located));
        }
        if record.flatten().is_some() {
            let sentence = "the registry is not told of a winner";
            wrongs.push(Divergence::new(DivergenceKind::Ruling, sentence));
        }
        wrongs
    }

    fn notice(&mut self, context: &Context, command: Option<&Command>, notice: &Notice) -> Checked {
        if let Notice::JobOpened { job, sponsor, salt, terms, .. } = notice {
            self.jobs.insert(*job, Job::new(*job, *sponsor, *salt, terms.clone()));
            return Ok(());
        }
        if let Notice::JobEnded { job, payouts, winner, .. } = notice {
            let Some(job) = self.jobs.remove(job) else { return Ok(()) };
            return job.check_end(*payouts, *winner);
        }
        let Some(job) = notice.job().and_then(|job| self.jobs.get_mut(&job)) else {
            return Ok(());
        };
        let checked = job.notice(context, command, notice);
        job.is_disputed |= checked.is_err();
        checked
    }
}

impl Job {
    fn new(id: JobId, sponsor: Address, salt: [u8; 32], terms: Box<Terms>) -> Self {
        let hold_out = match terms.sealing {
            Sealing::Open { hold_out } => Some(hold_out),
            Sealing::Sealed { .. } => None,
        };
        let none = Digest([0; 32]);
        Self {
            id,
            sponsor,
            salt,
            terms,
            base: None,
            hold_out,
            submissions: BTreeMap::new(),
            submitted: 0,
            commitments: none,
            keys: none,
            revealed: Vec::new(),
            payouts: 0,
            best: None,
            enlisted: Vec::new(),
            attested: BTreeMap::new(),
            words: BTreeMap::new(),
            blamed: BTreeSet::new(),
            accused: Vec::new(),
            results: BTreeMap::new(),
            said: BTreeMap::new(),
            compared: Vec::new(),
            outcome: None,
            is_disputed: false,
        }
    }

    fn notice(&mut self, context: &Context, command: Option<&Command>, notice: &Notice) -> Checked {
        match notice {
            Notice::JobReady { base, .. } if self.hold_out.is_some() => self.base = Some(*base),
            Notice::HoldOutReady { base, .. } => {
                self.accused.clear();
                self.base = Some(*base);
            }
            Notice::Submitted { submission, client, model, .. } => {
                return self.submit(*submission, *client, *model);
            }
            Notice::ModelRevealed { submission, client, position, model, key, .. } => {
                let is_next = *position as usize == self.revealed.len();
                self.revealed.push(*submission);
                self.keys = Digest::of(&[self.keys.0, key.0].concat());
                let Some(entry) = self.submissions.get_mut(submission) else {
                    return ruling(format!("submission {submission} was never made"));
                };
                entry.model = Some(*model);
                let SubmittedModel::Sealed(sealed) = entry.submitted else {
                    return ruling("a model is revealed that was not sealed");
                };
                let opening = (self.id.0, *client, sealed.commitment);
                return check_opening(context, command, opening, (*key, *model, is_next));
            }
            Notice::HoldOutRevealed { hold_out, key, .. } => {
                self.hold_out = Some(*hold_out);
                self.keys = Digest::of(&[self.keys.0, key.0].concat());
                let Sealing::Sealed { hold_out: sealed, .. } = self.terms.sealing else {
                    return ruling("a hold-out is revealed that was not sealed");
                };
                let opening = (self.salt, self.sponsor, sealed.commitment);
                return check_opening(context, command, opening, (*key, *hold_out, true));
            }
            Notice::SubmissionDecided { submission, verdict, .. } => {
                return self.decide(*submission, verdict);
            }
            Notice::Compared { best, other, best_better, other_better, separated, .. } => {
                let [best, other, best_better, other_better] =
                    [*best, *other, *best_better, *other_better];
                let separated = *separated;
                let told = Comparison { best, other, best_better, other_better, separated };
                self.compared.push(told);
            }
            Notice::JobDecided { decision, .. } => {
                self.accused.clear();
                self.outcome = Some((decision.outcome, decision.winner));
                return self.check_outcome(decision.outcome);
            }
            other => return self.seat_notice(context, command, other),
        }
        Ok(())
    }

    fn submit(&mut self, number: u32, client: Address, submitted: SubmittedModel) -> Checked {
        let next = std::mem::replace(&mut self.submitted, number.saturating_add(1));
        self.commitments = Digest::of(&[self.commitments.0, submitted.commitment().0].concat());
        let model = match submitted {
            SubmittedModel::Open { model, .. } => Some(model),
            SubmittedModel::Sealed(_) => None,
        };
        let (found, scores) = (None, None);
        let (is_decided, is_acceptable) = (false, false);
        let entry = Entry { client, submitted, model, found, scores, is_decided, is_acceptable };
        self.submissions.insert(number, entry);
        if number == next {
            return Ok(());
        }
        ruling(format!("submission {number} of job {} comes after {next}", self.id))
    }

    fn decide(&mut self, number: u32, verdict: &Ruling) -> Checked {
        let (id, base, terms) = (self.id, self.base, self.terms.clone());
        let earlier = self.submissions.range(..number);
        let is_first = earlier.filter(|(_, entry)| !entry.is_decided).count() == 0;
        let Some(entry) = self.submissions.get_mut(&number) else {
            return ruling(format!("submission {number} was never made"));
        };
        let told = entry.found.is_some().then_some(entry.scores);
        entry.is_decided = true;
        entry.scores = entry.scores.or(verdict.scores);
        let reason = verdict.reason.split(':').next().unwrap_or_default();
        let unmet = verdict.scores.zip(base).map(|(scores, base)| unmet(&terms, base, scores));
        let may_win = verdict.accepted || reason == "Outranked";
        entry.is_acceptable = unmet == Some(None) && may_win;
        let is_ruled_by_terms = match unmet {
            _ if verdict.accepted != verdict.reason.is_empty() => false,
            Some(None) => !UNMET.contains(&reason),
            Some(Some(unmet)) => reason == unmet,
            None => !verdict.accepted && !UNMET.contains(&reason),
        };
        if verdict.accepted {
            self.payouts += 1;
            let scores =
                verdict.scores.unwrap_or(Scores { score: Score(0), threshold_score: Score(0) });
            if self.best.is_none_or(|(_, best)| scores.score > best.score) {
                self.best = Some((number, scores));
            }
        }
        if !verdict.accepted && !entry.is_acceptable {
            self.submissions.remove(&number);
        }
        if told.is_some_and(|told| told != verdict.scores) {
            return ruling(format!("submission {number} of job {id} is decided by other scores"));
        }
        if !is_ruled_by_terms {
            let word = if verdict.accepted { "accepted" } else { reason };
            let sentence = format!("submission {number} of job {id} is decided against its terms");
            let expected = unmet.flatten().unwrap_or("acceptable").to_owned();
            let wrong = Divergence::new(DivergenceKind::Ruling, sentence);
            return Err(wrong.between(Some(expected), Some(word.to_owned())).into());
        }
        match terms.award {
            Award::Rewards { .. } if verdict.accepted && !is_first => {
                ruling(format!("job {id} pays submission {number} before earlier commitments"))
            }
            Award::Prize { .. } if verdict.accepted => match self.outcome {
                Some((Outcome::Won, Some(winner))) if winner == number => Ok(()),
                _ => ruling(format!("job {id} pays its prize to another than the winner")),
            },
            _ => Ok(()),
        }
    }

    fn check_outcome(&self, outcome: Outcome) -> Checked {
        let (submitted, revealed) = (self.submitted > 0, !self.revealed.is_empty());
        let is_prize = matches!(self.terms.award, Award::Prize { .. });
        let is_possible = match outcome {
            Outcome::Cancelled | Outcome::Returned => true,
            Outcome::NobodySubmitted => self.submissions.values().all(|entry| entry.is_decided),
            Outcome::NobodyRevealed => !revealed,
            Outcome::SponsorFailed => revealed && self.base.is_none(),
            Outcome::NoWinner => self.payouts == 0,
            Outcome::Won => is_prize || self.payouts > 0,
        };
        if is_possible && !(outcome == Outcome::Cancelled && submitted) {
            return Ok(());
        }
        ruling(format!("job {} ends as \"{outcome}\", which is not what happened", self.id))
    }

    /// Checks a job's end: its comparisons, the winner of a prize, and the reported winner.
    fn check_end(&self, payouts: u32, winner: Option<u32>) -> Checked {
        if self.is_disputed {
            return Ok(());
        }
        if (payouts, winner) != (self.payouts, self.best.map(|(winner, _)| winner)) {
            return ruling(format!("job {} ends with another winner than it paid", self.id));
        }
        let Award::Prize { significance: Score(level), .. } = self.terms.award else {
            return Ok(());
        };
        for told in &self.compared {
            let Some((best_better, other_better)) = self.against(told.best, told.other) else {
                continue;
            };
            let separated = separated(best_better, other_better, level);
            let ours = Comparison { best_better, other_better, separated, ..*told };
            if ours != *told {
                let sentence = format!("job {} compares two models otherwise", self.id);
                let both = (Some(format!("{ours:?}")), Some(format!("{told:?}")));
                return Err(Divergence::new(DivergenceKind::Ruling, sentence)
                    .between(both.0, both.1)
                    .into());
            }
        }
        let Some((Outcome::Won | Outcome::NoWinner, told)) = self.outcome else { return Ok(()) };
        let Ok(ours) = self.winner(level) else { return Ok(()) };
        if ours == told {
            return Ok(());
        }
        let shown = |winner: Option<u32>| winner.map_or("nobody".to_owned(), |of| of.to_string());
        let sentence = format!("the prize of job {} goes to another submission", self.id);
        let wrong = Divergence::new(DivergenceKind::Ruling, sentence);
        Err(wrong.between(Some(shown(ours)), Some(shown(told))).into())
    }

    /// The earliest commitment that the exact test cannot distinguish from the best.
    ///
    /// - Errors: results are unknown because of another fault
    fn winner(&self, level: u32) -> Result<Option<u32>, Unknown> {
        let acceptable = self.submissions.iter().filter(|(_, entry)| entry.is_acceptable);
        let scored = acceptable.filter_map(|(number, entry)| Some((entry.scores?.score, *number)));
        let by_rank = |(score, number): &(Score, u32)| (*score, std::cmp::Reverse(*number));
        let Some((_, best)) = scored.clone().max_by_key(by_rank) else { return Ok(None) };
        for (_, earlier) in scored.filter(|(_, number)| *number < best) {
            let (better, worse) = self.against(best, earlier).ok_or(Unknown)?;
            if !separated(better, worse, level) {
                return Ok(Some(earlier));
            }
        }
        Ok(Some(best))
    }

    fn against(&self, best: u32, other: u32) -> Option<(u32, u32)> {
        self.results.get(&best)?.against(self.results.get(&other)?)
    }

    /// The call that records the winner in the registry, if there is one; its bytes, unless the job
    /// is disputed.
    fn record(&self, registry: Address) -> Option<Option<Bytes>> {
        if self.is_disputed {
            return Some(None);
        }
        let (winner, scores) = self.best?;
        let (job, sponsor, hold_out) = (self.id, self.sponsor, self.hold_out?);
        let model = self.submissions.get(&winner)?.model?;
        let effect = Effect::Record { job, sponsor, model, scores, hold_out };
        Some(Some(wire::output(&effect, registry).encode().into()))
    }
}

/// Results of some models are unknown.
struct Unknown;

/// The refusal reasons that follow from scores and terms alone.
const UNMET: [&str; 3] = ["ScoreTooLow", "GainTooSmall", "ThresholdNotMet"];

/// The first requirement of the terms that the scores do not meet.
fn unmet(terms: &Terms, base: Scores, scores: Scores) -> Option<&'static str> {
    let offer = &terms.offer;
    let gain = scores.score.0.saturating_sub(base.score.0);
    let unmet = [
        scores.score < offer.min_score,
        gain < offer.min_gain.0,
        scores.threshold_score < offer.threshold.min_score,
    ];
    UNMET.into_iter().zip(unmet).find(|(_, is_unmet)| *is_unmet).map(|(reason, _)| reason)
}

/// Checks that a key opens the commitment, by the command that revealed it.
fn check_opening(
    context: &Context,
    command: Option<&Command>,
    (scope, sender, commitment): ([u8; 32], Address, Digest),
    (told_key, told_plain, is_next): (Digest, BlobRef, bool),
) -> Checked {
    let Some(Command::Reveal { key, salt, plaintext, .. }) = command else {
        return ruling("a key is revealed by another command");
    };
    let opening = Opening { key: *key, salt: *salt, plain: *plaintext };
    let (chain_id, app) = (context.chain_id, context.app.0);
    let binding = Binding { chain_id, app, scope, sender: sender.0 };
    let is_committed = opening.check(&binding, commitment).is_ok();
    if is_next && is_committed && (told_key.0, told_plain) == (*key, *plaintext) {
        return Ok(());
    }
    ruling("a key opens something else than was committed to")
}

fn ruling<T>(sentence: impl std::fmt::Display) -> Checked<T> {
    Err(Divergence::new(DivergenceKind::Ruling, sentence).into())
}
