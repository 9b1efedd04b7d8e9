//! Inspect: what can be asked without an input, and the JSON answers.

use std::fmt;

use blobs::{Cid, Digest};
use market::{
    Address, Job, JobId, Market, ModelRefusal, Refusal, Settings, Stage, SubmissionId, Work,
};
use serde::Serialize;

use crate::{
    command::MAX_CHUNK_BYTES,
    json::Text,
    view::{
        AccountView, AssetView, BalanceView, CopiesView, CopyView, ErrorView,
        INSTRUCTIONS_PER_SECOND, JobView, Page, QuoteView, RefusalView, SolvencyView,
        SubmissionView,
    },
};

const GRAMMAR: &str = "jobs, jobs/ID, jobs/ID/submissions, accounts/ADDRESS, blobs/CID (or \
    blobs/DIGEST, with ?publisher=ADDRESS), quote/JOB/MODEL_BYTES/WORK, solvency; lists take \
    ?offset=N&limit=M, limit at most 100";

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// How many items to skip.
    pub offset: u64,
    /// How many to return at most.
    pub limit: u64,
}

impl Paging {
    /// The most items one answer holds.
    pub const MAX_LIMIT: u64 = 100;

    fn page<T>(self, total: Option<u64>, skipped: impl Iterator<Item = T>) -> Page<T> {
        let Self { offset, limit } = self;
        let items = skipped.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        Page { total, offset, limit, items }
    }

    fn skip<T>(self, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        all.skip(usize::try_from(self.offset).unwrap_or(usize::MAX))
    }
}

impl Default for Paging {
    fn default() -> Self {
        Self { offset: 0, limit: 50 }
    }
}

/// A question; its text form is an inspect request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// All jobs, the oldest first: a [`Page`] of [`JobView`]s.
    Jobs(Paging),
    /// One job: a [`JobView`].
    Job(JobId),
    /// A job's submissions: a [`Page`] of [`SubmissionView`]s.
    Submissions(JobId, Paging),
    /// An account: an [`AccountView`].
    Account(Address, Paging),
    /// A blob: a [`CopiesView`].
    Blob(Digest, Paging),
    /// A blob expected from one account: a [`CopiesView`].
    Awaited(Digest, Address),
    /// What a model of so many bytes and so much work would take: a [`QuoteView`].
    Quote(JobId, u64, Work),
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
            Self::Job(job) => return write!(out, "jobs/{job}"),
            Self::Submissions(job, paging) => {
                write!(out, "jobs/{job}/submissions")?;
                paging
            }
            Self::Account(account, paging) => {
                write!(out, "accounts/{account}")?;
                paging
            }
            Self::Blob(digest, paging) => {
                write!(out, "blobs/{digest}")?;
                paging
            }
            Self::Awaited(digest, publisher) => {
                return write!(out, "blobs/{digest}?publisher={publisher}");
            }
            Self::Quote(job, bytes, work) => return write!(out, "quote/{job}/{bytes}/{work}"),
            Self::Solvency(paging) => {
                out.write_str("solvency")?;
                paging
            }
        };
        if *paging == Paging::default() {
            return Ok(());
        }
        write!(out, "?offset={}&limit={}", paging.offset, paging.limit)
    }
}

impl Query {
    /// Reads a request's body.
    ///
    /// - Errors: what is wrong, in words, with all that can be asked
    pub fn parse(body: &[u8]) -> Result<Self, ErrorView> {
        let wrong = || ErrorView { error: format!("not a question; ask one of: {GRAMMAR}") };
        std::str::from_utf8(body).ok().and_then(Self::parse_text).ok_or_else(wrong)
    }

    fn parse_text(text: &str) -> Option<Self> {
        let (path, parameters) = text.split_once('?').map_or((text, None), |(p, q)| (p, Some(q)));
        let Parameters { paging, publisher } = Parameters::parse(parameters)?;
        let listed = publisher.is_none();
        let alone = listed && paging.is_none();
        let pages = paging.unwrap_or_default();
        let mut segments = path.split('/');
        let mut next = || segments.next();
        Some(match (next()?, next(), next(), next(), next()) {
            ("jobs", None, ..) if listed => Self::Jobs(pages),
            ("jobs", Some(job), None, ..) if alone => Self::Job(JobId(number(job)?)),
            ("jobs", Some(job), Some("submissions"), None, _) if listed => {
                Self::Submissions(JobId(number(job)?), pages)
            }
            ("accounts", Some(account), None, ..) if listed => {
                Self::Account(Address::read(account)?, pages)
            }
            ("blobs", Some(name), None, ..) => {
                let digest =
                    Cid::read(name).map(|cid| cid.digest).or_else(|| Digest::read(name))?;
                match publisher {
                    Some(publisher) if paging.is_none() => Self::Awaited(digest, publisher),
                    Some(_) => return None,
                    None => Self::Blob(digest, pages),
                }
            }
            ("quote", Some(job), Some(bytes), Some(work), None) if alone => {
                Self::Quote(JobId(number(job)?), number(bytes)?, Work(number(work)?))
            }
            ("solvency", None, ..) if listed => Self::Solvency(pages),
            _ => return None,
        })
    }
}

