//! How an evaluation is divided over inputs changes when it ends, never how; and one input does no
//! more than its part.

mod judge;

use blobs::{BlobRef, Encoding, Profile, blob_ref};
use judge::WordJudge;
use market::{
    Address, Amount, Asset, Command, Context, Effect, Event, JobId, Market, Metric, ModelRefusal,
    Prices, Quote, Score, Settings, Terms, Timestamp, Verdict, Work,
};
use proptest::{collection::vec, prelude::*};

const JOB: JobId = JobId(0);
const BASE: &[u8] = b"right=20,20,20";
const HOLD_OUT: &[u8] = b"rows=70,60,50";

fn named(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

fn client(number: usize) -> Address {
    let [low, high, ..] = number.to_le_bytes();
    let mut address = [1; 20];
    [address[0], address[1]] = [low, high];
    Address(address)
}

/// Applies a command that must not be refused.
fn apply(market: &mut Market, sender: Address, command: Command) -> Vec<Effect> {
    let context = Context { sender, now: Timestamp(1_000), ..Context::default() };
    market.apply(&context, command, &mut WordJudge).expect("not refused")
}

fn publish(market: &mut Market, sender: Address, bytes: &[u8]) -> Vec<Effect> {
    let (digest, data) = (named(bytes).digest, bytes.to_vec());
    let chunk = Command::Publish { digest, offset: 0, encoding: Encoding::Plain, data };
    apply(market, sender, chunk)
}

/// All effects until nothing is pending any more.
fn drain(market: &mut Market, work: Work) -> Vec<Effect> {
    let mut effects = Vec::new();
    while market.job(JOB).is_some_and(|job| job.pending() > 0) {
        effects.extend(apply(market, client(0), Command::Evaluate { job: JOB, work }));
    }
    effects
}

/// Settings under which one input may cost so much, and nothing but evaluations costs anything.
fn settings(input_work: Work) -> Settings {
    Settings {
        allowed_tokens: [].into(),
        max_blob_bytes: 1_000,
        max_stored_bytes: 1_000_000,
        input_work,
        prices: Prices::default(),
        max_window_seconds: 1_000,
        evaluation_window_seconds: 1_000,
    }
}

/// A market with one job that waits for its blobs.
fn with_job(settings: Settings, max_work: Work) -> Market {
    let mut market = Market::new(settings, []);
    market.deposit(client(0), Asset::Ether, Amount::new(10_000)).expect("not refused");
    let terms = Terms {
        title: [0; 32],
        asset: Asset::Ether,
        reward: Amount::new(5),
        rewards: 3,
        deadline: Timestamp(2_000),
        metric: Metric::MacroF1,
        min_score: Score(300_000),
        min_gain: Score(100_000),
        min_worst_class: Score(200_000),
        max_model_bytes: 1_000,
        max_work,
        base_model: named(BASE),
        hold_out: named(HOLD_OUT),
    };
    apply(&mut market, client(0), Command::OpenJob(Box::new(terms)));
    market
}

/// Enters each text as a model of another client, with so much work an input; what was judged and
/// paid, in order.
fn judged(input_work: Work, work: Work, models: &[String]) -> (Market, Vec<Effect>) {
    let mut market = with_job(settings(input_work), Work(5_000));
    publish(&mut market, client(0), HOLD_OUT);
    let mut effects = publish(&mut market, client(0), BASE);
    effects.extend(drain(&mut market, work));
    for (number, model) in models.iter().enumerate() {
        let (model, data) = (named(model.as_bytes()), named(b""));
        apply(&mut market, client(number), Command::Submit { job: JOB, model, data });
    }
    for (number, model) in models.iter().enumerate() {
        effects.extend(publish(&mut market, client(number), model.as_bytes()));
    }
    effects.extend(drain(&mut market, work));
    let stored = |effect: &Effect| matches!(effect, Effect::Event(Event::BlobStored { .. }));
    effects.retain(|effect| !stored(effect));
    (market, effects)
}

fn model() -> impl Strategy<Value = String> {
    let right = (0..=70_u32, 0..=60_u32, 0..=50_u32);
    let odd = prop_oneof![8 => Just(""), 1 => Just("nan=9"), 1 => Just("unfit=BadGraph")];
    (right, 1..40_u64, 1..4_u32, odd).prop_map(|((a, b, c), work, step, odd)| {
        format!("right={a},{b},{c} work={work} step={step} {odd}")
    })
}

proptest! {
    #[test]
    fn many_inputs_give_what_one_gives(
        models in vec(model(), 1..8), input_work in 200..2_000_u64, work in any::<u16>(),
    ) {
        let unbounded = Work(u64::MAX);
        let (one, at_once) = judged(unbounded, unbounded, &models);
        let (many, by_and_by) = judged(Work(input_work), Work(work.into()), &models);
        prop_assert_eq!(at_once, by_and_by);
        let job = |market: &Market| market.job(JOB).cloned();
        prop_assert_eq!(job(&one), job(&many));
        prop_assert_eq!(one.ledger(), many.ledger());
        prop_assert_eq!(one.shelf(), many.shelf());
    }
}

/// The most models that one input decides when a slow one held up so many others, of this size and
/// good for nothing.
fn most_judged_at_once(size: usize, models: usize) -> usize {
    let (input_work, slow) = (Work(4_100), "right=50,50,50 work=4000".to_owned());
    let mut market = with_job(settings(input_work), Work(u64::MAX));
    publish(&mut market, client(0), HOLD_OUT);
    publish(&mut market, client(0), BASE);
    let broken = (1..=models).map(|number| format!("{number:<size$}"));
    let models: Vec<_> = std::iter::once(slow).chain(broken).collect();
    for (number, model) in models.iter().enumerate() {
        let (model, data) = (named(model.as_bytes()), named(b""));
        apply(&mut market, client(number), Command::Submit { job: JOB, model, data });
        // Each input that brings a model goes on with the slow one, by one row.
        publish(&mut market, client(number), models[number].as_bytes());
    }
    let judged = |effect: &&Effect| matches!(effect, Effect::Event(Event::ModelJudged { .. }));
    let mut most = 0;
    while market.job(JOB).is_some_and(|job| job.pending() > 0) {
        let command = Command::Evaluate { job: JOB, work: Work(u64::MAX) };
        let effects = apply(&mut market, client(0), command);
        most = most.max(effects.iter().filter(judged).count());
    }
    most
}

#[test]
fn one_input_decides_no_more_models_than_it_may() {
    assert_eq!(most_judged_at_once(3, 150), 64);
    // There is room to read four models of 900 bytes.
    assert_eq!(most_judged_at_once(900, 150), 4);
}

/// What a model of one step is told: by the input with its last bytes, and by one that goes on.
fn told(input_work: u64, max_work: u64, model: &str) -> [Option<Verdict>; 2] {
    let prices = Prices { input: 10, sent_byte: 1, blob_byte: 2, ending: 5, ..Prices::default() };
    let settings = Settings { prices, ..settings(Work(input_work)) };
    let mut market = with_job(settings, Work(max_work));
    publish(&mut market, client(0), HOLD_OUT);
    publish(&mut market, client(0), BASE);
    drain(&mut market, Work(u64::MAX));
    let (named, data) = (named(model.as_bytes()), named(b""));
    apply(&mut market, client(1), Command::Submit { job: JOB, model: named, data });
    let first = publish(&mut market, client(1), model.as_bytes());
    let second = drain(&mut market, Work(0));
    [first, second].map(|effects| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Event(Event::ModelJudged { verdict, .. }) => Some(verdict),
            _ => None,
        })
    })
}

