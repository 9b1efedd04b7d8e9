//! The course of the demo of trainers.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use blobs::Cid;
use client::{
    chain::dev_account,
    files,
    printer::{Printer, Refused},
    quantity::{Deadline, Share, percent},
};
use dataset::Source;
use drafts::named;
use eval::train::Options;
use market::JobId;
use trainer::{
    bounds::Bounds,
    custom::folder::Trainer,
    engine::{self, On, Placement, Record},
    local,
    task::{self, Isolation, Wanted, Work, judging::JudgedModel},
};

use super::{
    super::{
        play::{ADA, BEN, DIGITS, MIN_GAIN, POST, WINDOW, check_registry, enter, settle},
        result::Submitted,
        stage::{Coin, Part, Participant, Stage},
    },
    Played,
    cluster::Cluster,
    result::{Caught, Trained},
};
use crate::{
    commands::{box_exec, funding::Funding, job::open, submit},
    terms::{AwardDraft, OfferDraft, TermsDraft},
};

const CEM: &str = "client cem";
const MANIFEST: &str = include_str!("trainer/trainer.toml");
const SCRIPT: &str = include_str!("trainer/train.py");
const LEAK: &str = include_str!("leak.py");
/// Most bytes of the packed trainer.
const TRAINER_BYTES_MAX: u64 = 1 << 20;

/// All participants, with the devnet's public accounts from 1 on.
pub(super) fn cast() -> Result<Vec<Part>> {
    let coins: &[Coin] = &[Coin::Token];
    let people = [(POST, 1_000), (ADA, 10), (BEN, 10), (CEM, 10)];
    let part =
        |(account, (name, tokens))| Ok(Part { name, key: dev_account(account)?, coins, tokens });
    (1..).zip(people).map(part).chain([Part::operator(coins)]).collect()
}

/// Plays all of it.
pub(super) async fn play(stage: &Stage, python: &Path, begun: Instant) -> Result<Played> {
    let before = stage.wallets().await?;
    let (job, cid) = open(stage).await?;
    let (mut submissions, mut trainings) = (Vec::new(), Vec::new());
    for (client, shard) in [ADA, BEN].into_iter().zip(DIGITS.shards) {
        let (trained, submitted) = client_trains(stage, job, cid, client, shard, python).await?;
        trainings.push(trained);
        submissions.push(submitted);
    }
    let caught = leak(stage, job).await?;
    settle(stage, &[job]).await?;
    let common = super::super::finish(stage, begun, before, submissions).await?;
    check_registry(stage, &[job]).await?;
    Ok(Played { common, trainer: cid, trainings, caught })
}

/// The sponsor publishes its trainer, and opens a job whose base model names it.
async fn open(stage: &Stage) -> Result<(JobId, Cid)> {
    stage.chapter("A job with a trainer");
    let trainer = packed(stage, "trainer", SCRIPT)?;
    let cid = stage.session.store.put(&trainer.pack()?, files::PROFILE).await?;
    stage.say(POST, format_args!("publishes a trainer in Python: {cid}"));
    let offer = OfferDraft {
        base: Some(stage.file(POST, "base.onnx", DIGITS.base)?.path),
        trainer: Some(cid.to_string()),
        hold_out: Some(stage.file(POST, "holdout.safetensors", DIGITS.hold_out)?.path),
        min_gain: Some(Share(MIN_GAIN)),
        ..OfferDraft::default()
    };
    let award = AwardDraft {
        reward: Some(DIGITS.reward.parse()?),
        rewards: Some(3),
        ..AwardDraft::default()
    };
    let draft = TermsDraft {
        title: Some("Digits".to_owned()),
        close: Some(Deadline::In(WINDOW)),
        offer,
        award,
        ..TermsDraft::default()
    };
    let plan = open::plan(&stage.session, &draft).await?;
    let Participant { sender, vault, .. } = stage.participant(POST)?;
    let opened = open::open(&stage.session, sender, vault, &plan, Funding::Deposit).await?;
    let score = percent(opened.base_score);
    stage.say(POST, format_args!("job {} is open: beat {score}", opened.number));
    Ok((opened.job, cid))
}

/// A trainer with this script, as a folder of files.
fn packed(stage: &Stage, name: &str, script: &str) -> Result<Trainer> {
    stage.file(name, "trainer.toml", MANIFEST.as_bytes())?;
    let script = stage.file(name, "train.py", script.as_bytes())?;
    Trainer::read(script.path.parent().context("the trainer lies nowhere")?)
}

