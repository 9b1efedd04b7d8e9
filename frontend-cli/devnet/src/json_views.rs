//! The node's records as JSON: integers as `0x` hexadecimal, unknown values as null.

use alloy::primitives::keccak256;
use client::chain::Output;
use serde_json::{Value, json};

use super::records::{EpochRecord, InputRecord, Records, ReportRecord, get};

/// An integer as the node writes it.
pub(super) fn number(number: u64) -> Value {
    format!("0x{number:x}").into()
}

pub(super) fn application(records: &Records) -> Value {
    let application = &records.application;
    let state = if records.failure.is_none() { "ENABLED" } else { "INOPERABLE" };
    json!({
        "name": application.name,
        "iapplication_address": application.address,
        "iconsensus_address": application.consensus,
        "iinputbox_address": application.input_box,
        "template_hash": application.template_hash,
        "epoch_length": number(application.epoch_length),
        "data_availability": application.data_availability,
        "consensus_type": "AUTHORITY",
        "state": state,
        "reason": records.failure,
        "iinputbox_block": number(application.deployment_block),
        "last_input_check_block": number(records.head),
        "last_output_check_block": number(records.head),
        "processed_inputs": number(records.processed()),
    })
}

pub(super) fn epoch(records: &Records, epoch: &EpochRecord) -> Value {
    let position = records.epochs.partition_point(|other| other.index < epoch.index);
    let claim = records.claim(epoch);
    json!({
        "index": number(epoch.index),
        "virtual_index": number(position as u64),
        "first_block": number(epoch.first_block),
        "last_block": number(epoch.last_block),
        "input_index_lower_bound": number(epoch.first_input),
        "input_index_upper_bound": number(epoch.end_input),
        "machine_hash": null,
        "claim_hash": records.epoch_end(epoch).map(|end| end.root),
        "claim_transaction_hash": claim.map(|claim| claim.transaction),
        "status": records.epoch_status(epoch),
    })
}

pub(super) fn input(record: &InputRecord) -> Value {
    let advance = &record.input.advance;
    json!({
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
        "transaction_reference": record.input.transaction,
    })
}

pub(super) fn output(records: &Records, index: u64) -> Option<Value> {
    let output = get(&records.outputs, index)?;
    Some(json!({
        "epoch_index": number(output.epoch),
        "input_index": number(output.input),
        "index": number(index),
        "raw_data": output.raw,
        "decoded_data": Output::decode(&output.raw).map(|output| decoded(&output)),
        "hash": keccak256(&output.raw),
        "output_hashes_siblings": records.siblings(index),
        "execution_transaction_hash": output.executed,
    }))
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

pub(super) fn report(index: u64, report: &ReportRecord) -> Value {
    json!({
        "epoch_index": number(report.epoch),
        "input_index": number(report.input),
        "index": number(index),
        "raw_data": report.payload,
    })
}
