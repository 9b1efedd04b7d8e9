//! Inspect answers of a small market, read back by the types everybody else uses.

use blobs::{BlobRef, Digest, Encoding, Profile, blob_ref};
use market::{
    Address, Amount, Asset, Command, Context, Exam, Exhibit, JobId, Judge, Likeness, Market, Quote,
    Score, Settings, Stage, Tally, Terms, Timestamp, Unfit, Work,
};
use serde::de::DeserializeOwned;
use wire::{
    AccountView, BlobView, CopiesView, CopyView, ErrorView, Genesis, JobView, Page, Paging, Query,
    QuoteView, SettingsView, SolvencyView, SubmissionStateView, SubmissionView, answer,
};

use crate::sample::{ALICE, BOB, TOKEN, terms};

const CAROL: Address = Address([0xca; 20]);
const BASE: &[u8] = b"400";
const HOLD_OUT: &[u8] = b"a thousand rows";
const GOOD: &[u8] = b"900";
const BAD: &[u8] = b"401";

/// Judges a model by the number its bytes spell: how many of a thousand rows it answers right.
pub(crate) struct Speller;

impl Judge for Speller {
    fn reading(&self, _: &Exam<'_>) -> Work {
        Work(0)
    }

    fn quote(&mut self, _: &Exam<'_>) -> Result<Quote, Unfit> {
        let (work, reading, step) = (Work(1_000), Work(0), Work(1));
        Ok(Quote { rows: 1_000, classes: 2, work, reading, step })
    }

    fn answer(&mut self, exam: &Exam<'_>, tally: &mut Tally, _: Work) -> Result<Work, Unfit> {
        let right: u32 = std::str::from_utf8(exam.model.bytes).unwrap().parse().unwrap();
        while tally.rows() < 1_000 {
            let predicted = u16::from(tally.rows() < right);
            tally.count_class(1, predicted, 0);
        }
        Ok(Work(1_000))
    }

    fn comparing(&self, _: [usize; 3]) -> Work {
        Work(0)
    }

    fn alike(
        &mut self,
        _: Exhibit<'_>,
        first: Exhibit<'_>,
        second: Exhibit<'_>,
    ) -> Result<Likeness, Unfit> {
        let is_copy = first.bytes == second.bytes;
        Ok(if is_copy { Likeness::EQUAL } else { Likeness::FARTHEST })
    }
}

