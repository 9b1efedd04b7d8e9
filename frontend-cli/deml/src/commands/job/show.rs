//! `deml job show`: one job's choices in words, its windows, and the maximum cost of entering it.

use std::{fmt, time::Duration};

use anyhow::Result;
use clap::Args;
use client::{
    jobs::JobRef,
    printer::{ExitStatus, one_line},
    quantity::{count, date_until, duration, percent},
    session::{Currency, Session},
    words,
};
use drafts::{named, stake_items};
use market::{
    Amount, Award, Evaluators, JobId, Score, Sealing, Settings, SubmissionStake, Terms, Timestamp,
    Unmet,
};
use serde::Serialize;
use wire::{JobList, JobView, Query, QuoteView, SubmissionStateView, SubmissionView};

use crate::{
    commands::job::{evaluate, list::title},
    config::Config,
    effort::Speed,
    terms::{output_text, scores_text, threshold_text},
};

/// Arguments of `deml job show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job show 0 --submissions")]
pub struct Show {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Show its submissions too
    #[arg(long)]
    pub submissions: bool,
}

/// One job, with its submissions if requested.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The job.
    #[serde(flatten)]
    pub job: JobView,
    /// Stake for a submission of the largest allowed model.
    pub submission_stake: SubmissionStake,
    /// Stake for showing a model; `None` if there is no board.
    pub show_stake: Option<Amount>,
    /// Its submissions, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_list: Option<Vec<SubmissionView>>,
    /// The trainer that its base model names; `None` if the model was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trainer: Option<NamedTrainer>,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    settings: Settings,
    #[serde(skip)]
    pub(crate) now: Timestamp,
}

/// The trainer that a base model names: its CID as text, or null.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum NamedTrainer {
    /// This one, which is a stranger's program.
    Cid(String),
    /// None.
    None,
}

/// Time to wait for the base model, in which a trainer is named: the rest is known without it.
const TRAINER_PATIENCE: Duration = Duration::from_secs(5);

/// Shows a job.
///
/// - Errors: `NotFound`; its name is not the hash of its terms
pub async fn run(config: &Config, show: Show) -> Result<ExitStatus> {
    let session = config.session()?;
    let mut shown = self::show(&session, show.job, show.submissions).await?;
    shown.trainer = trainer(&session, &shown.job).await;
    config.printer.answer(&shown)?;
    Ok(ExitStatus::Done)
}

/// Queries one job, and computes the maximum cost of entering it.
///
/// - Errors: `NotFound`; its name is not the hash of its terms
pub async fn show(
    session: &Session,
    job: impl Into<JobRef>,
    with_submissions: bool,
) -> Result<Shown> {
    let job = session.job(job).await?;
    let QuoteView { settings, .. } = session.quote().await?;
    let terms = &job.terms;
    let published = terms.offer.max_model_bytes.saturating_add(terms.sealing.overhead());
    let submission_stake = terms.submission_stake(&settings, published)?;
    let show_stake = terms.offer.board.map(|_| terms.show_stake(&settings)).transpose()?;
    let currency = session.currency(terms.asset).await;
    let submission_list =
        if with_submissions { Some(submissions(session, job.job).await?) } else { None };
    let now = session.now().await?;
    let trainer = None;
    Ok(Shown {
        job,
        submission_stake,
        show_stake,
        submission_list,
        trainer,
        currency,
        settings,
        now,
    })
}

/// The trainer that a job's base model names, if the store has that model at hand.
async fn trainer(session: &Session, job: &JobView) -> Option<NamedTrainer> {
    let base = job.terms.offer.base_model;
    let base = session.store.get(base.cid(), base.size);
    let base = tokio::time::timeout(TRAINER_PATIENCE, base).await.ok()?.ok()?;
    Some(named::of(&base).map_or(NamedTrainer::None, NamedTrainer::Cid))
}

