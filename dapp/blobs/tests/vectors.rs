//! CIDs and seals match those of independent implementations: Helia, and Node's cryptography.

use blobs::{Binding, BlobRef, Digest, Opening, Profile, blob_ref, blocks, cid_of, seal};
use serde_json::Value;

/// The bytes that `vectors` in `tests/helia/helia.mjs` generates.
fn file(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    bytes.take(size).collect()
}

#[test]
fn cids_are_those_helia_gives() {
    let text = include_str!("../../../tests/vectors/cids.json");
    let json: Value = serde_json::from_str(text).unwrap();
    let vectors = json["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 22);
    for vector in vectors {
        let bytes = file(usize::try_from(vector["size"].as_u64().unwrap()).unwrap());
        let leaf_size = u32::try_from(vector["leaf_size"].as_u64().unwrap()).unwrap();
        let profile = Profile::with_leaf_size(leaf_size).unwrap();
        let cid = vector["cid"].as_str().unwrap().parse().unwrap();
        assert_eq!(cid_of(&bytes, profile), cid, "{vector}");
        assert_eq!(blob_ref(&bytes, profile).cid(), cid, "{vector}");
        assert_eq!(blocks(&bytes, profile).last().unwrap().0, cid, "{vector}");
    }
}

fn bytes_of<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().expect("as many bytes as the field has")
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let pairs = digits.expect("a string that begins with 0x").as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(|pair| byte(pair).expect("two hexadecimal digits")).collect()
}

fn number<T: std::str::FromStr>(value: &Value) -> T {
    let number = value.as_str().and_then(|text| text.parse().ok());
    number.expect("a string that is a number in range")
}

#[test]
fn seals_are_those_node_makes() {
    let text = include_str!("../../../tests/vectors/seals.json");
    let json: Value = serde_json::from_str(text).unwrap();
    let vectors = json["seals"].as_array().unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let plain = bytes(&vector["plain"]);
        let blob = &vector["blob"];
        let opening = Opening {
            key: bytes_of(&vector["key"]),
            salt: bytes_of(&vector["salt"]),
            plain: BlobRef {
                digest: Digest(bytes_of(&blob["digest"])),
                size: number(&blob["size"]),
                profile: Profile::with_leaf_size(number(&blob["leafSize"])).unwrap(),
            },
        };
        let binding = Binding {
            chain_id: number(&vector["chainId"]),
            app: bytes_of(&vector["app"]),
            scope: bytes_of(&vector["scope"]),
            sender: bytes_of(&vector["sender"]),
        };
        let commitment = Digest(bytes_of(&vector["commitment"]));
        assert_eq!(opening.commitment(&binding), commitment);
        let sealed = bytes(&vector["sealed"]);
        assert_eq!(seal(&opening.key, commitment, &plain), sealed);
        assert_eq!(opening.open(commitment, sealed), Ok(plain));
    }
}
