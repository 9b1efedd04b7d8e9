//! The course of the demo: sponsors open jobs, clients train and submit, jobs end, vouchers are
//! executed.

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use anyhow::{Context, Result, ensure};
use client::{
    chain::{Output, dev_account},
    convert::to_ethereum,
    files::File,
    quantity::{Deadline, Share, percent},
    session::Session,
};
use dataset::Source;
use devnet::market::ModelRegistry;
use eval::train::{Options, Progress, train as fit};
use market::{JobId, Score};
use trainer::local;
use wire::{AssetView, Paging, Query, SolvencyView, SubmissionView};

use super::{
    result::{Executed, Submitted},
    stage::{Coin, Part, Participant, Stage},
};
use crate::{
    budget::Budget,
    commands::{
        claim,
        funding::Funding,
        job::{open, settle},
        submit::{self, Entry},
        withdraw,
    },
    terms::{AwardDraft, MetricName, OfferDraft, TermsDraft},
};

const HOSPITAL: &str = "sponsor of health";
pub(super) const POST: &str = "sponsor of digits";
pub(super) const ADA: &str = "client ada";
pub(super) const BEN: &str = "client ben";

/// All participants, with the devnet's public accounts from 1 on.
pub(super) fn cast() -> Result<Vec<Part>> {
    let both: &[Coin] = &[Coin::Ether, Coin::Token];
    let people: [(_, &[Coin], _); 4] = [
        (HOSPITAL, &[Coin::Ether], 0),
        (POST, &[Coin::Token], 1_000),
        // Tokens for their stakes.
        (ADA, both, 10),
        (BEN, both, 10),
    ];
    let part = |(account, (name, coins, tokens))| {
        Ok(Part { name, key: dev_account(account)?, coins, tokens })
    };
    (1..).zip(people).map(part).chain([Part::operator(both)]).collect()
}

/// Length of every job, in seconds.
pub(super) const WINDOW: u64 = 24 * 60 * 60;

/// Minimum gain over the base model: 5 %.
pub(super) const MIN_GAIN: Score = Score(50_000);

/// Parameters of one job.
pub(super) struct Plot {
    sponsor: &'static str,
    title: &'static str,
    pub(super) reward: &'static str,
    pub(super) base: &'static [u8],
    pub(super) hold_out: &'static [u8],
    /// The clients' own data: file name and bytes.
    pub(super) shards: [(&'static str, &'static [u8]); 2],
    epochs: u32,
    learning_rate: f32,
    /// The client that first submits a barely trained model, if any.
    hasty: Option<&'static str>,
}

macro_rules! real_data {
    ($file:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/", $file))
    };
}

/// Wisconsin breast cancer: a multilayer perceptron by scikit-learn, rewards in Ether.
pub(super) const HEALTH: Plot = Plot {
    sponsor: HOSPITAL,
    title: "Health",
    reward: "0.5ether",
    base: real_data!("health/sklearn-base.onnx"),
    hold_out: real_data!("health/holdout.safetensors"),
    shards: [
        ("patients.csv", real_data!("health/client-a.csv")),
        ("patients.safetensors", real_data!("health/client-b.safetensors")),
    ],
    epochs: 30,
    learning_rate: 0.01,
    hasty: Some(BEN),
};

/// Handwritten digits: a convolutional network by PyTorch, rewards in the test token.
pub(super) const DIGITS: Plot = Plot {
    sponsor: POST,
    title: "Digits",
    reward: "100token",
    base: real_data!("digits/torch-base.onnx"),
    hold_out: real_data!("digits/holdout.safetensors"),
    shards: [
        ("letters.safetensors", real_data!("digits/client-a.safetensors")),
        ("letters.safetensors", real_data!("digits/client-b.safetensors")),
    ],
    epochs: 30,
    learning_rate: 0.01,
    hasty: None,
};

/// Runs one job until both clients are paid.
pub(super) async fn job(
    stage: &Stage,
    plot: &Plot,
    submissions: &mut Vec<Submitted>,
) -> Result<JobId> {
    let job = open(stage, plot).await?;
    let view = stage.session.job(job).await?;
    let base = view.terms.offer.base_model;
    for (client, (name, shard)) in [ADA, BEN].into_iter().zip(plot.shards) {
        let shard = stage.file(client, name, shard)?;
        let base = stage.session.store.get(base.cid(), base.size).await?;
        if plot.hasty == Some(client) {
            let model = train(stage, plot, client, &base, &shard, 1e-6).await?;
            submissions.push(enter(stage, client, job, &model, &shard).await?);
        }
        let model = train(stage, plot, client, &base, &shard, plot.learning_rate).await?;
        submissions.push(enter(stage, client, job, &model, &shard).await?);
    }
    Ok(job)
}