/// All submissions of a job that the market still stores, page by page.
pub async fn submissions(session: &Session, job: JobId) -> Result<Vec<SubmissionView>> {
    session.all(|paging| Query::List(job.into(), JobList::Submissions, paging)).await
}

/// What is told of a job under a name.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its text, as the lines that are printed.
    pub(crate) lines: Vec<String>,
    /// Columns before the name, and those that it takes.
    columns: [usize; 2],
}

impl Fact {
    /// Columns of a fact, of a part of the one before, and of an item of a stake.
    const WHOLE: [usize; 2] = [2, 12];
    const PART: [usize; 2] = [4, 12];
    const ITEM: [usize; 2] = [4, 14];

    fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, lines: vec![text.into()], columns: Self::WHOLE }
    }

    /// The same with one more line.
    fn line(mut self, text: impl Into<String>) -> Self {
        self.lines.push(text.into());
        self
    }

    fn part(self) -> Self {
        Self { columns: Self::PART, ..self }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [indent, width] = self.columns;
        let lines = self.lines.iter().enumerate();
        lines.into_iter().try_for_each(|(at, line)| {
            let name = if at == 0 { self.name } else { "" };
            write!(out, "\n{:indent$}{name:<width$}{line}", "")
        })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = &self.job;
        write!(out, "job {}: {} ({})", job.number, title(&job.terms.title), job.stage)?;
        write!(out, "{}{}", Fact::new("name", job.job.to_string()), self.sponsor())?;
        self.choices().iter().try_for_each(|fact| write!(out, "{fact}"))?;
        for (name, moment) in self.dates() {
            write!(out, "{}", Fact::new(name, date_until(moment, self.now).to_string()))?;
        }
        let rest = self.costs().into_iter().chain(self.progress());
        rest.into_iter().try_for_each(|fact| write!(out, "{fact}"))?;
        for submission in self.submission_list.iter().flatten() {
            write!(out, "\n  {}", line(submission))?;
        }
        Ok(())
    }
}

