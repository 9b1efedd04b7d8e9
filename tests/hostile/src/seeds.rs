//! Seeds: what each body is first fed with, made of the project's vectors, cases and fixtures.
//!
//! - Panics: if one of those files cannot be read, which only happens outside of a checkout

use std::{fs, path::PathBuf};

use blobs::{Encoding, split};
use eval::{Dataset, Features, Labels, Shape};
use market::Amount;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde_json::Value;
use wire::{encode_command, encode_ether_deposit};

use crate::{onnx_writer as writer, script::Script, world};

/// Files of this size and less are seeds; larger ones only slow a fuzzer down.
const MAX_FILE_BYTES: usize = 10_000;

/// The seeds of the body with this name.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "advance" => scripts(),
        "chunks" => streams(),
        "dataset" => datasets(),
        "inspect" => questions(),
        "onnx" => models(),
        "portal" => deposits(),
        "sealed" => seals(),
        _ => Vec::new(),
    }
}

/// What fuzzing has found to reach far for a body with this name.
#[must_use]
pub fn kept(target: &str) -> Vec<Vec<u8>> {
    let packed = read(&format!("tests/fuzz/seeds/{target}.bin"));
    let mut script = Script::new(&packed);
    let next = || (!script.is_over()).then(|| script.block().to_vec());
    std::iter::from_fn(next).collect()
}

/// Puts the shortest of these inputs into one file, as many as make up to so many bytes.
#[must_use]
pub fn pack(mut inputs: Vec<Vec<u8>>, max_bytes: usize) -> Vec<u8> {
    inputs.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let mut packed = Vec::new();
    for input in inputs {
        if packed.len() + input.len() + 2 <= max_bytes {
            packed.extend(block(&input));
        }
    }
    packed
}

/// A file of the checkout.
fn read(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&read(path)).expect("a committed JSON file")
}

/// The bytes that all objects of a list have under a key, in hexadecimal.
fn bytes_of(list: &Value, key: &str) -> Vec<Vec<u8>> {
    let list = list.as_array().expect("a list").iter();
    let texts = list.filter_map(|item| item[key].as_str());
    texts.map(|text| hexadecimal(text.trim_start_matches("0x"))).collect()
}

fn hexadecimal(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal digits")
}

/// Two bytes of length, and the bytes.
fn block(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_le_bytes(), bytes].concat()
}

/// Scripts of inputs: whole bounties, and each command of the vectors sent by each way.
fn scripts() -> Vec<Vec<u8>> {
    const SPONSOR: u8 = 8;
    const ETHER: u8 = 0xf0;
    const TOKEN: u8 = 0xf4;
    let [open, base, hold_out, submit, publish, evaluate, settle, cancel, withdraw] =
        [0_u8, 1, 2, 3, 4, 5, 6, 7, 8];
    let job = |way: u8, choice| {
        [[open, way & 0x4f, 0, choice], [base, SPONSOR, 0, 0], [hold_out, SPONSOR, 0, 0]].concat()
    };
    let entry = |client: u8, model: u8| {
        let (who, choice) = (SPONSOR | client, model << 2);
        [[submit, who, 0, choice], [publish, who, 0, choice], [evaluate, who, 0, 0]].concat()
    };
    let end = [[evaluate, SPONSOR, 120, 0], [settle, SPONSOR, 0, 0], [settle, SPONSOR, 250, 0]];
    let end = [end.concat(), [withdraw, SPONSOR, 0, 10].to_vec()].concat();
    let again = [evaluate, SPONSOR, 0, 0].repeat(8);
    let mut scripts = Vec::new();
    for (drive, way, choice) in [(0, ETHER, 1), (1, ETHER, 0), (0, TOKEN, 0x81), (1, TOKEN, 0x80)] {
        let begin = [vec![drive], job(way, choice), again.clone()].concat();
        let entries = [entry(1, 0), again.clone(), entry(2, 1), again.clone()].concat();
        let bad = (2..6).flat_map(|model| entry(3, model)).collect::<Vec<_>>();
        let cancelled = [begin.clone(), vec![cancel, SPONSOR, 0, 0]].concat();
        scripts.extend([[begin, entries, bad, end.clone()].concat(), cancelled]);
    }
    scripts.extend([0x00, 0x04, 0x0c].map(competition));
    let vectors = json("tests/vectors/commands.json");
    let calldata =
        [bytes_of(&vectors["commands"], "calldata"), bytes_of(&vectors["refused"], "calldata")];
    for (place, calldata) in calldata.concat().iter().enumerate() {
        let way = [SPONSOR, ETHER & 0x1f, TOKEN & 0x1f][place % 3];
        scripts.push([&[1, world::COMMANDS, way, 0][..], &block(calldata)].concat());
    }
    for body in [
        r#"{"request_type":"inspect_state","data":{"payload":"0x6a6f6273"}}"#.to_owned(),
        format!(
            r#"{{"request_type":"advance_state","data":{{"metadata":{{"chain_id":1,"app_contract":"{0}","msg_sender":"{0}","block_number":1,"block_timestamp":1700000000,"prev_randao":"0x{1:064x}","input_index":0}},"payload":"0x00"}}}}"#,
            world::ACCOUNTS[0],
            1
        ),
    ] {
        scripts.push([&[0, 15, 0, 0][..], &block(body.as_bytes())].concat());
    }
    scripts
}

