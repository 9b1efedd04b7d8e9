//! An input as the market means it, with the outputs it led to: what books and scores go by.

use alloy::primitives::Bytes;
use market::{Command, Context};
use wire::{Credit, Genesis, Notice};

use crate::chain::{Advance, Output};
use crate::convert::{context, to_market};
use crate::devnet::{Completion, InputStatus};
use crate::payment::Payment;

/// An input and what it led to.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// For whom, and when.
    pub(super) context: Context,
    /// What a portal took in.
    pub(super) credit: Option<Credit>,
    /// What was carried out; nothing when it was refused, or is no command.
    pub(super) command: Option<Command>,
    /// What was said, in order.
    pub(super) sayings: Vec<Saying>,
}

/// What an output says.
#[derive(Clone, Debug)]
pub(super) enum Saying {
    /// Something happened.
    Notice(Box<Notice>),
    /// Money goes to someone.
    Payment(Payment),
    /// A call that pays nobody.
    Call(market::Address),
    /// Nothing that the market says.
    Other,
}

impl Told {
    /// Reads an input; nothing of one that was undone.
    pub(super) fn read(genesis: &Genesis, input: &Advance, led_to: &Completion) -> Option<Self> {
        if led_to.status != InputStatus::Accepted {
            return None;
        }
        let read = wire::Input::read(genesis, context(input), &input.payload).ok()?;
        // A refusal is the only thing an input is reported for.
        let command = read.command.filter(|_| led_to.reports.is_empty());
        Some(Self {
            context: read.context,
            credit: read.credit,
            command: command.and_then(|calldata| wire::decode_command(calldata).ok()),
            sayings: led_to.outputs.iter().map(Saying::read).collect(),
        })
    }
}

impl Saying {
    fn read(output: &Bytes) -> Self {
        match Output::decode(output) {
            Some(Output::Notice { payload }) => {
                Notice::decode(&payload).map_or(Self::Other, |notice| Self::Notice(notice.into()))
            }
            Some(voucher @ Output::Voucher { destination, value, .. }) => {
                match Payment::of(&voucher) {
                    Some(payment) => Self::Payment(payment),
                    None if value.is_zero() => Self::Call(to_market(destination)),
                    None => Self::Other,
                }
            }
            Some(Output::DelegateCallVoucher { .. }) | None => Self::Other,
        }
    }
}
