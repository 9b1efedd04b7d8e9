//! The fuzz targets' bodies as property tests: on the seeds, on changed seeds, and on every file
//! that fuzzing has found to break a property or to reach far.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod named;

use std::{fs, path::PathBuf};

use hostile::{
    Body, TARGETS,
    attack::Attack,
    load::{Load, Mix},
    seeds,
};
use proptest::{prelude::*, sample::Index};

/// The files that once broke something; there is no folder as long as there are none.
fn findings(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/findings").join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// Bytes from one place once more at another.
    Copy(Index, Index, usize),
    Truncate(Index),
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        let place = any::<Index>;
        let edges = prop::sample::select(vec![0, 1, 2, 0x7f, 0x80, 0xfe, 0xff]);
        let byte = prop_oneof![any::<u8>(), edges];
        prop_oneof![
            4 => (place(), byte).prop_map(|(place, byte)| Self::Set(place, byte)),
            4 => (place(), 0..8_u8).prop_map(|(place, bit)| Self::Flip(place, 1 << bit)),
            2 => (place(), prop::collection::vec(any::<u8>(), 1..9))
                .prop_map(|(place, bytes)| Self::Insert(place, bytes)),
            2 => (place(), 1..9_usize).prop_map(|(place, count)| Self::Remove(place, count)),
            2 => (place(), place(), 1..40_usize)
                .prop_map(|(from, to, count)| Self::Copy(from, to, count)),
            1 => place().prop_map(Self::Truncate),
        ]
    }

    fn make(self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let end = |begin: usize, count: usize| (begin + count).min(bytes.len());
        match self {
            Self::Set(place, byte) => *place.get_mut(bytes) = byte,
            Self::Flip(place, bit) => *place.get_mut(bytes) ^= bit,
            Self::Insert(place, new) => {
                let place = place.index(bytes.len());
                bytes.splice(place..place, new);
            }
            Self::Remove(place, count) => {
                let begin = place.index(bytes.len());
                bytes.drain(begin..end(begin, count));
            }
            Self::Copy(from, to, count) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let copied = bytes[from..end(from, count)].to_vec();
                bytes.splice(to..to, copied);
            }
            Self::Truncate(place) => bytes.truncate(place.index(bytes.len())),
        }
    }
}

/// Gives a body its seeds and files as they are, then changed, as often as told.
fn attack(target: &str, cases: u32) {
    let (_, body): (_, Body) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let mut seeds = seeds::of(target);
    let kept = seeds::kept(target);
    assert!(seeds.len() > 3 && kept.len() > 20, "{} and {} seeds", seeds.len(), kept.len());
    seeds.extend(kept);
    seeds.extend(findings(target));
    seeds.iter().for_each(|seed| body(seed));
    let changes = prop::collection::vec(Change::any(), 1..6);
    proptest!(ProptestConfig::with_cases(cases), |(
        seed in prop::sample::select(seeds),
        changes in changes,
    )| {
        let mut bytes = seed;
        changes.into_iter().for_each(|change| change.make(&mut bytes));
        body(&bytes);
    });
}

#[test]
fn any_inputs() {
    attack("advance", 6_000);
}

#[test]
fn any_chunks() {
    attack("chunks", 15_000);
}

#[test]
fn any_dataset() {
    attack("dataset", 100_000);
}

#[test]
fn any_question() {
    attack("inspect", 40_000);
}

#[test]
fn any_model() {
    attack("onnx", 40_000);
}

#[test]
fn any_portal() {
    attack("portal", 10_000);
}

#[test]
fn any_seal() {
    attack("sealed", 20_000);
}

/// The load that `soak` shows at length: nobody's input stops the application, and what is kept is
/// what is on record.
#[test]
fn a_crowd_leaves_only_records() {
    for mix in [Mix::Standstill, Mix::Jobs] {
        let mut load = Load::new(mix, 7);
        while load.counts().inputs < 20_000 {
            load.step();
        }
        let (counts, kept) = (load.counts(), load.kept());
        assert!(counts.refused > 2_000 && counts.outputs > 1_000, "{counts:?}");
        assert_eq!(kept.jobs > 100, mix == Mix::Jobs, "{kept:?}");
        assert_eq!(kept.payouts > 20, mix == Mix::Jobs, "{kept:?}");
    }
}

/// The attack that `soak` carries on for a million inputs: made-up tokens and accounts, a store
/// filled for money, bonds that nobody can pay, junk, one model over and over, and machine time for
/// nothing. The program lives, and whoever has money in it takes it out.
#[test]
fn the_program_outlives_an_attack_with_the_memory_it_is_deployed_with() {
    let mut attack = Attack::new(7);
    while attack.counts().inputs < 20_000 {
        attack.step();
    }
    let (counts, memory) = (attack.counts(), attack.memory());
    assert!(counts.refused > 2_000 && counts.outputs > 1_000, "{counts:?}");
    assert!(memory.reserved_bytes > 40 << 20 && memory.balances > 1_000, "{memory:?}");
    attack.end();
}