/// A whole competition with two entrants and a miner, on terms of this choice.
pub(crate) fn competition(terms: u8) -> Vec<u8> {
    // Who sends (0x90 and more with a deposit), how much later, and what: see `contest`.
    let steps: [[u8; 4]; 18] = [
        [9, 0x90, 0, terms],
        [1, 8, 0, 0],
        [2, 8, 0, 0],
        [12, 8, 0, 0x4c],
        [10, 0x91, 0, 0x14],
        [10, 9, 0, 0x54],
        [10, 0x92, 0, 0x20],
        [10, 10, 0, 0x60],
        [12, 0x93, 0, 0x34],
        [12, 9, 0, 0x00],
        [6, 8, 113, 0],
        [11, 9, 0, 0x14],
        [11, 10, 0, 0x20],
        [11, 8, 0, 0x40],
        [5, 8, 0, 0],
        [12, 11, 19, 0x70],
        [12, 11, 19, 0x74],
        [12, 9, 19, 0x48],
    ];
    let end = [[6, 8, 19, 0], [5, 8, 0, 0]].concat().repeat(12);
    [&[0][..], &steps.concat(), &end].concat()
}

fn deposits() -> Vec<Vec<u8>> {
    let vectors = json("tests/vectors/portals.json");
    let mut payloads = bytes_of(&vectors["portals"], "payload");
    // Each command riding on a deposit: those of the vectors, then those of a competition, which
    // fit the market that is attacked.
    let commands = bytes_of(&json("tests/vectors/commands.json")["commands"], "calldata");
    let own =
        (0..world::COMMANDS).flat_map(|kind| [0, 0x14, 0x40, 0x7c].map(|choice| (kind, choice)));
    let own = own.map(|(kind, choice)| encode_command(&world::command(kind, choice)));
    for command in commands.into_iter().chain(own) {
        let (account, amount) = (world::ACCOUNTS[0], Amount::new(1_000));
        payloads.push(encode_ether_deposit(account, amount, &command));
    }
    payloads
        .iter()
        .flat_map(|payload| [0, 1].map(|twice| [&[twice], &payload[..]].concat()))
        .collect()
}

/// What is sealed, with each of its parts changed.
fn seals() -> Vec<Vec<u8>> {
    let plains = [&b""[..], b"a model", &world::FILES.base, &[7; 300]];
    let seal = |part: u8| {
        plains.map(|plain| {
            let head = [&[part << 1 | part & 1][..], &[0x4b; 32], &[0x5a; 32], &[1, 0, 2, 0, 0, 3]];
            [&head.concat()[..], &block(plain), &[5, 0, 0x80], &[0; 20]].concat()
        })
    };
    (0..7).flat_map(seal).collect()
}

