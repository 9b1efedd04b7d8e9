//! Vectors shared with Solidity: each command, notice, voucher and portal payload, as bytes and as
//! values. `UPDATE_VECTORS=1` writes the files; otherwise they must be unchanged.

use std::{collections::BTreeSet, fs, path::PathBuf};

use blobs::Digest;
use market::{
    Amount, Asset, Attestation, AttestationBinding, Command, Context, JobId, Score, Slot,
    SubmittedModel, Timestamp, U256,
};
use scenarios::{ALICE, BOB, TOKEN, context, open_job, publish};
use serde_json::{Value, json};
use wire::{
    Credit, Genesis, Input, Notice, Output, decode_command, decode_notice, encode_command,
    encode_erc20_deposit, encode_ether_deposit, encode_notice, output,
};

use crate::{
    named,
    sample::{JOB, all_terms, commands, effects, refused, terms},
};

fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Compares a file of vectors with the current ones, or writes it.
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

/// A command's function, and its arguments in JSON.
fn values(command: &Command) -> (&'static str, Value) {
    let (function, mut values) = match command {
        Command::OpenJob { salt, terms, .. } => {
            return ("openJob", json!({ "salt": hexadecimal(salt), "terms": terms }));
        }
        Command::Withdraw { asset, amount } => {
            return ("withdraw", json!({ "asset": asset, "amount": amount }));
        }
        Command::PublishMessageKey { key } => {
            return ("publishMessageKey", json!({ "key": hexadecimal(key) }));
        }
        Command::SendMessage { submission, sequence, ciphertext, .. } => {
            let values = json!({
                "submission": submission,
                "sequence": sequence,
                "ciphertext": ciphertext,
            });
            ("sendMessage", values)
        }
        Command::CancelJob { .. } => ("cancelJob", json!({})),
        Command::Enlist { .. } => ("enlist", json!({})),
        Command::Settle { .. } => ("settle", json!({})),
        Command::Publish { slot, offset, encoding, data, .. } => {
            let data = hexadecimal(data);
            let values =
                json!({ "slot": slot, "offset": offset, "encoding": encoding, "data": data });
            ("publish", values)
        }
        Command::Submit { model: SubmittedModel::Open { model, data }, .. } => {
            ("submit", json!({ "model": model, "data": data }))
        }
        Command::Submit { model: SubmittedModel::Sealed(model), .. } => {
            ("submitSealed", json!({ "model": model }))
        }
        Command::Show { model, .. } => ("show", json!({ "model": model })),
        Command::Reveal { key, salt, plaintext, .. } => {
            let (key, salt) = (hexadecimal(key), hexadecimal(salt));
            ("reveal", json!({ "key": key, "salt": salt, "plaintext": plaintext }))
        }
        Command::Attest { page, commitment, .. } => {
            ("attest", json!({ "page": page, "commitment": commitment }))
        }
        Command::RevealAttestation { page, attestations, results, salt, .. } => {
            let values = json!({
                "page": page,
                "attestations": attestations,
                "results": hexadecimal(results),
                "salt": hexadecimal(salt),
            });
            ("revealAttestation", values)
        }
        Command::Evaluate { target, from, work, max_surcharge, .. } => {
            let values = json!({
                "target": target,
                "from": from,
                "work": work,
                "max_surcharge": max_surcharge,
            });
            ("evaluate", values)
        }
    };
    values["job"] = json!(command.job().unwrap());
    (function, values)
}

#[test]
fn commands_are_as_written_and_decode_to_themselves() {
    let mut names = BTreeSet::new();
    let mut accepted = Vec::new();
    for command in commands() {
        let calldata = encode_command(&command);
        assert_eq!(decode_command(&context(ALICE), &calldata), Ok(command.clone()));
        let (name, values) = values(&command);
        named::check("function", name, &calldata[4..], &values);
        names.insert(name.to_owned());
        let calldata = hexadecimal(&calldata);
        accepted.push(json!({ "name": name, "calldata": calldata, "values": values }));
    }
    assert_eq!(names, declared("function"));
    let refused = refused().into_iter().map(|damaged| {
        let (calldata, reason) = (hexadecimal(&damaged.calldata), damaged.refused);
        let decoded = decode_command(&context(ALICE), &damaged.calldata);
        assert_eq!(decoded, Err(reason), "{calldata}");
        let beyond_types = damaged.beyond_types;
        json!({ "calldata": calldata, "refused": reason.name(), "beyondTypes": beyond_types })
    });
    let refused: Vec<_> = refused.collect();
    check("commands.json", &json!({ "commands": accepted, "refused": refused }));
}

