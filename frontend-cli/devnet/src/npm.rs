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
        let cache = cache_folder()?;
        let content: Vec<u8> = self.files.iter().flat_map(|(_, text)| text.bytes()).collect();
        let digest = keccak256(content);
        let folder = cache.join(format!("{}-{}", self.name, hex::encode(&digest[..8])));
        if !folder.exists() {
            notify(self.notice);
            self.install(&cache, &folder).await?;
        }
        Ok(folder)
    }

    /// Works in a temporary folder and renames the result, so that a folder with the final name is
    /// always complete, even if two programs install at once or one is killed.
    async fn install(&self, cache: &Path, folder: &Path) -> Result<()> {
        let staging = self.unpack(cache)?;
        npm(&["ci"], &format!("fetch {}", self.what), staging.path()).await?;
        let mut result = staging.path().to_owned();
        if let Some(built) = self.built {
            npm(&["run", "build"], &format!("build {}", self.what), staging.path()).await?;
            result.push(built);
        }
        match std::fs::rename(result, folder) {
            Err(_) if folder.exists() => Ok(()),
            other => other.with_context(|| format!("cannot make {}", folder.display())),
        }
    }

    fn unpack(&self, cache: &Path) -> Result<TempDir> {
        std::fs::create_dir_all(cache)
            .with_context(|| format!("cannot make the cache folder {}", cache.display()))?;
        let staging = tempfile::Builder::new().prefix("installing-").tempdir_in(cache)?;
        for (name, content) in self.files {
            let path = staging.path().join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, content)?;
        }
        Ok(staging)
    }
}

async fn npm(arguments: &[&str], what: &str, folder: &Path) -> Result<()> {
    let output = Command::new("npm").args(arguments).current_dir(folder).output().await;
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
        let reason = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(3);
        let reason: Vec<&str> = reason.collect();
        bail!("npm could not {what}: {}", reason.join("; "));
    }
    Ok(())
}

/// `$XDG_CACHE_HOME/deml`, or `~/.cache/deml`.
fn cache_folder() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set: set one of them")?.join("deml"))
}
