//! The node's records as JSON: integers as `0x` hexadecimal, unknown values as null.

use alloy::primitives::{Address, keccak256};
use client::calendar::iso;
use client::chain::Output;
use serde_json::{Value, json};

use super::records::{EpochRecord, InputRecord, Records, get};

/// The limits that a node gives an application by default, cycles and nanoseconds. The devnet
/// keeps to the time of an input alone; clients want to show them all.
const PARAMETERS: [(&str, u64); 11] = [
    ("advance_inc_cycles", 1 << 22),
    ("advance_max_cycles", (1 << 62) - 1),
    ("inspect_inc_cycles", 1 << 22),
    ("inspect_max_cycles", (1 << 62) - 1),
    ("advance_inc_deadline", 10_000_000_000),
    ("advance_max_deadline", 180_000_000_000),
    ("inspect_inc_deadline", 10_000_000_000),
    ("inspect_max_deadline", 180_000_000_000),
    ("load_deadline", 300_000_000_000),
    ("store_deadline", 180_000_000_000),
    ("fast_deadline", 5_000_000_000),
];

/// An integer as the node writes it.
pub(super) fn number(number: u64) -> Value {
    format!("0x{number:x}").into()
}

/// The last part of `record`: when it came and when it last changed, by the blocks' clock.
fn dated(mut record: Value, created: u64, updated: u64) -> Value {
    record["created_at"] = iso(created).into();
    record["updated_at"] = iso(updated).into();
    record
}

pub(super) fn application(records: &Records) -> Value {
    let application = &records.application;
    let is_alive = records.failure.is_none();
    let head = number(records.head);
    let (created, newest) = (application.deployed_at, records.newest_input_time());
    let (foreclosed, foreclosure) = records.foreclosed.unzip();
    let mut parameters = json!({ "snapshot_policy": "NONE", "max_concurrent_inspects": 1 });
    for (name, value) in PARAMETERS {
        parameters[name] = number(value);
    }
    let record = json!({
        "name": application.name,
        "iapplication_address": application.address,
        "iconsensus_address": application.consensus,
        "iinputbox_address": application.input_box,
        "template_hash": application.template_hash,
        "epoch_length": number(application.epoch_length),
        "claim_staging_period": number(application.staging_period.unwrap_or_default()),
        // Nobody can withdraw past the application: it has no accounts drive.
        "withdrawal_config": {
            "guardian": Address::ZERO,
            "log2_leaves_per_account": number(0),
            "log2_max_num_of_accounts": number(0),
            "accounts_drive_start_index": number(0),
            "withdrawal_output_builder": Address::ZERO,
        },
        "data_availability": application.data_availability,
        "consensus_type": "AUTHORITY",
        // Older nodes have a state, newer ones both of the others.
        "state": if is_alive { "ENABLED" } else { "INOPERABLE" },
        "enabled": true,
        "status": if is_alive { "OK" } else { "FAILED" },
        "reason": records.failure,
        "iinputbox_block": number(application.deployment_block),
        "last_epoch_check_block": head,
        "last_input_check_block": head,
        "last_output_check_block": head,
        "last_tournament_check_block": head,
        "last_foreclose_check_block": head,
        "last_accounts_drive_proved_check_block": head,
        "last_withdrawal_check_block": head,
        "processed_inputs": number(records.processed()),
        "foreclose_block": number(foreclosed.unwrap_or_default()),
        "foreclose_transaction": foreclosure,
        "accounts_drive_proved_block": number(0),
        "accounts_drive_proved_transaction": null,
        "accounts_drive_merkle_root": null,
        "execution_parameters": dated(parameters, created, created),
    });
    dated(record, created, newest.unwrap_or(created))
}

pub(super) fn epoch(records: &Records, epoch: &EpochRecord) -> Value {
    let position = records.epochs.partition_point(|other| other.index < epoch.index);
    let (claim, staged) = (records.claim(epoch), records.staged(epoch));
    let transaction = claim.map(|claim| claim.transaction);
    let root = records.epoch_end(epoch).map(|end| end.root);
    let time = |input| records.time_of_input(input);
    let record = json!({
        "index": number(epoch.index),
        "virtual_index": number(position as u64),
        "first_block": number(epoch.first_block),
        "last_block": number(epoch.last_block),
        "input_index_lower_bound": number(epoch.first_input),
        "input_index_upper_bound": number(epoch.end_input),
        "machine_hash": staged.map(|staged| staged.machine_root),
        // Its name in older nodes, and in newer ones.
        "claim_hash": root,
        "outputs_merkle_root": root,
        "outputs_merkle_proof": null,
        "commitment": null,
        "commitment_proof": null,
        "claim_transaction_hash": transaction.or(staged.map(|staged| staged.transaction)),
        "tournament_address": null,
        "staged_at_block": staged.map(|staged| number(staged.block)),
        "status": records.epoch_status(epoch),
    });
    dated(record, time(epoch.first_input), time(epoch.end_input - 1))
}

pub(super) fn input(record: &InputRecord) -> Value {
    let advance = &record.input.advance;
    let view = json!({
        "epoch_index": number(record.epoch),
        "index": number(advance.index),
        "block_number": number(advance.block_number),
        "raw_data": record.input.raw,
        "decoded_data": {
            "chain_id": number(advance.chain_id),
            "application_contract": advance.app_contract.to_checksum(None),
            "sender": advance.msg_sender.to_checksum(None),
            "block_number": number(advance.block_number),
            "block_timestamp": number(advance.block_timestamp),
            "prev_randao": advance.prev_randao,
            "index": number(advance.index),
            "payload": advance.payload,
        },
        "status": record.status,
        "machine_hash": null,
        "outputs_hash": record.after.map(|after| after.root),
        // Its name in older nodes, and in newer ones.
        "transaction_reference": record.input.transaction,
        "transaction_hash": record.input.transaction,
        "log_index": number(record.input.log_index),
    });
    dated(view, advance.block_timestamp, advance.block_timestamp)
}

pub(super) fn output(records: &Records, index: u64) -> Option<Value> {
    let output = get(&records.outputs, index)?;
    let time = records.time_of_input(output.input);
    let record = json!({
        "epoch_index": number(output.epoch),
        "input_index": number(output.input),
        "index": number(index),
        "raw_data": output.raw,
        "decoded_data": Output::decode(&output.raw).map(|output| decoded(&output)),
        "hash": keccak256(&output.raw),
        "output_hashes_siblings": records.siblings(index),
        "execution_transaction_hash": output.executed,
    });
    Some(dated(record, time, time))
}

fn decoded(output: &Output) -> Value {
    match output {
        Output::Voucher { destination, value, payload } => json!({
            "type": "Voucher",
            "destination": destination.to_checksum(None),
            "value": value,
            "payload": payload,
        }),
        Output::DelegateCallVoucher { destination, payload } => json!({
            "type": "DelegateCallVoucher",
            "destination": destination.to_checksum(None),
            "payload": payload,
        }),
        Output::Notice { payload } => json!({ "type": "Notice", "payload": payload }),
    }
}

pub(super) fn report(records: &Records, index: u64) -> Option<Value> {
    let report = get(&records.reports, index)?;
    let time = records.time_of_input(report.input);
    let record = json!({
        "epoch_index": number(report.epoch),
        "input_index": number(report.input),
        "index": number(index),
        "raw_data": report.payload,
    });
    Some(dated(record, time, time))
}
