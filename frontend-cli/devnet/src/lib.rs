//! The devnet: a small local stand-in for the Cartesi node, for development and demonstrations.
//!
//! It is not the node and not for production: it runs the application as a process, or
//! in a Cartesi Machine if an emulator is installed, trusts it, and claims with a publicly known
//! key. It shares with the real node: anvil runs the real Cartesi Rollups contracts,
//! inputs are read from L1 in order, outputs are proven by the same Merkle tree, each epoch is
//! claimed, and the node's JSON-RPC and inspect APIs answer, so that a client cannot tell the
//! difference.
//!
//! All of its state is derived from L1 at start. Only L1 itself is persisted, in [`l1`].

mod alpha;
mod conduct;
mod config;
mod cors;
mod create2;
mod deploy;
mod follower;
mod info;
mod inspect;
mod json_views;
mod jsonrpc;
mod l1;
mod lock;
pub mod market;
pub mod npm;
mod records;
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{B256, keccak256};
use anyhow::{Context, Error, Result, anyhow, bail};
use application::{App, Completion, InputStatus, Launch};
use axum::Router;
use client::chain::{Advance, Chain, Sender, dev_account};
pub use conduct::{Conduct, Honest};
pub use config::{Config, Deployed, ExtraContract, Genesis, Ports};
pub use info::Info;
pub use l1::advance_time;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::follower::Follower;
use crate::l1::{CHAIN_ID, L1};
use crate::lock::FolderLock;
use crate::records::{Application, EpochStatus, SharedRecords, get};
use crate::tools::Tools;

/// The public anvil account that owns the devnet's Authority and pays for its transactions.
///
/// The last one, so that the first nine are free for the users.
pub const OWNER_ACCOUNT: usize = 9;

/// Polling interval of the wait functions.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A running devnet. [`Devnet::shutdown`] ends it in order; so does dropping it, unattended.
pub struct Devnet {
    info: Info,
    folder: PathBuf,
    chain: Chain,
    records: SharedRecords,
    app: Arc<Mutex<App>>,
    l1: Arc<Mutex<L1>>,
    failure: watch::Receiver<Option<String>>,
    tasks: Vec<JoinHandle<()>>,
    _lock: FolderLock,
}

impl Drop for Devnet {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Devnet {
    /// Starts everything, or continues from the state in the folder.
    ///
    /// It runs on the tokio runtime of the caller.
    ///
    /// - Errors: a port or the folder is in use, npm is missing, the application does not start
    pub async fn start(config: Config) -> Result<Self> {
        std::fs::create_dir_all(&config.folder)
            .with_context(|| format!("cannot make the folder {}", config.folder.display()))?;
        let folder = config.folder.canonicalize()?;
        let lock = FolderLock::take(&folder)?;
        let launch = Launch::find(&config.dapp).await?;
        Info::remove(&folder)?;
        let jsonrpc = listen(config.ports.jsonrpc, "--node-port").await?;
        let inspect = listen(config.ports.inspect, "--inspect-port").await?;

        let notify = &config.notify;
        let tools = Tools::ensure(notify).await?;
        let l1 = L1::start(&tools, &config, &folder).await?;
        notify(&format!("L1: anvil at {}", l1.url()));
        let chain = Chain::connect(&l1.url(), config.line.contracts())?;
        l1::keep_time(&chain).await?;
        let owner = chain.sender(dev_account(OWNER_ACCOUNT)?);
        let (deployed, application, genesis) =
            deploy_all(&config, &launch, &folder, &tools, &owner).await?;
        let info = Info {
            note: "a local devnet for development, not the Cartesi Rollups Follower",
            pid: std::process::id(),
            chain_id: CHAIN_ID,
            rpc_url: l1.url(),
            node_url: format!("http://{}/rpc", jsonrpc.local_addr()?),
            inspect_url: format!("http://{}/inspect", inspect.local_addr()?),
            name: config.name.clone(),
            application: application.address,
            authority: application.consensus,
            epoch_length: config.epoch_length,
            line: config.line,
            contracts: deployed.contracts,
            extra: deployed.extra,
            genesis: genesis.clone(),
            is_machine: launch.machine_hash().is_some(),
        };
        let records = SharedRecords::new(application);
        let app = launch.app(&config.deml, &genesis, &config.dapp_args, &folder, notify.clone())?;
        let (app, l1) = (Arc::new(Mutex::new(app)), Arc::new(Mutex::new(l1)));
        let node = Follower::new(
            owner,
            records.clone(),
            app.clone(),
            l1.clone(),
            config.block_interval,
            config.conduct,
            notify.clone(),
        );
        let (report_failure, failure) = watch::channel(None);
        let follow = tokio::spawn(async move {
            let error = node.run().await;
            report_failure.send_replace(Some(format!("{error:#}")));
        });
        let tasks = vec![
            follow,
            serve(jsonrpc, jsonrpc::router(records.clone(), CHAIN_ID)),
            serve(inspect, inspect::router(records.clone(), app.clone())),
        ];
        let devnet = Self { info, folder, chain, records, app, l1, failure, tasks, _lock: lock };
        devnet.catch_up().await?;
        devnet.info.write(&devnet.folder)?;
        Ok(devnet)
    }

    /// URLs and addresses of the devnet.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Read access to its L1.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Write access to its L1 as the public account number `account` (0 to 9).
    pub fn sender(&self, account: usize) -> Result<Sender> {
        Ok(self.chain.sender(dev_account(account)?))
    }

    /// The application's process id, while it runs.
    pub async fn dapp_pid(&self) -> Option<u32> {
        self.app.lock().await.pid()
    }

    /// Anvil's process id.
    pub async fn l1_pid(&self) -> u32 {
        self.l1.lock().await.pid()
    }

