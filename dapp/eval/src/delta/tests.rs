//! Tests of deltas: what comes back, what is refused, and what bounds both.

use std::{fs, path::PathBuf};

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits");
    fs::read(folder.join(name)).unwrap()
}

fn rebuilt(base: &[u8], data: &[u8]) -> Result<Vec<u8>, ChunkRefused> {
    rebuild(&Delta { base, offset: 0, data, limit: 1 << 20 })
}

/// A model whose numbers are some steps of 2^-7 from the base's.
fn stepped(base: &[u8]) -> Vec<u8> {
    let mut model = base.to_vec();
    for place in crate::onnx::places(base).unwrap().into_values() {
        let words = model[place].as_chunks_mut::<WORD>().0.iter_mut();
        for (index, word) in words.enumerate() {
            let steps = i8::try_from(index * index % 23).unwrap() - 11;
            *word = added(*word, steps, scale(120).unwrap()).unwrap();
        }
    }
    model
}

/// A delta of this script.
fn of(script: &[&[u8]]) -> Vec<u8> {
    blobs::deflate(&script.concat())
}

#[test]
fn a_model_of_steps_comes_back_from_few_bytes_in_one_chunk_or_many() {
    let base = fixture("torch-base.onnx");
    let model = stepped(&base);
    let (taken, data) = chunk(&base, &model, 0, 60_000).unwrap();
    assert_eq!(taken, model.len());
    assert!(data.len() < 4_300, "{} bytes", data.len());
    assert!(rebuilt(&base, &data).as_ref() == Ok(&model));
    let mut joined = Vec::new();
    while joined.len() < model.len() {
        let (taken, data) = chunk(&base, &model, joined.len(), 700).unwrap();
        let offset = joined.len() as u64;
        let part = rebuild(&Delta { base: &base, offset, data: &data, limit: 1 << 20 }).unwrap();
        assert_eq!(part.len(), taken);
        joined.extend(part);
    }
    assert!(joined == model);
}

#[test]
fn any_other_file_comes_back_too_or_is_no_delta() {
    let base = fixture("torch-base.onnx");
    let longer = [base.as_slice(), &[7; 5_000]].concat();
    let other = fixture("keras-base.onnx");
    let trained = fixture("torch-trained.onnx");
    for model in [&base, &longer, &base[..9_999].to_vec(), &other, &trained] {
        let Some((taken, data)) = chunk(&base, model, 0, 60_000) else { continue };
        assert_eq!(taken, model.len());
        assert!(rebuilt(&base, &data).as_ref() == Ok(model), "{} bytes", model.len());
    }
    assert_eq!(chunk(&base, &[], 0, 60_000), None);
    assert_eq!(chunk(b"", b"no model", 0, 60_000), None);
}

/// The conformance vector: exact sums, one that is rounded, a subnormal, and zeros that keep their
/// sign. The bytes are those of the rule in the module's documentation, on every processor.
#[test]
fn a_sum_is_rounded_once_and_a_number_without_a_step_keeps_its_bits() {
    let numbers = [1.0_f32, 16_777_216.0, -0.0, f32::from_bits(1), 0.1, f32::NAN, -3.5];
    let base = numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    let script: [&[u8]; 3] = [&[ADD, 127, 7, END], &[1, 1, 0, 0], &[3, 0, 0x80]];
    let model = rebuilt(&base, &of(&script)).unwrap();
    let bits = model.as_chunks::<WORD>().0.iter().map(|word| u32::from_le_bytes(*word));
    let expected =
        [0x4000_0000, 0x4b80_0000, 0x8000_0000, 1, 0x4046_6666, 0x7fc0_0000, 0xc303_8000];
    assert_eq!(bits.collect::<Vec<_>>(), expected);
    let script: [&[u8]; 2] = [&[ADD, 1, 7, END], &[0, 0, 5, 1, 0, 0, 0]];
    let model = rebuilt(&base, &of(&script)).unwrap();
    assert_eq!(model[8..16], [0, 0, 0xa0, 1, 1, 0, 0x80, 0]);
}

