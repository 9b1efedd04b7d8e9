//! Replay of the application: the outcomes of its inputs, computed independently of any node.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use alloy::primitives::{B256, keccak256};
use anyhow::{Context, Error, Result};
use application::replay::Replay;
use application::{Completion, Dapp, InputStatus};
use client::chain::Advance;
use client::convert::context;
use client::printer::Printer;
use eval::Evaluator;
use market::{Asset, Market, Solvency};
use rollup::{App, CatchingJudge, Drive, Status};
use tempfile::TempDir;
use tokio::sync::mpsc;
use wire::Genesis;

use super::evidence::BlockRange;

/// Interval between checkpoints, in case an audit is interrupted.
const KEEP_EVERY: Duration = Duration::from_secs(3);

/// The program that replays the inputs.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Another program or a machine; this program's own application if `None`.
    pub dapp: Option<Dapp>,
    /// The genesis file; a machine contains its own.
    pub genesis: PathBuf,
    /// The folder of blobs shipped with the deployment.
    pub blobs: Option<PathBuf>,
    /// Whether the application is known to be a machine, as on every chain but a devnet's.
    pub is_of_machine: bool,
}

/// The application panics on an input, which the machine would revert.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the application fails on input {0}")]
pub(super) struct Undone(pub(super) u64);

/// The deployment's fixed parts, as far as the replay needs them.
#[derive(Clone, Debug)]
pub(super) struct Deployed {
    pub(super) genesis: Genesis,
    /// Its blobs.
    pub(super) drive: Drive,
}

/// A replayed range of blocks.
pub(super) struct Played {
    pub(super) range: BlockRange,
    /// Outcome of each of its inputs.
    pub(super) completions: Vec<Completion>,
    /// The market's own totals afterwards, where they are available.
    pub(super) totals: Option<BTreeMap<Asset, Solvency>>,
    /// The market afterwards, occasionally and at the end.
    pub(super) market: Option<Market>,
}

impl Engine {
    /// The template hash the application must have, if it can be computed.
    ///
    /// - Errors: the genesis file or the machine cannot be read
    pub(super) async fn template(&self) -> Result<B256> {
        if let Some(Dapp::Machine(_)) = &self.dapp
            && let Some(dapp) = &self.dapp
        {
            return application::replay::machine_hash(dapp).await;
        }
        let genesis = std::fs::read(&self.genesis);
        let genesis = genesis.with_context(|| format!("cannot read {}", self.genesis.display()))?;
        Ok(keccak256(genesis))
    }

    /// Reads genesis and drive; for a machine, which contains its own, the configured copies.
    ///
    /// - Errors: they cannot be read
    pub(super) fn deployed(&self) -> Result<Deployed> {
        let path = &self.genesis;
        let genesis = match &self.dapp {
            Some(Dapp::Machine(_)) if path.as_os_str().is_empty() => Genesis::default(),
            _ => {
                let named = || format!("cannot use {}", path.display());
                let text = std::fs::read_to_string(path).with_context(named)?;
                Genesis::parse(&text).map_err(Error::new).with_context(named)?
            }
        };
        let drive = match &self.blobs {
            Some(folder) => rollup::read_drive(folder, genesis.settings.max_blob_bytes)
                .with_context(|| format!("cannot read {}", folder.display()))?,
            None => Vec::new(),
        };
        Ok(Deployed { genesis, drive })
    }

    /// Starts the application, from `market` if it is this program's own; it replays the ranges
    /// received through `blocks` up to `last_block`, then stops. This program has no machine state
    /// to revert to: it fails with [`Undone`] at an input that must be reverted, and is then
    /// restarted knowing of it.
    ///
    /// - Errors: it cannot be started
    pub(super) async fn start(
        &self,
        deployed: &Deployed,
        market: Option<Market>,
        undone: &BTreeSet<u64>,
        last_block: u64,
        printer: Printer,
        mut blocks: mpsc::Receiver<Result<BlockRange>>,
    ) -> Result<mpsc::Receiver<Result<Played>>> {
        let (played, replayed) = mpsc::channel(1);
        match &self.dapp {
            None => {
                let Deployed { genesis, drive } = deployed.clone();
                let (judge, undone) = (CatchingJudge::default(), undone.clone());
                let app = match market {
                    Some(market) => App::resume(genesis, market, judge),
                    None => App::new(genesis, drive, judge),
                };
                let mut native = Native { app, last_block, kept: Instant::now(), undone };
                thread::spawn(move || {
                    while let Some(range) = blocks.blocking_recv() {
                        let result = range.and_then(|range| native.play(range));
                        if played.blocking_send(result).is_err() {
                            break;
                        }
                    }
                });
            }
            Some(dapp) => {
                let mut other = self.other(dapp, printer).await?;
                tokio::spawn(async move {
                    while let Some(range) = blocks.recv().await {
                        let result = match range {
                            Ok(range) => other.play(range).await,
                            Err(error) => Err(error),
                        };
                        if played.send(result).await.is_err() {
                            break;
                        }
                    }
                    other.replay.stop().await;
                });
            }
        }
        Ok(replayed)
    }

    async fn other(&self, dapp: &Dapp, printer: Printer) -> Result<Other> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let mut more = Vec::new();
        if let Some(blobs) = &self.blobs {
            more = vec!["--blobs".into(), blobs.into()];
        }
        let say = Arc::new(move |line: &str| printer.say(line));
        let replay = Replay::start(dapp, &self.genesis, &more, folder.path(), say).await?;
        Ok(Other { replay, _folder: folder })
    }
}

/// The application in this process.
struct Native {
    app: App<CatchingJudge<Evaluator>>,
    last_block: u64,
    /// Time of the last market snapshot.
    kept: Instant,
    /// Inputs that are known to be reverted.
    undone: BTreeSet<u64>,
}

impl Native {
    fn play(&mut self, range: BlockRange) -> Result<Played> {
        let completions = range.inputs().map(|input| self.advance(&input.advance));
        let completions = completions.collect::<Result<_>>()?;
        let totals = Some(self.app.market().ledger().solvency().collect());
        let is_last = range.last_block >= self.last_block;
        let market = (is_last || self.kept.elapsed() >= KEEP_EVERY).then(|| {
            self.kept = Instant::now();
            self.app.market().clone()
        });
        Ok(Played { range, completions, totals, market })
    }

    fn advance(&mut self, input: &Advance) -> Result<Completion> {
        if self.undone.contains(&input.index) {
            let (outputs, reports) = (Vec::new(), Vec::new());
            return Ok(Completion { status: InputStatus::Rejected, outputs, reports });
        }
        let answer = self
            .app
            .advance(&rollup::Advance { context: context(input), payload: input.payload.to_vec() });
        if answer.status == Status::Reject {
            return Err(Undone(input.index).into());
        }
        Ok(Completion {
            status: InputStatus::Accepted,
            outputs: answer.outputs.iter().map(|output| output.encode().into()).collect(),
            reports: answer.reports.into_iter().map(Into::into).collect(),
        })
    }
}

/// The application as a program or in a machine.
struct Other {
    replay: Replay,
    _folder: TempDir,
}

impl Other {
    async fn play(&mut self, range: BlockRange) -> Result<Played> {
        let mut completions = Vec::new();
        for input in range.inputs() {
            let completion = self.replay.advance(&input.advance).await;
            let failed = || format!("cannot replay input {}", input.advance.index);
            completions.push(completion.with_context(failed)?);
        }
        Ok(Played { range, completions, totals: None, market: None })
    }
}
