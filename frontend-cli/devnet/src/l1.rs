//! The devnet's Ethereum: anvil, with its state in the devnet's folder so that it survives
//! restarts.
//!
//! Anvil writes its state to one file every second and on an orderly exit. That file may be
//! torn if anvil itself is killed, so complete versions are moved to a second one.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::U64;
use alloy::providers::Provider;
use anyhow::{Context, Result, bail};
use application::process::{Guarded, Program, wait_for_earlier};
use client::chain::{Chain, Contracts};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::Config;
use super::tools::Tools;

/// The chain id of anvil, which wallets know as a local network.
pub(super) const CHAIN_ID: u64 = 31_337;
/// The log file of anvil's output.
const LOG: &str = "anvil.log";
/// Number of past blocks whose state can be asked for.
const PAST_STATES: u32 = 500;
const START_WAIT: Duration = Duration::from_secs(30);
/// Attempts at finding a free port, as another process may take it first.
const PORT_ATTEMPTS: u32 = 3;

/// A running anvil.
pub(super) struct L1 {
    process: Guarded,
    folder: PathBuf,
    port: u16,
}

impl L1 {
    /// Starts anvil on the configured port (0: any free one), with the state left in `folder`.
    ///
    /// - Errors: the port is in use, the state cannot be read, anvil does not start
    pub(super) async fn start(tools: &Tools, config: &Config, folder: &Path) -> Result<Self> {
        wait_for_earlier(&folder.join(LOG)).await?;
        promote(folder)?;
        let port = config.ports.l1;
        let mut attempt = 1;
        loop {
            let started = Self::start_on(tools, config, folder, free_port(port)?).await;
            if started.is_ok() || port != 0 || attempt == PORT_ATTEMPTS {
                return started;
            }
            attempt += 1;
        }
    }

    async fn start_on(tools: &Tools, config: &Config, folder: &Path, port: u16) -> Result<Self> {
        let snapshot = folder.join("l1.json");
        let mut args = vec!["--host".into(), "127.0.0.1".into(), "--quiet".into()];
        args.extend(["--port".into(), port.to_string().into()]);
        args.extend(["--chain-id".into(), CHAIN_ID.to_string().into()]);
        args.extend(["--hardfork".into(), "prague".into()]);
        args.extend(["--dump-state".into(), folder.join("l1-next.json").into()]);
        args.extend(["--state-interval".into(), "1".into()]);
        // Else it writes the states of past blocks into the home folder, gigabytes in an hour.
        args.extend(["--prune-history".into(), PAST_STATES.to_string().into()]);
        if config.free_gas {
            args.extend(["--block-base-fee-per-gas".into(), "0".into()]);
            args.extend(["--gas-price".into(), "0".into()]);
            args.push("--disable-min-priority-fee".into());
        }
        if snapshot.exists() {
            args.extend(["--load-state".into(), snapshot.into()]);
        }
        let log = folder.join(LOG);
        let program = Program {
            deml: config.deml.clone(),
            path: tools.anvil.clone(),
            args,
            env: Vec::new(),
            log,
        };
        let process = Guarded::start(&program).await?;
        let mut l1 = Self { process, folder: folder.to_owned(), port };
        l1.wait_until_it_answers().await?;
        Ok(l1)
    }

    async fn wait_until_it_answers(&mut self) -> Result<()> {
        let chain = Chain::connect(&self.url(), Contracts::default())?;
        let deadline = Instant::now() + START_WAIT;
        while chain.head().await.is_err() {
            if let Some(said) = self.has_ended() {
                bail!("anvil did not start: {said}");
            }
            if Instant::now() > deadline {
                bail!("anvil does not answer on port {}", self.port);
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Its JSON-RPC endpoint.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// `Some` with anvil's last output, if it has ended.
    pub(super) fn has_ended(&mut self) -> Option<String> {
        self.process.has_ended()
    }

    /// Makes anvil's latest state, if complete and newer, the one to start from.
    pub(super) async fn save(&self) -> Result<()> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || promote(&folder)).await?
    }

    /// Ends anvil, which writes its state first.
    pub(super) async fn stop(&mut self) -> Result<()> {
        self.process.stop().await;
        promote(&self.folder)
    }
}

/// Keeps the chain's clock from going back after a restart.
///
/// Anvil forgets that time was advanced, and would date new blocks before old ones.
pub(super) async fn keep_time(chain: &Chain) -> Result<()> {
    let newest = chain.block_time().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    if newest > now { increase_time(chain, newest - now + 1).await } else { Ok(()) }
}

/// Mines `blocks` empty blocks.
pub(super) async fn mine(chain: &Chain, blocks: u64) -> Result<()> {
    let mined = chain.provider().raw_request("anvil_mine".into(), (U64::from(blocks),)).await;
    mined.context("cannot mine blocks")
}

/// Whether transactions wait in the pool that a block could take.
pub(super) async fn has_pending(chain: &Chain) -> Result<bool> {
    /// The part of the answer that counts.
    #[derive(Debug, Deserialize)]
    struct Pool {
        pending: U64,
    }
    let pool: Pool = chain
        .provider()
        .raw_request("txpool_status".into(), ())
        .await
        .context("cannot read the transaction pool")?;
    Ok(pool.pending > U64::ZERO)
}

/// Lets `seconds` pass on a devnet's chain, and mines a block that shows it.
///
/// - Errors: it is not anvil's
pub async fn advance_time(chain: &Chain, seconds: u64) -> Result<()> {
    increase_time(chain, seconds).await?;
    mine(chain, 1).await
}

async fn increase_time(chain: &Chain, seconds: u64) -> Result<()> {
    let request = chain.provider().raw_request("evm_increaseTime".into(), (seconds,));
    let _: serde_json::Value = request.await.context("cannot move the time of the chain")?;
    Ok(())
}

/// Part of anvil's state file; if it parses, the file is complete.
#[derive(Deserialize)]
struct StateHead {
    best_block_number: Option<u64>,
}

/// Number of the newest block in a state file; `None` if it is missing or torn.
fn state_head(path: &Path) -> Option<u64> {
    let text = std::fs::read(path).ok()?;
    serde_json::from_slice::<StateHead>(&text).ok()?.best_block_number
}

/// Copies anvil's own file over the snapshot if it is complete and not older.
fn promote(folder: &Path) -> Result<()> {
    let (next, snapshot) = (folder.join("l1-next.json"), folder.join("l1.json"));
    let Some(head) = state_head(&next) else { return Ok(()) };
    if state_head(&snapshot).is_some_and(|kept| kept > head) {
        return Ok(());
    }
    let context = || format!("cannot save the state of L1 in {}", folder.display());
    let copy = folder.join("l1-copy.json");
    std::fs::copy(&next, &copy).with_context(context)?;
    // Anvil may have started another write during the copy.
    if state_head(&copy).is_some() {
        std::fs::rename(&copy, &snapshot).with_context(context)?;
    }
    Ok(())
}

/// `port` if it is free, or any free one for 0.
fn free_port(port: u16) -> Result<u16> {
    let listener =
        TcpListener::bind(("127.0.0.1", port)).with_context(|| in_use(port, "--l1-port"))?;
    Ok(listener.local_addr()?.port())
}

/// Advice about a port that is already in use.
pub(super) fn in_use(port: u16, option: &str) -> String {
    format!(
        "port {port} is in use: stop what listens there, or choose another with {option} (0: any)"
    )
}
