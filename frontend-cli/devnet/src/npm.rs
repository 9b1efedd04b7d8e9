//! Packages from npm that this program carries as text and installs once, into the user's cache.
//!
//! Their versions are pinned by the lock file compiled into this program; each content has its own
//! folder, which is complete whenever it exists.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use alloy::primitives::{hex, keccak256};
use anyhow::{Context, Result, bail};
use application::Notify;
use tempfile::TempDir;
use tokio::process::Command;

/// A package with a lock file, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// The beginning of its folder's name.
    pub name: &'static str,
    /// Its purpose; completes "npm could not fetch …".
    pub what: &'static str,
    /// What is said before it is installed.
    pub notice: &'static str,
    /// Its files: path and content.
    pub files: &'static [(&'static str, &'static str)],
    /// The folder that its script `build` makes, of which alone a copy is kept; `None` if it is
    /// kept as it is installed.
    pub built: Option<&'static str>,
}

impl Package {
    /// Its folder in the cache, after installing and building it if it is not there.
    ///
    /// - Errors: npm is missing or fails
    pub async fn ensure(&self, notify: &Notify) -> Result<PathBuf> {
        self.ensure_in(&cache_folder()?, notify).await
    }

    /// The same in another cache.
    pub(super) async fn ensure_in(&self, cache: &Path, notify: &Notify) -> Result<PathBuf> {
        let folder = self.folder_in(cache);
        if !folder.exists() {
            notify(self.notice);
            self.install(cache, &folder).await?;
        }
        Ok(folder)
    }

    /// Its folder in a cache, whether or not it is there.
    pub(super) fn folder_in(&self, cache: &Path) -> PathBuf {
        let content: Vec<u8> = self.files.iter().flat_map(|(_, text)| text.bytes()).collect();
        let digest = keccak256(content);
        cache.join(format!("{}-{}", self.name, hex::encode(&digest[..8])))
    }

    /// Works in a temporary folder and renames the result, so that a folder with the final name is
    /// always complete, even if two programs install at once or one is killed.
    async fn install(&self, cache: &Path, folder: &Path) -> Result<()> {
        let staging = self.unpack(cache)?;
        npm(&["ci"], &format!("fetch {}", self.what), staging.path(), cache).await?;
        let mut result = staging.path().to_owned();
        if let Some(built) = self.built {
            npm(&["run", "build"], &format!("build {}", self.what), staging.path(), cache).await?;
            result.push(built);
        }
        match std::fs::rename(result, folder) {
            Err(_) if folder.exists() => Ok(()),
            other => other.with_context(|| format!("cannot make {}", folder.display())),
        }
    }

    fn unpack(&self, cache: &Path) -> Result<TempDir> {
        let cannot = || format!("cannot write to the cache folder {}", cache.display());
        std::fs::create_dir_all(cache).with_context(cannot)?;
        let staging = tempfile::Builder::new().prefix("installing-").tempdir_in(cache);
        let staging = staging.with_context(cannot)?;
        for (name, content) in self.files {
            let path = staging.path().join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).with_context(cannot)?;
            }
            std::fs::write(path, content).with_context(cannot)?;
        }
        Ok(staging)
    }
}

async fn npm(arguments: &[&str], what: &str, folder: &Path, cache: &Path) -> Result<()> {
    let mut npm = Command::new("npm");
    let output = npm.args(arguments).current_dir(folder).kill_on_drop(true).output().await;
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
        bail!("npm could not {what}: {}", reason(&said, cache));
    }
    Ok(())
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

/// `$XDG_CACHE_HOME/deml`, or `~/.cache/deml`.
pub(super) fn cache_folder() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set: set one of them")?.join("deml"))
}

#[cfg(test)]
mod tests {
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
}