#[test]
fn an_input_and_an_evaluation_are_full_to_the_last_instruction() {
    let model = "right=50,50,50 work=7 step=180";
    let (bytes, step) = (model.len() as u64, 180 * 7);
    // Every input; reading, the step, and the verdict with a look at every byte.
    let alone = 10 + bytes + step + (5 + 2 * bytes);
    // The chunk on top, each byte as it is sent and as it is kept.
    let with_chunk = alone + bytes + 2 * bytes;
    let whole = bytes + step;
    let refused = |reason| Some(Verdict::Refused { marks: None, reason });
    let is_paid = |verdict: Option<Verdict>| matches!(verdict, Some(Verdict::Accepted(_)));

    for (input_work, at_once) in
        [(with_chunk + 1, true), (with_chunk, true), (with_chunk - 1, false)]
    {
        let [first, second] = told(input_work, whole, model);
        assert_eq!([is_paid(first), is_paid(second)], [at_once, !at_once], "{input_work}");
    }
    for input_work in [alone + 1, alone] {
        let [first, second] = told(input_work, whole, model);
        assert_eq!([is_paid(first), is_paid(second)], [false, true], "{input_work}");
    }
    let too_large = ModelRefusal::StepTooLarge { maximum: Work(alone - 1), found: Work(alone) };
    assert_eq!(told(alone - 1, whole, model), [refused(too_large), None]);
    let too_much = ModelRefusal::TooMuchWork { maximum: Work(whole - 1), found: Work(whole) };
    assert_eq!(told(with_chunk, whole - 1, model), [refused(too_much), None]);
    assert!(is_paid(told(with_chunk, whole + 1, model)[0]));
}

#[test]
fn a_quote_tells_how_many_inputs_it_takes() {
    let quote = |work: u64, reading: u64, step: u64| Quote {
        rows: 1,
        classes: 2,
        work: Work(work),
        reading: Work(reading),
        step: Work(step),
    };
    for (quote, each, inputs) in [
        (quote(1_010, 10, 100), 1_010, Some(1)),
        (quote(1_010, 10, 100), 1_009, Some(2)),
        (quote(1_010, 10, 100), 110, Some(10)),
        (quote(1_010, 10, 100), 109, None),
        (quote(1_011, 10, 100), 110, Some(11)),
        (quote(10, 10, 0), 10, None),
        (quote(u64::MAX, 0, 1), u64::MAX, Some(1)),
    ] {
        assert_eq!(quote.inputs(Work(each)), inputs, "{quote:?} {each}");
    }
}
