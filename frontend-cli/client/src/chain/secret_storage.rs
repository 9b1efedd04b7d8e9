//! Keys under a password: Web3 secret storage, version 3, as geth, ethers and foundry write it.
//!
//! ```text
//! derived     32 bytes, by scrypt or PBKDF2 from the password
//! ciphertext  AES-128 in counter mode, with derived[..16]
//! mac         keccak-256 of derived[16..] and the ciphertext
//! ```
//!
//! A file may come from a stranger: all its parameters are bounded before any is used.
//!
//! - Source: Web3 Secret Storage Definition, version 3

use std::ops::RangeInclusive;

use aes::Aes128;
use alloy::{
    primitives::{Address, B256, hex, keccak256},
    signers::{
        k256::elliptic_curve::rand_core::{OsRng, RngCore as _},
        local::PrivateKeySigner,
    },
};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use hmac::Hmac;
use serde_json::{Value, json};
use sha2::Sha256;

/// Work and memory of one password guess: 2^18 scrypt rounds, as in geth.
const SCRYPT_LOG_N: u8 = 18;

/// The most memory for scrypt, in bytes: four times what geth takes.
const SCRYPT_BYTES_MAX: u64 = 1 << 30;

/// The most work for scrypt, as `n × r × p`: sixteen times what geth takes.
const SCRYPT_WORK_MAX: u64 = 1 << 25;

/// The most rounds of PBKDF2: 38 times what is usual.
const PBKDF2_ROUNDS_MAX: u64 = 10_000_000;

