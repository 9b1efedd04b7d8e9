//! An account's secrets, in an encrypted file that only its key can open.
//!
//! The file's key is derived from the account's own, which a keystore keeps encrypted under its
//! password: whoever cannot sign for the account cannot read what it has sealed.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use alloy::{
    primitives::{Address, keccak256},
    signers::{
        k256::elliptic_curve::rand_core::{OsRng, RngCore as _},
        local::PrivateKeySigner,
    },
};
use anyhow::{Context, Result, bail};
use blobs::Digest;
use serde::{Serialize, de::DeserializeOwned};

use crate::files;

/// Thirty-two random bytes, from the operating system.
#[must_use]
pub fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// One account's encrypted file for one market.
#[derive(Clone)]
pub struct Vault {
    file: PathBuf,
    secret: [u8; 32],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Vault({})", self.file.display())
    }
}

impl Vault {
    /// The vault in `folder` of this key's account, in the market `app` on a chain.
    #[must_use]
    pub fn of(folder: &Path, key: &PrivateKeySigner, chain_id: u64, app: Address) -> Self {
        let name = format!("{chain_id}-{app:#x}-{:#x}", key.address());
        let secret = keccak256([b"DeML vault 1".as_slice(), key.to_bytes().as_slice()].concat()).0;
        Self { file: folder.join(name), secret }
    }

    /// Keeps other programs of this account from doing the same until the file is dropped.
    ///
    /// - Errors: another one does it now
    pub fn lock(&self, name: &str, program: &str) -> Result<File> {
        let path = self.file.with_extension(format!("{name}.lock"));
        let context = || format!("cannot lock {}", path.display());
        path.parent().map_or(Ok(()), std::fs::create_dir_all).with_context(context)?;
        let file = File::create(&path).with_context(context)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => bail!(
                "another {program} already works for this account: stop it, or give this one an \
                 account of its own"
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(context),
        }
    }

    /// The value stored under a name; the default if there is none.
    ///
    /// - Errors: the file is corrupt, or encrypted with another key
    pub fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T> {
        let file = self.file.with_extension(name);
        let Ok(bytes) = std::fs::read(&file) else { return Ok(T::default()) };
        let opened = bytes.split_first_chunk::<32>().and_then(|(salt, sealed)| {
            blobs::unseal(&self.derived(salt), Digest(*salt), sealed.to_vec())
        });
        let damaged = || format!("{} is damaged, or of another account", file.display());
        serde_json::from_slice(&opened.with_context(damaged)?).with_context(damaged)
    }

    /// Stores a value under a name; it is on disk when this returns.
    pub fn write<T: Serialize>(&self, name: &str, kept: &T) -> Result<()> {
        let file = self.file.with_extension(name);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let salt = random();
        let sealed = blobs::seal(&self.derived(&salt), Digest(salt), &serde_json::to_vec(kept)?);
        files::write_private(&file, &[salt.as_slice(), &sealed].concat())
    }

    /// A secret derived for a purpose: always the same, and it reveals nothing about others.
    #[must_use]
    pub fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        keccak256([self.secret.as_slice(), purpose].concat()).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_accounts_own_key_opens_what_it_keeps() {
        let folder = tempfile::tempdir().unwrap();
        let (key, app) = (PrivateKeySigner::random(), Address::repeat_byte(7));
        let vault = Vault::of(folder.path(), &key, 1, app);
        assert_eq!(vault.read::<Vec<String>>("words").unwrap(), Vec::<String>::new());
        vault.write("words", &["secret"]).unwrap();
        assert_eq!(vault.read::<Vec<String>>("words").unwrap(), ["secret"]);
        let bytes = std::fs::read(vault.file.with_extension("words")).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"secret"));

        let other = Vault { secret: [1; 32], ..vault.clone() };
        assert!(other.read::<Vec<String>>("words").is_err());
        let elsewhere = Vault::of(folder.path(), &key, 2, app);
        assert_eq!(elsewhere.read::<Vec<String>>("words").unwrap(), Vec::<String>::new());
        assert_ne!(vault.derived(b"a"), vault.derived(b"b"));
    }
}
