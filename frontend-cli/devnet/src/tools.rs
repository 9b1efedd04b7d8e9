//! Downloads of the devnet: anvil and the compiled Cartesi Rollups contracts, from npm.

use std::path::PathBuf;

use alloy::primitives::hex;
use anyhow::{Context, Result, bail, ensure};
use application::Notify;

use crate::npm::Package;

const TOOLS: Package = Package {
    name: "tools",
    what: "the devnet's tools",
    notice: "fetching anvil and the Cartesi contracts with npm, once (45 MB) ...",
    files: &[
        ("package.json", include_str!("../tools/package.json")),
        ("package-lock.json", include_str!("../tools/package-lock.json")),
        (".npmrc", include_str!("../tools/.npmrc")),
    ],
    built: None,
};

/// Paths of the installed tools.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    /// The Ethereum node, an executable.
    pub(super) anvil: PathBuf,
    /// Folder of `NAME.sol/NAME.json` files with ABI and bytecode.
    artifacts: PathBuf,
}

impl Tools {
    /// Finds the tools in the cache, or installs them there.
    ///
    /// - Errors: npm is missing or fails, or has no anvil for this platform
    pub(super) async fn ensure(notify: &Notify) -> Result<Self> {
        let anvil_package = anvil_package()?;
        let folder = TOOLS.ensure(notify).await?;
        let modules = folder.join("node_modules");
        let anvil = modules.join(anvil_package).join("bin/anvil");
        ensure!(
            anvil.is_file(),
            "npm left no anvil in {}: remove that folder and try again",
            folder.display()
        );
        Ok(Self { anvil, artifacts: modules.join("@cartesi/rollups/out") })
    }

    /// The creation bytecode of the contract `name`, without constructor arguments.
    pub(super) fn bytecode(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.artifacts.join(format!("{name}.sol/{name}.json"));
        let context = || format!("cannot read the compiled contract {}", path.display());
        let text = std::fs::read(&path).with_context(context)?;
        let artifact: serde_json::Value = serde_json::from_slice(&text).with_context(context)?;
        let code = artifact["bytecode"]["object"].as_str().with_context(context)?;
        hex::decode(code).with_context(context)
    }
}

/// The npm package of anvil for this platform.
fn anvil_package() -> Result<&'static str> {
    Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "@foundry-rs/anvil-linux-amd64",
        ("linux", "aarch64") => "@foundry-rs/anvil-linux-arm64",
        ("macos", "x86_64") => "@foundry-rs/anvil-darwin-amd64",
        ("macos", "aarch64") => "@foundry-rs/anvil-darwin-arm64",
        (system, processor) => {
            bail!("npm has no anvil for {system} on {processor}: run the devnet on Linux or macOS")
        }
    })
}
