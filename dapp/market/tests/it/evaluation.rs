//! Splitting an evaluation over inputs changes when it ends, never its result; and one input does
//! no more than its limit.

use market::{
    Address, Amount, Asset, Award, Command, JobId, Metric, ModelRefusal, Offer, Prices, Quote,
    Score, Scores, Sealing, Settings, Slot, Target, Terms, Threshold, Timestamp, Verdict, Work,
};
use proptest::{collection::vec, prelude::*};
use scenarios::{account, bounty, context, file, offer, open_job, publish, submit};

use crate::world::{World, settings};

const BASE: &[u8] = b"right=20,20,20";
const HOLD_OUT: &[u8] = b"rows=70,60,50";

fn client(number: usize) -> Address {
    account(1, number)
}

/// A market with one job that accepts submissions.
struct Bounty {
    world: World,
    job: JobId,
}

impl Bounty {
    fn new(settings: Settings, max_work: Work) -> Self {
        let mut world = World::new(settings, []);
        let terms = terms(max_work);
        let sponsor = client(0);
        world.deposit(sponsor, (Asset::Ether, Amount::new(10_000)), None).1.unwrap();
        let (job, opening) = open_job(&context(sponsor), [0; 32], &terms);
        world.act(sponsor, opening).unwrap();
        let mut bounty = Self { world, job };
        bounty.publish(sponsor, Slot::HoldOut, HOLD_OUT);
        bounty.publish(sponsor, Slot::BaseModel, BASE);
        bounty
    }

    fn publish(&mut self, sender: Address, slot: Slot, bytes: &[u8]) {
        self.world.act(sender, publish(self.job, slot, bytes)).unwrap();
    }

    fn submit(&mut self, number: usize, model: &str) {
        self.world.act(client(number), submit(self.job, model.as_bytes())).unwrap();
    }

    /// Continues, with inputs of at most this much work, until there is nothing left to do.
    fn drain(&mut self, work: Work) {
        while let Some((target, from)) = self.next() {
            let (job, max_surcharge) = (self.job, Amount::ZERO);
            let command = Command::Evaluate { job, target, from, work, max_surcharge };
            self.world.act(client(0), command).unwrap();
        }
        // All rewards are paid: the remaining stakes are returned.
        while self.world.act(client(0), Command::Settle { job: self.job }).is_ok() {}
    }

    fn next(&self) -> Option<(Target, u32)> {
        let job = self.world.market.job(self.job)?;
        if job.base.scores().is_none() {
            return Some((Target::Base, job.base.step()));
        }
        if job.rewards_left() == 0 {
            return None;
        }
        let (number, submission) = job.undecided().next()?;
        Some((Target::Submission(number), submission.evaluated.step()))
    }

    fn verdicts(&self) -> Vec<Option<Verdict>> {
        let job = self.world.market.job(self.job).unwrap();
        job.submissions.values().map(|submission| submission.verdict()).collect()
    }

    /// Scores of paid models; those too late for a reward need not be evaluated.
    fn accepted(&self) -> Vec<Option<Scores>> {
        let accepted = |verdict: Verdict| verdict.scores().filter(|_| verdict.is_accepted());
        self.verdicts().into_iter().map(|verdict| accepted(verdict.unwrap())).collect()
    }
}

fn terms(max_work: Work) -> Terms {
    Terms {
        close: Timestamp(2_000),
        places: 200,
        offer: Offer {
            metric: Metric::MacroF1,
            min_score: Score(300_000),
            min_gain: Score(100_000),
            threshold: Threshold { metric: Metric::WorstClassRecall, min_score: Score(200_000) },
            max_model_bytes: 1_000,
            max_work,
            max_inputs: 10_000,
            rows: 180,
            base_model: file(BASE),
            ..offer()
        },
        sealing: Sealing::Open { hold_out: file(HOLD_OUT) },
        award: Award::Rewards { reward: Amount::new(5), count: 3 },
        ..bounty()
    }
}

/// The market after each text was submitted as a model and evaluated, with this work per input.
fn judged(input_work: Work, work: Work, models: &[String]) -> Bounty {
    let mut bounty = Bounty::new(Settings { input_work, ..settings() }, Work(5_000));
    bounty.drain(work);
    models.iter().enumerate().for_each(|(number, model)| bounty.submit(number + 1, model));
    for (number, model) in models.iter().enumerate() {
        // All rewards may be paid before these bytes arrive.
        let publish = publish(bounty.job, Slot::Submission, model.as_bytes());
        bounty.world.act(client(number + 1), publish).ok();
    }
    bounty.drain(work);
    bounty
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
        models in vec(model(), 1..8), input_work in 300..2_000_u64, work in any::<u16>(),
    ) {
        let unbounded = Work(u64::MAX);
        let one = judged(unbounded, unbounded, &models);
        let many = judged(Work(input_work), Work(work.into()), &models);
        prop_assert_eq!(one.accepted(), many.accepted());
        prop_assert_eq!(one.world.market.ledger(), many.world.market.ledger());
    }
}

/// The verdict on a model of one step: after the input with its last bytes, and after another one.
fn told(input_work: u64, max_work: u64, model: &str) -> [Option<Verdict>; 2] {
    let [payload_byte, blob_byte, ending, input] = [1, 2, 5, 10].map(Work);
    let prices = Prices { input, payload_byte, blob_byte, ending, ..Prices::default() };
    let settings = Settings { prices, input_work: Work(input_work), ..settings() };
    let mut bounty = Bounty::new(settings, Work(max_work));
    bounty.drain(Work(u64::MAX));
    bounty.submit(1, model);
    bounty.publish(client(1), Slot::Submission, model.as_bytes());
    let first = bounty.verdicts()[0];
    bounty.drain(Work(0));
    [first, bounty.verdicts()[0]]
}

#[test]
fn an_input_and_an_evaluation_are_full_to_the_last_instruction() {
    let model = "right=50,50,50 work=7 step=180";
    let (bytes, step) = (model.len() as u64, 180 * 7);
    // Costs of every input: the input itself, reading, the step, and the ending.
    let alone = 10 + bytes + step + 5;
    // The chunk as well: each byte as payload and as part of a blob; and the decision.
    let with_chunk = alone + bytes + 2 * bytes + 5;
    let whole = bytes + step;
    let is_paid = |verdict: Option<Verdict>| verdict.is_some_and(|verdict| verdict.is_accepted());
    for (input_work, at_once) in
        [(with_chunk + 1, true), (with_chunk, true), (with_chunk - 1, false), (alone, false)]
    {
        let told = told(input_work, whole, model).map(is_paid);
        assert_eq!(told, [at_once, true], "{input_work}");
    }
    let refused = |reason| Some(Verdict::Refused { scores: None, reason });
    let too_large = ModelRefusal::StepTooLarge { maximum: Work(alone - 1), found: Work(alone) };
    assert_eq!(told(alone - 1, whole, model)[1], refused(too_large));
    let too_much = ModelRefusal::TooMuchWork { maximum: Work(whole - 1), found: Work(whole) };
    assert_eq!(told(with_chunk, whole - 1, model)[1], refused(too_much));
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
