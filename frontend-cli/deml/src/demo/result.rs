//! The demo's result: as JSON for programs, as tables for people.

use std::fmt;

use alloy::primitives::{Address, B256, U256};
use anyhow::{Result, ensure};
use auditor::Report;
use client::{quantity::percent, session::Currency, words};
use market::{Amount, Asset, Score};
use serde::Serialize;

use super::flows::{Flow, signed};

/// Results of a demo.
#[derive(Debug, Serialize)]
pub struct Played {
    /// Everybody's wallets before and after.
    pub wallets: Vec<Wallet>,
    /// All submitted models.
    pub submissions: Vec<Submitted>,
    /// All vouchers executed on L1.
    pub vouchers: Vec<Executed>,
    /// Root of all outputs.
    pub outputs_root: B256,
    /// Whether deposits less payments equal the market's holdings, for each asset.
    pub solvent: bool,
    /// The report of a complete audit.
    pub audit: Report,
    /// Duration from the start of the devnet to the end.
    pub seconds: u64,
    /// Peak memory of the dapp's process, if the operating system reports it.
    pub dapp_peak_bytes: Option<u64>,
    /// Whether it ran in an emulator, whose own memory is then included.
    pub is_dapp_emulated: bool,
    /// Inputs and outputs of the replay by a second application, all equal to the first's.
    pub replayed: Option<Replayed>,
}

/// A comparison that found no difference.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Replayed {
    /// Inputs replayed.
    pub inputs: usize,
    /// Vouchers and notices, all equal.
    pub outputs: usize,
    /// Reports, all equal.
    pub reports: usize,
}

/// One wallet in one asset.
#[derive(Clone, Debug, Serialize)]
pub struct Wallet {
    /// Its owner.
    pub role: &'static str,
    /// Its address.
    pub address: Address,
    /// The asset.
    pub asset: Asset,
    /// At the start.
    pub before: Amount,
    /// At the end.
    pub after: Amount,
    /// The change by source, from the market's notices; their sum is the change.
    #[serde(flatten)]
    pub flow: Flow,
    #[serde(skip)]
    currency: Currency,
}

impl Wallet {
    pub(super) fn new(
        role: &'static str,
        address: Address,
        currency: Currency,
        amount: Amount,
    ) -> Self {
        let (asset, flow) = (currency.asset, Flow::default());
        Self { role, address, asset, before: amount, after: amount, flow, currency }
    }

    /// The current wallet beside its initial state.
    ///
    /// - Errors: the notices do not exactly explain the change
    pub(super) fn and_now(self, now: &Self, flow: Flow) -> Result<Self> {
        let change = signed(now.after)? - signed(self.before)?;
        let (who, sum) = (self.role, flow.sum());
        ensure!(change == sum, "the wallet of {who} changed by {change}, the notices say {sum}");
        Ok(Self { after: now.after, flow, ..self })
    }

    /// A change, with its sign.
    fn show(&self, change: i128) -> String {
        let sign = match change {
            0 => return "-".to_owned(),
            1.. => '+',
            _ => '-',
        };
        format!("{sign}{}", self.currency.show(Amount::new(change.unsigned_abs())))
    }
}

/// A submitted model.
#[derive(Debug, Serialize)]
pub struct Submitted {
    /// The job's number.
    pub job: u32,
    /// The client.
    pub client: &'static str,
    /// The model.
    pub model_cid: blobs::Cid,
    /// Its file's size.
    pub model_bytes: u64,
    /// On the hold-out, in parts per million; `None` if it was not evaluated.
    pub score: Option<u32>,
    /// `accepted`, or the name of the refusal; for sealed models that were not judged,
    /// `NotRevealed` or `NotJudged`.
    pub verdict: String,
    /// Gas of all transactions that submitted it.
    pub gas: u64,
    /// Time from the local rehearsal to the verdict.
    pub milliseconds: u128,
}

/// An executed voucher.
#[derive(Debug, Serialize)]
pub struct Executed {
    /// Its index.
    pub index: u64,
    /// The called contract.
    pub destination: Address,
    /// Wei sent with the call.
    #[serde(serialize_with = "client::convert::as_text")]
    pub value: U256,
    /// The transaction that executed it.
    pub transaction: B256,
    /// The recipient; `None` if it records a winner in the registry.
    pub to: Option<Address>,
    /// The asset paid.
    pub asset: Option<String>,
    /// The amount paid.
    pub amount: Option<String>,
    /// Gas of its execution.
    pub gas: u64,
}

impl AsMut<Self> for Played {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl fmt::Display for Wallet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flow { rewards, work, fees } = self.flow;
        let [change, rewards, work, fees] =
            [self.flow.sum(), rewards, work, fees].map(|part| self.show(part));
        write!(out, "{:<18} {change:>28} {rewards:>12} {work:>25} {fees:>28}", self.role)
    }
}

impl fmt::Display for Played {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_people(out)?;
        self.fmt_end(out)
    }
}

impl Played {
    /// Formats the wallets and the submissions.
    pub(super) fn fmt_people(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [wallet, change, rewards] = ["wallet", "change", "rewards"];
        let [work, fees] = ["work", "rent, fees, bonds"];
        writeln!(out, "{wallet:<18} {change:>28} {rewards:>12} {work:>25} {fees:>28}")?;
        for wallet in &self.wallets {
            writeln!(out, "{wallet}")?;
        }
        out.write_str(
            "\njob  client           score  verdict              gas      time  model\n",
        )?;
        for submitted in &self.submissions {
            let Submitted { job, client, gas, model_cid, .. } = submitted;
            let verdict = words::heading(&submitted.verdict);
            let time = format!("{} ms", submitted.milliseconds);
            let score =
                submitted.score.map_or_else(|| "–".to_owned(), |score| percent(Score(score)));
            writeln!(
                out,
                "{job:<4} {client:<11} {score:>10}  {verdict:<14} {gas:>9} {time:>9}  {model_cid}"
            )?;
        }
        Ok(())
    }

    /// Formats the payments and the checks.
    pub(super) fn fmt_end(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gas: u64 = self.vouchers.iter().map(|voucher| voucher.gas).sum();
        writeln!(out, "\n{} vouchers executed on L1 with {gas} gas in all", self.vouchers.len())?;
        writeln!(out, "outputs root {}", self.outputs_root)?;
        if let Some(bytes) = self.dapp_peak_bytes {
            let who = if self.is_dapp_emulated { "the dapp and qemu" } else { "the dapp" };
            writeln!(out, "{who} held at most {} MiB of memory", bytes.div_ceil(1 << 20))?;
        }
        if let Some(Replayed { inputs, outputs, reports }) = self.replayed {
            writeln!(
                out,
                "replayed by the deml-dapp beside deml: {inputs} inputs, and all {outputs} \
                 outputs and {reports} reports are the same, byte for byte"
            )?;
        }
        writeln!(out, "audit: {}", self.audit)?;
        let solvency = if self.solvent { "holds to the wei" } else { "DOES NOT HOLD" };
        write!(out, "solvency {solvency}; all in {} s", self.seconds)
    }
}
