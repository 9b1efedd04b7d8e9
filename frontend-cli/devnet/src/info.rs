//! Addresses of a running devnet, for people and for other commands: the file `devnet.json`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use anyhow::{Context, Result};
use client::chain::{Contracts, Line};
use serde::Serialize;

const FILE: &str = "devnet.json";

/// The contents of `devnet.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Always states that this is not a production node.
    pub note: &'static str,
    /// The id of its process: the file of a killed devnet states another one.
    pub pid: u32,
    /// L1's chain id.
    pub chain_id: u64,
    /// L1's JSON-RPC.
    pub rpc_url: String,
    /// The node's JSON-RPC.
    pub node_url: String,
    /// The node's inspect API; the application's name or address is appended.
    pub inspect_url: String,
    /// The application's name.
    pub name: String,
    /// The application's contract.
    pub application: Address,
    /// The Authority that accepts its claims.
    pub authority: Address,
    /// Blocks per epoch.
    pub epoch_length: u64,
    /// The line of Cartesi's contracts.
    pub line: Line,
    /// Cartesi's contracts.
    pub contracts: Contracts,
    /// The other contracts, by name.
    pub extra: BTreeMap<String, Address>,
    /// The application's genesis file; a machine uses its own, inside.
    pub genesis: PathBuf,
    /// Whether the application runs in a machine.
    pub is_machine: bool,
}

impl Info {
    /// Writes the file into `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(folder.join(FILE), text).context("cannot write devnet.json")
    }

    /// Removes the file, so that nobody connects to a devnet that has ended.
    pub(super) fn remove(folder: &Path) -> Result<()> {
        match std::fs::remove_file(folder.join(FILE)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).context("cannot remove devnet.json")
            }
            _ => Ok(()),
        }
    }
}
