//! Building blocks for markets in tests, so that each test states only what matters to it:
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

/// The chain id.
pub const CHAIN: u64 = 31_337;
/// Address of the application.
pub const APP: Address = Address([0xaa; 20]);
/// Start time, in seconds.
pub const NOW: u64 = 1_700_000_000;
/// One Ether, in wei.
pub const ETHER: u128 = 1_000_000_000_000_000_000;

/// The usual sponsor.
pub const ALICE: Address = Address([0xa1; 20]);
/// The usual client.
pub const BOB: Address = Address([0xb0; 20]);
/// Another client.
pub const CAROL: Address = Address([0xca; 20]);
/// A token.
pub const TOKEN: Address = Address([0x70; 20]);

/// An account of a role, by its index.
pub fn account(role: u8, index: usize) -> Address {
    let mut address = [role; 20];
    address[..8].copy_from_slice(&(index as u64).to_be_bytes());
    Address(address)
}

/// The context of an input from this sender at the start time.
pub fn context(sender: Address) -> Context {
    let block_time = Timestamp(NOW);
    Context { sender, block_time, chain_id: CHAIN, app: APP, ..Context::default() }
}