/// A client runs the job's trainer on its own data, and submits what comes of it.
async fn client_trains(
    stage: &Stage,
    job: JobId,
    cid: Cid,
    client: &'static str,
    (name, shard): (&'static str, &'static [u8]),
    python: &Path,
) -> Result<(Trained, Submitted)> {
    let base = stage.session.job(job).await?.terms.offer.base_model;
    let base = stage.session.store.get(base.cid(), base.size).await?;
    ensure!(named::of(&base) == Some(cid.to_string()), "the job names another trainer");
    let trainer = Trainer::unpack(&stage.session.store.get(cid, TRAINER_BYTES_MAX).await?)?;
    let file = stage.file(client, name, shard)?;
    let wanted = wanted(stage, client, trainer, base, shard)?;
    let (begun, printer) = (Instant::now(), stage.printer);
    let (on, killed, judged) = if client == ADA {
        stage.say(client, "trains in the box on this computer");
        ("this computer", 0, in_box(printer, wanted).await?)
    } else {
        stage.say(client, "trains in the box on HyperQueue, with two workers");
        let folder = file.path.parent().context("the client lies nowhere")?.to_owned();
        let python = python.to_owned();
        let trained = local::in_background(move || on_cluster(printer, wanted, &python, &folder));
        ("hq", 1, trained.await?)
    };
    let milliseconds = begun.elapsed().as_millis();
    stage.say(client, &judged);
    let view = stage.session.job(job).await?;
    // Both send what they changed: a fifth of the gas.
    let model = submit::round(&stage.session, &view, files::read(&judged.file)?).await?;
    let submitted = enter(stage, client, job, &model, &file).await?;
    Ok((Trained { client, on, workers_killed: killed, milliseconds, judged }, submitted))
}

fn wanted(
    stage: &Stage,
    client: &str,
    trainer: Trainer,
    base: Vec<u8>,
    shard: &[u8],
) -> Result<Wanted> {
    let out = stage.file(client, "model.onnx", b"")?.path;
    let limits = trainer.manifest.limits(&sandbox::Limits::default())?;
    let python = PathBuf::from("python3");
    Ok(Wanted {
        work: Work::Trainer { limits, python, isolation: Isolation::Box },
        trainer: Some(trainer),
        base,
        data: vec![Source::from_bytes("rows.safetensors".as_ref(), shard.to_vec())?],
        reading: dataset::Options::default(),
        options: Options { epochs: 16, learning_rate: 0.003, ..Options::default() },
        seeds: vec![1],
        bounds: Bounds::default(),
        out,
    })
}

/// Trains in the box on this computer.
async fn in_box(printer: Printer, wanted: Wanted) -> Result<JudgedModel> {
    let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
    task::here(printer, wanted, box_exec::stage()?, folder.path()).await
}

/// Trains on a cluster, one of whose workers is killed as soon as the trainer has done an epoch.
fn on_cluster(
    printer: Printer,
    wanted: Wanted,
    python: &Path,
    folder: &Path,
) -> Result<JudgedModel> {
    let mut cluster = Cluster::start(python, folder)?;
    let program = std::env::current_exe()?.to_str().context("no Unicode path")?.to_owned();
    let host = fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned();
    let placement = Placement {
        on: On::Hq { python: python.to_owned(), server: Some(cluster.server.clone()) },
        workers: vec![host],
        shared: Some(folder.join("tasks")),
        command: vec![program, "train-worker".to_owned()],
    };
    let record = engine::launch(&printer, wanted, placement, None, &folder.join("trainings"))?;
    let worked = first_epoch_by(&record)?;
    ensure!(cluster.kill_worker_of(worked)?, "no worker has the process {worked}");
    printer.say("the worker that trains is killed");
    engine::follow(&printer, record, &AtomicBool::new(false))
}

/// The process that has done a first epoch.
fn first_epoch_by(record: &Record) -> Result<u32> {
    let said = record.task(0).join("said.jsonl");
    for _ in 0..600 {
        let text = fs::read_to_string(&said).unwrap_or_default();
        let epoch = text.lines().find(|line| line.contains("epochs"));
        let value = epoch.and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let by = value.as_ref().and_then(|value| value["by"].as_str());
        if let Some((_, process)) = by.and_then(|by| by.rsplit_once('-')) {
            return process.parse().context("no process");
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("no worker began within a minute")
}

/// A client whose trainer tries to send the data to a listener of this computer.
async fn leak(stage: &Stage, job: JobId) -> Result<Caught> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let trainer = packed(stage, "another trainer", &LEAK.replace("PORT", &port))?;
    stage.say(CEM, "was given another trainer, and runs it in the box");
    let base = stage.session.job(job).await?.terms.offer.base_model;
    let base = stage.session.store.get(base.cid(), base.size).await?;
    let (_, shard) = DIGITS.shards[0];
    let wanted = wanted(stage, CEM, trainer, base, shard)?;
    let failed = match in_box(stage.printer, wanted).await {
        Ok(_) => bail!("the trainer that sends data away was not caught"),
        Err(why) => why.downcast::<Refused>()?,
    };
    ensure!(failed.0.refused == "TrainerFailed", "it did not come to run: {failed}");
    listener.set_nonblocking(true)?;
    let is_reached = listener.accept().is_ok();
    ensure!(!is_reached, "the trainer reached the listener");
    stage.say(CEM, format_args!("caught: {failed}; nothing is submitted"));
    Ok(Caught { client: CEM, refused: failed, connections: 0, submissions: 0 })
}
