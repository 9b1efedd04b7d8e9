//! Sealed blobs: a ciphertext opens only under its own commitment, with its own key, for its own
//! sender.

use blobs::{Binding, Digest, Opening, Profile, SEAL_BYTES, SealRefused, blob_ref, seal, unseal};

use crate::{memory::within, script::Script};

/// The state of the cipher and of the hash.
const MEMORY_BYTES: usize = 64 << 10;

/// Seals a script's bytes, changes some of it, and opens it.
///
/// - Unchanged it opens, and gives the bytes that were sealed.
/// - With any part changed it is refused for that part.
/// - Arbitrary bytes can be tried, and take no more memory than their length allows.
///
/// - Panics: if one of these does not hold
pub fn sealed(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let what = script.byte();
    let (key, salt) = (array(&mut script), array(&mut script));
    let binding = Binding {
        chain_id: u64::from(script.short()),
        app: [script.byte(); 20],
        scope: [script.byte(); 32],
        sender: [script.byte(); 20],
    };
    let plain = script.block().to_vec();
    let profile = if what & 1 == 0 { Profile::Kubo } else { Profile::UnixfsV1 };
    let opening = Opening { key, salt, plain: blob_ref(&plain, profile) };
    let commitment = opening.commitment(&binding);
    let ciphertext = seal(&key, commitment, &plain);
    assert_eq!(ciphertext.len() as u64, plain.len() as u64 + SEAL_BYTES);
    let opened = open(&opening, &binding, commitment, &ciphertext);
    assert!(opened.as_ref() == Ok(&plain), "what was sealed does not open");
    changed(what >> 1, &mut script, (&opening, &binding, commitment), &ciphertext);
    let rest = script.rest();
    let found = within(limit(rest), "any bytes", || unseal(&key, commitment, rest.to_vec()));
    if let Some(found) = found {
        assert!(seal(&key, commitment, &found) == rest, "two ciphertexts open to the same bytes");
    }
}

fn array(script: &mut Script<'_>) -> [u8; 32] {
    std::array::from_fn(|_| script.byte())
}

fn limit(bytes: &[u8]) -> usize {
    MEMORY_BYTES + 3 * bytes.len()
}

fn open(
    opening: &Opening,
    binding: &Binding,
    commitment: Digest,
    ciphertext: &[u8],
) -> Result<Vec<u8>, SealRefused> {
    within(limit(ciphertext), "opening", || {
        opening.check(binding, commitment)?;
        opening.open(commitment, ciphertext.to_vec())
    })
}

/// Changes one part, which must be refused: ciphertext, key, binding, or the stated plain blob.
fn changed(
    part: u8,
    script: &mut Script<'_>,
    (opening, binding, commitment): (&Opening, &Binding, Digest),
    ciphertext: &[u8],
) {
    let (index, flip) = (usize::from(script.short()), script.byte().max(1));
    let (mut opening, mut binding, mut bytes) = (*opening, *binding, ciphertext.to_vec());
    match part % 7 {
        0 => {
            let index = index % bytes.len();
            bytes[index] ^= flip;
        }
        1 => bytes.truncate(index % bytes.len()),
        2 => bytes.extend(vec![flip; index % 64 + 1]),
        3 => opening.key[index % 32] ^= flip,
        4 => opening.salt[index % 32] ^= flip,
        5 => opening.plain.size ^= u64::from(flip),
        _ => binding.sender[index % 20] ^= flip,
    }
    let refused = open(&opening, &binding, commitment, &bytes);
    match part % 7 {
        0..=2 => assert!(refused == Err(SealRefused::WrongKey), "{refused:?}"),
        _ => {
            let is_commitment = matches!(refused, Err(SealRefused::WrongCommitment { .. }));
            assert!(is_commitment, "{refused:?}");
        }
    }
}
