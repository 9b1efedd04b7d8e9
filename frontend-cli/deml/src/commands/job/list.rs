//! `deml job list`: jobs, oldest first.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use anyhow::Result;
use clap::Args;
use client::{
    columns::column,
    printer::{ExitStatus, one_line},
    quantity::{percent, until},
    session::{Currency, Session},
};
use market::{Asset, Award, Timestamp};
use serde::Serialize;
use wire::{JobView, Page, Paging, Query};

use crate::config::Config;

/// Arguments of `deml job list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job list --limit 10")]
pub struct List {
    /// Start at the job of this number
    #[arg(long, default_value_t = 0)]
    pub from: u64,
    /// Maximum of jobs to show, 100 or fewer
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub limit: u64,
    /// Only jobs with a reward for each model, or with one prize
    #[arg(long, value_name = "KIND")]
    pub award: Option<AwardKind>,
}

/// A kind of award.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AwardKind {
    /// A reward for each model that is good enough.
    Rewards,
    /// One prize for the best model: a competition.
    Prize,
}

impl AwardKind {
    const fn is_of(self, award: &Award) -> bool {
        matches!(
            (self, award),
            (Self::Rewards, Award::Rewards { .. }) | (Self::Prize, Award::Prize { .. })
        )
    }
}

/// Jobs, oldest first.
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

/// Lists jobs.
///
/// - Errors: a job's name is not the hash of its terms
pub async fn run(config: &Config, list: List) -> Result<ExitStatus> {
    config.printer.answer(&self::list(&config.session()?, &list).await?)?;
    Ok(ExitStatus::Done)
}

/// Queries the market's jobs.
///
/// - Errors: a job's name is not the hash of its terms
pub async fn list(session: &Session, page: &List) -> Result<Jobs> {
    let page = found(session, page).await?;
    let mut currencies = BTreeMap::new();
    for job in &page.items {
        session.check_name(job).await?;
        if let Entry::Vacant(entry) = currencies.entry(job.terms.asset) {
            entry.insert(session.currency(job.terms.asset).await);
        }
    }
    Ok(Jobs { page, currencies, now: session.now().await? })
}

/// Jobs of the kind asked for, read on until there are enough.
async fn found(session: &Session, wanted: &List) -> Result<Page<JobView>> {
    let List { mut from, limit, award } = *wanted;
    let mut items = Vec::new();
    loop {
        let page: Page<JobView> = session.ask(&Query::Jobs(Paging { from, limit })).await?;
        let next = page.items.last().map(|last| u64::from(last.number) + 1);
        let is_last = (page.items.len() as u64) < limit;
        let of_kind = |job: &JobView| award.is_none_or(|kind| kind.is_of(&job.terms.award));
        items.extend(page.items.into_iter().filter(of_kind));
        let is_full = items.len() as u64 >= limit;
        match next.filter(|next| !is_last && !is_full && *next > from) {
            Some(next) => from = next,
            None => {
                items.truncate(usize::try_from(limit)?);
                return Ok(Page { total: page.total, from: wanted.from, limit, items });
            }
        }
    }
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
                "\n{number:>5}  {:<10}  {:<10}  {}  {:<19}  {base:>10}  {:>24}  \
                 {submitted:>9}  {}",
                &job.to_string()[..10],
                stage.to_string(),
                column(&title(&terms.title), 24),
                terms.offer.metric,
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

/// Short description of the award.
#[must_use]
pub fn award(award: &Award, currency: &Currency) -> String {
    match award {
        Award::Rewards { reward, count } => format!("{count} × {}", currency.show(*reward)),
        Award::Prize { prize, .. } => format!("{} prize", currency.show(*prize)),
    }
}

/// A title without its zero padding.
#[must_use]
pub fn title(title: &[u8; 32]) -> String {
    let text = String::from_utf8_lossy(title);
    let text = one_line(text.trim_end_matches('\0'));
    if text.is_empty() { "(no title)".to_owned() } else { text.into_owned() }
}
