//! What a devnet can be told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use anyhow::Result;
use application::{Dapp, Notify, beside_this_program};
use client::chain::Contracts;

use super::tamper::Lie;

/// Makes the application's genesis file from where the contracts are.
pub type Genesis = Arc<dyn Fn(&Deployed) -> Result<String> + Send + Sync>;

/// What is on L1 before the application is.
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
    /// What it is called.
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
    /// Any free ports: what tests and programs use.
    pub const ANY: Self = Self { l1: 0, jsonrpc: 0, inspect: 0 };
}

impl Default for Ports {
    /// Where anvil and the Cartesi node listen by themselves.
    fn default() -> Self {
        Self { l1: 8545, jsonrpc: 10_011, inspect: 10_012 }
    }
}

/// How to run a devnet.
#[derive(Clone)]
pub struct Config {
    /// Everything it keeps is here; a devnet started on the same folder goes on where it ended.
    pub folder: PathBuf,
    /// The `deml` executable, which guards the processes.
    pub deml: PathBuf,
    /// The application. A program is given `--genesis FILE` first; a machine has its genesis
    /// inside.
    pub dapp: Dapp,
    /// More arguments for a program.
    pub dapp_args: Vec<OsString>,
    /// What the application is called in the node's API.
    pub name: String,
    /// Where to listen.
    pub ports: Ports,
    /// Blocks per epoch.
    pub epoch_length: u64,
    /// How long the chain may rest before an open epoch gets its next, empty block.
    pub block_interval: Duration,
    /// Whether transactions cost nothing, so that balances show payments and nothing else.
    pub free_gas: bool,
    /// Contracts to deploy besides Cartesi's.
    pub contracts: Vec<ExtraContract>,
    /// Makes the genesis file.
    pub genesis: Genesis,
    /// A lie to tell, for tests of auditors.
    pub lie: Option<Lie>,
    /// Told what happens, one line at a time.
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
            epoch_length: 10,
            block_interval: Duration::from_secs(1),
            free_gas: false,
            contracts: Vec::new(),
            genesis,
            lie: None,
            notify: Arc::new(|_| {}),
        })
    }
}