pub(crate) fn file(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

/// A job with a paid, a refused and an unfinished submission.
fn market() -> Market {
    let mut market = Market::new(Genesis::default().settings(), []);
    let terms = Terms {
        base_model: file(BASE),
        hold_out: file(HOLD_OUT),
        min_worst_class: Score(0),
        ..terms()
    };
    let now = Timestamp(terms.deadline.0 - 10);
    market.deposit(ALICE, Asset::Ether, Amount::new(2_000_000_000_000_000_000)).unwrap();
    market.deposit(ALICE, Asset::Erc20(TOKEN), Amount::new(5)).unwrap();
    let publish = |bytes: &[u8]| Command::Publish {
        digest: Digest::of(bytes),
        offset: 0,
        encoding: Encoding::Plain,
        data: bytes.to_vec(),
    };
    let job = JobId(0);
    let submit = |bytes| Command::Submit { job, model: file(bytes), data: file(b"own") };
    for (sender, command) in [
        (ALICE, Command::OpenJob(Box::new(terms))),
        (ALICE, publish(BASE)),
        (ALICE, publish(HOLD_OUT)),
        (BOB, submit(GOOD)),
        (BOB, publish(GOOD)),
        (CAROL, submit(BAD)),
        (CAROL, publish(BAD)),
        (CAROL, submit(b"never comes")),
    ] {
        market
            .apply(&Context { sender, now, ..Context::default() }, command, &mut Speller)
            .unwrap();
    }
    market
}

pub(crate) fn ask<T: DeserializeOwned>(market: &Market, query: Query) -> T {
    serde_json::from_slice(&answer(market, query.to_string().as_bytes())).unwrap()
}

#[test]
fn a_job_is_shown_with_its_terms_and_how_far_it_has_come() {
    let market = market();
    let job: JobView = ask(&market, Query::Job(JobId(0)));
    assert_eq!((job.job, job.sponsor, job.stage), (JobId(0), ALICE, Stage::Open));
    assert_eq!(job.terms, market.job(JobId(0)).unwrap().terms);
    assert_eq!((job.payouts, job.rewards_left, job.submissions, job.pending), (1, 1, 3, 0));
    assert_eq!(job.escrow, Amount::new(500_000_000_000_000_000));
    assert_eq!(job.base.unwrap().score, Score(400_000));
    assert_eq!((job.best.unwrap().submission, job.best.unwrap().marks.score), (0, Score(900_000)));
    assert!(job.hold_out_is_public);
    let jobs: Page<JobView> = ask(&market, Query::Jobs(Paging::default()));
    assert_eq!((jobs.total, jobs.items), (Some(1), vec![job]));
}

#[test]
fn submissions_come_in_pages_with_the_reason_of_each_refusal() {
    let market = market();
    let all: Page<SubmissionView> = ask(&market, Query::Submissions(JobId(0), Paging::default()));
    let states: Vec<_> = all.items.iter().map(|item| item.state).collect();
    use SubmissionStateView::{Accepted, Expecting, Refused};
    assert_eq!(states, [Accepted, Refused, Expecting]);
    let refusal = all.items[1].refusal.as_ref().unwrap();
    assert_eq!(refusal.refused, "ScoreTooLow");
    assert_eq!(refusal.message, "its score 40.100 % is below 90.000 %");
    assert_eq!(refusal.values["minimum"], "900000");
    let middle = Paging { offset: 1, limit: 1 };
    let page: Page<SubmissionView> = ask(&market, Query::Submissions(JobId(0), middle));
    assert_eq!((page.total, page.items), (Some(3), vec![all.items[1].clone()]));
    for past in [3, u64::from(u32::MAX), u64::MAX] {
        let past = Paging { offset: past, limit: 100 };
        let page: Page<SubmissionView> = ask(&market, Query::Submissions(JobId(0), past));
        assert_eq!(page.items, []);
    }
}

#[test]
fn money_is_shown_on_both_sides() {
    let market = market();
    let account: AccountView = ask(&market, Query::Account(ALICE, Paging::default()));
    let balances: Vec<_> =
        account.balances.items.iter().map(|balance| (balance.asset, balance.amount)).collect();
    let half = Amount::new(1_000_000_000_000_000_000);
    assert_eq!(balances, [(Asset::Ether, half), (Asset::Erc20(TOKEN), Amount::new(5))]);
    let solvency: SolvencyView = ask(&market, Query::Solvency(Paging { offset: 0, limit: 1 }));
    assert!(solvency.solvent);
    let [ether] = solvency.assets.items[..] else { panic!("one asset was asked for") };
    assert!(ether.solvent);
    let reward = Amount::new(500_000_000_000_000_000);
    assert_eq!((ether.free, ether.escrowed, ether.paid_out), (half, reward, reward));
}

#[test]
fn blobs_are_found_by_cid_digest_and_publisher() {
    let market = market();
    let hold_out = file(HOLD_OUT);
    let by_cid = answer(&market, format!("blobs/{}", hold_out.cid()).as_bytes());
    let held: CopiesView = ask(&market, Query::Blob(hold_out.digest, Paging::default()));
    assert_eq!(serde_json::from_slice::<CopiesView>(&by_cid).unwrap(), held);
    assert_eq!(held.copies.items, [CopyView::Held { size: hold_out.size }]);
    let unfinished = file(b"never comes");
    let awaited = [CopyView::Expected { publisher: CAROL, received: 0, size: unfinished.size }];
    for query in [
        Query::Blob(unfinished.digest, Paging::default()),
        Query::Awaited(unfinished.digest, CAROL),
    ] {
        assert_eq!(ask::<CopiesView>(&market, query).copies.items, awaited);
    }
    let other: CopiesView = ask(&market, Query::Awaited(unfinished.digest, BOB));
    assert_eq!(other.copies.items, []);
}

#[test]
fn a_quote_tells_costs_and_the_first_refusal() {
    let market = market();
    for (bytes, work, chunks, inputs, refusal) in [
        (20_000, 1_000_000, 1, 1, None),
        (65_025, 1_000_000_000, 2, 1, None),
        (0, 1, 0, 1, Some("BlobSizeOutOfRange")),
        (100_001, 1, 2, 1, Some("BlobSizeOutOfRange")),
        (100_000, 1_000_000_001, 2, 1, Some("TooMuchWork")),
        // 1,988 million instructions of an input are left for evaluating a model this large.
        (100_000, 1_988_000_000, 2, 1, Some("TooMuchWork")),
        (100_000, 1_988_000_001, 2, 2, Some("TooMuchWork")),
        (u64::MAX, u64::MAX, 283_691_315_109_953, u64::MAX, Some("BlobSizeOutOfRange")),
    ] {
        let quote: QuoteView = ask(&market, Query::Quote(JobId(0), bytes, Work(work)));
        let refused = quote.refusal.as_ref().map(|refusal| refusal.refused.as_str());
        assert_eq!(refused, refusal, "{bytes} bytes");
        assert_eq!((quote.chunks_at_most, quote.evaluation_inputs), (chunks, inputs));
    }
}

#[test]
fn settings_are_those_of_the_deployment() {
    let genesis = Genesis { input_work: 1_500_000_000, ..Genesis::default() };
    let market = Market::new(genesis.settings(), []);
    let settings: SettingsView = ask(&market, Query::Settings);
    assert_eq!(settings.input_work, Work(1_500_000_000));
    assert_eq!(Settings::from(settings), genesis.settings());
}

#[test]
fn questions_have_one_text() {
    let (pages, digest) = (Paging { offset: 7, limit: 100 }, Digest::of(b""));
    for query in [
        Query::Jobs(Paging::default()),
        Query::Jobs(pages),
        Query::Job(JobId(u32::MAX)),
        Query::Submissions(JobId(1), pages),
        Query::Account(ALICE, pages),
        Query::Blob(digest, pages),
        Query::Awaited(digest, ALICE),
        Query::Quote(JobId(0), u64::MAX, Work(u64::MAX)),
        Query::Settings,
        Query::Solvency(pages),
    ] {
        assert_eq!(Query::parse(query.to_string().as_bytes()), Ok(query), "{query}");
    }
}

#[test]
fn what_is_no_question_is_answered_with_the_grammar() {
    let market = market();
    for body in [
        "",
        "job",
        "jobs//",
        "jobs/-1",
        "jobs/+1",
        "jobs/4294967296",
        "jobs/0/leaders",
        "jobs/0/submissions/0",
        "jobs/0?limit=1",
        "jobs?limit=101",
        "jobs?limit",
        "jobs?publisher=0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
        "accounts/0xa1",
        "blobs/QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
        "quote/0/1",
        "quote/0/1/1/1",
        "settings/input_work",
        "settings?limit=1",
        "solvency/ether",
        "\u{1b}[2J",
    ] {
        let error: ErrorView = serde_json::from_slice(&answer(&market, body.as_bytes())).unwrap();
        assert!(error.error.starts_with("not a question; ask one of: jobs, "), "{body:?}");
    }
    let unknown: ErrorView = ask(&market, Query::Job(JobId(1)));
    assert_eq!(unknown.error, "there is no job 1");
    assert!(Query::parse(&[0xff, 0xfe]).is_err());
}

#[test]
fn readers_ignore_fields_they_do_not_know_and_take_large_numbers_as_text() {
    let mut view = serde_json::to_value(BlobView::from(file(BASE))).unwrap();
    view["pinned"] = true.into();
    view["size"] = "3".into();
    let read: BlobView = serde_json::from_value(view).unwrap();
    assert_eq!(BlobRef::try_from(&read), Ok(file(BASE)));
    let large = BlobRef { size: u64::MAX, ..file(BASE) };
    let view = serde_json::to_value(BlobView::from(large)).unwrap();
    assert_eq!(view["size"], "18446744073709551615");
}
