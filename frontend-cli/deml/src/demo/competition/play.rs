//! The course of the competition, from the deposit to paid wallets.

use std::time::Instant;

use anyhow::{Result, ensure};
use client::convert::to_market;
use market::{JobId, Stage as Life};
use wire::{JobList, Notice, Paging, Query, SeatsView, SubmissionView};

use super::{
    act::{self, ATTEST, Lie, OPEN, REVEAL, Sponsor},
    cast::{self, liars, miner},
    result::{MinerLine, Played, Test},
};
use crate::{
    budget::Budget,
    commands::job::settle,
    demo::{self, stage::Stage},
};

pub(super) async fn play(stage: &Stage, sponsor: Sponsor, begun: Instant) -> Result<Played> {
    let before = stage.wallets().await?;
    stage.chapter("A competition opens: a sealed job with a prize");
    let job = act::open(stage).await?;
    act::enlist_all(stage, job).await?;
    stage.chapter("Submissions");
    let mut entries = act::submit_all(stage, job).await?;
    stage.chapter("It closes: keys are due");
    stage.advance_time(OPEN).await?;
    settle(stage, job).await?;
    act::reveal_all(stage, job, sponsor, &mut entries).await?;
    stage.chapter("Keys are no longer taken: seats are drawn");
    stage.advance_time(REVEAL).await?;
    settle(stage, job).await?;
    if sponsor == Sponsor::Honest {
        evaluate(stage, job).await?;
    }
    let view = stage.session.job(job).await?;
    ensure!(view.stage == Life::Settled, "job {job} is {}", view.stage);
    let of_job: Vec<SubmissionView> =
        stage.session.all(|paging| list(job, JobList::Submissions, paging)).await?;
    let submissions = entries.iter().zip(&of_job);
    let submissions = submissions.map(|(entry, of)| entry.judged(view.number, of)).collect();
    let miners = miners(stage, job).await?;
    let participants = stage.participants().iter();
    let names =
        participants.map(|participant| (participant.sender.address(), participant.name)).collect();
    Ok(Played {
        board: stage.session.all(|paging| list(job, JobList::Board, paging)).await?,
        ranking: stage.session.all(|paging| list(job, JobList::Leaderboard, paging)).await?,
        tests: stage.notices()?.into_iter().filter_map(test).collect(),
        decision: view.decision,
        miners,
        names,
        common: demo::finish(stage, begun, before, submissions).await?,
    })
}

/// Miners commit and reveal; then the machine evaluates, and whoever advances that is paid for it.
async fn evaluate(stage: &Stage, job: JobId) -> Result<()> {
    for (words, lie) in [
        ("Miners commit to what they find", Some(Lie::Attest)),
        ("Miners reveal it", Some(Lie::Reveal)),
        ("The machine looks at what was revealed, and at who was wrong", None),
    ] {
        stage.chapter(words);
        act::mine(stage, job, lie).await?;
        stage.advance_time(ATTEST).await?;
    }
    settle(stage, job).await
}

/// Advances the job as far as time allows.
async fn settle(stage: &Stage, job: JobId) -> Result<()> {
    let (sender, budget) = (&stage.participant("ada")?.sender, &mut Budget::default());
    match settle::settle(&stage.session, sender, job, budget).await {
        Ok(settled) => stage.say("ada", format_args!("settles: {}", settled.stage)),
        Err(why) if settle::opens_at(&why).is_some() => {}
        Err(why) => return Err(why),
    }
    Ok(())
}

fn list(job: JobId, list: JobList, paging: Paging) -> Query {
    Query::List(job.into(), list, paging)
}

/// The exact test reported by a notice.
fn test(notice: Notice) -> Option<Test> {
    match notice {
        Notice::Compared { best, other, best_better, other_better, separated, .. } => {
            Some(Test { best, other, best_better, other_better, separated })
        }
        _ => None,
    }
}

/// Outcomes of the miners.
async fn miners(stage: &Stage, job: JobId) -> Result<Vec<MinerLine>> {
    let seats: SeatsView = stage.session.ask(&list(job, JobList::Seats, Paging::default())).await?;
    let mut miners = Vec::new();
    let of_liars = liars(stage).map(|liar| (liar.name, miner(stage, liar, job)));
    for (name, miner) in cast::miners(stage, job).chain(of_liars) {
        let me = to_market(miner.sender.address());
        let seat = seats.seats.iter().find(|seat| seat.miner == me);
        miners.push(MinerLine {
            name,
            revealed: seat.map_or(0, |seat| seat.revealed),
            offence: seat.and_then(|seat| seat.offence).map(|offence| offence.to_string()),
            earned: miner.round().await?.earned,
        });
    }
    Ok(miners)
}
