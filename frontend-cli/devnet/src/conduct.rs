//! What a node makes of what it knows.

use alloy::primitives::B256;
use application::Completion;
use client::chain::Advance;

/// How a node behaves: as it should, unless a test of auditors has it lie.
///
/// Everything that the devnet returns and claims after a lie is consistent with it.
pub trait Conduct: Send + Sync {
    /// Whether an input is passed over, as if it had never been sent.
    fn passes_over(&self, _input: &Advance) -> bool {
        false
    }

    /// The completion that is recorded of an input, instead of the application's.
    fn record(&self, completion: Completion) -> Completion {
        completion
    }

    /// The root that is claimed instead of this one; `None` to claim none.
    fn claim(&self, root: B256) -> Option<B256> {
        Some(root)
    }
}

/// The conduct of a node that tells what is so.
#[derive(Clone, Copy, Debug)]
pub struct Honest;

impl Conduct for Honest {}
