//! Where this user's files are, as the XDG base directories say.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// `$XDG_DATA_HOME/deml`, or `~/.local/share/deml`.
///
/// - Errors: the environment names no home
pub fn data() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir()
            .context("there is no home folder: set XDG_DATA_HOME")?
            .join(".local/share"),
    };
    Ok(base.join("deml"))
}

/// Where keystores are kept.
pub fn keys() -> Result<PathBuf> {
    Ok(data()?.join("keys"))
}

/// Where accounts keep what is secret for a while.
pub fn vaults() -> Result<PathBuf> {
    Ok(data()?.join("vaults"))
}

/// Where the devnet keeps its state: `$DEML_DEVNET`, or its place in this user's data.
pub fn devnet() -> Result<PathBuf> {
    match std::env::var_os("DEML_DEVNET").filter(|path| !path.is_empty()) {
        Some(path) => Ok(path.into()),
        None => Ok(data()?.join("devnet")),
    }
}
