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
        Self::ensure_in(&cache_folder()?, anvil_package, notify).await
    }

    async fn ensure_in(cache: &Path, anvil_package: &str, notify: &Notify) -> Result<Self> {
        let digest = keccak256([PACKAGE, LOCK, NPMRC].concat());
        let folder = cache.join(format!("tools-{}", hex::encode(&digest[..8])));
        let modules = folder.join("node_modules");
        let anvil = modules.join(anvil_package).join("bin/anvil");
        if folder.exists() && !is_whole(&anvil).await? {
            notify("the anvil fetched earlier is damaged: fetching it again");
            discard(cache, &folder)?;
        }
        if !folder.exists() {
            install(cache, &folder, notify).await?;
        }
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

/// Runs `npm ci` in a temporary folder and renames the result, so that a folder with the final
/// name is always complete, even if two programs install at once or one is killed.
async fn install(cache: &Path, folder: &Path, notify: &Notify) -> Result<()> {
    notify("fetching anvil and the Cartesi contracts with npm, once (45 MB) ...");
    let cannot = || format!("cannot write to the cache folder {}", cache.display());
    std::fs::create_dir_all(cache).with_context(cannot)?;
    let staging = tempfile::Builder::new().prefix("installing-").tempdir_in(cache);
    let staging = staging.with_context(cannot)?;
    for (name, content) in
        [("package.json", PACKAGE), ("package-lock.json", LOCK), (".npmrc", NPMRC)]
    {
        std::fs::write(staging.path().join(name), content).with_context(cannot)?;
    }
    let mut npm = Command::new("npm");
    let output = npm.arg("ci").current_dir(staging.path()).kill_on_drop(true).output().await;
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "npm is missing: install Node.js 20 or newer (https://nodejs.org), then try again"
            )
        }
        other => other.context("cannot run npm")?,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // With a full disk npm may end well, having left out what found no room.
    if !output.status.success() || said.contains(NO_ROOM) {
        bail!("npm could not fetch the devnet's tools: {}", reason(&said, cache));
    }
    match std::fs::rename(staging.path(), folder) {
        Err(_) if folder.exists() => Ok(()),
        other => other.with_context(|| format!("cannot make {}", folder.display())),
    }
}

/// What npm calls a full disk.
const NO_ROOM: &str = "ENOSPC";

/// The reason among what npm printed.
fn reason(said: &str, cache: &Path) -> String {
    if said.contains(NO_ROOM) {
        return format!(
            "the disk is full: npm needs 100 MB in {} and in its own cache",
            cache.display()
        );
    }
    // The first lines are codes for programs; then come sentences, and where the log is.
    let lines = said.lines().filter_map(|line| line.strip_prefix("npm error "));
    let is_code = |line: &&str| {
        ["code ", "syscall ", "errno ", "path "].iter().any(|code| line.starts_with(code))
    };
    let (codes, sentences): (Vec<&str>, Vec<&str>) = lines.partition(is_code);
    let told: Vec<&str> = sentences.into_iter().chain(codes).take(2).collect();
    if told.is_empty() { "it said nothing".to_owned() } else { told.join("; ") }
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn npm_s_reason_is_told_and_not_its_codes() {
        let cache = Path::new("/cache/deml");
        let full = "npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write\n\
                    npm error code ENOSPC\nnpm error syscall write\nnpm error errno -28\n\
                    npm error nospc ENOSPC: no space left on device, write\n";
        assert!(reason(full, cache).starts_with("the disk is full: npm needs"), "{full}");
        let away = "npm error code ENOTFOUND\nnpm error syscall getaddrinfo\nnpm error errno \
                    ENOTFOUND\nnpm error network request to https://npm.example/x failed\n";
        assert_eq!(
            reason(away, cache),
            "network request to https://npm.example/x failed; code ENOTFOUND"
        );
        assert_eq!(reason("", cache), "it said nothing");
    }

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
