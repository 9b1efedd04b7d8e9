//! The participants' actions: the sponsor opens, clients train, seal and cheat, miners attest and
//! lie.

use std::{ops::ControlFlow, time::Instant};

use anyhow::{Context, Result, ensure};
use blobs::BlobRef;
use client::{
    convert::to_market,
    delivery,
    files::File,
    printer::Refused,
    quantity::{Deadline, percent},
    seals::{self, Seal},
    session::TransactionCost,
};
use eval::{
    Dataset, Features, Labels,
    train::{Disguise, Options, Progress, disguise, train as fit},
};
use market::{
    Attestation, AttestationBinding, Command, JobId, Score, Slot, SlotKey, SubmittedModel,
};
use trainer::local;
use wire::{SubmissionStateView, SubmissionView};

use super::cast::{liars, miner, miners};
use crate::{
    budget::Budget,
    commands::{
        funding::{Funding, send_paid},
        job::{evaluate, open, reveal},
        show, submit,
    },
    demo::{
        result::Submitted,
        stage::{Participant, Stage},
    },
    terms::{AwardDraft, EvaluatorsDraft, MetricName, OfferDraft, SealingDraft, TermsDraft},
};

macro_rules! digits {
    ($file:literal) => {
        include_bytes!(concat!("../../../../../tests/fixtures/digits/", $file))
    };
}

/// Length of the submission window, in seconds.
pub(super) const OPEN: u64 = 7 * 24 * 60 * 60;
/// Length of the reveal window, in seconds.
pub(super) const REVEAL: u64 = 24 * 60 * 60;
/// Length of the attestation window, and of its reveal window, in seconds.
pub(super) const ATTEST: u64 = 60 * 60;

/// Rows of the hold-out's file that form the public slice.
const SLICE_ROWS: usize = 100;

/// Behaviour of the sponsor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sponsor {
    /// It reveals the hold-out.
    Honest,
    /// It does not reveal the hold-out.
    Silent,
}

/// The sponsor deposits prize, pool and bond with the job riding on them.
pub(super) async fn open(stage: &Stage) -> Result<JobId> {
    let sponsor = stage.participant("sponsor")?;
    let rows = Dataset::from_safetensors(digits!("holdout.safetensors"))?;
    let slice = part(&rows, 0..SLICE_ROWS)?;
    let hold_out = part(&rows, SLICE_ROWS..rows.rows())?;
    let base = digits!("torch-base.onnx");
    let draft = TermsDraft {
        title: Some("Digits".to_owned()),
        close: Some(Deadline::In(OPEN)),
        offer: OfferDraft {
            base: Some(stage.file(sponsor.name, "base.onnx", base)?.path),
            public_slice: Some(stage.file(sponsor.name, "slice.safetensors", &slice)?.path),
            hold_out: Some(stage.file(sponsor.name, "holdout.safetensors", &hold_out)?.path),
            metric: Some(MetricName(market::Metric::Accuracy)),
            ..OfferDraft::default()
        },
        sealing: SealingDraft {
            sealed: Some(true),
            reveal: Some(Deadline::In(REVEAL)),
            ..SealingDraft::default()
        },
        evaluators: EvaluatorsDraft {
            miners: Some(7),
            attest: Some(Deadline::In(ATTEST)),
            ..EvaluatorsDraft::default()
        },
        award: AwardDraft { prize: Some("1000token".parse()?), ..AwardDraft::default() },
        ..TermsDraft::default()
    };
    let plan = open::plan(&stage.session, &draft).await?;
    let (session, sender, vault) = (&stage.session, &sponsor.sender, &sponsor.vault);
    let opened = open::open(session, sender, vault, &plan, Funding::Deposit).await?;
    stage.say(sponsor.name, format_args!("job {} is open, its hold-out sealed", opened.number));
    Ok(opened.job)
}

/// Some rows of a dataset, as a file.
fn part(all: &Dataset, rows: std::ops::Range<usize>) -> Result<Vec<u8>> {
    let Labels::Classes(classes) = all.labels() else { anyhow::bail!("digits are classes") };
    let labels = Labels::Classes(classes.get(rows.clone()).context("too few rows")?.to_vec());
    let features = Features::Real(all.features(rows));
    Ok(Dataset::new(all.row(), features, labels)?.to_safetensors())
}

/// A submission, from its client's view.
pub(super) struct Entry {
    who: &'static str,
    model: BlobRef,
    begun: Instant,
    gas: u64,
}

