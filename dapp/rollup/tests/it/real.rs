//! The loop with the real evaluator, real data and models trained with PyTorch.

use std::{fs, path::PathBuf};

use eval::Evaluator;
use market::{Score, Scores, Sealing, Slot};
use rollup::{App, CatchingJudge, read_drive};
use scenarios::{ALICE, BOB, file, publish, submit};
use wire::{Genesis, Notice};

use crate::{
    sample::{command, open, ride, terms},
    server::{Step, play},
};

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/health");
    fs::read(folder.join(name)).unwrap()
}

/// The score is that of PyTorch's own predictions: 164 of 169 rows right.
#[tokio::test]
async fn a_model_made_by_pytorch_beats_the_base_model_and_is_paid() {
    let [base, hold_out, model] =
        ["torch-base.onnx", "holdout.safetensors", "torch-trained.onnx"].map(fixture);
    let drive = tempfile::tempdir().unwrap();
    fs::write(drive.path().join("base.onnx"), &base).unwrap();
    fs::write(drive.path().join("holdout.safetensors"), &hold_out).unwrap();
    let drive = read_drive(drive.path(), 100_000).unwrap();
    let mut app = App::new(Genesis::default(), drive, CatchingJudge::<Evaluator>::default());

    let mut terms = terms(&base);
    terms.sealing = Sealing::Open { hold_out: file(&hold_out) };
    terms.offer.rows = 169;
    let (job, open) = open(ALICE, terms);
    let requests = [
        ride(ALICE, &open),
        ride(BOB, &submit(job, &model)),
        command(BOB, &publish(job, Slot::Submission, &model)),
    ];
    let turns = play(&mut app, requests.map(Step::Ask).into()).await;

    let ready = turns[0].notices();
    assert!(matches!(ready.last(), Some(Notice::JobReady { .. })), "{ready:?}");
    let notices = turns[2].notices();
    let scored = notices.iter().find_map(|notice| match notice {
        Notice::SubmissionDecided { verdict, .. } => Some((verdict.accepted, verdict.scores)),
        _ => None,
    });
    let scores = Scores { score: Score(970_414), threshold_score: Score(968_253) };
    assert_eq!(scored, Some((true, Some(scores))));
    assert_eq!(turns[2].paths().iter().filter(|path| **path == "/voucher").count(), 1);
    assert_eq!(app.market().job(job).unwrap().sponsor, ALICE);
}
