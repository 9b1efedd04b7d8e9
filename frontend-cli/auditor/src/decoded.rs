//! An input and its outputs decoded into market types, which the auditor's models work on.

use alloy::primitives::Bytes;
use application::{Completion, InputStatus};
use client::chain::{Advance, Output};
use client::convert::context;
use client::payment::Payment;
use market::{Command, Context};
use wire::{Credit, Genesis, Notice};

/// A decoded input and its outputs.
#[derive(Clone, Debug)]
pub(super) struct DecodedInput {
    /// Sender and time.
    pub(super) context: Context,
    /// Deposit through a portal.
    pub(super) credit: Option<Credit>,
    /// The executed command; `None` if it was refused or is not a command.
    pub(super) command: Option<Command>,
    /// Its outputs, in order.
    pub(super) outputs: Vec<DecodedOutput>,
}

/// A decoded output.
#[derive(Clone, Debug)]
pub(super) enum DecodedOutput {
    /// An event of the market.
    Notice(Box<Notice>),
    /// A payment.
    Payment(Payment),
    /// A call that pays nobody: its bytes.
    Call(Bytes),
    /// Not an output the market produces.
    Other,
}

impl DecodedInput {
    /// Decodes an input; `None` if it was undone.
    pub(super) fn read(genesis: &Genesis, input: &Advance, led_to: &Completion) -> Option<Self> {
        if led_to.status != InputStatus::Accepted {
            return None;
        }
        let read = wire::Input::read(genesis, context(input), &input.payload).ok()?;
        // Only refused inputs have a report.
        let command = read.command.filter(|_| led_to.reports.is_empty());
        Some(Self {
            context: read.context,
            credit: read.credit,
            command: command
                .and_then(|calldata| wire::decode_command(&read.context, calldata).ok()),
            outputs: led_to.outputs.iter().map(DecodedOutput::read).collect(),
        })
    }

    /// The notices, each with its index among the outputs.
    pub(super) fn notices(&self) -> impl Iterator<Item = (u64, &Notice)> {
        (0..).zip(&self.outputs).filter_map(|(index, output)| match output {
            DecodedOutput::Notice(notice) => Some((index, notice.as_ref())),
            _ => None,
        })
    }
}

impl DecodedOutput {
    fn read(output: &Bytes) -> Self {
        match Output::decode(output) {
            Some(Output::Notice { payload }) => wire::decode_notice(&payload)
                .map_or(Self::Other, |notice| Self::Notice(notice.into())),
            Some(voucher @ Output::Voucher { value, .. }) => match Payment::of(&voucher) {
                Some(payment) => Self::Payment(payment),
                None if value.is_zero() => Self::Call(output.clone()),
                None => Self::Other,
            },
            Some(Output::DelegateCallVoucher { .. }) | None => Self::Other,
        }
    }
}