impl Entry {
    /// Its outcome.
    pub(super) fn judged(&self, job: u32, view: &SubmissionView) -> Submitted {
        let verdict = match (&view.refusal, view.state) {
            (Some(refusal), _) => &refusal.refused,
            (None, SubmissionStateView::Accepted) => "accepted",
            (None, _) => "NotJudged",
        };
        Submitted {
            job,
            client: self.who,
            model_cid: self.model.cid(),
            model_bytes: self.model.size,
            score: view.scores.map(|scores| scores.score.0),
            verdict: verdict.to_owned(),
            gas: self.gas,
            milliseconds: self.begun.elapsed().as_millis(),
        }
    }
}

/// Two clients train on their own rows; one copies a ciphertext, one enters a noised copy, and one
/// will forget to reveal.
pub(super) async fn submit_all(stage: &Stage, job: JobId) -> Result<Vec<Entry>> {
    let (a, b) = (digits!("client-a.safetensors"), digits!("client-b.safetensors"));
    let model = train(stage, "ada", a, 30).await?;
    let ada = submit(stage, "ada", job, &model).await?;
    let ben = train(stage, "ben", b, 12).await?;
    let ben = show(stage, "ben", job, &ben).await?;
    let copier = copy_ciphertext(stage, job, &model).await?;
    let how = Disguise { reorder: true, rescale: true, turn: true, noise: 0.05, seed: 1 };
    let noised = disguise(digits!("torch-base.onnx"), &model.bytes, &how)?;
    let noised = stage.file("ada again", "model.onnx", &noised)?;
    let again = submit(stage, "ada again", job, &noised).await?;
    let other = train(stage, "forgetful", b, 4).await?;
    let forgetful = submit(stage, "forgetful", job, &other).await?;
    Ok(vec![ada, ben, copier, again, forgetful])
}

async fn train(stage: &Stage, who: &'static str, rows: &[u8], epochs: u32) -> Result<File> {
    let dataset = Dataset::from_safetensors(rows)?;
    let options = Options { learning_rate: 0.01, epochs, ..Options::default() };
    let trained = local::in_background(move || {
        let mut go_on = |_: Progress<'_>| ControlFlow::Continue(());
        fit(digits!("torch-base.onnx"), &dataset, &options, &mut go_on).context("cannot train")
    });
    let trained = trained.await?;
    let best = trained.best.score;
    stage
        .say(who, format_args!("trained for {epochs} epochs, {} on rows held back", percent(best)));
    stage.file(who, "model.onnx", &trained.onnx)
}

async fn submit(stage: &Stage, who: &'static str, job: JobId, model: &File) -> Result<Entry> {
    let begun = Instant::now();
    let Participant { sender, vault, .. } = stage.participant(who)?;
    let (entry, budget) = (submit::Entry::new(job, model), &mut Budget::default());
    let submitted = submit::submit(&stage.session, sender, vault, &entry, budget).await?;
    stage.say(who, format_args!("submits a sealed model as submission {}", submitted.submission));
    Ok(Entry { who, model: model.blob, begun, gas: submitted.spent.gas_used })
}

/// Submits, and shows the same model on the board.
async fn show(stage: &Stage, who: &'static str, job: JobId, model: &File) -> Result<Entry> {
    let entry = submit(stage, who, job, model).await?;
    let (sender, budget) = (&stage.participant(who)?.sender, &mut Budget::default());
    let what = (&job.into(), model);
    let shown = show::show(&stage.session, sender, what, Funding::Deposit, budget).await?;
    let score = shown.board.map_or_else(|| "nothing".to_owned(), |score| percent(Score(score)));
    stage.say(who, format_args!("shows it on the public board: {score}"));
    Ok(entry)
}

/// Submits another client's commitment and ciphertext, which are public.
async fn copy_ciphertext(stage: &Stage, job: JobId, model: &File) -> Result<Entry> {
    let (begun, mut spent) = (Instant::now(), TransactionCost::default());
    let Participant { name, sender, .. } = stage.participant("copier")?;
    let (sealed, ciphertext) = seal_of_ada(stage, job)?.sealed(&model.bytes);
    let session = &stage.session;
    let (terms, settings) = (session.job(job).await?.terms, session.quote().await?.settings);
    let stake = terms.submission_stake(&settings, sealed.ciphertext.size)?.total()?;
    let price = (&session.currency(terms.asset).await, stake);
    let command = Command::Submit { job, model: SubmittedModel::Sealed(sealed) };
    let sent = send_paid(session, sender, price, &command, Funding::Deposit, &mut spent);
    sent.await?.accepted()?;
    let me = to_market(sender.address());
    let own = evaluate::submission_of(session, job, me).await?.context("it did not come in")?;
    let key = (job, SlotKey::of(Slot::Submission, own.submission));
    let blob = sealed.ciphertext;
    spent.absorb(delivery::deliver(session, sender, key, blob, &ciphertext).await?.spent);
    stage.say(name, "submits ada's commitment and ciphertext");
    Ok(Entry { who: name, model: model.blob, begun, gas: spent.gas_used })
}

