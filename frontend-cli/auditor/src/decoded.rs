//! An input as the market means it, with the outputs it led to: what the auditor's models go by.

use alloy::primitives::Bytes;
use application::{Completion, InputStatus};
use client::chain::{Advance, Output};
use client::convert::context;
use client::payment::Payment;
use market::{Command, Context};
use wire::{Credit, Genesis, Notice};

/// An input and what it led to.
#[derive(Clone, Debug)]
pub(super) struct DecodedInput {
    /// For whom, and when.
    pub(super) context: Context,
    /// What a portal took in.
    pub(super) credit: Option<Credit>,
    /// What was carried out; `None` when it was refused, or is no command.
    pub(super) command: Option<Command>,
    /// What it led to, in order.
    pub(super) outputs: Vec<DecodedOutput>,
}

/// What an output says.
#[derive(Clone, Debug)]
pub(super) enum DecodedOutput {
    /// Something happened.
    Notice(Box<Notice>),
    /// Money goes to someone.
    Payment(Payment),
    /// A call that pays nobody; its bytes.
    Call(Bytes),
    /// Nothing that the market says.
    Other,
}

impl DecodedInput {
    /// Reads an input; `None` for one that was undone.
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
            command: command
                .and_then(|calldata| wire::decode_command(&read.context, calldata).ok()),
            outputs: led_to.outputs.iter().map(DecodedOutput::read).collect(),
        })
    }

    /// The notices, each with its place among the outputs.
    pub(super) fn notices(&self) -> impl Iterator<Item = (u64, &Notice)> {
        (0..).zip(&self.outputs).filter_map(|(place, output)| match output {
            DecodedOutput::Notice(notice) => Some((place, notice.as_ref())),
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
