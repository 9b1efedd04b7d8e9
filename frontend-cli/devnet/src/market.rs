//! A devnet that runs DeML: its registry and test token, and its genesis.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use alloy::sol;
use anyhow::{Context, Result};
use application::Dapp;
use client::{
    chain::{Line, dev_account},
    convert::to_market,
};
use market::{Asset, Windows};
use wire::Genesis;

use crate::{
    Config, Deployed, ExtraContract,
    create2::{create2_address, creation_code},
    l1::CHAIN_ID,
};

/// Name of the test token among a devnet's contracts.
pub const TEST_TOKEN: &str = "TestToken";

/// Name of the registry among a devnet's contracts.
pub const MODEL_REGISTRY: &str = "ModelRegistry";

/// The public anvil account that receives the operator's part of prices on a devnet.
pub const OPERATOR_ACCOUNT: usize = 8;

/// The shortest windows on a devnet.
const WINDOWS: Windows = Windows {
    // Nobody configures the time for delivery and evaluation: enough for a person at a terminal.
    delivery_seconds: 300,
    reveal_seconds: 5,
    attest_seconds: 5,
    evaluation_seconds: 300,
};

/// The contracts that belong to DeML, as `contracts/` compiles them.
const ARTIFACTS: [(&str, &str); 2] = [
    (MODEL_REGISTRY, include_str!("../../../contracts/artifacts/ModelRegistry.json")),
    (TEST_TOKEN, include_str!("../../../contracts/artifacts/TestToken.json")),
];

sol! {
    /// The functions of the test token beyond ERC-20.
    interface TestToken {
        function mint(address account, uint256 amount) external;
    }

    struct Blob {
        bytes32 digest;
        uint64 size;
        uint32 leafSize;
    }

    struct Record {
        bytes32 job;
        uint32 score;
        address sponsor;
        Blob model;
        Blob dataset;
    }

    /// The view functions of the registry.
    interface ModelRegistry {
        function recordOf(address application, bytes32 job) external view returns (Record memory);
    }
}

/// Configuration of a devnet in `folder` that runs DeML, with `dapp` as the application.
///
/// - Errors: there is no `deml` executable beside the running program
pub fn config(folder: PathBuf, dapp: impl Into<Dapp>) -> Result<Config> {
    let mut config = Config::new(folder, dapp, Arc::new(genesis))?;
    for (name, artifact) in ARTIFACTS {
        let code = creation_code(name, artifact)?;
        config.contracts.push(ExtraContract { name: name.to_owned(), code });
    }
    Ok(config)
}

/// The genesis that a devnet of a line of contracts makes, without one running.
///
/// - Errors: an artifact is damaged
pub fn genesis_of(line: Line) -> Result<String> {
    let mut extra = BTreeMap::new();
    for (name, artifact) in ARTIFACTS {
        extra.insert(name.to_owned(), create2_address(&creation_code(name, artifact)?));
    }
    genesis(&Deployed { chain_id: CHAIN_ID, contracts: line.contracts(), extra })
}

/// The devnet's rules: Ether and the test token at the same prices, and windows short enough to
/// pass in seconds.
fn genesis(deployed: &Deployed) -> Result<String> {
    let contract = |name: &str| {
        let address = deployed.extra.get(name).copied();
        address.map(to_market).with_context(|| format!("{name} is not deployed"))
    };
    let mut settings = Genesis::default().settings;
    let prices = settings.asset(Asset::Ether);
    settings.assets.insert(Asset::Erc20(contract(TEST_TOKEN)?), prices);
    settings.operator = to_market(dev_account(OPERATOR_ACCOUNT)?.address());
    settings.windows = WINDOWS;
    let genesis = Genesis {
        ether_portal: to_market(deployed.contracts.ether_portal),
        erc20_portal: to_market(deployed.contracts.erc20_portal),
        registry: contract(MODEL_REGISTRY)?,
        settings,
    };
    serde_json::to_string_pretty(&genesis).context("cannot write the genesis file")
}
