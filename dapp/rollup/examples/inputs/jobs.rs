//! Jobs from opening to end: an open one, a sealed one whose hundred seats attest the same lies,
//! and a sampled one whose seats all attest something different.

use market::{
    Address, Amount, Attestation, Award, Command, JobId, Metric, Results, Score, Sealing, Slot,
    SubmittedModel, Target,
};
use scenarios::{account, context, file, reveal, seal};
use wire::{Notice, encode_command};

use crate::{
    Files, Result,
    plan::{SEATS, SPONSOR, miners, open_job, sealed_hold_out},
    stage::{Stage, event},
};

/// Rows of the datasets in the folder.
const ROWS: u32 = 1_000;
const ROWS_OF_HOLD_OUT: u32 = 300;
const ROWS_OF_LINE: u32 = 20_000;
/// Miners that enlist, more than there are seats, and seats that reveal nothing.
const ENLISTED: usize = 150;
const SILENT: usize = 10;

/// An open job, with a low cost limit per input, so that evaluations span several inputs.
pub(crate) fn open(files: &Files, input_work: u64) -> Result<()> {
    let [base, rows, model] =
        ["base.onnx", "rows.safetensors", "model.onnx"].map(|name| files.read(name));
    let (base, rows, model) = (base?, rows?, model?);
    let mut stage = Stage::new(Some(input_work));
    let nothing = encode_command(&Command::Settle { job: JobId([7; 32]) });
    stage.send("a refused command", account(2, 0), &nothing)?;
    let hold_out = file(&rows);
    let (job, opening) = open_job([&base, &rows], Sealing::Open { hold_out }, ROWS, |terms| {
        terms.award = Award::Rewards { reward: Amount::new(1_000_000), count: 2 };
        terms.offer.board = None;
    });
    stage.ride("a job", SPONSOR, &opening)?;
    stage.publish("a base model", SPONSOR, job, Slot::BaseModel, &base)?;
    stage.publish("a hold-out", SPONSOR, job, Slot::HoldOut, &rows)?;
    stage.evaluate(job, Target::Base)?;
    for (index, model) in [&model, &[&model[..], &[0x9a, 6, 0]].concat()].into_iter().enumerate() {
        let client = account(2, index);
        stage.ride("a submission", client, &scenarios::submit(job, model))?;
        stage.publish("a model", client, job, Slot::Submission, model)?;
    }
    (0..2).try_for_each(|number| stage.evaluate(job, Target::Submission(number)).map(drop))?;
    stage.wait();
    require(&stage.settle(job)?, &["JobDecided", "Paid", "JobEnded"])
}

/// A sealed job whose seats attest a lie: the machine evaluates all models, and compares the best.
pub(crate) fn attested(files: &Files) -> Result<()> {
    let read = |name| files.read(name);
    let [base, slice, hold_out] =
        [read("base.onnx")?, read("slice.safetensors")?, read("hold-out.safetensors")?];
    let (best, shown) = (read("mlp.onnx")?, read("cnn.onnx")?);
    let mut near = best.clone();
    // Changes a number somewhere in the weights.
    let middle = near.len() / 2;
    near[middle] ^= 1;
    // The last client does not reveal.
    let models = [&best, &near, &shown, &vec![7; best.len()], &best[1..].to_vec()].map(Vec::clone);
    let mut stage = Stage::new(None);
    let (sealing, secret) = sealed_hold_out(&hold_out);
    let (job, opening) = open_job([&base, &slice], sealing, ROWS_OF_HOLD_OUT, |terms| {
        terms.evaluators = miners(0);
    });
    begin(&mut stage, (job, opening), [&base, &slice, &secret.ciphertext])?;
    stage.evaluate(job, Target::Base)?;
    let revealing = submit(&mut stage, job, &models)?;
    let client = account(2, 0);
    stage.ride("a model to be shown", client, &Command::Show { job, model: file(&shown) })?;
    stage.publish("a shown model", client, job, Slot::Shown, &shown)?;
    stage.evaluate(job, Target::Shown(0))?;
    stage.wait();
    stage.settle(job)?;
    for (client, reveal) in revealing.into_iter().take(models.len() - 1) {
        stage.play("the key of a model", client, &reveal)?;
    }
    stage.play("the key of a hold-out", SPONSOR, &reveal(job, secret.opening))?;
    stage.wait();
    let mut said = stage.settle(job)?;
    let lie =
        Attestation { score: Score::MAX, threshold_score: Score::MAX, results: file(&base).digest };
    attest(&mut stage, job, |_| (lie, Vec::new()))?;
    said.extend(judge(&mut stage, job, models.len() - 1)?);
    let events =
        ["SeatsDrawn", "ModelEvaluated", "Forfeited", "Compared", "JobDecided", "JobEnded"];
    require(&said, &events)
}