/// The sponsor deposits the rewards with the job riding on them, and publishes both blobs.
async fn open(stage: &Stage, plot: &Plot) -> Result<JobId> {
    let Plot { sponsor, title, reward, .. } = *plot;
    stage.chapter(title);
    stage.say(sponsor, format_args!("deposits three rewards of {reward} and opens a job"));
    let offer = OfferDraft {
        base: Some(stage.file(sponsor, "base.onnx", plot.base)?.path),
        hold_out: Some(stage.file(sponsor, "holdout.safetensors", plot.hold_out)?.path),
        metric: Some(MetricName(market::Metric::Accuracy)),
        min_gain: Some(Share(MIN_GAIN)),
        ..OfferDraft::default()
    };
    let draft = TermsDraft {
        title: Some(title.to_owned()),
        close: Some(Deadline::In(WINDOW)),
        offer,
        award: AwardDraft {
            reward: Some(reward.parse()?),
            rewards: Some(3),
            ..AwardDraft::default()
        },
        ..TermsDraft::default()
    };
    let plan = open::plan(&stage.session, &draft).await?;
    let Participant { sender, vault, .. } = stage.participant(sponsor)?;
    let funding = Funding::Deposit;
    let opened = open::open(&stage.session, sender, vault, &plan, funding).await?;
    let score = percent(opened.base_score);
    stage.say(sponsor, format_args!("job {} is open: beat {score}", opened.number));
    Ok(opened.job)
}

/// A client trains the base model on its own data, which it keeps private.
async fn train(
    stage: &Stage,
    plot: &Plot,
    client: &'static str,
    base: &[u8],
    shard: &File,
    learning_rate: f32,
) -> Result<File> {
    let source = Source::from_bytes(&shard.path, shard.bytes.clone())?;
    let dataset = dataset::read(&source, &dataset::Options::default())?.dataset;
    let rows = dataset.rows();
    let hasty = learning_rate < plot.learning_rate;
    let epochs = if hasty { 1 } else { plot.epochs };
    let options = Options { learning_rate, epochs, ..Options::default() };
    let bar = Arc::new(stage.printer.bar(&format!("{}: trains", client), epochs.into()));
    let (shown, base) = (Arc::clone(&bar), base.to_vec());
    let trained = local::in_background(move || {
        let mut progress = |progress: Progress<'_>| {
            if let Progress::Epoch(epoch, _) = progress {
                shown.set(epoch.number.into());
            }
            ControlFlow::Continue(())
        };
        fit(&base, &dataset, &options, &mut progress).context("cannot train")
    });
    let trained = trained.await?;
    drop(bar);
    let best = trained.best;
    stage.say(
        client,
        format_args!(
            "trained on {rows} rows of its own; epoch {} is best: loss {:.4}, {} on rows held back",
            best.number,
            best.loss,
            percent(best.score)
        ),
    );
    stage.file(client, "model.onnx", &trained.onnx)
}

/// A client submits a model, even if the rehearsal refuses it.
pub(super) async fn enter(
    stage: &Stage,
    client: &'static str,
    job: JobId,
    model: &File,
    shard: &File,
) -> Result<Submitted> {
    let Participant { sender, vault, .. } = stage.participant(client)?;
    let entry = Entry { data: shard.blob, force: true, ..Entry::new(job, model) };
    let (begun, budget) = (Instant::now(), &mut Budget::default());
    let submitted = submit::submit(&stage.session, sender, vault, &entry, budget).await?;
    let milliseconds = begun.elapsed().as_millis();
    let score =
        submitted.score.map_or_else(|| "no score".to_owned(), |score| percent(Score(score)));
    let verdict = match &submitted.refusal {
        None if submitted.accepted => "accepted".to_owned(),
        None => "NotDecided".to_owned(),
        Some(refused) => refused.0.refused.clone(),
    };
    match (&submitted.refusal, &submitted.next) {
        (Some(refused), _) => stage.say(client, format_args!("refused: {refused}")),
        (None, Some(next)) => stage.say(client, format_args!("{score}, not decided: {next}")),
        (None, None) => stage.say(client, format_args!("{verdict} with {score}; a voucher pays")),
    }
    Ok(Submitted {
        job: submitted.number,
        client,
        model_cid: submitted.model_cid,
        model_bytes: model.blob.size,
        score: submitted.score,
        verdict,
        gas: submitted.spent.gas_used,
        milliseconds,
    })
}

