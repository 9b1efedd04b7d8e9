//! Lies that a devnet can tell, so that auditors can be tested: everything it returns and claims
//! after a lie is consistent with it. Only tests use them.

use alloy::primitives::{B256, Bytes, U256, keccak256};
use application::Completion;
use clap::ValueEnum;
use client::chain::{Advance, Output};
use client::payment::Payment;
use market::Share;
use wire::Notice;

/// The payload, or the end of a deposit's, that marks the input that some lies concern.
pub const MARK: &[u8] = b"the input to lie about";

/// A lie, with the name that an audit gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lie {
    /// The voucher of the first reward is duplicated.
    Added,
    /// The first output of a rewarded input is omitted.
    Dropped,
    /// The first two outputs of a rewarded input are swapped.
    Reordered,
    /// One bit of a rewarded input's first output is flipped.
    Flipped,
    /// Models get wrong scores, from the application itself.
    Score,
    /// The first reward goes to another account.
    Payout,
    /// The outputs of the marked input are kept although it was rejected.
    RejectedKept,
    /// The first claim has a wrong root.
    WrongClaim,
    /// The first claim is omitted.
    MissingClaim,
    /// The marked input is treated as if it had never been sent.
    Withheld,
}

/// A lie, and whether it was told yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Tamper {
    lie: Option<Lie>,
    told: bool,
}

impl Tamper {
    pub(super) const fn new(lie: Option<Lie>) -> Self {
        Self { lie, told: false }
    }

    /// Whether an input is treated as if it had never been sent.
    pub(super) fn withholds(&self, input: &Advance) -> bool {
        self.lie == Some(Lie::Withheld) && input.payload.ends_with(MARK)
    }

    /// The completion to record instead of the application's.
    pub(super) fn completion(&mut self, completion: Completion) -> Completion {
        let Some(lie) = self.lie.filter(|_| !self.told) else { return completion };
        let Some(reward) = reward(&completion.outputs) else { return completion };
        let mut outputs = completion.outputs;
        self.told = true;
        match lie {
            Lie::Added => outputs.push(outputs[reward].clone()),
            Lie::Dropped => drop(outputs.remove(0)),
            Lie::Reordered => outputs.swap(0, 1),
            Lie::Flipped => outputs[0] = flipped(&outputs[0]),
            Lie::Payout => outputs[reward] = redirected(&outputs[reward]),
            _ => self.told = false,
        }
        Completion { outputs, ..completion }
    }

    /// The root to claim instead of `root`; `None` to claim none at all.
    pub(super) fn claim(&mut self, root: B256) -> Option<B256> {
        let told = std::mem::replace(&mut self.told, true);
        match self.lie.filter(|_| !told) {
            Some(Lie::WrongClaim) => Some(keccak256(root)),
            Some(Lie::MissingClaim) => None,
            _ => {
                self.told = told;
                Some(root)
            }
        }
    }
}

/// The index of the first reward: the voucher after the notice of its payment.
fn reward(outputs: &[Bytes]) -> Option<usize> {
    let is_reward = |output: &Bytes| match Output::decode(output) {
        Some(Output::Notice { payload }) => {
            matches!(wire::decode_notice(&payload), Some(Notice::Paid { share: Share::Reward, .. }))
        }
        _ => false,
    };
    let voucher = outputs.iter().position(is_reward)? + 1;
    let pays = |output| Output::decode(output).is_some_and(|output| Payment::of(&output).is_some());
    (pays(outputs.get(voucher)?) && voucher > 1).then_some(voucher)
}

fn flipped(output: &Bytes) -> Bytes {
    let mut bytes = output.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes.into()
}

/// The same Ether payment, to another account.
fn redirected(output: &Bytes) -> Bytes {
    let Some(Output::Voucher { destination, value, payload }) = Output::decode(output) else {
        return output.clone();
    };
    let thief = U256::from_be_slice(destination.as_slice()).wrapping_add(U256::from(1));
    let destination = alloy::primitives::Address::from_word(B256::from(thief));
    Output::Voucher { destination, value, payload }.encode()
}
