//! CIDs are those an independent implementation gives: the vectors come from Helia.

use blobs::{Profile, blob_ref, blocks, cid_of};
use serde_json::Value;

/// The bytes `vectors` in `tests/helia/helia.mjs` makes.
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
