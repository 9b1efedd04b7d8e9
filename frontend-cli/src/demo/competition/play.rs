//! The play, from the deposit to paid wallets.

use std::time::Instant;

use anyhow::{Result, ensure};
use market::{JobId, Stage as Life};

use super::{
    act::{self, ATTEST, Lie, OPEN, REVEAL, Sponsor},
    cast::{self, liars, miner},
    result::{MinerLine, Played},
};
use crate::{
    commands::{
        competition::{board, settle, show},
        money,
    },
    demo::{self, stage::Stage},
};

pub(super) async fn play(stage: &Stage, sponsor: Sponsor, begun: Instant) -> Result<Played> {
    let before = stage.wallets().await?;
    stage.chapter("A competition opens");
    let job = act::open(stage).await?;
    act::enlist_all(stage, job).await?;
    stage.chapter("Entries");
    let mut entries = act::enter_all(stage, job).await?;
    stage.chapter("It closes: seats are drawn, keys are due");
    stage.advance_time(OPEN).await?;
    settle(stage, job).await?;
    act::reveal_all(stage, job, sponsor, &mut entries).await?;
    stage.chapter("Keys are no longer taken");
    stage.advance_time(REVEAL).await?;
    if sponsor == Sponsor::Honest {
        evaluate(stage, job).await?;
    }
    settle(stage, job).await?;
    let view = stage.session.competition(job).await?;
    ensure!(view.stage == Life::Settled, "competition {job} is {}", view.stage);
    let board = board::board(&stage.session, job).await?;
    let submissions = entries.iter().zip(&board.entries);
    let submissions = submissions.map(|(entry, view)| entry.judged(job, view)).collect();
    let miners = miners(stage, job).await?;
    withdraw_all(stage).await?;
    let players = stage.players().iter();
    let names = players.map(|player| (player.sender.address(), player.name)).collect();
    let common = demo::finish(stage, begun, before, submissions).await?;
    Ok(Played { common, test: board.tests.clone(), board, miners, names })
}

/// Miners attest, unveil, and may object.
async fn evaluate(stage: &Stage, job: JobId) -> Result<()> {
    for (words, lie) in [
        ("Miners commit to what they find", Lie::Attest),
        ("Miners show it", Lie::Unveil),
        ("Whoever doubts it may object", Lie::Nothing),
    ] {
        stage.chapter(words);
        act::mine(stage, job, lie).await?;
        stage.advance_time(ATTEST).await?;
    }
    stage.chapter("Where miners differ, the machine looks, and at the first of the ranking");
    Ok(())
}

/// Moves the competition on; that nothing was to do is fine.
async fn settle(stage: &Stage, job: JobId) -> Result<()> {
    let sponsor = stage.player("sponsor")?;
    match settle::settle(&stage.session, &sponsor.sender, job).await {
        Ok(settled) => {
            stage.say("somebody", format_args!("settles: {}", settled.stage));
            Ok(())
        }
        Err(why) if settle::is_early(&why) => Ok(()),
        Err(why) => Err(why),
    }
}

/// What became of the miners.
async fn miners(stage: &Stage, job: JobId) -> Result<Vec<MinerLine>> {
    let seats = show::seats(&stage.session, job).await?;
    let mut miners = Vec::new();
    let of_liars = liars(stage).map(|liar| (liar.name, miner(stage, liar, job)));
    for (name, miner) in cast::miners(stage, job).chain(of_liars) {
        let me = crate::convert::to_market(miner.sender.address());
        let seat = seats.iter().find(|seat| seat.miner == me);
        miners.push(MinerLine {
            name,
            unveiled: seat.map_or(0, |seat| seat.unveiled),
            offence: seat.and_then(|seat| seat.offence.clone()),
            earned: miner.round().await?.earned,
        });
    }
    Ok(miners)
}

/// Everybody takes their free balance out.
async fn withdraw_all(stage: &Stage) -> Result<()> {
    for player in stage.players() {
        let address = player.sender.address();
        if stage.session.free_balances(address).await?.is_empty() {
            continue;
        }
        let asked = money::withdrawals(&stage.session, address, "all").await?;
        money::withdraw_all(&stage.session, &player.sender, asked).await?;
    }
    Ok(())
}
