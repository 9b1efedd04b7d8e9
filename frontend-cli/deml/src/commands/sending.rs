//! Options of every command that sends, and its payloads: hex for other Ethereum tools.

use std::fmt;

use alloy::primitives::Bytes;
use anyhow::Result;
use clap::Args;
use client::printer::{ExitStatus, Printer};
use market::{Amount, Asset, Command};
use serde::Serialize;

/// Options of every command that sends.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Sending {
    /// Print the payload as hex, for other Ethereum tools, and send nothing
    #[arg(long)]
    pub calldata: bool,
}

/// Commands as hex, in the order in which they are sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calldata {
    /// The deposit that comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit: Option<DepositCalldata>,
    /// Payloads, one for each input.
    pub payloads: Vec<Bytes>,
}

/// A deposit and the command that rides on it.
#[derive(Clone, Debug, Serialize)]
pub struct DepositCalldata {
    /// The asset.
    pub asset: Asset,
    /// The amount, in the asset's smallest unit.
    pub amount: Amount,
    /// The command.
    pub exec_layer_data: Bytes,
}

impl Calldata {
    /// Commands as separate inputs.
    #[must_use]
    pub fn inputs<'a>(commands: impl IntoIterator<Item = &'a Command>) -> Self {
        let payloads = commands.into_iter().map(|command| wire::encode_command(command).into());
        Self { deposit: None, payloads: payloads.collect() }
    }

    /// A command riding on the deposit that it needs, or without one if nothing is needed.
    #[must_use]
    pub fn paid(asset: Asset, amount: Amount, command: &Command) -> Self {
        if amount == Amount::ZERO {
            return Self::inputs([command]);
        }
        let exec_layer_data = wire::encode_command(command).into();
        let deposit = Some(DepositCalldata { asset, amount, exec_layer_data });
        Self { deposit, payloads: Vec::new() }
    }

    /// Appends inputs.
    #[must_use]
    pub fn then(mut self, commands: &[Command]) -> Self {
        self.payloads.extend(Self::inputs(commands).payloads);
        self
    }

    /// Prints it as the command's result.
    pub fn answer(&self, printer: &Printer) -> Result<ExitStatus> {
        printer.answer(self)?;
        if let Some(DepositCalldata { asset, amount, .. }) = &self.deposit {
            let kind = if *asset == Asset::Ether { "ether" } else { "erc20" };
            printer.say(format_args!(
                "the first as data of a deposit of {amount} units of {asset}: \
                 cartesi deposit {kind} AMOUNT --exec-layer-data HEX"
            ));
        }
        if !self.payloads.is_empty() {
            printer.say("as inputs, each by itself: cartesi send HEX --encoding hex");
        }
        Ok(ExitStatus::Done)
    }
}

impl fmt::Display for Calldata {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deposit = self.deposit.iter().map(|deposit| &deposit.exec_layer_data);
        let lines: Vec<String> = deposit.chain(&self.payloads).map(Bytes::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use market::JobId;

    use super::*;

    #[test]
    fn a_command_rides_on_the_deposit_that_it_needs() {
        let settle = Command::Settle { job: JobId([1; 32]) };
        let paid = Calldata::paid(Asset::Ether, Amount::new(5), &settle)
            .then(std::slice::from_ref(&settle));
        assert_eq!(paid.to_string().lines().count(), 2);
        assert_eq!(paid.payloads.len(), 1);
        let free = Calldata::paid(Asset::Ether, Amount::ZERO, &settle);
        assert!(free.deposit.is_none());
        assert_eq!(free.payloads, paid.payloads);
    }
}