fn questions() -> Vec<Vec<u8>> {
    let account = world::ACCOUNTS[1];
    let file = world::file(&world::FILES.hold_out);
    [
        "jobs".to_owned(),
        "jobs?offset=1&limit=2".to_owned(),
        "jobs/0".to_owned(),
        "jobs/0/submissions".to_owned(),
        "jobs/0/submissions?limit=1".to_owned(),
        format!("accounts/{account}"),
        format!("blobs/{}", file.digest),
        format!("blobs/{}", file.cid()),
        format!("blobs/{}?publisher={account}", file.digest),
        "jobs/0/leaderboard?limit=3".to_owned(),
        "jobs/0/models".to_owned(),
        "jobs/0/miners".to_owned(),
        "miners".to_owned(),
        "quote/0/200/1000".to_owned(),
        "settings".to_owned(),
        "solvency".to_owned(),
        "solvency?offset=18446744073709551615".to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}

fn datasets() -> Vec<Vec<u8>> {
    let row = |sizes: &[usize]| Shape::new(sizes).expect("a shape");
    let classes = || Labels::Classes(vec![0, 1, 2, 1]);
    let bytes = Features::Bytes { bytes: (0..16).collect(), scale: 0.0625, offset: -0.5 };
    let numbers = || Features::Real(vec![0.5, -1.0, 1e-40, 3e38]);
    let made = [
        Dataset::new(row(&[1, 2, 2]), bytes, classes()),
        Dataset::new(row(&[]), numbers(), classes()),
        Dataset::new(row(&[1]), numbers(), Labels::Targets(vec![0.0, -1.0, 2.0, 3.5])),
    ];
    let mut seeds: Vec<_> = made.map(|made| made.expect("a dataset").to_safetensors()).into();
    let header = br#"{"x":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"y":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}}"#;
    seeds.push([&(header.len() as u64).to_le_bytes()[..], header, &[0; 12]].concat());
    seeds
}

fn streams() -> Vec<Vec<u8>> {
    let text = b"a chunk of text, a chunk of text, a chunk of noise: \x8f\x01\xe3".repeat(20);
    let noise = (0..400_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let mut seeds = Vec::new();
    for (bytes, data_limit) in [(text, 90), (noise, 150), (b"x".to_vec(), 9)] {
        for head in [0, 1, 2, 4, 6, 8] {
            let pieces = split(&bytes, data_limit);
            let mut seed = vec![head, u8::try_from(pieces.len()).unwrap_or(u8::MAX)];
            for piece in &pieces {
                seed.extend([0, u8::from(piece.encoding == Encoding::Deflate)]);
                seed.extend(block(&piece.data));
            }
            seeds.push([seed, vec![40], bytes.clone()].concat());
        }
    }
    seeds
}

/// Models made by other frameworks, and one for each case of ONNX's own tests.
fn models() -> Vec<Vec<u8>> {
    let mut seeds = vec![world::FILES.base.clone()];
    for folder in ["diabetes", "digits", "health"] {
        for name in ["sklearn-base", "torch-base", "keras-base", "torch-logits-trained"] {
            let path = format!("tests/fixtures/{folder}/{name}.onnx");
            let whole = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(&path);
            if whole.exists() {
                seeds.push(read(&path));
            }
        }
    }
    seeds.retain(|seed| seed.len() <= MAX_FILE_BYTES);
    let cases = json("dapp/eval/tests/onnx_cases.json");
    seeds.extend(cases.as_array().expect("a list").iter().filter_map(case));
    seeds
}

/// A model of a case's one node: its first input is the model's, the others are constants, and what
/// it makes is flattened.
fn case(case: &Value) -> Option<Vec<u8>> {
    let node = hexadecimal(case["node"].as_str()?);
    let (inputs, output) = (names(&node, 1), names(&node, 2).into_iter().next()?);
    let mut parts = vec![writer::bytes(1, &node)];
    for (place, (name, input)) in inputs.iter().zip(case["inputs"].as_array()?).enumerate() {
        let sizes: Vec<i64> = input["shape"].as_array()?.iter().filter_map(Value::as_i64).collect();
        if place == 0 {
            let rest = sizes.get(1..).unwrap_or_default();
            parts.push(writer::port(11, name, 1, &[&[-1], rest].concat()));
        } else {
            let data_type = if input["type"] == "f32" { 1 } else { 7 };
            let data = hexadecimal(input["data"].as_str()?);
            parts.push(writer::initializer(name, &writer::tensor(&sizes, data_type, &data)));
        }
    }
    parts.push(writer::node("Flatten", &[&output], "the output", &[]));
    parts.push(writer::port(12, "the output", 1, &[-1, -1]));
    Some(writer::model_at(case["opset"].as_i64()?, &parts))
}

/// The strings of a message's field.
fn names(mut message: &[u8], field: u32) -> Vec<String> {
    let mut names = Vec::new();
    while let Ok((number, WireType::LengthDelimited)) = decode_key(&mut message) {
        let Some(length) = decode_varint(&mut message).ok().and_then(|n| usize::try_from(n).ok())
        else {
            break;
        };
        let Some((text, rest)) = message.split_at_checked(length) else { break };
        message = rest;
        if number == field {
            names.push(String::from_utf8_lossy(text).into_owned());
        }
    }
    names
}
