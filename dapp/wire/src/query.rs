//! Inspect: queries, which need no input, and their JSON answers.

use std::{fmt, str::FromStr};

use blobs::Text as _;
use market::{Address, Job, JobId, Market};
use serde::Serialize;

use crate::view::{
    AccountView, AssetView, BalanceView, BoardLineView, ErrorView, JobQuoteView, JobView,
    ModelView, Page, QuoteView, RankView, SeatView, SeatsView, SlotView, SolvencyView,
    SubmissionView,
};

const GRAMMAR: &str = "jobs, jobs/JOB, jobs/JOB/LIST with LIST one of submissions, leaderboard, \
    board, models, seats and blobs, jobs/JOB/submissions/NUMBER, jobs/JOB/quote, \
    accounts/ADDRESS, quote, solvency; a JOB is its number or its name; lists take \
    ?from=N&limit=M, limit at most 100";

/// The requested page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// The first item: the number of a job or submission, otherwise the number of items to skip.
    pub from: u64,
    /// Maximum number of items to return.
    pub limit: u64,
}

impl Paging {
    /// Maximum number of items in one answer.
    pub const MAX_LIMIT: u64 = 100;

    fn page<T>(self, total: Option<u64>, items: impl Iterator<Item = T>) -> Page<T> {
        let Self { from, limit } = self;
        Page { total, from, limit, items: self.take(items) }
    }

    fn skip<T>(self, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        all.skip(usize::try_from(self.from).unwrap_or(usize::MAX))
    }

    fn take<T>(self, items: impl Iterator<Item = T>) -> Vec<T> {
        items.take(usize::try_from(self.limit).unwrap_or(usize::MAX)).collect()
    }
}

impl Default for Paging {
    fn default() -> Self {
        Self { from: 0, limit: 50 }
    }
}

/// The key that identifies a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKey {
    /// Its number, convenient for people.
    Number(u32),
    /// Its name, as used by commands.
    Name(JobId),
}

impl From<u32> for JobKey {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<JobId> for JobKey {
    fn from(name: JobId) -> Self {
        Self::Name(name)
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, out),
            Self::Name(name) => fmt::Display::fmt(name, out),
        }
    }
}

impl FromStr for JobKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let key = JobId::read(text).map(Self::Name).or_else(|| number(text).map(Self::Number));
        key.ok_or_else(|| format!("{text:?} is neither a job's number nor {}", JobId::WHAT))
    }
}

/// Declares the lists of a job, each with its path segment.
macro_rules! job_lists {
    ($($(#[$doc:meta])* $list:ident = $segment:literal,)*) => {
        /// A list of a job.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum JobList {
            $($(#[$doc])* $list,)*
        }

        impl JobList {
            const fn segment(self) -> &'static str {
                match self { $(Self::$list => $segment,)* }
            }

            fn read(text: &str) -> Option<Self> {
                match text { $($segment => Some(Self::$list),)* _ => None }
            }
        }
    };
}

job_lists! {
    /// Submissions, from a number on: a [`Page`] of [`SubmissionView`]s.
    Submissions = "submissions",
    /// Submissions by score on the hold-out, then those that are not ranked: a [`Page`] of
    /// [`RankView`]s.
    Leaderboard = "leaderboard",
    /// The public board: a [`Page`] of [`BoardLineView`]s.
    Board = "board",
    /// The models attested by seats: a [`Page`] of [`ModelView`]s.
    Models = "models",
    /// Its miners: a [`SeatsView`].
    Seats = "seats",
    /// The blobs that the job holds or expects: a [`Page`] of [`SlotView`]s.
    Blobs = "blobs",
}

/// A query; its text form is the body of an inspect request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// Jobs that are still retained, from a number on: a [`Page`] of [`JobView`]s.
    Jobs(Paging),
    /// One job: a [`JobView`].
    Job(JobKey),
    /// A list of a job.
    List(JobKey, JobList, Paging),
    /// One submission: a [`SubmissionView`].
    Submission(JobKey, u32),
    /// Costs of taking part in a job: a [`JobQuoteView`].
    JobQuote(JobKey),
    /// An account: an [`AccountView`].
    Account(Address, Paging),
    /// Prices, and the state of the machine: a [`QuoteView`].
    Quote,
    /// Both sides of the ledger: a [`SolvencyView`].
    Solvency(Paging),
}

impl fmt::Display for Query {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paging = match self {
            Self::Jobs(paging) => {
                out.write_str("jobs")?;
                paging
            }
            Self::List(job, list, paging) => {
                write!(out, "jobs/{job}/{}", list.segment())?;
                paging
            }
            Self::Account(account, paging) => {
                write!(out, "accounts/{account}")?;
                paging
            }
            Self::Solvency(paging) => {
                out.write_str("solvency")?;
                paging
            }
            Self::Job(job) => return write!(out, "jobs/{job}"),
            Self::Submission(job, number) => return write!(out, "jobs/{job}/submissions/{number}"),
            Self::JobQuote(job) => return write!(out, "jobs/{job}/quote"),
            Self::Quote => return out.write_str("quote"),
        };
        if *paging == Paging::default() {
            return Ok(());
        }
        write!(out, "?from={}&limit={}", paging.from, paging.limit)
    }
}

impl Query {
    /// Parses the body of a request.
    ///
    /// - Errors: an error message that lists all queries
    pub fn parse(body: &[u8]) -> Result<Self, ErrorView> {
        let wrong = || ErrorView { error: format!("not a question; ask one of: {GRAMMAR}") };
        std::str::from_utf8(body).ok().and_then(Self::parse_text).ok_or_else(wrong)
    }

