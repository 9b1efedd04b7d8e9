//! Contracts at addresses that follow from their code: CREATE2 with salt 0, whoever deploys.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use anyhow::{Context, Result, ensure};
use client::chain::{CREATE2_DEPLOYER, Sender};
use serde::Deserialize;

/// The deployed part of a compiled contract.
#[derive(Deserialize)]
struct Artifact {
    bytecode: alloy::primitives::Bytes,
}

/// The address of the contract with this creation code, whoever deploys it.
pub(super) fn create2_address(code: &[u8]) -> Address {
    CREATE2_DEPLOYER.create2(B256::ZERO, keccak256(code))
}

/// Deploys a contract through the CREATE2 deployer with salt 0, unless it is there already.
pub(super) async fn create2(sender: &Sender, name: &str, code: &[u8]) -> Result<Address> {
    let address = create2_address(code);
    if !sender.chain().has_code(address).await? {
        let data: Bytes = [B256::ZERO.as_slice(), code].concat().into();
        let what = format!("deploy {name}");
        sender.transact_raw(&what, CREATE2_DEPLOYER, U256::ZERO, data).await?;
        ensure!(sender.chain().has_code(address).await?, "{name} was deployed but is not there");
    }
    Ok(address)
}

/// The creation bytecode in a compiled artifact of `contracts/`.
///
/// - Errors: the artifact is damaged
pub(super) fn creation_code(name: &str, artifact: &str) -> Result<Vec<u8>> {
    let artifact: Artifact = serde_json::from_str(artifact)
        .with_context(|| format!("the artifact of {name} is damaged"))?;
    Ok(artifact.bytecode.to_vec())
}
