//! Downloads of the devnet: anvil and the compiled Cartesi Rollups contracts, from npm.
//!
//! The versions are pinned by the lock file compiled into this program; each lock file has its
//! own folder in the user's cache.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use alloy::primitives::{hex, keccak256};
use anyhow::{Context, Result, bail, ensure};
use application::Notify;
use tokio::process::Command;

const PACKAGE: &str = include_str!("../tools/package.json");
const LOCK: &str = include_str!("../tools/package-lock.json");
const NPMRC: &str = include_str!("../tools/.npmrc");

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
        let cache = cache_folder()?;
        let digest = keccak256([PACKAGE, LOCK, NPMRC].concat());
        let folder = cache.join(format!("tools-{}", hex::encode(&digest[..8])));
        if !folder.exists() {
            install(&cache, &folder, notify).await?;
        }
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

/// Runs `npm ci` in a temporary folder and renames the result, so that a folder with the final
/// name is always complete, even if two programs install at once or one is killed.
async fn install(cache: &Path, folder: &Path, notify: &Notify) -> Result<()> {
    notify("fetching anvil and the Cartesi contracts with npm, once (45 MB) ...");
    std::fs::create_dir_all(cache)
        .with_context(|| format!("cannot make the cache folder {}", cache.display()))?;
    let staging = tempfile::Builder::new().prefix("installing-").tempdir_in(cache)?;
    for (name, content) in
        [("package.json", PACKAGE), ("package-lock.json", LOCK), (".npmrc", NPMRC)]
    {
        std::fs::write(staging.path().join(name), content)?;
    }
    let output = Command::new("npm").arg("ci").current_dir(staging.path()).output().await;
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "npm is missing: install Node.js 20 or newer (https://nodejs.org), then try again"
            )
        }
        other => other.context("cannot run npm")?,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.lines().filter(|line| line.starts_with("npm error")).take(3);
        let reason: Vec<&str> = reason.collect();
        bail!("npm could not fetch the devnet's tools: {}", reason.join("; "));
    }
    match std::fs::rename(staging.path(), folder) {
        Err(_) if folder.exists() => Ok(()),
        other => other.with_context(|| format!("cannot make {}", folder.display())),
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

/// `$XDG_CACHE_HOME/deml`, or `~/.cache/deml`.
fn cache_folder() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set: set one of them")?.join("deml"))
}
