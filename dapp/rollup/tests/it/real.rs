//! The loop with the real evaluator, real data and models that PyTorch made.

use std::{fs, path::PathBuf};

use blobs::{Profile, blob_ref};
use eval::Evaluator;
use market::{Command, JobId, Score};
use rollup::{App, CatchingJudge, read_drive};
use wire::{Genesis, Notice, encode_command};

use crate::{
    sample::{ALICE, BOB, REWARD, command, deposit, open_job, publish},
    server::{Step, payload, play},
};

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/health");
    fs::read(folder.join(name)).unwrap()
}

/// The score is the one PyTorch's own predictions have: 164 of 169 rows right.
#[tokio::test]
async fn a_model_made_by_pytorch_beats_the_base_model_and_is_paid() {
    let [base, hold_out, model] =
        ["torch-base.onnx", "holdout.safetensors", "torch-trained.onnx"].map(fixture);
    let drive = tempfile::tempdir().unwrap();
    fs::write(drive.path().join("base.onnx"), &base).unwrap();
    fs::write(drive.path().join("holdout.safetensors"), &hold_out).unwrap();
    let drive = read_drive(drive.path(), 100_000).unwrap();
    let mut app = App::new(Genesis::default(), drive, CatchingJudge::<Evaluator>::default());

    let Command::OpenJob(mut terms) = open_job(&base) else { unreachable!("it opens a job") };
    terms.hold_out = blob_ref(&hold_out, Profile::Kubo);
    terms.max_model_bytes = 10_000;
    let open = encode_command(&Command::OpenJob(terms));
    let model_ref = blob_ref(&model, Profile::Kubo);
    let submit = Command::Submit { job: JobId(0), model: model_ref, data: model_ref };
    let requests = [deposit(REWARD, &open), command(BOB, &submit), command(BOB, &publish(&model))];
    let turns = play(&mut app, requests.map(Step::Ask).into()).await;

    assert_eq!(
        turns[0].paths(),
        ["/notice", "/notice"],
        "the drive's base model is judged at once"
    );
    assert_eq!(turns[2].paths(), ["/notice", "/notice", "/voucher"]);
    let (_, scored) = &turns[2].posts[1];
    let Some(Notice::ModelScored { score, worst_class, accepted, .. }) =
        Notice::decode(&payload(scored))
    else {
        panic!("the model is scored")
    };
    assert_eq!((score, worst_class, accepted), (Score(970_414), Score(968_253), true));
    assert_eq!(app.market().job(JobId(0)).unwrap().sponsor, ALICE);
}
