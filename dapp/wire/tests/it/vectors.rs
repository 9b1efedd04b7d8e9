//! The vectors that Solidity reads too: each command, notice, voucher and portal payload, in bytes
//! and by its values. `UPDATE_VECTORS=1` writes the files; otherwise they must be as written.

use std::{collections::BTreeSet, fs, path::PathBuf};

use blobs::Digest;
use market::{Amount, Asset, Attestation, Command, Context, Desk, JobId, Score, Timestamp, U256};
use serde_json::{Value, json};
use wire::{
    Credit, Genesis, Input, Notice, Output, Text, decode_command, encode_command,
    encode_erc20_deposit, encode_ether_deposit, outputs,
};

use crate::competition;
use crate::sample::{ALICE, BOB, TOKEN, blob, commands, effects, refused, terms};

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Compares a file of vectors with what we make now, or writes it.
fn check(file: &str, vectors: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(vectors).unwrap();
        fs::write(&path, text + "\n").unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    assert!(written == *vectors, "{file} is stale: run the test with UPDATE_VECTORS=1");
}

/// The names of the interface's functions or events.
fn declared(kind: &str) -> BTreeSet<String> {
    let artifact = include_str!("../../../../contracts/artifacts/IDeml.json");
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    let entries = artifact["abi"].as_array().unwrap().iter();
    let names = entries.filter(|entry| entry["type"] == kind).map(|entry| &entry["name"]);
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn blob_values(blob: blobs::BlobRef) -> Value {
    json!({
        "digest": blob.digest.to_string(),
        "size": blob.size.to_string(),
        "leafSize": blob.profile.leaf_size().to_string(),
    })
}

pub(crate) fn address(asset: &Asset) -> String {
    match asset {
        Asset::Ether => "0x0000000000000000000000000000000000000000".to_owned(),
        Asset::Erc20(token) => token.write(),
    }
}

/// A command's arguments, named as in Solidity.
fn values(command: &Command) -> (&'static str, Value) {
    match command {
        Command::OpenJob(terms) => {
            let values = json!({ "terms": {
                "title": hexadecimal(&terms.title),
                "asset": address(&terms.asset),
                "reward": terms.reward.write(),
                "rewards": terms.rewards.to_string(),
                "deadline": terms.deadline.to_string(),
                "metric": (terms.metric as u8).to_string(),
                "minScore": terms.min_score.to_string(),
                "minGain": terms.min_gain.to_string(),
                "minWorstClass": terms.min_worst_class.to_string(),
                "maxModelBytes": terms.max_model_bytes.to_string(),
                "maxWork": terms.max_work.to_string(),
                "baseModel": blob_values(terms.base_model),
                "holdOut": blob_values(terms.hold_out),
            }});
            ("openJob", values)
        }
        Command::OpenCompetition { .. }
        | Command::Enter { .. }
        | Command::Show { .. }
        | Command::Enlist { .. }
        | Command::Retire
        | Command::Reveal { .. }
        | Command::Attest { .. }
        | Command::Unveil { .. }
        | Command::Object { .. } => competition::values(command),
        Command::CancelJob { job } => ("cancelJob", json!({ "job": job.to_string() })),
        Command::Publish { digest, offset, encoding, data } => {
            let values = json!({
                "digest": digest.to_string(),
                "offset": offset.to_string(),
                "encoding": (*encoding as u8).to_string(),
                "data": hexadecimal(data),
            });
            ("publish", values)
        }
        Command::Submit { job, model, data } => {
            let (model, data) = (blob_values(*model), blob_values(*data));
            ("submit", json!({ "job": job.to_string(), "model": model, "data": data }))
        }
        Command::Evaluate { job, work } => {
            ("evaluate", json!({ "job": job.to_string(), "work": work.to_string() }))
        }
        Command::Settle { job } => ("settle", json!({ "job": job.to_string() })),
        Command::Withdraw { asset, amount } => {
            ("withdraw", json!({ "asset": address(asset), "amount": amount.write() }))
        }
    }
}

#[test]
fn commands_are_as_written_and_decode_to_themselves() {
    let mut names = BTreeSet::new();
    let mut accepted = Vec::new();
    for command in commands() {
        let calldata = encode_command(&command);
        assert_eq!(decode_command(&calldata), Ok(command.clone()));
        let (name, values) = values(&command);
        names.insert(name.to_owned());
        accepted.push(json!({ "name": name, "calldata": hexadecimal(&calldata), "args": values }));
    }
    assert_eq!(names, declared("function"));
    let refused = refused().into_iter().map(|(calldata, reason)| {
        assert_eq!(decode_command(&calldata), Err(reason), "{}", hexadecimal(&calldata));
        json!({ "calldata": hexadecimal(&calldata), "refused": reason.name() })
    });
    let refused: Vec<_> = refused.collect();
    check("commands.json", &json!({ "commands": accepted, "refused": refused }));
}

#[test]
fn notices_and_vouchers_are_as_written_and_decode_to_themselves() {
    let registry = Genesis::default().registry;
    let mut names = BTreeSet::new();
    let (mut notices, mut vouchers) = (Vec::new(), Vec::new());
    for output in effects().iter().flat_map(|effect| outputs(effect, registry)) {
        let raw = output.encode();
        assert_eq!(Output::decode(&raw), Some(output.clone()));
        match output {
            Output::Notice { payload } => {
                let notice = Notice::decode(&payload).unwrap();
                assert_eq!(notice.encode(), payload);
                let values = serde_json::to_value(&notice).unwrap();
                assert_eq!(serde_json::from_value::<Notice>(values.clone()).unwrap(), notice);
                let name = values["event"].as_str().unwrap().to_owned();
                let payload = hexadecimal(&payload);
                names.insert(name.clone());
                notices.push(json!({ "name": name, "payload": payload, "values": values }));
            }
            Output::Voucher { destination, value, payload } => vouchers.push(json!({
                "destination": destination.write(),
                "value": value.to_string(),
                "payload": hexadecimal(&payload),
                "raw": hexadecimal(&raw),
            })),
            Output::DelegateCallVoucher { .. } => panic!("DeML makes no delegate calls"),
        }
    }
    assert_eq!(names, declared("event"));
    check("notices.json", &json!({ "notices": notices, "vouchers": vouchers }));
}

#[test]
fn portal_payloads_are_as_written_and_genuine_only_from_the_portals() {
    let genesis = Genesis::default();
    let command = encode_command(&Command::OpenJob(Box::new(terms())));
    let (one, all) = (Amount::new(1), Amount(U256::MAX));
    let token = Asset::Erc20(TOKEN);
    let mut portals = Vec::new();
    for (asset, amount, data) in [
        (Asset::Ether, one, &[][..]),
        (Asset::Ether, all, &command),
        (token, one, &[]),
        (token, all, &command),
    ] {
        let (portal, payload) = match asset {
            Asset::Ether => (genesis.ether_portal, encode_ether_deposit(ALICE, amount, data)),
            Asset::Erc20(token) => {
                (genesis.erc20_portal, encode_erc20_deposit(token, ALICE, amount, data))
            }
        };
        let from = |sender| Context { sender, now: Timestamp(7), ..Context::default() };
        let input = Input::read(&genesis, from(portal), &payload).unwrap();
        assert_eq!(input.context, from(ALICE));
        assert_eq!(input.credit, Some(Credit { asset, amount }));
        assert_eq!(input.command, (!data.is_empty()).then_some(data));

        let foreign = Input::read(&genesis, from(BOB), &payload).unwrap();
        assert_eq!(foreign.context, from(BOB));
        assert_eq!((foreign.credit, foreign.command), (None, Some(payload.as_slice())));
        portals.push(json!({
            "portal": portal.write(),
            "payload": hexadecimal(&payload),
            "account": ALICE.write(),
            "asset": asset.write(),
            "amount": amount.write(),
            "execLayerData": hexadecimal(data),
        }));
    }
    check("portals.json", &json!({ "portals": portals }));
}

#[test]
fn commitments_to_attestations_are_as_written() {
    let attestation = |score, worst_class, results| Attestation {
        score: Score(score),
        worst_class: Score(worst_class),
        results: Digest(results),
    };
    let (one, all) =
        (attestation(935_000, 812_345, [0x5a; 32]), attestation(u32::MAX, 1, [255; 32]));
    let desk = Desk { chain_id: 31_337, app: BOB, job: JobId(7), miner: ALICE, page: 2 };
    let (chain_id, job, page) = (u64::MAX, JobId(u32::MAX), u32::MAX);
    let desks = [
        (Desk { chain_id: 1, job: JobId(0), page: 0, ..desk }, vec![]),
        (desk, vec![one]),
        (Desk { chain_id, job, page, ..desk }, vec![Attestation::UNFIT, all, one]),
    ];
    let vectors = (0xc0..).zip(desks).map(|(byte, (desk, attestations))| {
        let salt = [byte; 32];
        let values = attestations.iter().map(competition::attestation_values);
        json!({
            "chainId": desk.chain_id.to_string(),
            "app": desk.app.write(),
            "job": desk.job.to_string(),
            "miner": desk.miner.write(),
            "page": desk.page.to_string(),
            "count": attestations.len().to_string(),
            "attestations": values.collect::<Vec<_>>(),
            "salt": hexadecimal(&salt),
            "commitment": desk.commitment(&attestations, &salt).to_string(),
        })
    });
    check("attestations.json", &json!({ "commitments": vectors.collect::<Vec<_>>() }));
}

#[test]
fn short_deposits_are_refused() {
    let genesis = Genesis::default();
    for (portal, needed) in [(genesis.ether_portal, 52), (genesis.erc20_portal, 72)] {
        for length in [0, 1, needed - 1] {
            let payload = vec![0xff; length];
            let refused =
                Input::read(&genesis, Context { sender: portal, ..Context::default() }, &payload);
            let (needed, found) = (needed as u64, length as u64);
            assert_eq!(refused, Err(wire::InputRefused::DepositTooShort { needed, found }));
        }
    }
}

#[test]
fn a_full_chunk_fills_the_longest_payload() {
    let publish = |bytes| {
        let (digest, encoding) = (blob().digest, blobs::Encoding::Plain);
        encode_command(&Command::Publish { digest, offset: 0, encoding, data: vec![0; bytes] })
    };
    assert!(publish(wire::MAX_CHUNK_BYTES).len() <= blobs::MAX_PAYLOAD_BYTES);
    assert!(publish(wire::MAX_CHUNK_BYTES + 1).len() > blobs::MAX_PAYLOAD_BYTES);
}
