//! A bounty: a job is opened, a model submitted, sent in chunks and judged, by a market whose
//! inputs may cost little, so that the evaluation goes on over several.

use market::{Address, Amount, Asset, Command, JobId, Metric, Score, Terms, Timestamp, Work};
use wire::{Genesis, encode_command};

use crate::{
    Files, Result,
    stage::{NOW, Stage, named},
};

const SPONSOR: Address = Address([0xa1; 20]);
const CLIENT: Address = Address([0xb0; 20]);
const JOB: JobId = JobId(0);

pub(crate) fn play(files: &Files, input_work: u64) -> Result<()> {
    let [base, rows, model] =
        ["base.onnx", "rows.safetensors", "model.onnx"].map(|f| files.read(f));
    let (base, rows, model) = (base?, rows?, model?);
    let mut stage = Stage::new(Genesis { input_work, ..Genesis::default() });
    let nothing = encode_command(&Command::Settle { job: JobId(7) });
    stage.send("a refused command", Work(0), CLIENT, &nothing)?;
    let open = Command::OpenJob(Box::new(terms(&base, &rows)));
    stage.deposit("a deposit that opens a job", SPONSOR, 10, Some(&open))?;
    stage.publish("a base model", SPONSOR, &base, Work(0))?;
    stage.publish("a hold-out", SPONSOR, &rows, Work(0))?;
    go_on(&mut stage)?;
    let submit = Command::Submit { job: JOB, model: named(&model), data: named(b"own rows") };
    stage.play("a submission", Work(0), CLIENT, &submit)?;
    stage.publish("a model", CLIENT, &model, Work(0))?;
    go_on(&mut stage)
}

/// Has evaluations go on until none waits.
fn go_on(stage: &mut Stage) -> Result<()> {
    while stage.app.market().job(JOB).is_some_and(|job| job.pending() > 0) {
        let command = Command::Evaluate { job: JOB, work: Work(u64::MAX) };
        stage.play("an evaluation that goes on", Work(0), CLIENT, &command)?;
    }
    Ok(())
}

fn terms(base: &[u8], rows: &[u8]) -> Terms {
    Terms {
        title: [0; 32],
        asset: Asset::Ether,
        reward: Amount::new(10),
        rewards: 1,
        deadline: Timestamp(NOW + 3_600),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        max_model_bytes: 1 << 20,
        max_work: Work(u64::MAX),
        base_model: named(base),
        hold_out: named(rows),
    }
}