/// Everybody withdraws the free balance: the rest of awards, rents and stakes.
pub(super) async fn withdraw_all(stage: &Stage) -> Result<()> {
    for Participant { name, sender, .. } in stage.participants() {
        let address = sender.address();
        if stage.session.free_balances(address).await?.is_empty() {
            continue;
        }
        let asked = withdraw::withdrawals(&stage.session, address, "all").await?;
        for (currency, amount) in &asked {
            stage.say(name, format_args!("withdraws what is free, {}", currency.show(*amount)));
        }
        withdraw::withdraw_all(&stage.session, sender, asked).await?;
    }
    Ok(())
}

/// The deadline passes, and the jobs are settled.
pub(super) async fn settle(stage: &Stage, jobs: &[JobId]) -> Result<()> {
    stage.chapter("A day later");
    stage.advance_time(WINDOW).await?;
    for &job in jobs {
        let (sender, budget) = (&stage.participant(ADA)?.sender, &mut Budget::default());
        let ended = settle::settle(&stage.session, sender, job, budget).await?;
        let (number, payouts) = (ended.number, ended.payouts);
        stage.say(ADA, format_args!("settles job {number}: {payouts} models were paid"));
    }
    Ok(())
}

/// The epoch ends, its claim is accepted, and everybody executes their vouchers on L1.
pub(super) async fn claim_all(stage: &Stage) -> Result<Vec<Executed>> {
    stage.chapter("The epoch ends and is claimed");
    stage.end_epoch().await?;
    let mut vouchers = Vec::new();
    for Participant { name, sender, .. } in stage.participants() {
        let claimed = claim::claim(&stage.session, sender, &[], true).await?;
        for voucher in &claimed.executed {
            stage.say(name, format_args!("executes voucher {}", voucher.index));
        }
        vouchers.extend(claimed.executed);
    }
    let mut records = Vec::new();
    let mut pages = stage.session.node.vouchers_to(stage.registry()?);
    while let Some(page) = pages.next().await? {
        records.extend(page.iter().map(|record| record.index));
    }
    // The first sponsor executes the registry's vouchers; anybody could.
    if let (Some(sponsor), false) = (stage.participants().first(), records.is_empty()) {
        let claimed = claim::claim(&stage.session, &sponsor.sender, &records, true).await?;
        vouchers.extend(claimed.executed);
    }
    vouchers.sort_by_key(|voucher| voucher.index);
    let mut executed = Vec::new();
    for voucher in &vouchers {
        executed.push(describe(stage, voucher).await?);
    }
    Ok(executed)
}

async fn describe(stage: &Stage, voucher: &claim::Executed) -> Result<Executed> {
    let record = stage.session.node.output(voucher.index).await?;
    let Some(Output::Voucher { destination, value, .. }) = Output::decode(&record.raw_data) else {
        anyhow::bail!("output {} was executed and is no voucher", voucher.index);
    };
    let payment = voucher.payment;
    Ok(Executed {
        index: voucher.index,
        destination,
        value,
        transaction: voucher.transaction,
        to: payment.map(|payment| to_ethereum(payment.to)),
        asset: payment.map(|payment| payment.asset.to_string()),
        amount: payment.map(|payment| payment.amount.to_string()),
        gas: voucher.spent.gas_used,
    })
}

/// The registry on L1 must record the winner of each job with its score.
pub(super) async fn check_registry(stage: &Stage, jobs: &[JobId]) -> Result<()> {
    let (registry, application) = (stage.registry()?, stage.session.application());
    for &job in jobs {
        let call = ModelRegistry::recordOfCall { application, job: job.0.into() };
        let record = stage.session.chain.call("read the registry", registry, &call).await?;
        let view = stage.session.job(job).await?;
        let (number, best) = (view.number, view.best.context("the job has no winner")?);
        ensure!(
            record.score == best.scores.score.0,
            "the registry has another score of job {number}"
        );
        let winner: SubmissionView =
            stage.session.ask(&Query::Submission(job.into(), best.submission)).await?;
        let winner = winner.model.context("the winner has no model")?;
        ensure!(record.model.digest.0 == winner.digest.0, "the registry has another winner");
        let score = percent(Score(record.score));
        stage.printer.say(format_args!(
            "the registry on L1: job {number} was won by {} with {score}",
            winner.cid()
        ));
    }
    Ok(())
}

/// Whether the market's totals are consistent with each other and with its contract's funds on L1.
pub(super) async fn solvent(session: &Session) -> Result<bool> {
    let books: SolvencyView = session.ask(&Query::Solvency(Paging::default())).await?;
    let mut agrees = books.solvent;
    for AssetView { asset, free, escrowed, .. } in books.assets {
        let held = session.wallet(session.application(), asset).await?;
        agrees &= free.checked_add(escrowed) == Some(held);
    }
    Ok(agrees)
}