/// The reason why a keystore does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreInvalid {
    /// Not an object of JSON.
    #[error("it is not a keystore: those are objects of JSON")]
    NotJson,
    /// Another version.
    #[error("it is no keystore of version 3, the one that geth, ethers and cast write")]
    Version,
    /// A field is missing or of another kind.
    #[error("its field {0:?} is missing, or of another kind than keystores have")]
    Field(&'static str),
    /// Hexadecimal digits of another length.
    #[error("its {field:?} has {found} bytes, not {least} to {most}")]
    Length {
        /// The field.
        field: &'static str,
        /// Its length.
        found: usize,
        /// The shortest possible one.
        least: usize,
        /// The longest possible one.
        most: usize,
    },
    /// Another cipher, key derivation or hash.
    #[error("its {0:?} is another than keystores of version 3 have")]
    Unsupported(&'static str),
    /// Parameters of the key derivation that no honest program chooses.
    #[error("its {0} would take more work or memory than any wallet asks for, or none")]
    Work(&'static str),
    /// The password, or a byte of the file, is wrong.
    #[error("wrong password? or the file is damaged")]
    Password,
    /// The decrypted number is not a key.
    #[error("what it holds is not a private key")]
    NotKey,
    /// The address in plain is not the key's.
    #[error("it says that it is of {stated}, and its key is of {actual}: do not trust it")]
    OtherAccount {
        /// The account that the file states.
        stated: Address,
        /// The key's account.
        actual: Address,
    },
}

/// Decrypts the key in a keystore file.
///
/// - Errors: the field that is wrong, the wrong password, or an address that is not the key's
pub(super) fn decrypt(text: &[u8], password: &str) -> Result<PrivateKeySigner, KeystoreInvalid> {
    let file: Value = serde_json::from_slice(text).map_err(|_| KeystoreInvalid::NotJson)?;
    if !file.is_object() {
        return Err(KeystoreInvalid::NotJson);
    }
    if file["version"] != 3 && file["version"] != "3" {
        return Err(KeystoreInvalid::Version);
    }
    // Some wallets write capitals.
    let crypto = ["crypto", "Crypto"].into_iter().find_map(|name| file.get(name));
    let crypto = crypto.ok_or(KeystoreInvalid::Field("crypto"))?;
    let mut key = B256::ZERO;
    // Some programs leave out leading zeros.
    let ciphertext = bytes(crypto, "ciphertext", 1..=32)?;
    let mac = bytes(crypto, "mac", 32..=32)?;
    let iv: [u8; 16] = array(bytes(&crypto["cipherparams"], "iv", 16..=16)?, "iv")?;
    if crypto["cipher"] != "aes-128-ctr" {
        return Err(KeystoreInvalid::Unsupported("cipher"));
    }
    let derived = derive(crypto, password)?;
    let (cipher_key, mac_key) = derived.split_at(16);
    if keccak256([mac_key, &ciphertext].concat()).as_slice() != mac {
        return Err(KeystoreInvalid::Password);
    }
    let plain = &mut key.0[32 - ciphertext.len()..];
    plain.copy_from_slice(&ciphertext);
    Ctr128BE::<Aes128>::new(cipher_key.into(), &iv.into()).apply_keystream(plain);
    let key = PrivateKeySigner::from_bytes(&key).map_err(|_| KeystoreInvalid::NotKey)?;
    match stated_address(&file) {
        Some(stated) if stated != key.address() => {
            Err(KeystoreInvalid::OtherAccount { stated, actual: key.address() })
        }
        _ => Ok(key),
    }
}

/// The account that a keystore states in plain, which nobody vouches for.
pub(super) fn stated_address(file: &Value) -> Option<Address> {
    file["address"].as_str()?.parse().ok()
}

/// The key that the password gives, by the file's parameters.
fn derive(crypto: &Value, password: &str) -> Result<[u8; 32], KeystoreInvalid> {
    let (given, password) = (&crypto["kdfparams"], password.as_bytes());
    let salt = bytes(given, "salt", 1..=1_024)?;
    if number(given, "dklen")? != 32 {
        return Err(KeystoreInvalid::Unsupported("dklen"));
    }
    let mut derived = [0; 32];
    match crypto["kdf"].as_str() {
        Some("scrypt") => {
            let cost = scrypt_cost(number(given, "n")?, number(given, "r")?, number(given, "p")?)?;
            let done = scrypt::scrypt(password, &salt, &cost, &mut derived);
            done.map_err(|_| KeystoreInvalid::Work("scrypt"))?;
        }
        Some("pbkdf2") => {
            if given["prf"] != "hmac-sha256" {
                return Err(KeystoreInvalid::Unsupported("prf"));
            }
            let rounds = number(given, "c")?;
            let rounds = Some(rounds).filter(|rounds| (1..=PBKDF2_ROUNDS_MAX).contains(rounds));
            let rounds = rounds.and_then(|rounds| u32::try_from(rounds).ok());
            let rounds = rounds.ok_or(KeystoreInvalid::Work("c (rounds of PBKDF2)"))?;
            pbkdf2::pbkdf2::<Hmac<Sha256>>(password, &salt, rounds, &mut derived);
        }
        _ => return Err(KeystoreInvalid::Unsupported("kdf")),
    }
    Ok(derived)
}

fn scrypt_cost(n: u64, r: u64, p: u64) -> Result<scrypt::Params, KeystoreInvalid> {
    let wrong = KeystoreInvalid::Work("n, r and p (of scrypt)");
    let blocks = n.checked_mul(r).ok_or(wrong)?;
    let bytes = blocks.checked_mul(128).ok_or(wrong)?;
    let work = blocks.checked_mul(p).ok_or(wrong)?;
    let is_bounded = work > 0 && bytes <= SCRYPT_BYTES_MAX && work <= SCRYPT_WORK_MAX;
    if !is_bounded || n < 2 || !n.is_power_of_two() {
        return Err(wrong);
    }
    let small = |number: u64| u32::try_from(number).map_err(|_| wrong);
    let log_n = u8::try_from(n.ilog2()).map_err(|_| wrong)?;
    scrypt::Params::new(log_n, small(r)?, small(p)?).map_err(|_| wrong)
}

fn number(of: &Value, field: &'static str) -> Result<u64, KeystoreInvalid> {
    of[field].as_u64().ok_or(KeystoreInvalid::Field(field))
}

fn bytes(
    of: &Value,
    field: &'static str,
    range: RangeInclusive<usize>,
) -> Result<Vec<u8>, KeystoreInvalid> {
    let digits = of[field].as_str().ok_or(KeystoreInvalid::Field(field))?;
    let bytes = hex::decode(digits).map_err(|_| KeystoreInvalid::Field(field))?;
    if range.contains(&bytes.len()) {
        return Ok(bytes);
    }
    let (found, least, most) = (bytes.len(), *range.start(), *range.end());
    Err(KeystoreInvalid::Length { field, found, least, most })
}

fn array<const N: usize>(bytes: Vec<u8>, field: &'static str) -> Result<[u8; N], KeystoreInvalid> {
    bytes.try_into().map_err(|_| KeystoreInvalid::Field(field))
}

/// A key as a keystore, with the address added as geth does.
pub(super) fn encrypt(key: &PrivateKeySigner, password: &str) -> anyhow::Result<Value> {
    let (salt, iv, id) = (random::<32>(), random::<16>(), random::<16>());
    let mut derived = [0; 32];
    let cost = scrypt::Params::new(SCRYPT_LOG_N, 8, 1).map_err(anyhow::Error::msg)?;
    let done = scrypt::scrypt(password.as_bytes(), &salt, &cost, &mut derived);
    done.map_err(anyhow::Error::msg)?;
    let (cipher_key, mac_key) = derived.split_at(16);
    let mut ciphertext = key.to_bytes().0;
    Ctr128BE::<Aes128>::new(cipher_key.into(), &iv.into()).apply_keystream(&mut ciphertext);
    let mac = keccak256([mac_key, &ciphertext].concat());
    Ok(json!({
        "address": hex::encode(key.address()),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": hex::encode(iv) },
            "ciphertext": hex::encode(ciphertext),
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 1_u32 << SCRYPT_LOG_N, "p": 1, "r": 8, "salt": hex::encode(salt)
            },
            "mac": hex::encode(mac),
        },
        "id": uuid(id),
        "version": 3,
    }))
}

