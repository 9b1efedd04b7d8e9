//! Encrypted keystores of this user: their files, and the sources of their passwords.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use anyhow::{Context, Result, ensure};
use console::Term;
use serde::Serialize;

use crate::{
    chain::{create_keystore, keystore_address, open_keystore},
    columns::column,
    folders,
};

/// A keystore file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keystore {
    /// Its name in `--keystore`.
    pub name: String,
    /// The account that the file states in plain, which nobody vouches for.
    pub address: Option<Address>,
    /// The file.
    pub file: PathBuf,
}

impl fmt::Display for Keystore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.map_or_else(|| "locked".to_owned(), |known| known.to_string());
        let name = column(&self.name, 16);
        write!(out, "{name} {address:<42} {}", self.file.display())
    }
}

/// The keystore that `given` refers to: a path, or the name of one in this user's folder.
///
/// - Errors: neither exists
pub fn find(given: &Path) -> Result<PathBuf> {
    if given.is_file() {
        return Ok(given.to_owned());
    }
    let named = folders::keys()?.join(given);
    ensure!(
        named.is_file(),
        "there is no keystore {}: make one with `deml account new NAME`",
        given.display()
    );
    Ok(named)
}

/// Encrypts `key` into a new keystore in this user's folder.
///
/// - Errors: the name is a path or already taken
pub fn create(name: &str, key: &PrivateKeySigner, password: &str) -> Result<Keystore> {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    ensure!(is_plain, "{name:?} is not a name for a keystore: take letters and digits");
    let folder = folders::keys()?;
    create_keystore(&folder, name, key, password)?;
    let file = folder.join(name);
    Ok(Keystore { name: name.to_owned(), address: Some(key.address()), file })
}

/// The keystores in this user's folder, sorted by name.
pub fn list() -> Result<Vec<Keystore>> {
    let folder = folders::keys()?;
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut keystores = Vec::new();
    for entry in entries {
        let file = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        let Some(name) = file.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            continue;
        };
        keystores.push(Keystore { name, address: keystore_address(&file), file });
    }
    keystores.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(keystores)
}

/// Opens a keystore with a password from `password_file`, `$DEML_PASSWORD` or the terminal.
pub fn open(given: &Path, password_file: Option<&Path>) -> Result<PrivateKeySigner> {
    let file = find(given)?;
    let prompt = format!("Password of {}: ", given.display());
    open_keystore(&file, &password(password_file, &prompt)?)
}

/// A password for a new keystore; typed twice on a terminal.
pub fn new_password(password_file: Option<&Path>) -> Result<String> {
    let first = password(password_file, "New password: ")?;
    ensure!(!first.is_empty(), "a keystore needs a password that is not empty");
    if password_file.is_none() && std::env::var_os("DEML_PASSWORD").is_none() {
        ensure!(ask("The same again: ")? == first, "the passwords differ: try again");
    }
    Ok(first)
}

fn password(file: Option<&Path>, prompt: &str) -> Result<String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the password file {}", file.display()))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    if let Ok(password) = std::env::var("DEML_PASSWORD") {
        return Ok(password);
    }
    ask(prompt).context("no password: give --password-file FILE or set DEML_PASSWORD")
}

/// Asks for a secret on the terminal, without showing it.
///
/// - Errors: no terminal
pub fn ask(prompt: &str) -> Result<String> {
    let terminal = Term::stderr();
    ensure!(terminal.is_term(), "there is no terminal to ask on");
    terminal.write_str(prompt)?;
    Ok(terminal.read_secure_line()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_written_beside_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKeySigner::random();
        create_keystore(folder.path(), "alice", &key, "secret").unwrap();
        let file = folder.path().join("alice");
        assert_eq!(keystore_address(&file), Some(key.address()));
    }

    #[test]
    fn a_keystore_cannot_be_put_elsewhere() {
        for name in ["", ".hidden", "../up", "a/b"] {
            assert!(create(name, &PrivateKeySigner::random(), "secret").is_err(), "{name:?}");
        }
    }
}