#[test]
fn jobs_are_named_by_all_that_their_sponsor_states() {
    let mut names = BTreeSet::new();
    let mut jobs = Vec::new();
    let cases = [
        (1, ALICE, BOB, [0; 32]),
        (31_337, ALICE, BOB, [0; 32]),
        (31_337, BOB, BOB, [0; 32]),
        (31_337, BOB, ALICE, [0; 32]),
        (u64::MAX, BOB, ALICE, [0xff; 32]),
    ];
    let cases = cases.into_iter().map(|case| (case, terms()));
    let all = all_terms().into_iter().map(|terms| ((7, ALICE, BOB, [1; 32]), terms));
    for ((chain_id, app, sponsor, salt), terms) in cases.chain(all) {
        let context = Context { chain_id, app, sender: sponsor, ..Context::default() };
        let (job, open) = open_job(&context, salt, &terms);
        assert!(names.insert(job), "two jobs have the name {job}");
        let calldata = encode_command(&open);
        assert_eq!(decode_command(&context, &calldata), Ok(open));
        jobs.push(json!({
            "chainId": chain_id.to_string(),
            "app": app.to_string(),
            "sponsor": sponsor.to_string(),
            "calldata": hexadecimal(&calldata),
            "job": job.to_string(),
        }));
    }
    check("jobs.json", &json!({ "jobs": jobs }));
}

#[test]
fn notices_and_vouchers_are_as_written_and_decode_to_themselves() {
    let registry = Genesis::default().registry;
    let mut names = BTreeSet::new();
    let (mut notices, mut vouchers) = (Vec::new(), Vec::new());
    for output in effects().iter().map(|effect| output(effect, registry)) {
        let raw = output.encode();
        assert_eq!(Output::decode(&raw), Some(output.clone()));
        match output {
            Output::Notice { payload } => {
                let notice = decode_notice(&payload).unwrap();
                assert_eq!(encode_notice(&notice), payload);
                let values = serde_json::to_value(&notice).unwrap();
                assert_eq!(serde_json::from_value::<Notice>(values.clone()).unwrap(), notice);
                let name = values["event"].as_str().unwrap().to_owned();
                named::check("event", &name, &payload[32..], &values);
                let payload = hexadecimal(&payload);
                names.insert(name.clone());
                notices.push(json!({ "name": name, "payload": payload, "values": values }));
            }
            Output::Voucher { destination, value, payload } => vouchers.push(json!({
                "destination": destination.to_string(),
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
    let command = encode_command(&Command::Settle { job: JOB });
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
        let from = |sender| Context { sender, block_time: Timestamp(7), ..Context::default() };
        let input = Input::read(&genesis, from(portal), &payload).unwrap();
        assert_eq!(input.context, from(ALICE));
        assert_eq!(input.credit, Some(Credit { asset, amount }));
        assert_eq!(input.command, (!data.is_empty()).then_some(data));

        let foreign = Input::read(&genesis, from(BOB), &payload).unwrap();
        assert_eq!(foreign.context, from(BOB));
        assert_eq!((foreign.credit, foreign.command), (None, Some(payload.as_slice())));
        portals.push(json!({
            "portal": portal.to_string(),
            "payload": hexadecimal(&payload),
            "account": ALICE.to_string(),
            "asset": asset.to_string(),
            "amount": amount.to_string(),
            "execLayerData": hexadecimal(data),
        }));
    }
    check("portals.json", &json!({ "portals": portals }));
}

#[test]
fn commitments_to_attestations_are_as_written() {
    let attestation = |score, threshold_score, results| Attestation {
        score: Score(score),
        threshold_score: Score(threshold_score),
        results: Digest(results),
    };
    let (one, all) =
        (attestation(935_000, 812_345, [0x5a; 32]), attestation(u32::MAX, 1, [255; 32]));
    let binding =
        AttestationBinding { chain_id: 31_337, app: BOB, job: JOB, miner: ALICE, page: 2 };
    let (chain_id, job, page) = (u64::MAX, JobId([0xff; 32]), u32::MAX);
    let cases = [
        (AttestationBinding { chain_id: 1, job: JobId([0; 32]), page: 0, ..binding }, vec![]),
        (binding, vec![one]),
        (AttestationBinding { chain_id, job, page, ..binding }, vec![Attestation::UNFIT, all, one]),
    ];
    let vectors = (0xc0..).zip(cases).map(|(byte, (binding, attestations))| {
        let salt = [byte; 32];
        let values = attestations.iter().map(|attestation| {
            json!({
                "score": attestation.score.to_string(),
                "thresholdScore": attestation.threshold_score.to_string(),
                "results": attestation.results.to_string(),
            })
        });
        json!({
            "chainId": binding.chain_id.to_string(),
            "app": binding.app.to_string(),
            "job": binding.job.to_string(),
            "miner": binding.miner.to_string(),
            "page": binding.page.to_string(),
            "count": attestations.len().to_string(),
            "attestations": values.collect::<Vec<_>>(),
            "salt": hexadecimal(&salt),
            "commitment": binding.commitment(&attestations, &salt).to_string(),
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
    let payload = |bytes| encode_command(&publish(JOB, Slot::Submission, &vec![0; bytes]));
    assert!(payload(wire::MAX_CHUNK_BYTES).len() <= blobs::MAX_PAYLOAD_BYTES);
    assert!(payload(wire::MAX_CHUNK_BYTES + 1).len() > blobs::MAX_PAYLOAD_BYTES);
}
