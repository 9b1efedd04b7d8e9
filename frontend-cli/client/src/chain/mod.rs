//! Communication with Ethereum: the rollups contracts, their inputs, outputs and claims.
//!
//! [`Chain`] reads, [`Sender`] writes with one account's key. Nothing here knows the market:
//! payloads are bytes.

mod addresses;
pub mod bindings;
mod claims;
mod client;
mod inputs;
mod keys;
mod line;
mod logs;
mod outputs;
mod revert;
mod secret_storage;
mod sender;
mod span;
mod transport;

pub use addresses::{CREATE2_DEPLOYER, Contracts, Line};
pub use claims::{CLAIM_ACCEPTED, ClaimEvent, ClaimKind};
pub use client::Chain;
pub use inputs::{Advance, AdvanceInvalid, Input, MAX_PAYLOAD_BYTES};
pub use keys::{create_keystore, dev_account, keystore_address, mnemonic_account, open_keystore};
pub use logs::LogReader;
pub use outputs::Output;
pub use revert::Reverted;
pub use secret_storage::KeystoreInvalid;
pub use sender::{Note, Notes, SendOptions, Sender, Sent};