impl Shown {
    /// What is told of the job, without its dates and its submissions.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let terms = std::iter::once(self.sponsor()).chain(self.choices());
        terms.chain(self.costs()).chain(self.progress()).collect()
    }

    fn sponsor(&self) -> Fact {
        Fact::new("sponsor", self.job.sponsor.to_string())
    }

    fn choices(&self) -> Vec<Fact> {
        let job = &self.job;
        let Terms { offer, places, .. } = &job.terms;
        let mut facts = vec![self.award(), self.rules()];
        if !offer.metric.is_regression() {
            facts.push(Fact::new("output", output_text(offer.output)));
        }
        let (bytes, work, inputs) = (offer.max_model_bytes, offer.max_work, offer.max_inputs);
        let seconds = Speed::MEASURED.most_seconds(work);
        let limits = format!("{bytes} bytes, {}", count(inputs.into(), "input"));
        let machine = format!("{work} instructions, at most {seconds:.1} s of a machine");
        facts.push(Fact::new("limits", limits).line(machine));
        facts.extend(self.secrecy());
        let base = job
            .base
            .map_or_else(|| "not scored yet".to_owned(), |base| scores_text(offer.measure(), base));
        facts.push(Fact::new("base model", format!("{} ({base})", offer.base_model.cid())));
        facts.extend(match &self.trainer {
            Some(NamedTrainer::Cid(cid)) => Some(
                Fact::new("trainer", cid)
                    .line("a stranger's program: `deml train --trainer job` runs it in the box"),
            ),
            Some(NamedTrainer::None) => Some(Fact::new("trainer", "none is named")),
            None => None,
        });
        let (hold_out, rows) = (job.terms.sealing.published_hold_out().cid(), offer.rows);
        let rows = count(rows.into(), "row");
        facts.push(Fact::new("hold-out", format!("{hold_out}, {rows}")));
        if let Some(board) = offer.board {
            let (slice, quota, step) = (board.public_slice.cid(), board.quota, board.ladder_step);
            let board = Fact::new("board", format!("on {slice}; {quota} models an account,"));
            facts.push(board.line(format!("which must beat what it shows by {}", percent(step))));
        }
        facts.push(Fact::new("places", format!("{places}, {} taken", job.places_taken)));
        facts
    }

    fn award(&self) -> Fact {
        let Self { job, currency, .. } = self;
        match job.terms.award {
            Award::Rewards { reward, count: rewards } => {
                let (each, models) = (currency.show(reward), count(rewards.into(), "model"));
                let left = job.rewards_left;
                Fact::new("award", format!("{each} for each of {models}, {left} left"))
            }
            Award::Prize { prize, significance, unmet } => {
                let (prize, told) = (currency.show(prize), percent(significance));
                let unmet = match unmet {
                    Unmet::Return => "goes back to the sponsor",
                    Unmet::Share => "is shared by all who revealed",
                };
                let first = format!("{prize} for the best model; if none is accepted it {unmet}");
                Fact::new("award", first)
                    .line("of models that chance would tell apart more often than")
                    .line(format!("{told}, the earliest commitment wins"))
            }
        }
    }

    fn rules(&self) -> Fact {
        let Self { job, .. } = self;
        let offer = &job.terms.offer;
        let rules = Fact::new(
            "rules",
            format!(
                "{}: at least {}, {} better than the base model{}",
                offer.metric,
                percent(offer.min_score),
                points(offer.min_gain),
                threshold_text(offer.threshold),
            ),
        );
        // While the hold-out is sealed, the base model's score is that on the public slice.
        let Some(base) = job.base.filter(|_| !job.terms.sealing.is_sealed()) else { return rules };
        let gained = Score(base.score.0.saturating_add(offer.min_gain.0));
        let reach = percent(gained.max(offer.min_score));
        rules.line(format!("so a model must reach {reach}"))
    }

    fn secrecy(&self) -> [Fact; 2] {
        let Self { job, currency, .. } = self;
        let show = |amount| currency.show(amount);
        let sealing = match job.terms.sealing {
            Sealing::Open { .. } => {
                Fact::new("open", "the hold-out is public: models can be trained on it")
            }
            Sealing::Sealed { reveal_seconds, sponsor_bond, .. } => {
                let (keys, bond) = (duration(reveal_seconds.into()), show(sponsor_bond));
                Fact::new("sealed", format!("until the close; then keys are taken for {keys};"))
                    .line(format!("the sponsor loses {bond} and the award if it is silent"))
            }
        };
        let evaluators = match job.terms.evaluators {
            Evaluators::Machine => Fact::new("evaluators", "the machine"),
            Evaluators::Miners(miners) => {
                let seats = count(miners.seats.into(), "drawn miner");
                let judge = match miners.sample_rows {
                    0 => "the machine is judge".to_owned(),
                    rows => format!("the machine checks {}", count(rows.into(), "drawn row")),
                };
                let bond = show(miners.bond);
                let (pool, buy_in) = (show(miners.pool), show(miners.buy_in));
                Fact::new("evaluators", format!("{seats}, {judge}; bond {bond},"))
                    .line(format!("fees {pool} and {buy_in} of each submission"))
            }
        };
        [sealing, evaluators]
    }

    /// The job's dates that are known, each with its name, in order.
    pub(crate) fn dates(&self) -> Vec<(&'static str, Timestamp)> {
        let JobView { opened, windows, last_date, .. } = &self.job;
        let reveal_until = (windows.reveal_until != windows.close).then_some(windows.reveal_until);
        let dates = [
            ("opened", Some(*opened)),
            ("closes", Some(windows.close)),
            ("keys until", reveal_until),
            ("attesting", windows.attest_until),
            ("attested", windows.attestations_until),
            ("last date", Some(*last_date)),
        ];
        dates.into_iter().filter_map(|(name, moment)| Some((name, moment?))).collect()
    }

    fn costs(&self) -> Vec<Fact> {
        let Self { job, currency, submission_stake, show_stake, settings, .. } = self;
        let SubmissionStake { work, bond, buy_in } = *submission_stake;
        let show = |amount| currency.show(amount);
        let total = submission_stake.total().map_or_else(|_| "too much".to_owned(), show);
        let mut facts = vec![
            Fact::new("submitting", format!("takes {total} at most, for the largest model:")),
            Fact::new("work", format!("{}, what is not used comes back", show(work))).part(),
        ];
        if bond != Amount::ZERO {
            let when = if job.terms.sealing.is_sealed() { "revealed in time" } else { "whole" };
            let bond = format!("{}, back once the model is {when}", show(bond));
            facts.push(Fact::new("place bond", bond).part());
        }
        if buy_in != Amount::ZERO {
            facts.push(Fact::new("buy-in", format!("{}, for the miners", show(buy_in))).part());
        }
        if let Some(stake) = show_stake {
            facts.push(Fact::new("showing", format!("takes {} at most", show(*stake))));
        }
        let window = settings.evaluation_window(job.terms.evaluation_work(settings));
        facts.push(Fact::new("evaluating", format!("has {} for one model", duration(window))));
        facts
    }

    fn progress(&self) -> Vec<Fact> {
        let Self { job, currency, .. } = self;
        let mut facts = vec![Fact::new("escrow", "of the sponsor's stake")];
        let items = stake_items(&job.stake, currency).into_iter();
        let items = items.map(|(name, words)| Fact::new(name, words));
        facts.extend(items.map(|item| Fact { columns: Fact::ITEM, ..item }));
        let submitted = count(job.submitted.into(), "model");
        let mut submitted = format!("{submitted}, {} paid", job.payouts);
        if job.terms.sealing.is_sealed() {
            submitted += &format!(", {} revealed", job.revealed);
        }
        if job.terms.miners().is_some() {
            submitted += &format!("; {} enlisted", count(job.enlisted.into(), "miner"));
        }
        facts.push(Fact::new("submitted", submitted));
        if let Some(best) = &job.best {
            let score = percent(best.scores.score);
            facts.push(Fact::new("best", format!("submission {} with {score}", best.submission)));
        }
        for evaluation in &job.evaluations {
            let (target, step, rows) = (evaluation.target, evaluation.step, evaluation.rows);
            let what = evaluate::name(target);
            let words = format!("{what}, at step {step} with {rows} rows");
            facts.push(Fact::new("under way", words));
        }
        if let Some(decision) = &job.decision {
            let won = decision.winner.map(|winner| {
                format!(": submission {winner} takes {}", currency.show(decision.prize))
            });
            let words = format!("{}{}", decision.outcome, won.unwrap_or_default());
            facts.push(Fact::new("decided", words));
        }
        if let Some(why) = &job.refusal {
            facts.push(Fact::new("never open", one_line(&words::sentence(why))));
        }
        facts
    }
}

/// A difference of two scores.
fn points(gain: Score) -> String {
    percent(gain).replace(" %", " points")
}

fn line(submission: &SubmissionView) -> String {
    let state = match submission.state {
        SubmissionStateView::Expecting => "bytes awaited",
        SubmissionStateView::Sealed => "sealed",
        SubmissionStateView::Whole => "waits",
        SubmissionStateView::Accepted => "accepted",
        SubmissionStateView::Refused => "refused",
    };
    let score = submission.scores.map_or_else(|| "-".to_owned(), |scores| percent(scores.score));
    let why =
        submission.refusal.as_ref().map(|why| format!(": {}", one_line(&words::sentence(why))));
    let published = submission.submitted.published().cid();
    format!(
        "{:>5}  {}  {score:>10}  {}  {state}{}",
        submission.submission,
        submission.client,
        submission.model.map_or(published, |model| model.cid()),
        why.unwrap_or_default()
    )
}