/// Random bytes as a UUID of version 4.
fn uuid(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let text = hex::encode(random);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "testpassword";

    /// The test vectors of the definition, without what is not needed to open them.
    fn published() -> [(Value, &'static str); 2] {
        let key = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
        let pbkdf2 = json!({
            "crypto": {
                "cipher": "aes-128-ctr",
                "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
                "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
                "kdf": "pbkdf2",
                "kdfparams": {
                    "c": 262_144, "dklen": 32, "prf": "hmac-sha256",
                    "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
                },
                "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
            },
            "version": 3
        });
        let scrypt = json!({
            "crypto": {
                "cipher": "aes-128-ctr",
                "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
                "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
                "kdf": "scrypt",
                "kdfparams": {
                    "dklen": 32, "n": 262_144, "p": 8, "r": 1,
                    "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
                },
                "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
            },
            "version": 3
        });
        [(pbkdf2, key), (scrypt, key)]
    }

    fn open(file: &Value, password: &str) -> Result<PrivateKeySigner, KeystoreInvalid> {
        decrypt(file.to_string().as_bytes(), password)
    }

    #[test]
    fn keystores_of_geth_ethers_and_cast_open() {
        let [(pbkdf2, key), (scrypt, _)] = published();
        assert_eq!(hex::encode(open(&pbkdf2, PASSWORD).unwrap().to_bytes()), key);
        assert_eq!(open(&pbkdf2, "guess").unwrap_err(), KeystoreInvalid::Password);
        // The definition's own n is too great for its r by RFC 7914, which no wallet breaks.
        assert!(matches!(open(&scrypt, PASSWORD), Err(KeystoreInvalid::Work(_))));
        for file in [
            include_str!("../../tests/fixtures/keystores/cast.json"),
            include_str!("../../tests/fixtures/keystores/ethers-5.json"),
            include_str!("../../tests/fixtures/keystores/ethers-6.json"),
        ] {
            let key = decrypt(file.as_bytes(), PASSWORD).unwrap();
            assert_eq!(key.to_bytes(), B256::repeat_byte(0x46), "{file}");
        }
    }

    #[test]
    fn hostile_parameters_are_refused_by_name() {
        let [(pbkdf2, _), (scrypt, _)] = published();
        let with = |file: &Value, path: &str, value: Value| {
            let mut file = file.clone();
            *file.pointer_mut(path).unwrap() = value;
            open(&file, PASSWORD).unwrap_err().to_string()
        };
        for (file, path, value, says) in [
            (&scrypt, "/crypto/cipherparams/iv", json!("00"), "\"iv\" has 1 bytes, not 16 to 16"),
            (&scrypt, "/crypto/cipherparams/iv", json!(7), "\"iv\" is missing"),
            (&scrypt, "/crypto/kdfparams/n", json!(1_u64 << 30), "n, r and p"),
            (&scrypt, "/crypto/kdfparams/n", json!(1_u64 << 63), "n, r and p"),
            (&scrypt, "/crypto/kdfparams/n", json!(262_143), "n, r and p"),
            (&scrypt, "/crypto/kdfparams/n", json!(1), "n, r and p"),
            (&scrypt, "/crypto/kdfparams/n", json!(-1), "\"n\" is missing, or of another"),
            (&scrypt, "/crypto/kdfparams/r", json!(0), "n, r and p"),
            (&scrypt, "/crypto/kdfparams/p", json!(1_u64 << 32), "n, r and p"),
            (&scrypt, "/crypto/kdfparams/dklen", json!(1_u64 << 40), "\"dklen\" is another"),
            (&scrypt, "/crypto/kdfparams/salt", json!("ab".repeat(2_000)), "has 2000 bytes"),
            (&scrypt, "/crypto/ciphertext", json!("ab".repeat(33)), "has 33 bytes"),
            (&scrypt, "/crypto/mac", json!(""), "has 0 bytes"),
            (&scrypt, "/crypto/cipher", json!("aes-256-cbc"), "\"cipher\" is another"),
            (&scrypt, "/crypto/kdf", json!("argon2"), "\"kdf\" is another"),
            (&scrypt, "/version", json!(1), "version 3"),
            (&scrypt, "/crypto", json!([]), "is missing"),
            (&pbkdf2, "/crypto/kdfparams/c", json!(4_000_000_000_u64), "rounds of PBKDF2"),
            (&pbkdf2, "/crypto/kdfparams/c", json!(0), "rounds of PBKDF2"),
            (&pbkdf2, "/crypto/kdfparams/prf", json!("hmac-md5"), "\"prf\" is another"),
        ] {
            let said = with(file, path, value);
            assert!(said.contains(says), "{path}: {said}");
        }
        for text in ["", "[]", "7", "{\"version\":3}", "{"] {
            assert!(decrypt(text.as_bytes(), PASSWORD).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_s_address_is_not_believed() {
        let [(mut file, _), _] = published();
        let actual = open(&file, PASSWORD).unwrap().address();
        file["address"] = json!(hex::encode(actual));
        assert_eq!(open(&file, PASSWORD).unwrap().address(), actual);
        let stated = Address::repeat_byte(7);
        file["address"] = json!(stated);
        let refused = KeystoreInvalid::OtherAccount { stated, actual };
        assert_eq!(open(&file, PASSWORD).unwrap_err(), refused);
    }
}