struct Parameters {
    paging: Option<Paging>,
    publisher: Option<Address>,
}

impl Parameters {
    fn parse(text: Option<&str>) -> Option<Self> {
        let mut parameters = Self { paging: None, publisher: None };
        for parameter in text.into_iter().flat_map(|text| text.split('&')) {
            let (name, value) = parameter.split_once('=')?;
            match name {
                "offset" => parameters.paging.get_or_insert_default().offset = number(value)?,
                "limit" => {
                    let limit = number(value).filter(|limit| *limit <= Paging::MAX_LIMIT)?;
                    parameters.paging.get_or_insert_default().limit = limit;
                }
                "publisher" => parameters.publisher = Some(Address::read(value)?),
                _ => return None,
            }
        }
        Some(parameters)
    }
}

/// Digits only: the standard parser also takes a plus sign.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Answers an inspect request: JSON, always; bounded by the paging.
#[must_use]
pub fn answer(market: &Market, body: &[u8]) -> Vec<u8> {
    let answer = Query::parse(body).and_then(|query| respond(market, query));
    answer.unwrap_or_else(|error| json(&error))
}

fn respond(market: &Market, query: Query) -> Result<Vec<u8>, ErrorView> {
    let job = |id: JobId| {
        let unknown = || ErrorView { error: Refusal::UnknownJob { job: id }.to_string() };
        market.job(id).ok_or_else(unknown)
    };
    Ok(match query {
        Query::Jobs(paging) => {
            let jobs = from(paging.offset).map(|first| market.jobs_from(JobId(first)));
            let jobs = jobs.into_iter().flatten().map(|(id, job)| JobView::new(id, job));
            json(&paging.page(Some(market.job_count().into()), jobs))
        }
        Query::Job(id) => json(&JobView::new(id, job(id)?)),
        Query::Submissions(id, paging) => {
            let total = job(id)?.submissions.into();
            let first = from(paging.offset).map(|index| SubmissionId { job: id, index });
            let all = first.map(|first| market.submissions_from(first)).into_iter().flatten();
            let all = all.map(|(id, submission)| SubmissionView::new(id.index, submission));
            json(&paging.page(Some(total), all))
        }
        Query::Account(account, paging) => {
            let balances = paging.skip(market.ledger().balances(account));
            let balances = balances.map(|(asset, amount)| BalanceView { asset, amount });
            json(&AccountView { account, balances: paging.page(None, balances) })
        }
        Query::Blob(digest, paging) => {
            let copies = paging.skip(market.shelf().states(digest)).map(CopyView::from);
            json(&CopiesView { digest, copies: paging.page(None, copies) })
        }
        Query::Awaited(digest, publisher) => {
            let copy = market.shelf().awaited(publisher, digest).map(CopyView::from);
            let copies = Paging::default().page(None, copy.into_iter());
            json(&CopiesView { digest, copies })
        }
        Query::Quote(id, model_bytes, work) => {
            json(&quote(market, (id, job(id)?), model_bytes, work))
        }
        Query::Solvency(paging) => {
            let solvent = market.ledger().solvency().all(|(_, solvency)| solvency.holds());
            let assets = paging.skip(market.ledger().solvency()).map(AssetView::from);
            json(&SolvencyView { solvent, assets: paging.page(None, assets) })
        }
    })
}

fn quote(market: &Market, (id, job): (JobId, &Job), model_bytes: u64, work: Work) -> QuoteView {
    let Settings { input_work, prices, .. } = *market.settings();
    let room = prices.room(input_work, model_bytes);
    let terms = &job.terms;
    let largest = terms.max_model_bytes;
    let refusal = if job.stage != Stage::Open {
        Some(RefusalView::from(&Refusal::JobNotOpen { job: id, stage: job.stage }))
    } else if job.rewards_left() == 0 {
        Some(RefusalView::from(&Refusal::NoRewardLeft { rewards: terms.rewards }))
    } else if !(1..=largest).contains(&model_bytes) {
        Some(RefusalView::from(&Refusal::BlobSizeOutOfRange { size: model_bytes, largest }))
    } else if work > terms.max_work {
        let reason = ModelRefusal::TooMuchWork { maximum: terms.max_work, found: work };
        Some(RefusalView::from(&reason))
    } else {
        None
    };
    QuoteView {
        job: id,
        model_bytes,
        work,
        chunks_at_most: model_bytes.div_ceil(MAX_CHUNK_BYTES as u64),
        input_work,
        evaluation_inputs: work.0.div_ceil(room.0.max(1)).max(1),
        seconds: work.0.div_ceil(INSTRUCTIONS_PER_SECOND),
        instructions_per_second: INSTRUCTIONS_PER_SECOND,
        refusal,
        asset: terms.asset,
        reward: terms.reward,
        rewards_left: job.rewards_left(),
        deadline: terms.deadline,
    }
}

/// The first index of a page; none when it is past every index.
fn from(offset: u64) -> Option<u32> {
    u32::try_from(offset).ok()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings, numbers and lists are JSON")
}
