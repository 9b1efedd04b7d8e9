//! Configuration of a devnet.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use anyhow::Result;
use application::{Dapp, Notify, beside_this_program};
use client::chain::{Contracts, Line};

use super::conduct::{Conduct, Honest};

/// Builds the application's genesis file from the deployed contracts.
pub type Genesis = Arc<dyn Fn(&Deployed) -> Result<String> + Send + Sync>;

/// The contracts on L1 before the application is deployed.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The chain's id.
    pub chain_id: u64,
    /// The contracts all applications share.
    pub contracts: Contracts,
    /// The contracts of [`Config::contracts`], by name.
    pub extra: BTreeMap<String, Address>,
}

/// A contract without constructor arguments, deployed through CREATE2 with salt 0.
#[derive(Clone, Debug)]
pub struct ExtraContract {
    /// Its name.
    pub name: String,
    /// Its creation bytecode.
    pub code: Vec<u8>,
}

/// Ports to listen on, all of them on this computer only; 0 is any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Ethereum's JSON-RPC.
    pub l1: u16,
    /// The node's JSON-RPC.
    pub jsonrpc: u16,
    /// The node's inspect API.
    pub inspect: u16,
}

impl Ports {
    /// Any free ports: for tests and programs.
    pub const ANY: Self = Self { l1: 0, jsonrpc: 0, inspect: 0 };
}

impl Default for Ports {
    /// The default ports of anvil and the Cartesi node.
    fn default() -> Self {
        Self { l1: 8545, jsonrpc: 10_011, inspect: 10_012 }
    }
}

/// Configuration of a devnet.
#[derive(Clone)]
pub struct Config {
    /// The folder of all its data; a devnet started on the same folder continues.
    pub folder: PathBuf,
    /// The `deml` executable, which guards the processes.
    pub deml: PathBuf,
    /// The application. A program receives `--genesis FILE` first; a machine contains its
    /// genesis.
    pub dapp: Dapp,
    /// More arguments for a program.
    pub dapp_args: Vec<OsString>,
    /// Name of the application in the node's API.
    pub name: String,
    /// The ports.
    pub ports: Ports,
    /// The line of contracts to stand in for.
    pub line: Line,
    /// Blocks per epoch.
    pub epoch_length: u64,
    /// Idle time of the chain before an open epoch gets its next, empty block.
    pub block_interval: Duration,
    /// Whether transactions are free, so that balances change by payments only.
    pub free_gas: bool,
    /// Contracts to deploy besides Cartesi's.
    pub contracts: Vec<ExtraContract>,
    /// Builds the genesis file.
    pub genesis: Genesis,
    /// How the node behaves; other than honestly only in tests of auditors.
    pub conduct: Arc<dyn Conduct>,
    /// Receives progress messages, one line at a time.
    pub notify: Notify,
}

impl Config {
    /// A devnet in `folder` that runs `dapp`, with the defaults of `deml devnet`.
    ///
    /// - Errors: there is no `deml` executable beside the running one
    pub fn new(folder: PathBuf, dapp: impl Into<Dapp>, genesis: Genesis) -> Result<Self> {
        Ok(Self {
            folder,
            deml: beside_this_program("deml")?,
            dapp: dapp.into(),
            dapp_args: Vec::new(),
            name: "deml".to_owned(),
            ports: Ports::default(),
            line: Line::default(),
            epoch_length: 10,
            block_interval: Duration::from_secs(1),
            free_gas: false,
            contracts: Vec::new(),
            genesis,
            conduct: Arc::new(Honest),
            notify: Arc::new(|_| {}),
        })
    }
}
