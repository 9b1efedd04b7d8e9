//! Split blobs arrive complete, and no bytes make a decoder panic or exceed its limit.

use blobs::{
    Assembly, Encoding, MAX_INFLATED_BYTES, Profile, Upload, blob_ref, blocks, cid_of, decode,
    links, split,
};
use proptest::{collection::vec, prelude::*};

fn profile() -> impl Strategy<Value = Profile> {
    prop_oneof![Just(Profile::Kubo), Just(Profile::UnixfsV1)]
}

/// Files with both compressible and incompressible parts.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let stretch = prop_oneof![
        vec(any::<u8>(), 0..3_000),
        (any::<u8>(), 0..400_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    vec(stretch, 0..6).prop_map(|stretches| stretches.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn split_then_upload_gives_the_same_bytes(
        bytes in file(), profile in profile(), data_limit in 200..65_000_usize,
    ) {
        let mut upload = Upload::new(blob_ref(&bytes, profile));
        let mut whole = None;
        for chunk in split(&bytes, data_limit) {
            prop_assert_eq!(whole.take(), None);
            prop_assert!(chunk.data.len() <= data_limit);
            let piece = upload.check(chunk.offset, chunk.encoding, &chunk.data).unwrap();
            whole = upload.post(piece);
        }
        prop_assert!(whole == Some(bytes));
    }

    #[test]
    fn blocks_then_assembly_gives_the_same_bytes(bytes in file(), profile in profile()) {
        let store: std::collections::BTreeMap<_, _> = blocks(&bytes, profile).collect();
        let (root, _) = blocks(&bytes, profile).last().unwrap();
        prop_assert_eq!(root, cid_of(&bytes, profile));
        prop_assert_eq!(root, blob_ref(&bytes, profile).cid());
        let mut assembly = Assembly::new(root, bytes.len() as u64);
        while let Some(cid) = assembly.wanted() {
            assembly.push(&store[&cid]).unwrap();
        }
        prop_assert!(assembly.into_bytes() == bytes);
    }

    #[test]
    fn a_mutated_stream_never_exceeds_the_limit(
        bytes in file(),
        mutations in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        limit in 0..2 * MAX_INFLATED_BYTES,
    ) {
        let mut data = split(&bytes, 65_000).swap_remove(0).data;
        if !data.is_empty() {
            mutations.iter().for_each(|(at, byte)| *at.get_mut(&mut data) = *byte);
        }
        if let Ok(inflated) = decode(Encoding::Deflate, &data, limit) {
            prop_assert!(inflated.len() <= limit);
        }
    }

    #[test]
    fn no_bytes_make_the_node_decoder_panic(
        bytes in vec(any::<u8>(), 0..200),
        mutations in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let file = vec![1; 600_000];
        let mut node = blocks(&file, Profile::Kubo).last().unwrap().1.into_owned();
        mutations.iter().for_each(|(at, byte)| *at.get_mut(&mut node) = *byte);
        for node in [node, bytes] {
            if let Ok(children) = links(&node) {
                prop_assert!(children.iter().all(|child| child.size > 0));
            }
        }
    }
}
