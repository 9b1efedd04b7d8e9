//! Looking at jobs: the list, one job's choices in words, its board and who stands where.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use anyhow::Result;
use market::{
    Amount, Asset, Award, Evaluators, JobId, Sealing, Settings, SubmissionStake, Terms, Timestamp,
    Unmet,
};
use serde::Serialize;
use wire::{
    BoardLineView, JobList, JobView, Page, Paging, Query, QuoteView, RankView, SubmissionStateView,
    SubmissionView,
};

use super::{evaluate, job_open::fmt_stake};
use crate::{
    args,
    jobs::JobRef,
    quantity::{count, duration, percent, until},
    session::{Currency, Session},
    talk::one_line,
};

/// Jobs, the oldest first.
#[derive(Clone, Debug, Serialize)]
pub struct Jobs {
    /// The market's answer.
    #[serde(flatten)]
    pub page: Page<JobView>,
    #[serde(skip)]
    currencies: BTreeMap<Asset, Currency>,
    #[serde(skip)]
    now: Timestamp,
}

/// Asks the market for its jobs.
///
/// - Errors: the name of one is not the hash of its terms
pub async fn list(session: &Session, page: &args::JobList) -> Result<Jobs> {
    let paging = Paging { from: page.from, limit: page.limit };
    let page: Page<JobView> = session.ask(&Query::Jobs(paging)).await?;
    let mut currencies = BTreeMap::new();
    for job in &page.items {
        session.check_name(job).await?;
        if let Entry::Vacant(place) = currencies.entry(job.terms.asset) {
            place.insert(session.currency(job.terms.asset).await);
        }
    }
    Ok(Jobs { page, currencies, now: session.now().await? })
}

impl fmt::Display for Jobs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.page.items.last() else {
            return out.write_str("no jobs here; open one with `deml job open`");
        };
        write!(
            out,
            "{:>5}  {:<10}  {:<10}  {:<24}  {:<19}  {:>10}  {:>24}  {:>9}  closes",
            "job", "name", "stage", "title", "metric", "base", "award", "submitted"
        )?;
        for JobView { job, number, stage, terms, base, submitted, windows, .. } in &self.page.items
        {
            let base = base.map_or_else(|| "-".to_owned(), |base| percent(base.score));
            let award = self.currencies.get(&terms.asset).map(|money| award(&terms.award, money));
            write!(
                out,
                "\n{number:>5}  {:<10}  {:<10}  {:<24}  {:<19}  {base:>10}  {:>24}  \
                 {submitted:>9}  {}",
                &job.to_string()[..10],
                stage.to_string(),
                title(&terms.title),
                terms.offer.metric.to_string(),
                award.unwrap_or_default(),
                until(windows.close, self.now)
            )?;
        }
        if self.page.items.len() as u64 == self.page.limit {
            write!(out, "\ngo on with --from {}", u64::from(last.number) + 1)?;
        }
        Ok(())
    }
}

/// What is paid, in short.
fn award(award: &Award, currency: &Currency) -> String {
    match award {
        Award::Rewards { reward, count } => format!("{count} × {}", currency.show(*reward)),
        Award::Prize { prize, .. } => format!("{} prize", currency.show(*prize)),
    }
}

/// One job, with its submissions when asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The job.
    #[serde(flatten)]
    pub job: JobView,
    /// What a submission of the largest model moves to escrow.
    pub submission_stake: SubmissionStake,
    /// What showing a model moves to escrow; `None` if there is no board.
    pub show_stake: Option<Amount>,
    /// Its submissions, the oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_list: Option<Vec<SubmissionView>>,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    settings: Settings,
    #[serde(skip)]
    now: Timestamp,
}

/// Asks the market for one job, and computes what entering it costs at most.
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

