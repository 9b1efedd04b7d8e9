//! `deml job show`: one job's choices in words, its windows, and the maximum cost of entering it.

use std::fmt;

use anyhow::Result;
use clap::Args;
use client::{
    jobs::JobRef,
    printer::{ExitStatus, one_line},
    quantity::{count, date_until, duration, percent},
    session::{Currency, Session},
    words,
};
use market::{
    Amount, Award, Evaluators, JobId, Score, Sealing, Settings, SubmissionStake, Terms, Timestamp,
    Unmet,
};
use serde::Serialize;
use wire::{JobList, JobView, Query, QuoteView, SubmissionStateView, SubmissionView};

use crate::{
    commands::job::{evaluate, list::title, open::fmt_stake},
    config::Config,
    effort::Speed,
    terms::{output_text, scores_text},
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
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    settings: Settings,
    #[serde(skip)]
    pub(crate) now: Timestamp,
}

/// Shows a job.
///
/// - Errors: `NotFound`; its name is not the hash of its terms
pub async fn run(config: &Config, show: Show) -> Result<ExitStatus> {
    let shown = self::show(&config.session()?, show.job, show.submissions).await?;
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
    Ok(Shown { job, submission_stake, show_stake, submission_list, currency, settings, now })
}

/// All submissions of a job that the market still stores, page by page.
pub async fn submissions(session: &Session, job: JobId) -> Result<Vec<SubmissionView>> {
    session.all(|paging| Query::List(job.into(), JobList::Submissions, paging)).await
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = &self.job;
        writeln!(out, "job {}: {} ({})", job.number, title(&job.terms.title), job.stage)?;
        writeln!(out, "  name        {}", job.job)?;
        writeln!(out, "  sponsor     {}", job.sponsor)?;
        self.fmt_choices(out)?;
        self.fmt_windows(out)?;
        self.fmt_costs(out)?;
        self.fmt_progress(out)?;
        for submission in self.submission_list.iter().flatten() {
            write!(out, "\n  {}", line(submission))?;
        }
        Ok(())
    }
}

