//! Inspect: what can be asked without an input, and the JSON answers.

use std::fmt;

use blobs::{Cid, Digest};
use market::{
    Address, Competition, Job, JobId, Market, ModelRefusal, Refusal, Score, Settings, Stage,
    SubmissionId, Work,
};
use serde::Serialize;

use crate::{
    command::MAX_CHUNK_BYTES,
    json::Text,
    view::{
        AccountView, AnyJobView, AssetView, BalanceView, CopiesView, CopyView, EntryView,
        ErrorView, INSTRUCTIONS_PER_SECOND, LeaderboardView, MinersView, ModelView, Page,
        PlaceView, QuoteView, RefusalView, SeatView, SettingsView, SolvencyView, SubmissionView,
    },
};

const GRAMMAR: &str = "jobs, jobs/ID, jobs/ID/submissions, jobs/ID/leaderboard, jobs/ID/models, \
    jobs/ID/miners, miners, accounts/ADDRESS, blobs/CID (or \
    blobs/DIGEST, with ?publisher=ADDRESS), quote/JOB/MODEL_BYTES/WORK, settings, solvency; \
    lists take ?offset=N&limit=M, limit at most 100";

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
    /// All jobs, the oldest first: a [`Page`] of [`AnyJobView`]s.
    Jobs(Paging),
    /// One job: an [`AnyJobView`], which can be read as a [`JobView`] if it is a bounty's.
    ///
    /// [`JobView`]: crate::JobView
    Job(JobId),
    /// A bounty's submissions: a [`Page`] of [`SubmissionView`]s; a competition's entries: a
    /// [`Page`] of [`EntryView`]s.
    Submissions(JobId, Paging),
    /// A competition's board and ranking: a [`LeaderboardView`].
    Leaderboard(JobId, Paging),
    /// A competition's revealed models by position: a [`Page`] of [`ModelView`]s.
    Models(JobId, Paging),
    /// A competition's miners: a [`MinersView`].
    Seats(JobId, Paging),
    /// Miners for all competitions: a [`Page`] of addresses.
    Miners(Paging),
    /// An account: an [`AccountView`].
    Account(Address, Paging),
    /// A blob: a [`CopiesView`].
    Blob(Digest, Paging),
    /// A blob expected from one account: a [`CopiesView`].
    Awaited(Digest, Address),
    /// What a model of so many bytes and so much work would take: a [`QuoteView`].
    Quote(JobId, u64, Work),
    /// What the deployment fixes: a [`SettingsView`].
    Settings,
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
            Self::Leaderboard(job, paging) => {
                write!(out, "jobs/{job}/leaderboard")?;
                paging
            }
            Self::Models(job, paging) => {
                write!(out, "jobs/{job}/models")?;
                paging
            }
            Self::Seats(job, paging) => {
                write!(out, "jobs/{job}/miners")?;
                paging
            }
            Self::Miners(paging) => {
                out.write_str("miners")?;
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
            Self::Settings => return out.write_str("settings"),
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
            ("jobs", Some(job), Some(list), None, _) if listed => {
                let job = JobId(number(job)?);
                match list {
                    "submissions" => Self::Submissions(job, pages),
                    "leaderboard" => Self::Leaderboard(job, pages),
                    "models" => Self::Models(job, pages),
                    "miners" => Self::Seats(job, pages),
                    _ => return None,
                }
            }
            ("miners", None, ..) if listed => Self::Miners(pages),
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
            ("settings", None, ..) if alone => Self::Settings,
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
            let ids = from(paging.offset).map(|first| first..market.job_count());
            let jobs = ids
                .into_iter()
                .flatten()
                .filter_map(|id| Some(AnyJobView::new(JobId(id), market.any_job(JobId(id))?)));
            json(&paging.page(Some(market.job_count().into()), jobs))
        }
        Query::Job(id) => {
            let unknown = || ErrorView { error: Refusal::UnknownJob { job: id }.to_string() };
            json(&AnyJobView::new(id, market.any_job(id).ok_or_else(unknown)?))
        }
        Query::Leaderboard(..) | Query::Models(..) | Query::Seats(..) => {
            return respond_of_competition(market, query);
        }
        Query::Miners(paging) => {
            let miners = market.standing_miners();
            let some = paging.skip(miners.iter()).map(Text::write);
            json(&paging.page(u64::try_from(miners.len()).ok(), some))
        }
        Query::Submissions(id, _) if market.competition(id).is_some() => {
            return respond_of_competition(market, query);
        }
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
        Query::Settings => json(&SettingsView::from(market.settings())),
        Query::Solvency(paging) => {
            let solvent = market.ledger().solvency().all(|(_, solvency)| solvency.holds());
            let assets = paging.skip(market.ledger().solvency()).map(AssetView::from);
            json(&SolvencyView { solvent, assets: paging.page(None, assets) })
        }
    })
}

/// What is asked of competitions alone.
fn respond_of_competition(market: &Market, query: Query) -> Result<Vec<u8>, ErrorView> {
    let (Query::Leaderboard(id, paging)
    | Query::Models(id, paging)
    | Query::Seats(id, paging)
    | Query::Submissions(id, paging)) = query
    else {
        return Err(ErrorView { error: "not a question about a competition".to_owned() });
    };
    let job = market.competition(id).ok_or_else(|| {
        let refusal = match market.job(id) {
            Some(_) => Refusal::WrongKind { job: id },
            None => Refusal::UnknownJob { job: id },
        };
        ErrorView { error: refusal.to_string() }
    })?;
    let total = |count: usize| u64::try_from(count).ok();
    let numbered = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let first = usize::try_from(paging.offset).unwrap_or(usize::MAX);
    Ok(match query {
        Query::Models(..) => {
            let models = job.models().iter().enumerate().skip(first);
            let views = models.map(|(at, model)| ModelView::new(numbered(at), model));
            json(&paging.page(total(job.models().len()), views))
        }
        Query::Seats(..) => {
            let seats = job.seats.iter().enumerate().skip(first);
            let views = seats.map(|(at, seat)| SeatView::new(numbered(at), seat));
            let seats = paging.page(total(job.seats.len()), views);
            let enlisted = job.enlisted().iter().skip(first).take(100).copied().collect();
            json(&MinersView { enlisted, seats })
        }
        Query::Submissions(..) => {
            let entries = job.entries().iter().enumerate().skip(first);
            let views = entries.map(|(at, entry)| EntryView::new(numbered(at), entry, job));
            json(&paging.page(total(job.entries().len()), views))
        }
        _ => json(&leaderboard(job, paging)),
    })
}

fn leaderboard(job: &Competition, paging: Paging) -> LeaderboardView {
    let place = |(score, entry): (Score, u32)| {
        let place = usize::try_from(entry).ok()?;
        let entrant = job.entries().get(place)?.entrant;
        Some(PlaceView { entry, entrant, score })
    };
    let board = paging.skip(job.board()).filter_map(place);
    let ranking = paging.skip(job.ranking()).filter_map(place);
    let winners = job.decision.as_ref().map(|decision| decision.winners.clone());
    LeaderboardView {
        board: paging.page(None, board),
        ranking: paging.page(None, ranking),
        winners: winners.unwrap_or_default(),
    }
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