    fn parse_text(text: &str) -> Option<Self> {
        let (path, paging) = match text.split_once('?') {
            Some((path, parameters)) => (path, Some(paging(parameters)?)),
            None => (text, None),
        };
        let pages = paging.unwrap_or_default();
        let alone = |query| paging.is_none().then_some(query);
        let segments: Vec<&str> = path.splitn(5, '/').collect();
        let job = |text: &str| text.parse::<JobKey>().ok();
        match segments[..] {
            ["jobs"] => Some(Self::Jobs(pages)),
            ["jobs", key] => alone(Self::Job(job(key)?)),
            ["jobs", key, "quote"] => alone(Self::JobQuote(job(key)?)),
            ["jobs", key, list] => Some(Self::List(job(key)?, JobList::read(list)?, pages)),
            ["jobs", key, "submissions", index] => {
                alone(Self::Submission(job(key)?, number(index)?))
            }
            ["accounts", account] => Some(Self::Account(Address::read(account)?, pages)),
            ["quote"] => alone(Self::Quote),
            ["solvency"] => Some(Self::Solvency(pages)),
            _ => None,
        }
    }
}

fn paging(text: &str) -> Option<Paging> {
    let mut paging = Paging::default();
    for parameter in text.split('&') {
        match parameter.split_once('=')? {
            ("from", value) => paging.from = number(value)?,
            ("limit", value) => {
                paging.limit = number(value).filter(|limit| *limit <= Paging::MAX_LIMIT)?;
            }
            _ => return None,
        }
    }
    Some(paging)
}

/// Parses digits only: the standard parser also accepts a plus sign.
fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Answers an inspect request, always in JSON; its length is bounded by the paging.
#[must_use]
pub fn answer(market: &Market, body: &[u8]) -> Vec<u8> {
    let answer = Query::parse(body).and_then(|query| respond(market, query));
    answer.unwrap_or_else(|error| json(&error))
}

fn respond(market: &Market, query: Query) -> Result<Vec<u8>, ErrorView> {
    Ok(match query {
        Query::Jobs(paging) => {
            let first = u32::try_from(paging.from).ok();
            let jobs = first.map(|first| market.jobs_from(first)).into_iter().flatten();
            let jobs = jobs.map(|(id, job)| JobView::new(id, job));
            json(&paging.page(Some(market.job_count().into()), jobs))
        }
        Query::Job(key) => {
            let (id, job) = find(market, key)?;
            json(&JobView::new(id, job))
        }
        Query::List(key, list, paging) => {
            let (id, job) = find(market, key)?;
            respond_list(market, (id, job), list, paging)
        }
        Query::Submission(key, number) => {
            let (_, job) = find(market, key)?;
            let unknown = || ErrorView { error: format!("there is no submission {number}") };
            let submission = job.submissions.get(&number).ok_or_else(unknown)?;
            json(&SubmissionView::new(number, submission))
        }
        Query::JobQuote(key) => {
            let (id, job) = find(market, key)?;
            let quote = JobQuoteView::new(id, &job.terms, market.settings());
            json(&quote.map_err(|refusal| ErrorView { error: refusal.to_string() })?)
        }
        Query::Account(account, paging) => {
            let balances = paging.skip(market.ledger().balances(account));
            let balances = balances.map(|(asset, amount)| BalanceView { asset, amount });
            json(&AccountView { account, balances: paging.take(balances) })
        }
        Query::Quote => json(&QuoteView::new(market)),
        Query::Solvency(paging) => {
            let solvent = market.ledger().solvency().all(|(_, solvency)| solvency.holds());
            let assets = paging.skip(market.ledger().solvency()).map(AssetView::from);
            json(&SolvencyView { solvent, assets: paging.take(assets) })
        }
    })
}

fn respond_list(
    market: &Market,
    (id, job): (JobId, &Job),
    list: JobList,
    paging: Paging,
) -> Vec<u8> {
    let total = |count: usize| u64::try_from(count).ok();
    match list {
        JobList::Submissions => {
            let first = u32::try_from(paging.from).ok();
            let all = first.map(|first| job.submissions.range(first..)).into_iter().flatten();
            let all = all.map(|(number, submission)| SubmissionView::new(*number, submission));
            json(&paging.page(Some(job.submitted.into()), all))
        }
        JobList::Leaderboard => {
            let ranks = paging.skip(RankView::all(job));
            json(&paging.page(total(job.submissions.len()), ranks))
        }
        JobList::Board => json(&paging.page(None, paging.skip(BoardLineView::all(job)))),
        JobList::Models => {
            let models = paging.skip(ModelView::all(job));
            json(&paging.page(Some(job.attested_models().into()), models))
        }
        JobList::Seats => {
            let seats = paging.skip((0..).zip(&job.seats));
            json(&SeatsView {
                seed: job.seed,
                enlisted: paging.take(paging.skip(job.enlisted.iter().copied())),
                seats: paging.take(seats.map(|(seat, of)| SeatView::new(seat, of))),
            })
        }
        JobList::Blobs => {
            let slots = paging.skip(market.blob_states(id)).map(SlotView::from);
            json(&paging.page(None, slots))
        }
    }
}

/// Looks up the requested job.
fn find(market: &Market, key: JobKey) -> Result<(JobId, &Job), ErrorView> {
    let unknown = |job: &str| ErrorView { error: format!("there is no job {job}") };
    let id = match key {
        JobKey::Name(name) => name,
        JobKey::Number(number) => {
            market.job_number(number).ok_or_else(|| unknown(&number.to_string()))?
        }
    };
    let job = market.job(id).ok_or_else(|| unknown(&id.to_string()))?;
    Ok((id, job))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings, numbers and lists are JSON")
}