#[test]
fn what_is_no_delta_is_refused_by_name() {
    let base = [0_u8; 40];
    let infinite = f32::MAX.to_le_bytes();
    let malformed = Err(ChunkRefused::DeltaMalformed);
    let table: [(&[u8], &[&[u8]]); 12] = [
        (&base, &[]),
        (&base, &[&[COPY, 40]]),
        (&base, &[&[COPY, 0, END]]),
        (&base, &[&[4, 1, END]]),
        (&base, &[&[COPY, 41, END]]),
        (&base, &[&[COPY, 40, END], b"more"]),
        (&base, &[&[BYTES, 3, END], b"ab"]),
        (&base, &[&[ADD, 0, 1, END], &[1]]),
        (&base, &[&[ADD, 255, 1, END], &[1]]),
        (&base, &[&[ADD, 127, 11, END], &[1; 11]]),
        (&base, &[&[ADD, 127, 2, END], &[1]]),
        (&infinite, &[&[ADD, 254, 1, END], &[127]]),
    ];
    for (base, script) in table {
        assert_eq!(rebuilt(base, &of(script)), malformed, "{script:?}");
    }
    assert_eq!(rebuilt(&base, b""), Err(ChunkRefused::InflateTruncated));
    let beyond = Delta { base: &base, offset: 1, data: &of(&[&[COPY, 40, END]]), limit: 99 };
    assert_eq!(rebuild(&beyond), malformed);
}

#[test]
fn few_bytes_do_not_stand_for_very_many() {
    let base = vec![0; 1 << 20];
    let script: &[&[u8]] = &[&[COPY, 0x80, 0x80, 0x40, END]];
    let data = of(script);
    let limit = (data.len() * MAX_INFLATION) as u64;
    assert_eq!(rebuilt(&base, &data), Err(ChunkRefused::InflateTooLong { limit }));
    let huge = of(&[&[ADD, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, END]]);
    let limit = (huge.len() * MAX_INFLATION) as u64;
    assert_eq!(rebuilt(&base, &huge), Err(ChunkRefused::InflateTooLong { limit }));
    // Our own is made longer instead.
    let (taken, data) = chunk(&base, &base, 0, 60_000).unwrap();
    assert_eq!(taken, base.len());
    assert!(data.len() * MAX_INFLATION >= taken);
    assert!(rebuilt(&base, &data).as_ref() == Ok(&base));
    let short = Delta { base: &base, offset: 0, data: &data, limit: taken as u64 - 1 };
    let limit = taken as u64 - 1;
    assert_eq!(rebuild(&short), Err(ChunkRefused::InflateTooLong { limit }));
}

/// A million changed deltas: each is refused, or stands for bytes within its bounds.
#[test]
fn changed_deltas_stay_within_their_bounds() {
    let base = fixture("torch-base.onnx");
    let model = stepped(&base);
    let (_, data) = chunk(&base, &model[..2_400], 0, 60_000).unwrap();
    let script = blobs::decode(Encoding::Deflate, &data, 1 << 20).unwrap().into_owned();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok());
    let (mut taken, mut refused) = (0, 0);
    for case in 0..cases.unwrap_or(100_000_u32) {
        // Half of them are changed behind the compression, where most still inflate.
        let is_inside = case % 2 == 0;
        let mut bytes = if is_inside { script.clone() } else { data.clone() };
        for _ in 0..=random(3) {
            let place =
                if random(2) == 0 { random(bytes.len().min(40)) } else { random(bytes.len()) };
            match random(4) {
                0 => bytes[place] ^= 1 << random(8),
                1 => bytes.truncate(place.max(1)),
                2 => bytes.insert(place, u8::try_from(random(256)).unwrap()),
                _ => bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random(5)],
            }
        }
        let bytes = if is_inside { stored(&bytes) } else { bytes };
        let limit = random(1 << 13) as u64;
        let delta = Delta { base: &base, offset: random(3) as u64, data: &bytes, limit };
        match rebuild(&delta) {
            Ok(model) => {
                assert!(model.len() as u64 <= limit);
                assert!(model.len() <= bytes.len() * MAX_INFLATION);
                taken += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
}

/// A deflate stream of one stored block.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&[1], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes].concat()
}
