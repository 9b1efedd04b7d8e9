//! Looking at jobs: list and show.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use anyhow::Result;
use market::{Amount, Asset, JobId, Metric, Stage, Timestamp};
use serde::Serialize;
use wire::{
    AnyJobView, CompetitionView, JobView, MarksView, Page, Paging, Query, SubmissionStateView,
    SubmissionView, Text as _,
};

use crate::{
    args,
    quantity::{count, percent, until},
    session::{Currency, Session},
};

/// Jobs, the oldest first.
#[derive(Clone, Debug, Serialize)]
pub struct Jobs {
    /// The market's answer.
    #[serde(flatten)]
    pub page: Page<AnyJobView>,
    #[serde(skip)]
    currencies: BTreeMap<Asset, Currency>,
    #[serde(skip)]
    now: Timestamp,
}

/// Asks the market for its jobs.
pub async fn list(session: &Session, page: &args::JobList) -> Result<Jobs> {
    let paging = Paging { offset: page.offset, limit: page.limit };
    let page: Page<AnyJobView> = session.ask(&Query::Jobs(paging)).await?;
    let mut currencies = BTreeMap::new();
    for asset in page.items.iter().map(|job| Line::of(job).asset) {
        if let Entry::Vacant(place) = currencies.entry(asset) {
            place.insert(session.currency(asset).await);
        }
    }
    Ok(Jobs { page, currencies, now: session.now().await? })
}

impl fmt::Display for Jobs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.page.items.is_empty() {
            return out.write_str("no jobs here; open one with `deml job open`");
        }
        write!(
            out,
            "{:>5}  {:<10}  {:<24}  {:<19}  {:>10}  {:>20}  {:>9}  deadline",
            "job", "stage", "title", "metric", "base", "reward", "left"
        )?;
        for line in self.page.items.iter().map(Line::of) {
            let reward = self.currencies.get(&line.asset).map(|money| money.show(line.reward));
            let base = line.base.map_or_else(|| "-".to_owned(), |base| percent(base.score));
            write!(
                out,
                "\n{:>5}  {:<10}  {:<24}  {:<19}  {base:>10}  {:>20}  {:>9}  {}",
                line.job.0,
                line.stage.to_string(),
                title(line.title),
                line.metric.write(),
                reward.unwrap_or_default(),
                line.left,
                until(line.deadline, self.now)
            )?;
        }
        let shown = self.page.offset + self.page.items.len() as u64;
        match self.page.total {
            Some(total) if total > shown => {
                write!(out, "\n{shown} of {total}; go on with --offset {shown}")
            }
            _ => Ok(()),
        }
    }
}

/// What the list shows of a job of either kind.
struct Line<'a> {
    job: JobId,
    stage: Stage,
    title: &'a [u8; 32],
    metric: Metric,
    base: Option<MarksView>,
    asset: Asset,
    reward: Amount,
    left: String,
    deadline: Timestamp,
}

impl<'a> Line<'a> {
    fn of(job: &'a AnyJobView) -> Self {
        match job {
            AnyJobView::Bounty(view) => {
                let JobView { job, stage, terms, base, rewards_left, .. } = &**view;
                Self {
                    job: *job,
                    stage: *stage,
                    title: &terms.title,
                    metric: terms.metric,
                    base: *base,
                    asset: terms.asset,
                    reward: terms.reward,
                    left: format!("{rewards_left}/{}", terms.rewards),
                    deadline: terms.deadline,
                }
            }
            AnyJobView::Competition(view) => {
                let CompetitionView { job, stage, terms, base, entries, .. } = &**view;
                Self {
                    job: *job,
                    stage: *stage,
                    title: &terms.title,
                    metric: terms.metric,
                    base: *base,
                    asset: terms.asset,
                    reward: terms.prize,
                    left: format!("{entries} in"),
                    deadline: view.stage_deadline,
                }
            }
        }
    }
}

