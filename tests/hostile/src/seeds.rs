//! Seeds: the initial corpus of each body, from the project's vectors, cases and fixtures.
//!
//! - Panics: if one of those files cannot be read, which only happens outside a checkout

use std::{fs, path::PathBuf};

use blobs::{Encoding, split};
use eval::{Dataset, Features, Labels, Shape};
use market::Amount;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde_json::Value;
use wire::{encode_command, encode_ether_deposit};

use crate::{
    onnx_writer as writer,
    plan::{self, COMBINATIONS, COMMANDS, HOLD_OUT, PLANS},
    script::Script,
    world,
};

/// Larger files are no seeds, as they only slow a fuzzer down.
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

/// Inputs found by fuzzing that reach far in the body with this name.
#[must_use]
pub fn kept(target: &str) -> Vec<Vec<u8>> {
    let packed = read(&format!("tests/fuzz/seeds/{target}.bin"));
    let mut script = Script::new(&packed);
    let next = || (!script.is_over()).then(|| script.block().to_vec());
    std::iter::from_fn(next).collect()
}

/// Packs the shortest of these inputs into one file of at most this many bytes.
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

/// The bytes of all objects in a list under a key, in hexadecimal.
fn bytes_of(list: &Value, key: &str) -> Vec<Vec<u8>> {
    let list = list.as_array().expect("a list").iter();
    let texts = list.filter_map(|item| item[key].as_str());
    texts.map(|text| hexadecimal(text.trim_start_matches("0x"))).collect()
}

fn hexadecimal(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal digits")
}

/// Two bytes of length, then the bytes.
fn block(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_le_bytes(), bytes].concat()
}

/// Scripts of inputs: whole jobs, a cancelled one, and the vectors' commands, all ways in turn.
fn scripts() -> Vec<Vec<u8>> {
    let [directly, ether, token] = [8, 0x10, 0x14];
    let mut scripts: Vec<_> = (0..COMBINATIONS).map(|choices| job(choices & 1, choices)).collect();
    let cancelled = job(1, 0).into_iter().take(5).chain([14, directly, 0, 0]);
    scripts.push(cancelled.collect());
    let vectors = json("tests/vectors/commands.json");
    let calldata =
        [bytes_of(&vectors["commands"], "calldata"), bytes_of(&vectors["refused"], "calldata")];
    for (index, calldata) in calldata.concat().iter().enumerate() {
        let way = [directly, ether, token][index % 3];
        scripts.push([&[1, COMMANDS, way, 0][..], &block(calldata)].concat());
    }
    for body in [
        r#"{"request_type":"inspect_state","data":{"payload":"0x6a6f6273"}}"#.to_owned(),
        format!(
            r#"{{"request_type":"advance_state","data":{{"metadata":{{"chain_id":1,"app_contract":"{0}","msg_sender":"{0}","block_number":1,"block_timestamp":1700000000,"prev_randao":"0x{1:064x}","input_index":0}},"payload":"0x00"}}}}"#,
            world::ACCOUNTS[0],
            1
        ),
    ] {
        scripts.push([&[0, 31, 0, 0][..], &block(body.as_bytes())].concat());
    }
    scripts
}

/// A whole job of these choices, with two submissions, one of them shown, and a miner.
pub(crate) fn job(drive: u8, choices: u8) -> Vec<u8> {
    // A command's kind, its sender and way, the delay, and its choice: see `plan`.
    let [on_deposit, directly] = [if choices & 8 == 0 { 0xe0 } else { 0xe4 }, 8];
    let [sponsor, one, other, miner] = [0, 1, 2, 3];
    // Time for miners, if there are any.
    let mining = if choices & 4 == 0 { 0 } else { 20 };
    let step =
        |kind, how: u8, who: u8, later, what: u8| [kind, how | who, later, choices | what << 4];
    let mut steps = vec![step(0, on_deposit, sponsor, 0, 0)];
    steps.extend([1, 2, 3].map(|kind| step(kind, directly, sponsor, 0, 0)));
    steps.extend([step(12, directly, sponsor, 0, 0); 4]);
    steps.push(step(8, on_deposit, miner, 0, 0));
    for (client, model) in [(one, 0), (other, 1)] {
        steps.push(step(4, on_deposit, client, 0, model));
        steps.push(step(5, directly, client, 0, model));
        steps.extend([step(12, directly, client, 0, 2 | (client - 1) << 2); 3]);
    }
    steps.push(step(6, on_deposit, other, 0, 1));
    steps.push(step(7, directly, other, 0, 1));
    steps.push(step(13, directly, sponsor, 113, 0));
    steps.push(step(9, directly, one, 0, 0));
    steps.push(step(9, directly, other, 0, 1));
    steps.push(step(9, directly, sponsor, 0, HOLD_OUT));
    steps.push(step(13, directly, sponsor, 19, 0));
    steps.push(step(10, directly, miner, 0, 0));
    steps.push(step(11, directly, miner, mining, 0));
    steps.extend([step(12, directly, sponsor, 0, 1); 4]);
    steps.push(step(13, directly, sponsor, mining, 0));
    for number in [0, 1] {
        steps.extend([step(12, directly, sponsor, 0, 2 | number << 2); 4]);
    }
    steps.extend([step(13, directly, sponsor, 40, 0); 12]);
    [&[drive][..], &steps.concat()].concat()
}