    /// The outputs root after all inputs processed so far.
    pub fn outputs_root(&self) -> B256 {
        self.records.lock().root()
    }

    /// The history: all processed inputs and their outcomes, in order.
    pub fn history(&self) -> Vec<(Advance, Completion)> {
        let records = self.records.lock();
        let processed = (0..records.processed())
            .map_while(|index| Some((records.input(index)?, records.completion(index)?)));
        processed.collect()
    }

    /// Waits until input `index` is processed and returns its outcome.
    ///
    /// - Errors: `within` has passed, or the devnet has failed
    pub async fn wait_processed(&self, index: u64, within: Duration) -> Result<InputStatus> {
        let what = format!("input {index} was processed");
        self.wait(&what, within, || {
            let records = self.records.lock();
            get(&records.inputs, index)
                .filter(|record| record.after.is_some())
                .map(|record| record.status)
        })
        .await
    }

    /// Waits until L1 has accepted the claim that proves output `index`, mining blocks to get
    /// there.
    ///
    /// - Shapes: the output's bytes and its 63 siblings, ready for L1
    /// - Errors: `within` has passed, or the devnet has failed
    pub async fn wait_claimed(&self, index: u64, within: Duration) -> Result<(Vec<u8>, Vec<B256>)> {
        self.end_epoch().await?;
        let what = format!("output {index} was claimed");
        self.wait(&what, within, || {
            let records = self.records.lock();
            let output = get(&records.outputs, index)?;
            let epoch = records.epoch(output.epoch)?;
            if records.epoch_status(epoch) != EpochStatus::ClaimAccepted {
                return None;
            }
            Some((output.raw.to_vec(), records.siblings(index)?))
        })
        .await
    }

    /// Waits until all finished epochs have been claimed, or left out on purpose.
    pub async fn wait_settled(&self, within: Duration) -> Result<()> {
        let head = self.chain.head().await?;
        self.wait("all epochs were claimed", within, || {
            let records = self.records.lock();
            let over = records.epochs.partition_point(|epoch| epoch.last_block < head);
            (records.head >= head && records.settled >= over).then_some(())
        })
        .await
    }

    /// Mines blocks until the current epoch is over.
    pub async fn end_epoch(&self) -> Result<()> {
        let length = self.info.epoch_length;
        let head = self.chain.head().await?;
        l1::mine(&self.chain, length - head % length).await
    }

    /// Advances the time on L1 by `seconds`, at once.
    pub async fn advance_time(&self, seconds: u64) -> Result<()> {
        l1::advance_time(&self.chain, seconds).await
    }

    /// Waits until the devnet fails; returns the reason.
    pub async fn failed(&self) -> Error {
        let mut failure = self.failure.clone();
        let failed = failure.wait_for(Option::is_some).await;
        let reason = failed.ok().and_then(|reason| reason.clone());
        anyhow!(reason.unwrap_or_else(|| "the devnet has stopped".to_owned()))
    }

    /// Ends all processes and waits until they are gone; L1 is saved.
    pub async fn shutdown(mut self) -> Result<()> {
        Info::remove(&self.folder)?;
        for task in self.tasks.drain(..) {
            task.abort();
            // An aborted task always ends with an error.
            task.await.ok();
        }
        self.app.lock().await.stop().await;
        self.l1.lock().await.stop().await
    }

    /// Waits until all inputs that were on L1 at the start are processed.
    async fn catch_up(&self) -> Result<()> {
        let head = self.chain.head().await?;
        let day = Duration::from_secs(24 * 60 * 60);
        let caught_up = || {
            let records = self.records.lock();
            (records.head >= head && records.next_pending().is_none()).then_some(())
        };
        self.wait("the devnet caught up with L1", day, caught_up).await?;
        let is_ready = async || self.app.lock().await.is_ready();
        while !is_ready().await && self.records.lock().failure.is_none() {
            self.bail_if_failed()?;
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn wait<T>(
        &self,
        what: &str,
        within: Duration,
        look: impl Fn() -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            self.bail_if_failed()?;
            if Instant::now() > deadline {
                bail!("{} seconds went by before {what}", within.as_secs());
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    fn bail_if_failed(&self) -> Result<()> {
        match self.failure.borrow().as_ref() {
            Some(reason) => bail!("{reason}"),
            None => Ok(()),
        }
    }
}

/// Deploys all contracts on L1 and writes the genesis file that a program's identity follows from.
async fn deploy_all(
    config: &Config,
    launch: &Launch,
    folder: &Path,
    tools: &Tools,
    owner: &Sender,
) -> Result<(Deployed, Application, PathBuf)> {
    let line = config.line;
    deploy::shared_contracts(owner, tools, line).await?;
    let mut extra = BTreeMap::new();
    for contract in &config.contracts {
        let address = create2::create2(owner, &contract.name, &contract.code).await?;
        extra.insert(contract.name.clone(), address);
    }
    let deployed = Deployed { chain_id: CHAIN_ID, contracts: owner.chain().contracts(), extra };
    let genesis = (config.genesis)(&deployed)?;
    let path = folder.join("genesis.json");
    std::fs::write(&path, &genesis).with_context(|| format!("cannot write {}", path.display()))?;
    let hash = launch.machine_hash().unwrap_or_else(|| keccak256(&genesis));
    let (name, length) = (&config.name, config.epoch_length);
    let application = deploy::application(owner, tools, line, name, hash, length).await?;
    Ok((deployed, application, path))
}

async fn listen(port: u16, option: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    listener.with_context(|| l1::in_use(port, option))
}

fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Serving ends only together with this task.
        axum::serve(listener, router).await.ok();
    })
}
