//! Paths of this user's files, by the XDG base directory specification.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// `$XDG_DATA_HOME/deml`, or `~/.local/share/deml`.
///
/// - Errors: the environment defines no home
pub fn data() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir()
            .context("there is no home folder: set XDG_DATA_HOME")?
            .join(".local/share"),
    };
    Ok(base.join("deml"))
}

/// The folder of keystores.
pub fn keys() -> Result<PathBuf> {
    Ok(data()?.join("keys"))
}

/// The folder of vaults, which keep accounts' secrets until they are revealed.
pub fn vaults() -> Result<PathBuf> {
    Ok(data()?.join("vaults"))
}

/// The folder of notes of transactions whose end no command has seen yet.
pub fn sent() -> Result<PathBuf> {
    Ok(data()?.join("sent"))
}

/// The folder of the devnet's state: `$DEML_DEVNET`, or the default in this user's data.
pub fn devnet() -> Result<PathBuf> {
    match std::env::var_os("DEML_DEVNET").filter(|path| !path.is_empty()) {
        Some(path) => Ok(path.into()),
        None => Ok(data()?.join("devnet")),
    }
}
