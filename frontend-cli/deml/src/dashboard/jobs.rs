//! Jobs for the page: the market's answers, with the words that the commands print.

use std::collections::{BTreeMap, btree_map::Entry};

use anyhow::Result;
use client::{
    convert::to_market,
    jobs::{self, JobRef},
    quantity::{percent, until},
    session::{Currency, Session},
};
use market::{Asset, Award, Evaluators, Sealing, Settings, Terms, Timestamp};
use serde::Serialize;
use wire::{BoardLineView, JobView, Query, RankView};

use crate::{
    commands::job::{
        board, leaderboard,
        list::{award, title},
        show::{self, Fact, Shown},
    },
    terms::threshold_text,
};

/// A job in words.
#[derive(Serialize)]
struct Words {
    title: String,
    /// Award, sealing and evaluators.
    kind: String,
    /// What a model has to be.
    wants: String,
    /// What it pays.
    pays: String,
    /// What a submission takes at most.
    costs: String,
    /// Time until the close, or since.
    closes: String,
}

/// A job of the list.
#[derive(Serialize)]
pub(super) struct Line {
    #[serde(flatten)]
    job: JobView,
    words: Words,
}

/// All jobs that the market still shows, oldest first.
///
/// - Errors: a job's name is not the hash of its terms
pub(super) async fn list(session: &Session) -> Result<Vec<Line>> {
    let all = session.all(Query::Jobs).await?;
    let (settings, now) = (session.settings().await?, session.now().await?);
    let (chain_id, app) = (session.chain.chain_id().await?, to_market(session.application()));
    let mut currencies = BTreeMap::<Asset, Currency>::new();
    let mut lines = Vec::new();
    for job in all {
        jobs::check_name(chain_id, app, &job)?;
        let asset = job.terms.asset;
        let currency = match currencies.entry(asset) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(entry) => entry.insert(session.currency(asset).await),
        };
        let words = words(&job, &settings, currency, now);
        lines.push(Line { job, words });
    }
    Ok(lines)
}

fn words(job: &JobView, settings: &Settings, currency: &Currency, now: Timestamp) -> Words {
    let Terms { offer, sealing, .. } = &job.terms;
    let base = job.base.map_or_else(String::new, |base| format!(" with {}", percent(base.score)));
    let (gain, threshold) = (percent(offer.min_gain), threshold_text(offer.threshold));
    let published = offer.max_model_bytes.saturating_add(sealing.overhead());
    let stake = job.terms.submission_stake(settings, published);
    let costs = stake.and_then(|stake| stake.total());
    Words {
        title: title(&job.terms.title),
        kind: kind(&job.terms),
        wants: format!("{}, {gain} better than the base model{base}{threshold}", offer.metric),
        pays: award(&job.terms.award, currency),
        costs: costs.map_or_else(|_| "too much".to_owned(), |total| currency.show(total)),
        closes: until(job.windows.close, now).to_string(),
    }
}

/// A job's choices in a few words.
fn kind(terms: &Terms) -> String {
    let award = match terms.award {
        Award::Rewards { .. } => "rewards",
        Award::Prize { .. } => "prize",
    };
    let sealing = match terms.sealing {
        Sealing::Open { .. } => "open",
        Sealing::Sealed { .. } => "sealed",
    };
    let evaluators = match terms.evaluators {
        Evaluators::Machine => "machine",
        Evaluators::Miners(_) => "miners",
    };
    format!("{award}, {sealing}, {evaluators}")
}

/// One job, with all that belongs to it.
#[derive(Serialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    shown: Shown,
    words: Words,
    /// The terms and the progress, in the words of `deml job show`.
    terms_in_words: Vec<Sentence>,
    dates: Vec<Date>,
    /// The market's clock.
    now: Timestamp,
    ranking: Vec<RankView>,
    board: Vec<BoardLineView>,
}

/// A date of a job.
#[derive(Serialize)]
struct Date {
    name: &'static str,
    at: Timestamp,
    /// Time until then, or since.
    words: String,
}

/// One job by its number or name.
///
/// - Errors: `NotFound`; its name is not the hash of its terms
pub(super) async fn detail(session: &Session, job: &JobRef) -> Result<Detail> {
    let shown = show::show(session, job, true).await?;
    let name = shown.job.job;
    let (settings, now) = (session.settings().await?, shown.now);
    let words = words(&shown.job, &settings, &session.currency(shown.job.terms.asset).await, now);
    let dates = shown.dates().into_iter();
    let dates = dates.map(|(name, at)| Date { name, at, words: until(at, now).to_string() });
    let board = match shown.job.terms.offer.board {
        Some(_) => board::board(session, name).await?.board,
        None => Vec::new(),
    };
    Ok(Detail {
        terms_in_words: shown.facts().into_iter().map(Sentence::from).collect(),
        dates: dates.collect(),
        now,
        ranking: leaderboard::leaderboard(session, name).await?.ranking,
        board,
        words,
        shown,
    })
}

/// What is told of a job under a name.
#[derive(Debug, Serialize)]
struct Sentence {
    name: &'static str,
    text: String,
}

impl From<Fact> for Sentence {
    fn from(Fact { name, lines, .. }: Fact) -> Self {
        Self { name, text: lines.join(" ") }
    }
}