fn seal_of_ada(stage: &Stage, job: JobId) -> Result<Seal> {
    let seals = seals::list(&stage.participant("ada")?.vault)?;
    seals.into_iter().find(|seal| seal.scope == job.0).context("ada has sealed nothing")
}

/// The sponsor and the clients reveal their sealed blobs, as far as they can and want.
pub(super) async fn reveal_all(
    stage: &Stage,
    job: JobId,
    sponsor: Sponsor,
    entries: &mut [Entry],
) -> Result<()> {
    let mut who = vec!["ada", "ben", "ada again"];
    match sponsor {
        Sponsor::Honest => who.insert(0, "sponsor"),
        Sponsor::Silent => stage.say("sponsor", "keeps the key of the hold-out to itself"),
    }
    for name in who {
        let Participant { sender, vault, .. } = stage.participant(name)?;
        let revealed = reveal::reveal(&stage.session, sender, vault, job, false).await?;
        for entry in entries.iter_mut().filter(|entry| entry.who == name) {
            entry.gas += revealed.spent.gas_used;
        }
        stage.say(name, "reveals");
    }
    let (copier, opening) = (stage.participant("copier")?, seal_of_ada(stage, job)?.opening());
    let (key, salt, plaintext) = (opening.key, opening.salt, opening.plain);
    let command = Command::Reveal { job, key, salt, plaintext };
    let copied = stage.session.carry_out(&copier.sender, &command).await;
    let why = copied.err().context("a copied key was taken")?;
    let refused = why.downcast::<Refused>()?;
    ensure!(refused.0.refused == "WrongCommitment", "another refusal: {refused}");
    stage.say(copier.name, format_args!("tries ada's key: {refused}"));
    stage.say("forgetful", "reveals nothing");
    Ok(())
}

/// The miners enlist.
pub(super) async fn enlist_all(stage: &Stage, job: JobId) -> Result<()> {
    for (name, miner) in miners(stage, job) {
        miner.round().await?;
        stage.say(name, "offers to evaluate, with a bond");
    }
    for liar in liars(stage) {
        miner(stage, liar, job).round().await?;
        stage.say(liar.name, "offers to evaluate, with a bond");
    }
    Ok(())
}

/// Honest miners do a round; liars commit to a made-up attestation, reveal it, or wait.
pub(super) async fn mine(stage: &Stage, job: JobId, lie: Option<Lie>) -> Result<()> {
    for (name, miner) in miners(stage, job) {
        for deed in miner.round().await?.deeds {
            stage.say(name, deed);
        }
    }
    let Some(lie) = lie else { return Ok(()) };
    let models = stage.session.job(job).await?.revealed;
    for liar in liars(stage) {
        tell(stage, liar, job, models, lie).await?;
    }
    Ok(())
}

/// A liar's action in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// Commit to a made-up attestation.
    Attest,
    /// Reveal it.
    Reveal,
}

/// Attests nearly perfect scores for every model, without evaluating any.
async fn tell(stage: &Stage, liar: &Participant, job: JobId, models: u32, lie: Lie) -> Result<()> {
    let made_up = Attestation {
        score: Score(990_000),
        threshold_score: Score(950_000),
        results: blobs::Digest::of(b"made up"),
    };
    let count = usize::try_from(models).unwrap_or(0);
    let (page, salt, attestations) = (0, liar.vault.derived(b"lie"), vec![made_up; count]);
    let command = match lie {
        Lie::Attest => {
            let binding = AttestationBinding {
                chain_id: stage.session.chain.chain_id().await?,
                app: to_market(stage.session.application()),
                job,
                miner: to_market(liar.sender.address()),
                page,
            };
            Command::Attest { job, page, commitment: binding.commitment(&attestations, &salt) }
        }
        Lie::Reveal => {
            let results = Vec::new();
            Command::RevealAttestation { job, page, attestations, results, salt }
        }
    };
    stage.session.carry_out(&liar.sender, &command).await?;
    stage.say(liar.name, "says that every model is nearly perfect");
    Ok(())
}
