//! Arbitrary bytes: nothing panics, and whatever decodes is the canonical encoding of the result.

use std::hint::black_box;

use proptest::prelude::*;
use scenarios::{ALICE, context};
use wire::{Genesis, Input, Output, Query, decode_command, decode_notice, encode_command};

use crate::sample::commands;

/// A command's calldata with a few bytes changed, cut or added: reaches more of the decoder's
/// branches than random bytes.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let calldata = prop::sample::select(commands()).prop_map(|command| encode_command(&command));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (calldata, changes, 0..64_usize, any::<bool>()).prop_map(|(mut bytes, changes, tail, cut)| {
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        if cut {
            bytes.truncate(bytes.len().saturating_sub(tail));
        } else {
            bytes.extend(vec![0; tail]);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn a_command_has_one_encoding(bytes in damaged()) {
        if let Ok(command) = decode_command(&context(ALICE), &bytes) {
            prop_assert_eq!(encode_command(&command), bytes);
        }
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let genesis = Genesis::default();
        for portal in [genesis.ether_portal, genesis.erc20_portal] {
            let context = market::Context { sender: portal, ..market::Context::default() };
            black_box(Input::read(&genesis, context, &bytes)).ok();
        }
        black_box(decode_command(&context(ALICE), &bytes)).ok();
        black_box(Output::decode(&bytes));
        black_box(decode_notice(&bytes));
        black_box(Query::parse(&bytes)).ok();
    }

    #[test]
    fn outputs_have_one_encoding(tail in damaged(), selector in 0..3_usize) {
        let selectors: [u32; 3] = [0xc258_d6e5, 0x237a_816f, 0x1032_1e8b];
        let selectors = selectors.map(u32::to_be_bytes);
        let bytes = [&selectors[selector], tail.get(4..).unwrap_or_default()].concat();
        if let Some(output) = Output::decode(&bytes) {
            prop_assert_eq!(output.encode(), bytes);
        }
    }
}
