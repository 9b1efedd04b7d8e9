//! Rehearsals of real models: their expected verdicts and costs.

use std::{fs, path::Path};

use blobs::BlobRef;
use client::printer::{Printer, Refused};
use deml::rehearsal::{Drive, rehearse};
use market::{Amount, Award, Board, Offer, Score, Sealing, Settings, Terms, Timestamp, Work};
use scenarios::{
    ALICE, ETHER, SALT, Secret, bounty, competition, context, file, offer, prize, seal,
};
use twin::rehearsal::rehearse_job;
use wire::Genesis;

const TALK: Printer = Printer { json: false, quiet: true };
const NOW: Timestamp = Timestamp(1_800_000_000);

struct Digits {
    drive: Drive,
    base: BlobRef,
    hold_out: BlobRef,
    slice: BlobRef,
    trained: (BlobRef, Vec<u8>),
}

fn digits() -> Digits {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits");
    let mut drive = Drive::new();
    let mut read = |name: &str| {
        let bytes = fs::read(folder.join(name)).unwrap();
        let blob = file(&bytes);
        drive.insert(blob.cid(), bytes.clone());
        (blob, bytes)
    };
    let (base, _) = read("sklearn-base.onnx");
    let (hold_out, _) = read("holdout.safetensors");
    let (slice, _) = read("client-a.safetensors");
    let trained = read("sklearn-trained.onnx");
    drive.remove(&trained.0.cid());
    Digits { drive, base, hold_out, slice, trained }
}

impl Digits {
    fn terms(&self, sealing: Sealing, award: Award) -> Terms {
        let offer = Offer {
            min_gain: Score(1_000),
            max_model_bytes: 100_000,
            max_work: Work(10_000_000_000),
            rows: self.rows(),
            base_model: self.base,
            board: Some(Board { public_slice: self.slice, quota: 3, ladder_step: Score(1_000) }),
            ..offer()
        };
        Terms { close: NOW.after(7 * 86_400), offer, sealing, award, ..bounty() }
    }

    fn rows(&self) -> u32 {
        let bytes = &self.drive[&self.hold_out.cid()];
        let dataset = eval::Dataset::from_safetensors(bytes).unwrap();
        u32::try_from(dataset.rows()).unwrap()
    }
}

fn settings() -> Settings {
    Genesis::default().settings
}

#[test]
fn a_better_model_is_paid_and_its_cost_is_within_its_stake() {
    let digits = digits();
    let rewards = Award::Rewards { reward: Amount::new(ETHER), count: 2 };
    for award in [rewards, prize(ETHER)] {
        let terms = digits.terms(Sealing::Open { hold_out: digits.hold_out }, award);
        let job =
            rehearse_job(&|_, _| {}, &settings(), NOW, &terms, digits.hold_out, &digits.drive);
        let job = job.unwrap();
        let (model, bytes) = &digits.trained;
        let drive = &digits.drive;
        let found = rehearse(&TALK, &settings(), &terms, digits.hold_out, drive, (*model, bytes));
        let found = found.unwrap();
        assert_eq!(found.base, job.base);
        assert!(found.verdict.is_accepted(), "{:?}", found.verdict);
        let cost = found.cost.unwrap();
        assert!(cost > Amount::ZERO && cost <= found.stake.work, "{cost} of {:?}", found.stake);
        let again = rehearse(&TALK, &settings(), &terms, digits.hold_out, drive, (*model, bytes));
        assert_eq!(again.unwrap().cost, Some(cost));
    }
}

#[test]
fn the_base_model_itself_is_refused_before_any_gas() {
    let digits = digits();
    let terms = digits.terms(Sealing::Open { hold_out: digits.hold_out }, REWARDS_OF_ONE);
    let bytes = digits.drive[&digits.base.cid()].clone();
    let found =
        rehearse(&TALK, &settings(), &terms, digits.hold_out, &digits.drive, (digits.base, &bytes));
    let why = found.unwrap_err();
    assert_eq!(why.downcast_ref::<Refused>().unwrap().0.refused, "ModelIsBase");
}

const REWARDS_OF_ONE: Award =
    Award::Rewards { reward: Amount(market::U256([1, 0, 0, 0])), count: 1 };

#[test]
fn a_sealed_job_is_rehearsed_on_the_public_slice() {
    let mut digits = digits();
    let hold_out = &digits.drive[&digits.hold_out.cid()];
    let Secret { sealed: hold_out, ciphertext, .. } = seal(&context(ALICE), SALT, hold_out);
    digits.drive.insert(hold_out.ciphertext.cid(), ciphertext);
    let terms = digits.terms(competition(hold_out).sealing, prize(ETHER));
    let job = rehearse_job(&|_, _| {}, &settings(), NOW, &terms, digits.hold_out, &digits.drive);
    assert_eq!(job.unwrap().quote.rows, terms.offer.rows);
    let (model, bytes) = &digits.trained;
    let drive = &digits.drive;
    let found = rehearse(&TALK, &settings(), &terms, digits.slice, drive, (*model, bytes));
    let found = found.unwrap();
    assert!(found.verdict.scores().is_some());
    assert_eq!(found.cost, None);
}