impl Shown {
    fn fmt_choices(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, currency, .. } = self;
        let Terms { offer, places, .. } = &job.terms;
        match job.terms.award {
            Award::Rewards { reward, count: rewards } => {
                let (each, models) = (currency.show(reward), count(rewards.into(), "model"));
                let left = job.rewards_left;
                writeln!(out, "  award       {each} for each of {models}, {left} left")?;
            }
            Award::Prize { prize, significance, unmet } => {
                let (prize, told) = (currency.show(prize), percent(significance));
                let unmet = match unmet {
                    Unmet::Return => "goes back to the sponsor",
                    Unmet::Share => "is shared by all who revealed",
                };
                writeln!(
                    out,
                    "  award       {prize} for the best model; if none is accepted it {unmet}"
                )?;
                writeln!(
                    out,
                    "              of models that chance would tell apart more often than"
                )?;
                writeln!(out, "              {told}, the earliest commitment wins")?;
            }
        }
        writeln!(
            out,
            "  rules       {}: at least {}, {} better than the base model{}",
            offer.metric,
            percent(offer.min_score),
            points(offer.min_gain),
            match offer.metric.is_regression() {
                true => String::new(),
                false => format!(", worst class {}", percent(offer.min_worst_class)),
            }
        )?;
        // While the hold-out is sealed, the base model's score is that on the public slice.
        if let Some(base) = job.base.filter(|_| !job.terms.sealing.is_sealed()) {
            let gained = Score(base.score.0.saturating_add(offer.min_gain.0));
            let reach = percent(gained.max(offer.min_score));
            writeln!(out, "              so a model must reach {reach}")?;
        }
        if !offer.metric.is_regression() {
            writeln!(out, "  output      {}", output_text(offer.output))?;
        }
        let (bytes, work, inputs) = (offer.max_model_bytes, offer.max_work, offer.max_inputs);
        let seconds = Speed::MEASURED.most_seconds(work);
        writeln!(out, "  limits      {bytes} bytes, {}", count(inputs.into(), "input"))?;
        writeln!(out, "              {work} instructions, at most {seconds:.1} s of a machine")?;
        self.fmt_secrecy(out)?;
        let base = job
            .base
            .map_or_else(|| "not scored yet".to_owned(), |base| scores_text(offer.metric, base));
        writeln!(out, "  base model  {} ({base})", offer.base_model.cid())?;
        let (hold_out, rows) = (job.terms.sealing.published_hold_out().cid(), offer.rows);
        writeln!(out, "  hold-out    {hold_out}, {}", count(rows.into(), "row"))?;
        if let Some(board) = offer.board {
            let (slice, quota, step) = (board.public_slice.cid(), board.quota, board.ladder_step);
            writeln!(out, "  board       on {slice}; {quota} models an account,")?;
            writeln!(out, "              which must beat what it shows by {}", percent(step))?;
        }
        writeln!(out, "  places      {}, {} taken", places, job.places_taken)
    }

    fn fmt_secrecy(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, currency, .. } = self;
        match job.terms.sealing {
            Sealing::Open { .. } => {
                writeln!(out, "  open        the hold-out is public: models can be trained on it")?;
            }
            Sealing::Sealed { reveal_seconds, sponsor_bond, .. } => {
                let (keys, bond) = (duration(reveal_seconds.into()), currency.show(sponsor_bond));
                writeln!(out, "  sealed      until the close; then keys are taken for {keys};")?;
                writeln!(
                    out,
                    "              the sponsor loses {bond} and the award if it is silent"
                )?;
            }
        }
        match job.terms.evaluators {
            Evaluators::Machine => writeln!(out, "  evaluators  the machine"),
            Evaluators::Miners(miners) => {
                let show = |amount| currency.show(amount);
                let seats = count(miners.seats.into(), "drawn miner");
                let judge = match miners.sample_rows {
                    0 => "the machine is judge".to_owned(),
                    rows => format!("the machine checks {}", count(rows.into(), "drawn row")),
                };
                writeln!(out, "  evaluators  {seats}, {judge}; bond {},", show(miners.bond))?;
                let (pool, buy_in) = (show(miners.pool), show(miners.buy_in));
                writeln!(out, "              fees {pool} and {buy_in} of each submission")
            }
        }
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

    fn fmt_windows(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, moment) in self.dates() {
            writeln!(out, "  {name:<11} {}", date_until(moment, self.now))?;
        }
        Ok(())
    }

    fn fmt_costs(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, currency, submission_stake, show_stake, settings, .. } = self;
        let SubmissionStake { work, bond, buy_in } = *submission_stake;
        let show = |amount| currency.show(amount);
        let total = submission_stake.total().map_or_else(|_| "too much".to_owned(), show);
        writeln!(out, "  submitting  takes {total} at most, for the largest model:")?;
        writeln!(out, "    work        {}, what is not used comes back", show(work))?;
        if bond != Amount::ZERO {
            let when = if job.terms.sealing.is_sealed() { "revealed in time" } else { "whole" };
            writeln!(out, "    place bond  {}, back once the model is {when}", show(bond))?;
        }
        if buy_in != Amount::ZERO {
            writeln!(out, "    buy-in      {}, for the miners", show(buy_in))?;
        }
        if let Some(stake) = show_stake {
            writeln!(out, "  showing     takes {} at most", show(*stake))?;
        }
        let window = settings.evaluation_window(job.terms.evaluation_work(settings));
        writeln!(out, "  evaluating  has {} for one model", duration(window))
    }

    fn fmt_progress(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, currency, .. } = self;
        write!(out, "  escrow      of the sponsor's stake")?;
        fmt_stake(out, &job.stake, currency)?;
        let submitted = count(job.submitted.into(), "model");
        write!(out, "\n  submitted   {submitted}, {} paid", job.payouts)?;
        if job.terms.sealing.is_sealed() {
            write!(out, ", {} revealed", job.revealed)?;
        }
        if job.terms.miners().is_some() {
            write!(out, "; {} enlisted", count(job.enlisted.into(), "miner"))?;
        }
        if let Some(best) = &job.best {
            let score = percent(best.scores.score);
            write!(out, "\n  best        submission {} with {score}", best.submission)?;
        }
        for evaluation in &job.evaluations {
            let (target, step, rows) = (evaluation.target, evaluation.step, evaluation.rows);
            let what = evaluate::name(target);
            write!(out, "\n  under way   {what}, at step {step} with {rows} rows")?;
        }
        if let Some(decision) = &job.decision {
            write!(out, "\n  decided     {}", decision.outcome)?;
            if let Some(winner) = decision.winner {
                let prize = currency.show(decision.prize);
                write!(out, ": submission {winner} takes {prize}")?;
            }
        }
        if let Some(why) = &job.refusal {
            write!(out, "\n  never open  {}", one_line(&words::sentence(why)))?;
        }
        Ok(())
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
