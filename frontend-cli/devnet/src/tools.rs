//! Downloads of the devnet: anvil and the compiled Cartesi Rollups contracts, from npm.

use std::path::{Path, PathBuf};

use alloy::primitives::hex;
use anyhow::{Context, Result, bail, ensure};
use application::Notify;
use tokio::process::Command;

use crate::npm::{Package, cache_folder};

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
        Self::ensure_in(&cache_folder()?, anvil_package, notify).await
    }

    async fn ensure_in(cache: &Path, anvil_package: &str, notify: &Notify) -> Result<Self> {
        let folder = TOOLS.folder_in(cache);
        let modules = folder.join("node_modules");
        let anvil = modules.join(anvil_package).join("bin/anvil");
        if folder.exists() && !is_whole(&anvil).await? {
            notify("the anvil fetched earlier is damaged: fetching it again");
            discard(cache, &folder)?;
        }
        TOOLS.ensure_in(cache, notify).await?;
        ensure!(
            is_whole(&anvil).await?,
            "npm left no working anvil in {}: remove that folder and try again",
            folder.display()
        );
        Ok(Self { anvil, artifacts: modules.join("@cartesi/rollups/out") })
    }

    /// The creation bytecode of the contract `name`, without constructor arguments.
    pub(super) fn bytecode(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.artifacts.join(format!("{name}.sol/{name}.json"));
        let context = || {
            let (path, cache) = (path.display(), "the folder tools-… above it");
            format!("cannot read the compiled contract {path}: remove {cache} and try again")
        };
        let text = std::fs::read(&path).with_context(context)?;
        let artifact: serde_json::Value = serde_json::from_slice(&text).with_context(context)?;
        let code = artifact["bytecode"]["object"].as_str().with_context(context)?;
        hex::decode(code).with_context(context)
    }
}

/// Whether anvil is all there: a full disk or a crash may have left a part of it, or nothing.
///
/// - Errors: it is all there and does not run on this computer
async fn is_whole(anvil: &Path) -> Result<bool> {
    let Ok(output) = Command::new(anvil).arg("--version").output().await else { return Ok(false) };
    if output.status.success() {
        return Ok(!output.stdout.is_empty());
    }
    // Ended by a signal, as programs are whose second half is missing.
    if output.status.code().is_none() {
        return Ok(false);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("{} does not run here: {}", anvil.display(), said.lines().next().unwrap_or("no reason"))
}

/// Removes an installation: at once for others who look for it.
fn discard(cache: &Path, folder: &Path) -> Result<()> {
    let cannot = || format!("cannot remove {}: remove it and try again", folder.display());
    let away =
        tempfile::Builder::new().prefix("damaged-").tempdir_in(cache).with_context(cannot)?;
    std::fs::rename(folder, away.path().join("tools")).with_context(cannot)
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn a_damaged_anvil_is_fetched_again() {
        let cache = tempfile::tempdir().unwrap();
        let notes = Arc::new(Mutex::new(Vec::new()));
        let seen = notes.clone();
        let notify: Notify = Arc::new(move |line: &str| seen.lock().unwrap().push(line.to_owned()));
        let package = anvil_package().unwrap();
        let mut tools = Tools::ensure_in(cache.path(), package, &notify).await.unwrap();
        let whole = std::fs::metadata(&tools.anvil).unwrap().len();
        // Emptied, as by a full disk; and cut off in the middle.
        for left in [0, whole / 2] {
            notes.lock().unwrap().clear();
            let file = std::fs::File::options().write(true).open(&tools.anvil).unwrap();
            file.set_len(left).unwrap();
            drop(file);
            tools = Tools::ensure_in(cache.path(), package, &notify).await.unwrap();
            assert_eq!(std::fs::metadata(&tools.anvil).unwrap().len(), whole);
            assert!(notes.lock().unwrap()[0].contains("damaged"), "{left} bytes");
        }
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}