/// One job, with its submissions when asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The job.
    #[serde(flatten)]
    pub job: JobView,
    /// Its submissions, the oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_list: Option<Vec<SubmissionView>>,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    now: Timestamp,
}

/// Asks the market for one job.
///
/// - Errors: `NotFound`
pub async fn show(session: &Session, job: JobId, with_submissions: bool) -> Result<Shown> {
    let view = session.job(job).await?;
    let currency = session.currency(view.terms.asset).await;
    let submission_list =
        if with_submissions { Some(submissions(session, job).await?) } else { None };
    Ok(Shown { job: view, submission_list, currency, now: session.now().await? })
}

/// All submissions of a job, page by page.
pub async fn submissions(session: &Session, job: JobId) -> Result<Vec<SubmissionView>> {
    session.all(|paging| Query::Submissions(job, paging)).await
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, currency, .. } = self;
        let terms = &job.terms;
        writeln!(out, "job {}: {} ({})", job.job, title(&terms.title), job.stage)?;
        writeln!(out, "  sponsor     {}", job.sponsor)?;
        writeln!(
            out,
            "  reward      {} for each of {}, {} left, {} in escrow",
            currency.show(terms.reward),
            count(terms.rewards.into(), "model"),
            job.rewards_left,
            currency.show(job.escrow)
        )?;
        writeln!(out, "  deadline    {} ({})", terms.deadline, until(terms.deadline, self.now))?;
        writeln!(
            out,
            "  rules       {}: at least {}, {} better than the base model, worst class {}",
            terms.metric.write(),
            percent(terms.min_score),
            percent(terms.min_gain),
            percent(terms.min_worst_class)
        )?;
        writeln!(
            out,
            "  limits      {} bytes, {} instructions",
            terms.max_model_bytes, terms.max_work
        )?;
        let base = job.base.map_or_else(
            || "not scored yet".to_owned(),
            |base| format!("{}, worst class {}", percent(base.score), percent(base.worst_class)),
        );
        writeln!(out, "  base model  {} ({base})", terms.base_model.cid())?;
        writeln!(out, "  hold-out    {}", terms.hold_out.cid())?;
        if job.hold_out_is_public {
            writeln!(out, "              its rows are public: models can be trained on them")?;
        }
        if let Some(best) = job.best {
            let score = percent(best.marks.score);
            writeln!(out, "  best        submission {} with {score}", best.submission)?;
        }
        if let Some(progress) = job.progress {
            let (rows, of) = (progress.rows, progress.of);
            writeln!(out, "  evaluating  row {rows} of {of}; go on with `deml job evaluate`")?;
        }
        let waiting =
            if job.pending == 0 { String::new() } else { format!(", {} wait", job.pending) };
        let submitted = count(job.submissions.into(), "model");
        write!(out, "  submitted   {submitted}, {} paid{waiting}", job.payouts)?;
        for submission in self.submission_list.iter().flatten() {
            write!(out, "\n  {}", line(submission))?;
        }
        Ok(())
    }
}

fn line(submission: &SubmissionView) -> String {
    let state = match submission.state {
        SubmissionStateView::Expecting => "bytes awaited",
        SubmissionStateView::Queued => "waits",
        SubmissionStateView::Accepted => "paid",
        SubmissionStateView::Refused => "refused",
    };
    let score = submission.marks.map_or_else(|| "-".to_owned(), |marks| percent(marks.score));
    let why = submission.refusal.as_ref().map(|why| format!(": {}", why.message));
    format!(
        "{:>5}  {}  {score:>10}  {}  {state}{}",
        submission.submission,
        submission.client,
        submission.model.cid(),
        why.unwrap_or_default()
    )
}

/// A title without its padding.
#[must_use]
pub fn title(title: &[u8; 32]) -> String {
    let text = String::from_utf8_lossy(title);
    let text = text.trim_end_matches('\0');
    if text.is_empty() { "(no title)".to_owned() } else { text.to_owned() }
}