/// All submissions of a job that the market still has, page by page.
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
        self.fmt_course(out)?;
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
            "  rules       {}: at least {}, {} better than the base model, worst class {}",
            offer.metric,
            percent(offer.min_score),
            percent(offer.min_gain),
            percent(offer.min_worst_class)
        )?;
        let (bytes, work, inputs) = (offer.max_model_bytes, offer.max_work, offer.max_inputs);
        writeln!(out, "  limits      {bytes} bytes, {work} instructions, {inputs} inputs")?;
        self.fmt_secrecy(out)?;
        let base = job.base.map_or_else(
            || "not scored yet".to_owned(),
            |base| format!("{}, worst class {}", percent(base.score), percent(base.worst_class)),
        );
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

    fn fmt_windows(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JobView { opened, windows, last_date, .. } = &self.job;
        let reveal_until = (windows.reveal_until != windows.close).then_some(windows.reveal_until);
        let times = [
            ("opened", Some(*opened)),
            ("closes", Some(windows.close)),
            ("keys until", reveal_until),
            ("attesting", windows.attest_until),
            ("attested", windows.attestations_until),
            ("last date", Some(*last_date)),
        ];
        for (name, moment) in times {
            if let Some(moment) = moment {
                writeln!(out, "  {name:<11} {moment} ({})", until(moment, self.now))?;
            }
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

    fn fmt_course(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            write!(out, "\n  never open  {}", one_line(&why.message))?;
        }
        Ok(())
    }
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
    let why = submission.refusal.as_ref().map(|why| format!(": {}", one_line(&why.message)));
    let published = submission.submitted.published().cid();
    format!(
        "{:>5}  {}  {score:>10}  {}  {state}{}",
        submission.submission,
        submission.client,
        submission.model.map_or(published, |model| model.cid()),
        why.unwrap_or_default()
    )
}

/// What was shown on the public slice, the best first.
#[derive(Clone, Debug, Serialize)]
pub struct Board {
    /// The job.
    pub job: JobId,
    /// The board.
    pub board: Vec<BoardLineView>,
}

/// Asks the market for a job's public board.
pub async fn board(session: &Session, job: impl Into<JobRef>) -> Result<Board> {
    let job = session.job(job).await?.job;
    let board = session.all(|paging| Query::List(job.into(), JobList::Board, paging)).await?;
    Ok(Board { job, board })
}

impl fmt::Display for Board {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "shown for job {}", self.job)?;
        for BoardLineView { rank, submission, client, score } in &self.board {
            let score = percent(*score);
            write!(out, "\n  {rank:>3}. {score:>10}  submission {submission:<4} {client}")?;
        }
        Ok(())
    }
}

/// Submissions by their scores on the hold-out, the best first.
#[derive(Clone, Debug, Serialize)]
pub struct Leaderboard {
    /// The job.
    pub job: JobId,
    /// The ranking; what does not count comes last.
    pub ranking: Vec<RankView>,
}

/// Asks the market who stands where.
pub async fn leaderboard(session: &Session, job: impl Into<JobRef>) -> Result<Leaderboard> {
    let job = session.job(job).await?.job;
    let ranking =
        session.all(|paging| Query::List(job.into(), JobList::Leaderboard, paging)).await?;
    Ok(Leaderboard { job, ranking })
}

impl fmt::Display for Leaderboard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ranking of job {}", self.job)?;
        for RankView { rank, submission, client, scores, refusal } in &self.ranking {
            let rank = rank.map_or_else(|| " out".to_owned(), |rank| format!("{rank:>3}."));
            let score = scores.map_or_else(|| "-".to_owned(), |scores| percent(scores.score));
            write!(out, "\n  {rank} {score:>10}  submission {submission:<4} {client}")?;
            if let Some(why) = refusal {
                write!(out, ": {}", one_line(&why.message))?;
            }
        }
        Ok(())
    }
}

/// A title without its padding.
#[must_use]
pub fn title(title: &[u8; 32]) -> String {
    let text = String::from_utf8_lossy(title);
    let text = one_line(text.trim_end_matches('\0'));
    if text.is_empty() { "(no title)".to_owned() } else { text.into_owned() }
}
