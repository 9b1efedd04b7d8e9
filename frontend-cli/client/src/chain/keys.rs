//! Keys: encrypted keystore files for people, anvil's public accounts for the devnet.

use std::io::Write as _;
use std::path::Path;

use alloy::primitives::{Address, B256, b256};
use alloy::signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use anyhow::{Context, Result};

use super::secret_storage::{decrypt, encrypt, stated_address};
use crate::files;

/// The longest keystore file, in bytes; with a mnemonic beside the key they have about 1,000.
const KEYSTORE_BYTES_MAX: u64 = 64 * 1_024;

/// The ten default accounts of anvil, from the mnemonic "test test … junk".
///
/// These keys are public: they are worth nothing outside a local devnet.
const DEV_KEYS: [B256; 10] = [
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    b256!("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    b256!("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    b256!("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    b256!("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    b256!("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    b256!("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
];

/// Key of anvil's default account `index` (0 to 9), each with 10,000 Ether on a devnet.
///
/// - Errors: there is no such account
pub fn dev_account(index: usize) -> Result<PrivateKeySigner> {
    let key = DEV_KEYS.get(index).context("the devnet has accounts 0 to 9")?;
    PrivateKeySigner::from_bytes(key).context("a devnet key is not a key")
}

/// The key of a wallet's account `index`, from its mnemonic of 12 to 24 English words: at
/// `m/44'/60'/0'/0/index`, as most wallets have it.
///
/// - Errors: not a mnemonic; it is a secret, so the error does not repeat it
pub fn mnemonic_account(phrase: &str, index: u32) -> Result<PrivateKeySigner> {
    let words: Vec<&str> = phrase.split_whitespace().collect();
    let account = MnemonicBuilder::<English>::default().phrase(words.join(" ")).index(index);
    let key = account.ok().and_then(|account| account.build().ok());
    key.context("that is not a mnemonic: 12 to 24 English words of a wallet, in their order")
}

/// Opens an encrypted keystore file (Web3 secret storage, as geth, ethers and foundry write it).
///
/// - Errors: no such file, not a keystore, or the wrong password
pub fn open_keystore(path: &Path, password: &str) -> Result<PrivateKeySigner> {
    let text = files::read_within(path, KEYSTORE_BYTES_MAX)?;
    decrypt(&text, password).with_context(|| format!("cannot open the keystore {}", path.display()))
}

/// The account that a keystore file states in plain, which nobody vouches for.
#[must_use]
pub fn keystore_address(path: &Path) -> Option<Address> {
    let text = files::read_within(path, KEYSTORE_BYTES_MAX).ok()?;
    stated_address(&serde_json::from_slice(&text).ok()?)
}

/// Encrypts `key` into the new keystore file `folder/name`, readable by its owner only.
///
/// - Errors: the file exists already, or cannot be written
pub fn create_keystore(
    folder: &Path,
    name: &str,
    key: &PrivateKeySigner,
    password: &str,
) -> Result<()> {
    let path = folder.join(name);
    anyhow::ensure!(!path.exists(), "{} exists already: it is not overwritten", path.display());
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let cannot = || format!("cannot write the keystore {}", path.display());
    let text = serde_json::to_vec(&encrypt(key, password)?)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    file.write_all(&text).with_context(cannot)?;
    file.persist_noclobber(&path).with_context(cannot)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::address;

    #[test]
    fn dev_accounts_are_anvils() {
        let first = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        let last = address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720");
        assert_eq!(dev_account(0).unwrap().address(), first);
        assert_eq!(dev_account(9).unwrap().address(), last);
        assert!(dev_account(10).is_err());
    }

    #[test]
    fn a_keystore_opens_with_its_password_only_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKeySigner::random();
        create_keystore(folder.path(), "alice.json", &key, "secret").unwrap();
        let path = folder.path().join("alice.json");
        assert_eq!(open_keystore(&path, "secret").unwrap(), key);
        assert!(open_keystore(&path, "guess").is_err());
        assert!(create_keystore(folder.path(), "alice.json", &key, "secret").is_err());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"n\":262144"), "{text}");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }
    #[test]
    fn a_mnemonic_gives_the_accounts_of_wallets() {
        let phrase = "test test test test test test test test test test test junk";
        for index in [0, 1, 9] {
            let key = mnemonic_account(phrase, index).unwrap();
            assert_eq!(key, dev_account(index as usize).unwrap());
        }
        assert_eq!(
            mnemonic_account(&phrase.replace(' ', "\n  "), 0).unwrap(),
            dev_account(0).unwrap()
        );
        let wrong = phrase.replace("junk", "test");
        let said = mnemonic_account(&wrong, 0).unwrap_err().to_string();
        assert!(said.contains("12 to 24 English words") && !said.contains("test"), "{said}");
    }
}
