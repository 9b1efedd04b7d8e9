//! HPKE in base mode, for one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.
//!
//! Not the crate `hpke`: it switches on features of crates that the machine's program has, too.
//!
//! - Source: RFC 9180, sections 4, 5.1 and 6.1

use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, aead::Aead as _, aead::Payload};
use hkdf::Hkdf;
use sha2::Sha256;
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};

/// `"KEM" ‖ 0x0020`
const KEM: &[u8] = b"KEM\x00\x20";
/// `"HPKE" ‖ 0x0020 ‖ 0x0001 ‖ 0x0003`
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
const BASE_MODE: u8 = 0;

/// Length of an encapsulated key.
pub(crate) const SHARE_BYTES: usize = 32;

/// The public key of a secret one.
pub(crate) fn public(secret: &[u8; 32]) -> [u8; 32] {
    x25519(*secret, X25519_BASEPOINT_BYTES)
}

/// Encrypts for a public key; `ephemeral` is random and used once. The encapsulated key comes
/// first. `None` if the public key is of small order, so that anybody could decrypt.
pub(crate) fn seal(
    recipient: &[u8; 32],
    ephemeral: &[u8; 32],
    (info, aad): (&[u8], &[u8]),
    plain: &[u8],
) -> Option<Vec<u8>> {
    let share = public(ephemeral);
    let shared = shared_secret(ephemeral, recipient, (&share, recipient))?;
    let (cipher, nonce) = context(&shared, info)?;
    let sealed = cipher.encrypt(&nonce.into(), Payload { msg: plain, aad }).ok()?;
    Some([share.as_slice(), &sealed].concat())
}

/// Decrypts; `None` unless it was encrypted for this key, with this `info` and `aad`.
pub(crate) fn open(
    secret: &[u8; 32],
    (info, aad): (&[u8], &[u8]),
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let (share, sealed) = sealed.split_first_chunk::<SHARE_BYTES>()?;
    let shared = shared_secret(secret, share, (share, &public(secret)))?;
    let (cipher, nonce) = context(&shared, info)?;
    cipher.decrypt(&nonce.into(), Payload { msg: sealed, aad }).ok()
}

/// DHKEM's shared secret; `None` if the other's key is of small order.
fn shared_secret(
    own: &[u8; 32],
    other: &[u8; 32],
    (share, recipient): (&[u8; 32], &[u8; 32]),
) -> Option<[u8; 32]> {
    let point = x25519(*own, *other);
    if point == [0; 32] {
        return None;
    }
    let extracted = extract(KEM, &[], b"eae_prk", &point);
    expand(KEM, &extracted, b"shared_secret", &[share.as_slice(), recipient].concat())
}

/// The key schedule: the cipher and the nonce of its first message.
fn context(shared: &[u8; 32], info: &[u8]) -> Option<(ChaCha20Poly1305, [u8; 12])> {
    let psk_id = extract(SUITE, &[], b"psk_id_hash", &[]);
    let info = extract(SUITE, &[], b"info_hash", info);
    let schedule = [&[BASE_MODE], psk_id.as_slice(), &info].concat();
    let secret = extract(SUITE, shared, b"secret", &[]);
    let key: [u8; 32] = expand(SUITE, &secret, b"key", &schedule)?;
    Some((ChaCha20Poly1305::new(&key.into()), expand(SUITE, &secret, b"base_nonce", &schedule)?))
}

/// `LabeledExtract`
fn extract(suite: &[u8], salt: &[u8], label: &[u8], material: &[u8]) -> [u8; 32] {
    let material = [b"HPKE-v1", suite, label, material].concat();
    Hkdf::<Sha256>::extract(Some(salt), &material).0.into()
}

/// `LabeledExpand`; of some bytes, as every length used here.
fn expand<const N: usize>(
    suite: &[u8],
    secret: &[u8; 32],
    label: &[u8],
    info: &[u8],
) -> Option<[u8; N]> {
    let length = u16::try_from(N).ok()?.to_be_bytes();
    let info = [&length, b"HPKE-v1".as_slice(), suite, label, info].concat();
    let mut bytes = [0; N];
    Hkdf::<Sha256>::from_prk(secret).ok()?.expand(&info, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(digits: &str) -> [u8; N] {
        hex::decode(digits).unwrap().try_into().unwrap()
    }

    /// RFC 9180, appendix A.2.1, the first encryption.
    #[test]
    fn it_is_that_of_the_rfc() {
        let ephemeral = bytes("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600");
        let secret = bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let recipient = bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        let share: [u8; 32] =
            bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
        let sealed: [u8; 45] = bytes(
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51\
             a28",
        );
        let (info, aad) = (b"Ode on a Grecian Urn".as_slice(), b"Count-0".as_slice());
        let plain = b"Beauty is truth, truth beauty";
        assert_eq!(public(&secret), recipient);
        let found = seal(&recipient, &ephemeral, (info, aad), plain).unwrap();
        assert_eq!(found, [share.as_slice(), &sealed].concat());
        assert_eq!(open(&secret, (info, aad), &found).unwrap(), plain);
        assert_eq!(open(&secret, (info, b"Count-1"), &found), None);
        assert_eq!(open(&secret, (b"", aad), &found), None);
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let one = std::array::from_fn(|at| u8::from(at == 0));
        for small in [[0; 32], one] {
            assert_eq!(seal(&small, &[7; 32], (b"", b""), b"open to all"), None);
            assert_eq!(open(&[7; 32], (b"", b""), &[small.as_slice(), &[0; 48]].concat()), None);
        }
    }
}