/// A sealed job in which every miner attests different results, and the machine samples as many
/// rows as it may.
pub(crate) fn sampled(files: &Files) -> Result<()> {
    let (base, hold_out) = (files.read("line.onnx")?, files.read("line.safetensors")?);
    let slice = files.read("slice.safetensors")?;
    let (sealing, secret) = sealed_hold_out(&hold_out);
    let (job, opening) = open_job([&base, &slice], sealing, ROWS_OF_LINE, |terms| {
        terms.evaluators = miners(10_000);
    });
    let mut stage = Stage::new(None);
    begin(&mut stage, (job, opening), [&base, &slice, &secret.ciphertext])?;
    let model = [&base[..], &[0x9a, 6, 0]].concat();
    let revealing = submit(&mut stage, job, &[model])?;
    stage.wait();
    stage.settle(job)?;
    for (client, reveal) in revealing {
        stage.play("the key of a small model", client, &reveal)?;
    }
    stage.play("the key of a hold-out to be sampled", SPONSOR, &reveal(job, secret.opening))?;
    stage.wait();
    stage.settle(job)?;
    attest(&mut stage, job, |seat| {
        let mut bytes = vec![0xf0; ROWS_OF_LINE.div_ceil(8) as usize];
        bytes[seat] = 0xff;
        let results = Results::from_bytes(Metric::Accuracy, ROWS_OF_LINE, &bytes);
        let score = results.and_then(|results| results.score(Metric::Accuracy));
        let (score, results) = (score.unwrap_or_default(), file(&bytes).digest);
        (Attestation { score, threshold_score: Score(0), results }, bytes)
    })?;
    let said = judge(&mut stage, job, 1)?;
    require(&said, &["Forfeited", "JobDecided", "Paid", "JobEnded"])
}

/// Opens a sealed job, in which miners enlist.
fn begin(
    stage: &mut Stage,
    (job, opening): (JobId, Command),
    [base, slice, hold_out]: [&[u8]; 3],
) -> Result<()> {
    stage.ride("a sealed job", SPONSOR, &opening)?;
    stage.publish("a base model", SPONSOR, job, Slot::BaseModel, base)?;
    stage.publish("a public slice", SPONSOR, job, Slot::PublicSlice, slice)?;
    stage.publish("a sealed hold-out", SPONSOR, job, Slot::HoldOut, hold_out)?;
    for index in 0..ENLISTED {
        stage.ride("a miner who enlists", account(3, index), &Command::Enlist { job })?;
    }
    Ok(())
}

/// Submits sealed models; returns each client and its reveal.
fn submit(stage: &mut Stage, job: JobId, models: &[Vec<u8>]) -> Result<Vec<(Address, Command)>> {
    let mut revealing = Vec::new();
    for (index, model) in models.iter().enumerate() {
        let client = account(2, index);
        let secret = seal(&context(client), job.0, model);
        let submit = Command::Submit { job, model: SubmittedModel::Sealed(secret.sealed) };
        stage.ride("a sealed submission", client, &submit)?;
        stage.publish("a sealed model", client, job, Slot::Submission, &secret.ciphertext)?;
        revealing.push((client, reveal(job, secret.opening)));
    }
    Ok(revealing)
}

/// All seats but some attest the first page and reveal it; then the machine may judge.
fn attest(
    stage: &mut Stage,
    job: JobId,
    says: impl Fn(usize) -> (Attestation, Vec<u8>),
) -> Result<()> {
    let seats = &stage.job(job)?.seats;
    let seated: Vec<_> = seats.iter().map(|seat| seat.miner).collect();
    let models = stage.job(job)?.page(0).len();
    for reveals in [false, true] {
        for (seat, &miner) in seated.iter().take(SEATS as usize - SILENT).enumerate() {
            let (attestation, results) = says(seat);
            let attestations = vec![attestation; models];
            let [attest, reveal] =
                scenarios::attest(&context(miner), job, 0, attestations, results);
            let (what, command) = if reveals {
                ("attestations revealed", reveal)
            } else {
                ("a commitment to attestations", attest)
            };
            stage.play(what, miner, &command)?;
        }
        stage.wait();
    }
    Ok(())
}

/// Evaluates all models and ends the job; returns the notices.
fn judge(stage: &mut Stage, job: JobId, models: usize) -> Result<Vec<Notice>> {
    let mut said = stage.settle(job)?;
    said.extend(stage.evaluate(job, Target::BaseOnHoldOut)?);
    for number in (0..).take(models) {
        said.extend(stage.evaluate(job, Target::Submission(number))?);
    }
    said.extend(stage.settle(job)?);
    Ok(said)
}

/// Checks that all of these events were emitted.
fn require(said: &[Notice], events: &[&str]) -> Result<()> {
    match events.iter().find(|name| !said.iter().any(|notice| event(notice) == **name)) {
        Some(missing) => Err(format!("nothing was {missing}").into()),
        None => Ok(()),
    }
}
