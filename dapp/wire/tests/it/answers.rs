//! Inspect answers of a small market, parsed with the types that clients use.

use blobs::BlobRef;
use market::{
    Address, Amount, Asset, Award, Command, Context, JobId, Market, Offer, Score, Slot, Stage,
    Terms, Timestamp,
};
use scenarios::{
    ALICE, APP, BASE, BOB, CAROL, CHAIN, ETHER, HOLD_OUT, MODEL, NOW, SALT, Speller, bounty,
    context, file, offer, open_job, publish, submit,
};
use serde::de::DeserializeOwned;
use wire::{
    AccountView, ErrorView, Genesis, JobKey, JobList, JobQuoteView, JobView, Page, Paging, Query,
    QuoteView, RankView, SlotView, SolvencyView, SubmissionStateView, SubmissionView, answer,
    job_name,
};

use crate::sample::JOB;

const DAVE: Address = Address([0xda; 20]);
const WORSE: &[u8] = b"401";

/// A market and the current time of its clock.
pub(crate) struct Season {
    pub(crate) market: Market,
    pub(crate) now: u64,
}

impl Season {
    /// A market in which these accounts have ample balances.
    pub(crate) fn new(accounts: &[Address]) -> Self {
        let market = Market::new(Genesis::default().settings, []);
        let mut season = Self { market, now: NOW };
        let plenty = Amount::new(1_000 * ETHER);
        for account in accounts {
            season.market.begin(&season.context(*account));
            season.market.deposit(*account, Asset::Ether, plenty);
            season.market.finish(0);
        }
        season
    }

    fn context(&self, sender: Address) -> Context {
        Context { block_time: Timestamp(self.now), ..context(sender) }
    }

    pub(crate) fn act(&mut self, sender: Address, command: Command) {
        let context = self.context(sender);
        self.market.begin(&context);
        let effects = self.market.apply(&context, command, &mut Speller).unwrap();
        self.market.finish(effects.len());
    }

    /// Opens a job and returns its name.
    pub(crate) fn open(&mut self, sponsor: Address, terms: &Terms) -> JobId {
        let (job, opening) = open_job(&self.context(sponsor), SALT, terms);
        self.act(sponsor, opening);
        job
    }

    pub(crate) fn publish(&mut self, sender: Address, job: JobId, slot: Slot, bytes: &[u8]) {
        self.act(sender, publish(job, slot, bytes));
    }
}

/// A job with a paid, a refused and an unfinished submission.
pub(crate) fn market() -> (Market, JobId) {
    let mut season = Season::new(&[ALICE, BOB, CAROL, DAVE]);
    let (min_score, min_gain) = (Score(900_000), Score(5_000));
    let terms = Terms {
        offer: Offer { min_score, min_gain, ..offer() },
        award: Award::Rewards { reward: Amount::new(ETHER / 2), count: 2 },
        ..bounty()
    };
    let job = season.open(ALICE, &terms);
    season.publish(ALICE, job, Slot::BaseModel, BASE);
    season.publish(ALICE, job, Slot::HoldOut, HOLD_OUT);
    for (client, bytes) in [(BOB, MODEL), (CAROL, WORSE)] {
        season.act(client, submit(job, bytes));
        season.publish(client, job, Slot::Submission, bytes);
    }
    season.act(DAVE, submit(job, b"never comes"));
    (season.market, job)
}

pub(crate) fn ask<T: DeserializeOwned>(market: &Market, query: Query) -> T {
    let answer = answer(market, query.to_string().as_bytes());
    let text = String::from_utf8_lossy(&answer);
    serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{query}: {error} in {text}"))
}

#[test]
fn a_job_is_shown_by_its_number_and_its_name() {
    let (market, id) = market();
    let job: JobView = ask(&market, Query::Job(id.into()));
    assert_eq!((job.job, job.number, job.sponsor, job.stage), (id, 0, ALICE, Stage::Open));
    assert_eq!(job_name(CHAIN, APP, job.sponsor, job.salt, &job.terms), id);
    assert_eq!((job.payouts, job.rewards_left, job.submitted), (1, 1, 3));
    assert_eq!(job.base.unwrap().score, Score(400_000));
    let best = job.best.as_ref().unwrap();
    assert_eq!((best.submission, best.scores.score), (0, Score(900_000)));
    let Award::Rewards { reward, .. } = job.terms.award else { panic!("there are rewards") };
    assert_eq!(job.stake.award, reward);
    assert_eq!(ask::<JobView>(&market, Query::Job(JobKey::Number(0))), job);
    let jobs: Page<JobView> = ask(&market, Query::Jobs(Paging::default()));
    assert_eq!((jobs.total, jobs.items), (Some(1), vec![job]));
}

#[test]
fn submissions_come_in_pages_with_the_reason_of_each_refusal() {
    let (market, job) = market();
    let list = |paging| Query::List(job.into(), JobList::Submissions, paging);
    let all: Page<SubmissionView> = ask(&market, list(Paging::default()));
    let states: Vec<_> = all.items.iter().map(|item| item.state).collect();
    use SubmissionStateView::{Accepted, Expecting, Refused};
    assert_eq!(states, [Accepted, Refused, Expecting]);
    let refusal = all.items[1].refusal.as_ref().unwrap();
    assert_eq!(refusal.refused, "ScoreTooLow");
    assert_eq!(refusal.message, "its score 40.100 % is below 90.000 %");
    assert_eq!(refusal.values["minimum"], "900000");
    let page: Page<SubmissionView> = ask(&market, list(Paging { from: 1, limit: 1 }));
    assert_eq!((page.total, page.items), (Some(3), vec![all.items[1].clone()]));
    let one: SubmissionView = ask(&market, Query::Submission(job.into(), 1));
    assert_eq!(one, all.items[1]);
    for past in [3, u64::from(u32::MAX), u64::MAX] {
        let page: Page<SubmissionView> = ask(&market, list(Paging { from: past, limit: 100 }));
        assert_eq!(page.items, []);
    }
}

