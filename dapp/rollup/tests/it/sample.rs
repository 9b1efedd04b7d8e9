//! Inputs of a small market, as requests of the rollup server.

use market::{Address, Amount, Command, Context, JobId, Offer, Terms, Timestamp};
use scenarios::{APP, CHAIN, ETHER, NOW, SALT, bounty, file, offer, open_job};
use serde_json::{Value, json};
use wire::{Genesis, encode_command, encode_ether_deposit};

/// More than the stake of a job or a submission.
pub(crate) const DEPOSIT: u128 = 10 * ETHER;

/// The terms of a job with this base model.
pub(crate) fn terms(base_model: &[u8]) -> Terms {
    let base_model = file(base_model);
    Terms { offer: Offer { max_inputs: 1_000, base_model, ..offer() }, ..bounty() }
}

/// The name of a job, and the command that opens it.
pub(crate) fn open(sponsor: Address, terms: Terms) -> (JobId, Command) {
    open_job(&context(sponsor, NOW), SALT, &terms)
}

/// The context of an input from this sender.
pub(crate) fn context(sender: Address, block_time: u64) -> Context {
    Context { block_time: Timestamp(block_time), ..scenarios::context(sender) }
}

/// The request for an input.
pub(crate) fn input(sender: Address, payload: &[u8]) -> Value {
    input_at(sender, NOW, payload)
}

/// The request for an input in a block with this time.
pub(crate) fn input_at(sender: Address, block_time: u64, payload: &[u8]) -> Value {
    json!({ "request_type": "advance_state", "data": {
        "metadata": {
            "chain_id": CHAIN,
            "app_contract": APP,
            "msg_sender": sender,
            "block_number": 7,
            "block_timestamp": block_time,
            "prev_randao": format!("0x{:064x}", 1),
            "input_index": 0,
        },
        "payload": hexadecimal(payload),
    }})
}

pub(crate) fn command(sender: Address, command: &Command) -> Value {
    input(sender, &encode_command(command))
}

/// The request for a deposit of Ether with calldata.
pub(crate) fn deposit(sender: Address, amount: u128, calldata: &[u8]) -> Value {
    let payload = encode_ether_deposit(sender, Amount::new(amount), calldata);
    input(Genesis::default().ether_portal, &payload)
}

/// The request for a deposit of Ether with a command.
pub(crate) fn ride(sender: Address, command: &Command) -> Value {
    deposit(sender, DEPOSIT, &encode_command(command))
}

pub(crate) fn question(path: &str) -> Value {
    let payload = hexadecimal(path.as_bytes());
    json!({ "request_type": "inspect_state", "data": { "payload": payload } })
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