fn deposits() -> Vec<Vec<u8>> {
    let vectors = json("tests/vectors/portals.json");
    let mut payloads = bytes_of(&vectors["portals"], "payload");
    // Each command attached to a deposit: those of the vectors, then those that fit the market
    // under attack.
    let commands = bytes_of(&json("tests/vectors/commands.json")["commands"], "calldata");
    let (app, _) = world::app(true);
    let (account, amount) = (world::ACCOUNTS[0], Amount::new(100_000));
    let own = (0..COMMANDS).flat_map(|kind| [0, 0x15, 0x42, 0xf6].map(|choice| (kind, choice)));
    let own = own.map(|(kind, choice)| plan::command(kind, choice, account, app.market()));
    let own: Vec<_> = own.map(|command| encode_command(&command)).collect();
    for command in commands.into_iter().chain(own) {
        payloads.push(encode_ether_deposit(account, amount, &command));
    }
    payloads
        .iter()
        .flat_map(|payload| [0, 1].map(|twice| [&[twice], &payload[..]].concat()))
        .collect()
}

/// Seals, with each of their parts changed.
fn seals() -> Vec<Vec<u8>> {
    let plains = [&b""[..], b"a model", &world::FILES.base, &[7; 300]];
    let seal = |part: u8| {
        plains.map(|plain| {
            let head = [&[part << 1 | part & 1][..], &[0x4b; 32], &[0x5a; 32], &[1, 0, 2, 0, 3]];
            [&head.concat()[..], &block(plain), &[5, 0, 0x80], &[0; 20]].concat()
        })
    };
    (0..7).flat_map(seal).collect()
}

fn questions() -> Vec<Vec<u8>> {
    let (account, job) = (world::ACCOUNTS[1], PLANS[0].job);
    [
        "jobs".to_owned(),
        "jobs?from=1&limit=2".to_owned(),
        "jobs/0".to_owned(),
        format!("jobs/{job}"),
        "jobs/0/submissions".to_owned(),
        "jobs/0/submissions?limit=1".to_owned(),
        "jobs/0/submissions/1".to_owned(),
        "jobs/0/leaderboard?limit=3".to_owned(),
        "jobs/1/board".to_owned(),
        "jobs/2/models".to_owned(),
        "jobs/2/seats".to_owned(),
        "jobs/3/blobs".to_owned(),
        format!("jobs/{job}/quote"),
        format!("accounts/{account}"),
        "quote".to_owned(),
        "solvency".to_owned(),
        "solvency?from=18446744073709551615".to_owned(),
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

/// Models from other frameworks, and one for each case of ONNX's own tests.
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

/// A model of a case's single node: its first input is the model's, the others are constants, and
/// its output is flattened.
fn case(case: &Value) -> Option<Vec<u8>> {
    let node = hexadecimal(case["node"].as_str()?);
    let (inputs, output) = (names(&node, 1), names(&node, 2).into_iter().next()?);
    let mut parts = vec![writer::bytes(1, &node)];
    for (index, (name, input)) in inputs.iter().zip(case["inputs"].as_array()?).enumerate() {
        let sizes: Vec<i64> = input["shape"].as_array()?.iter().filter_map(Value::as_i64).collect();
        if index == 0 {
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