#[test]
fn the_leaderboard_has_those_that_count_first() {
    let (market, job) = market();
    let query = Query::List(job.into(), JobList::Leaderboard, Paging::default());
    let ranks: Page<RankView> = ask(&market, query);
    let lines: Vec<_> = ranks.items.iter().map(|line| (line.rank, line.submission)).collect();
    assert_eq!(lines, [(Some(1), 0), (None, 1), (None, 2)]);
    assert_eq!(ranks.items[0].scores.unwrap().score, Score(900_000));
    assert_eq!(ranks.items[1].refusal.as_ref().unwrap().refused, "ScoreTooLow");
    assert_eq!(ranks.items[2].refusal, None);
}

#[test]
fn blobs_are_shown_by_slot() {
    let (market, job) = market();
    let query = Query::List(job.into(), JobList::Blobs, Paging::default());
    let blobs: Page<SlotView> = ask(&market, query);
    let awaited: Vec<_> = blobs.items.iter().filter(|blob| !blob.whole).collect();
    let [unfinished] = awaited[..] else { panic!("{awaited:?}") };
    assert_eq!((unfinished.slot, unfinished.submission), (Slot::Submission, Some(2)));
    assert_eq!((unfinished.received, unfinished.size), (0, file(b"never comes").size));
    assert!(blobs.items.iter().any(|blob| blob.slot == Slot::HoldOut && blob.whole));
}

#[test]
fn money_is_shown_on_both_sides() {
    let (market, _) = market();
    let account: AccountView = ask(&market, Query::Account(ALICE, Paging::default()));
    let [balance] = &account.balances[..] else { panic!("one balance") };
    assert_eq!(balance.amount, market.ledger().free(ALICE, Asset::Ether));
    let solvency: SolvencyView = ask(&market, Query::Solvency(Paging { from: 0, limit: 1 }));
    assert!(solvency.solvent);
    let [ether] = &solvency.assets[..] else { panic!("one asset was asked for") };
    assert!(ether.solvent && ether.escrowed > Amount::ZERO);
}

#[test]
fn quotes_tell_what_everything_costs() {
    let (market, id) = market();
    let quote: QuoteView = ask(&market, Query::Quote);
    assert_eq!(&quote.settings, market.settings());
    assert_eq!((quote.now, quote.jobs), (Timestamp(NOW), 1));
    assert_eq!(quote.reserved_bytes, market.job(id).unwrap().terms.reserved_bytes());
    let terms = market.job(id).unwrap().terms;
    let quote: JobQuoteView = ask(&market, Query::JobQuote(id.into()));
    let largest = terms.offer.max_model_bytes;
    let stake = terms.submission_stake(market.settings(), largest).unwrap();
    assert_eq!((quote.job, quote.submission), (id, stake));
}

#[test]
fn questions_have_one_text() {
    let pages = Paging { from: 7, limit: 100 };
    let lists = [
        JobList::Submissions,
        JobList::Leaderboard,
        JobList::Board,
        JobList::Models,
        JobList::Seats,
        JobList::Blobs,
    ];
    let lists = lists.map(|list| Query::List(JOB.into(), list, pages));
    let others = [
        Query::Jobs(Paging::default()),
        Query::Jobs(pages),
        Query::Job(JobKey::Number(u32::MAX)),
        Query::Job(JOB.into()),
        Query::Submission(JOB.into(), 3),
        Query::JobQuote(JobKey::Number(0)),
        Query::Account(ALICE, pages),
        Query::Quote,
        Query::Solvency(pages),
    ];
    for query in lists.into_iter().chain(others) {
        assert_eq!(Query::parse(query.to_string().as_bytes()), Ok(query), "{query}");
    }
}

#[test]
fn what_is_no_question_is_answered_with_the_grammar() {
    let (market, _) = market();
    for body in [
        "",
        "job",
        "jobs//",
        "jobs/-1",
        "jobs/+1",
        "jobs/4294967296",
        "jobs/0x07",
        "jobs/0/leaders",
        "jobs/0/submissions/0/0",
        "jobs/0/submissions/x",
        "jobs/0/board/0",
        "jobs/0?limit=1",
        "jobs?limit=101",
        "jobs?limit",
        "jobs?offset=1",
        "accounts/0xa1",
        "quote/0",
        "quote?limit=1",
        "solvency/ether",
        "\u{1b}[2J",
    ] {
        let error: ErrorView = serde_json::from_slice(&answer(&market, body.as_bytes())).unwrap();
        assert!(error.error.starts_with("not a question; ask one of: jobs, "), "{body:?}");
    }
    let unknown: ErrorView = ask(&market, Query::Job(JobKey::Number(1)));
    assert_eq!(unknown.error, "there is no job 1");
    let unknown: ErrorView = ask(&market, Query::Submission(JobKey::Number(0), 3));
    assert_eq!(unknown.error, "there is no submission 3");
    assert!(Query::parse(&[0xff, 0xfe]).is_err());
}

#[test]
fn readers_ignore_fields_they_do_not_know_and_take_large_numbers_as_text() {
    let mut view = serde_json::to_value(file(BASE)).unwrap();
    view["pinned"] = true.into();
    view["size"] = "3".into();
    assert_eq!(serde_json::from_value::<BlobRef>(view).unwrap(), file(BASE));
    let large = BlobRef { size: u64::MAX, ..file(BASE) };
    let view = serde_json::to_value(large).unwrap();
    assert_eq!(view["size"], "18446744073709551615");
}
