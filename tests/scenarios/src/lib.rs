//! What tests build markets of, so that each says only what is its own:
//!
//! ```
//! use market::{Amount, Award, Offer, Slot, Terms};
//! use scenarios::{ALICE, BASE, BOB, MODEL, bounty, context, offer, open_job, publish, submit};
//!
//! let terms = Terms {
//!     places: 1,
//!     offer: Offer { rows: 20, ..offer() },
//!     award: Award::Rewards { reward: Amount::new(5), count: 3 },
//!     ..bounty()
//! };
//! let (job, opening) = open_job(&context(ALICE), [1; 32], &terms);
//! let sent = [
//!     (ALICE, opening),
//!     (ALICE, publish(job, Slot::BaseModel, BASE)),
//!     (BOB, submit(job, MODEL)),
//!     (BOB, publish(job, Slot::Submission, MODEL)),
//! ];
//! # assert_eq!(sent.len(), 4);
//! ```

mod commands;
mod files;
mod judge;
mod sealed;
mod terms;

use market::{Address, Context, Timestamp};

pub use commands::{
    attest, evaluate, open_job, publish, publish_all, publish_chunk, reveal, step, submit,
};
pub use files::{BASE, HOLD_OUT, MODEL, SLICE, absent, chunks_but_the_last, file};
pub use judge::{EXPENSIVE_ROW, Speller};
pub use sealed::{KEY, SALT, Secret, seal};
pub use terms::{ROWS, board, bounty, competition, miners, offer, prize};

/// The chain.
pub const CHAIN: u64 = 31_337;
/// The application on it.
pub const APP: Address = Address([0xaa; 20]);
/// When everything begins, in seconds.
pub const NOW: u64 = 1_700_000_000;
/// A whole coin, in wei.
pub const ETHER: u128 = 1_000_000_000_000_000_000;

/// Who usually sponsors.
pub const ALICE: Address = Address([0xa1; 20]);
/// Who usually submits.
pub const BOB: Address = Address([0xb0; 20]);
/// Another client.
pub const CAROL: Address = Address([0xca; 20]);
/// A token.
pub const TOKEN: Address = Address([0x70; 20]);

/// One of many accounts of a role.
pub fn account(role: u8, index: usize) -> Address {
    let mut address = [role; 20];
    address[..8].copy_from_slice(&(index as u64).to_be_bytes());
    Address(address)
}

/// What is known of an input of this sender, when everything begins.
pub fn context(sender: Address) -> Context {
    let block_time = Timestamp(NOW);
    Context { sender, block_time, chain_id: CHAIN, app: APP, ..Context::default() }
}
