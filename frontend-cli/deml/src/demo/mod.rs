//! The demo: a complete market on this computer, from a deposit to paid wallets.
//!
//! Everything in it is real: anvil runs the real contracts, the dapp evaluates, the clients train
//! on their own shards of public data, and each step is the library function of a `deml` command.
//! Gas is free on the demo's chain, so that wallets show rewards and nothing else; the gas used is
//! reported separately.

pub mod competition;
mod flows;
pub mod models;
mod play;
mod result;
mod stage;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context as _, Result, bail};
use application::{Dapp, beside_this_program};
use client::printer::Printer;
pub use result::Played;

use self::{
    play::{DIGITS, HEALTH},
    result::{Submitted, Wallet},
    stage::{Part, Stage},
};
use crate::{
    commands::devnet::program,
    dashboard::{Server, serve_if},
    interrupt::until_interrupted,
};

/// Runs both jobs and cleans up.
///
/// A given `dapp` runs the market, and the one beside this program then replays the same inputs.
///
/// - Errors: the failed step, or how the two applications differ; no process is left running
pub async fn run(printer: Printer, dapp: Option<Dapp>, page: Option<Server>) -> Result<Played> {
    let begun = Instant::now();
    perform(printer, dapp, page, play::cast()?, async |stage| play_all(stage, begun).await).await
}

/// Runs `play` on a fresh devnet; then replays the inputs, unless the application was the one
/// beside this program. A page is served meanwhile.
async fn perform<T: AsMut<Played>>(
    printer: Printer,
    dapp: Option<Dapp>,
    page: Option<Server>,
    cast: Vec<Part>,
    play: impl AsyncFnOnce(&Stage) -> Result<T>,
) -> Result<T> {
    let other = dapp.as_ref().map(|_| beside_this_program("deml-dapp")).transpose()?;
    let dapp = given(dapp)?;
    let set = async |folder| Stage::set(printer, folder, dapp, cast).await;
    let play = async |stage: &Stage| {
        let mut played = play(stage).await?;
        if let Some(other) = other {
            played.as_mut().replayed = Some(stage.replay(other).await?);
        }
        Ok(played)
    };
    on_stage(set, page, play).await
}

/// Sets a stage in a temporary folder and plays on it, with a page if there is one; whatever
/// happens, Ctrl-C included, its programs are ended and the folder is removed.
async fn on_stage<T>(
    set: impl AsyncFnOnce(PathBuf) -> Result<Stage>,
    page: Option<Server>,
    play: impl AsyncFnOnce(&Stage) -> Result<T>,
) -> Result<T> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let stage = match until_interrupted(set(folder.path().to_owned())).await {
        Ok(stage) => stage,
        Err(error) => {
            Stage::clear(folder.path()).await;
            return Err(error);
        }
    };
    let page = page.map(|page| stage.shown_by(page));
    let played = tokio::select! {
        played = until_interrupted(play(&stage)) => played,
        served = serve_if(page, stage.session.clone()) => served.and_then(|()| bail!("no page")),
    };
    stage.strike().await?;
    played
}

/// The given application, if it is there, or the program beside this one.
fn given(dapp: Option<Dapp>) -> Result<Dapp> {
    Ok(match dapp {
        Some(Dapp::Machine(image)) => Dapp::Machine(image),
        Some(Dapp::Program(path)) => program(Some(path))?.into(),
        None => program(None)?.into(),
    })
}

async fn play_all(stage: &Stage, begun: Instant) -> Result<Played> {
    let before = stage.wallets().await?;
    let (mut submissions, mut jobs) = (Vec::new(), Vec::new());
    for plot in [HEALTH, DIGITS] {
        jobs.push(play::job(stage, &plot, &mut submissions).await?);
    }
    play::settle(stage, &jobs).await?;
    let played = finish(stage, begun, before, submissions).await?;
    play::check_registry(stage, &jobs).await?;
    Ok(played)
}

/// Pays everybody, and checks everything.
async fn finish(
    stage: &Stage,
    begun: Instant,
    before: Vec<Wallet>,
    submissions: Vec<Submitted>,
) -> Result<Played> {
    play::withdraw_all(stage).await?;
    Ok(Played {
        // In this order: wallets include the vouchers' payments, and the dapp has processed
        // everything.
        vouchers: play::claim_all(stage).await?,
        wallets: stage.wallets_since(before).await?,
        submissions,
        outputs_root: stage.outputs_root(),
        solvent: play::solvent(&stage.session).await?,
        audit: stage.audit().await?,
        seconds: begun.elapsed().as_secs(),
        dapp_peak_bytes: stage.dapp_peak_bytes().await,
        is_dapp_emulated: stage.is_dapp_emulated().await,
        replayed: None,
    })
}
