//! `deml genesis`: the numbers that a deployment lives by for ever: made, checked and explained.

use std::{fmt, path::PathBuf};

use alloy::primitives::Address;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use client::{
    chain::{Line, MAX_PAYLOAD_BYTES},
    convert::to_market,
    files,
    printer::{ExitStatus, Refused},
    quantity::{count, decimal, duration},
};
use market::{Amount, Asset, AssetPrices, Settings};
use serde::Serialize;

use crate::config::Config;

/// Gas of an input with a full payload, on a chain that prices calldata as Ethereum does.
const GAS_OF_A_FULL_INPUT: u64 = 2_630_000;

/// The genesis file of a deployment.
#[derive(Debug, Subcommand)]
pub enum Genesis {
    /// Write a genesis file with the default numbers
    #[command(after_help = "\
Example:
  deml genesis new --contracts 3.0.0-alpha --operator 0x70997970C51812dc3A010C7d01b50e0d17dc79C8

Put it where the build takes it from: dapp/rollup/, and name it as the Dockerfile's GENESIS.")]
    New(New),
    /// Check a genesis file; say what each number means, and what it costs an attacker
    #[command(after_help = "Example:\n  deml genesis check dapp/rollup/genesis.json")]
    Check(Check),
}

/// Arguments of `deml genesis new`.
#[derive(Clone, Debug, Args)]
pub struct New {
    /// An ERC-20 taken beside Ether, at the same prices in its smallest units; may be repeated
    #[arg(long = "take", value_name = "ADDRESS")]
    pub tokens: Vec<Address>,
    /// Account that gets the operator's part [default: nobody's, where it is lost]
    #[arg(long, value_name = "ADDRESS")]
    pub operator: Option<Address>,
    /// The numbers of `deml devnet`, with its token and its short windows: for a machine to play
    /// the demo on
    #[arg(long, conflicts_with_all = ["tokens", "operator"])]
    pub devnet: bool,
    /// File to write instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `deml genesis check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// The genesis file
    pub file: PathBuf,
}

/// A genesis file as the market reads it, with its numbers explained.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// The line of contracts that its portals are of; `None` for portals of one's own.
    pub line: Option<Line>,
    /// Its numbers.
    pub numbers: Vec<Number>,
}

/// One number of a genesis.
#[derive(Clone, Debug, Serialize)]
pub struct Number {
    /// Its key in the file.
    pub key: String,
    /// Its value, as people read it.
    pub value: String,
    /// What it means, and what it costs an attacker.
    pub means: String,
}

/// Runs the subcommand.
///
/// - Errors: `GenesisRefused`; a file cannot be read or written
pub fn run(config: &Config, genesis: Genesis) -> Result<ExitStatus> {
    match genesis {
        Genesis::New(new) => {
            let line = config.given_line().unwrap_or_default();
            let genesis = if new.devnet {
                serde_json::from_str(&devnet::market::genesis_of(line)?)?
            } else {
                serde_json::to_value(self::new(line, &new))?
            };
            match new.out {
                Some(file) => {
                    let text = format!("{}\n", serde_json::to_string_pretty(&genesis)?);
                    files::write(&file, text.as_bytes())?;
                    config.printer.say(format_args!("{} is written", file.display()));
                }
                None => config.printer.answer(&Pretty(genesis))?,
            }
        }
        Genesis::Check(check) => {
            let text = std::fs::read_to_string(&check.file)
                .with_context(|| format!("cannot read {}", check.file.display()))?;
            config.printer.answer(&self::check(&text)?)?;
        }
    }
    Ok(ExitStatus::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Pretty(serde_json::Value);

impl fmt::Display for Pretty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#}", self.0)
    }
}

/// The default genesis of a line of contracts.
#[must_use]
pub fn new(line: Line, new: &New) -> wire::Genesis {
    let contracts = line.contracts();
    let mut genesis = wire::Genesis {
        ether_portal: to_market(contracts.ether_portal),
        erc20_portal: to_market(contracts.erc20_portal),
        ..wire::Genesis::default()
    };
    let prices = genesis.settings.asset(Asset::Ether);
    for token in &new.tokens {
        genesis.settings.assets.insert(Asset::Erc20(to_market(*token)), prices);
    }
    if let Some(operator) = new.operator {
        genesis.settings.operator = to_market(operator);
    }
    genesis
}

/// Checks and explains a genesis file.
///
/// - Errors: `GenesisRefused`, as the application itself would refuse it, or portals of two lines
pub fn check(text: &str) -> Result<Checked> {
    let refused = |why: &dyn fmt::Display| Refused::new("GenesisRefused", why);
    let genesis = wire::Genesis::parse(text).map_err(|why| refused(&why))?;
    let lines = [Line::V2_2_0, Line::V3Alpha];
    let of = |portal, of: fn(Line) -> Address| {
        lines.into_iter().find(|line| to_market(of(*line)) == portal)
    };
    let ether = of(genesis.ether_portal, |line| line.contracts().ether_portal);
    let erc20 = of(genesis.erc20_portal, |line| line.contracts().erc20_portal);
    if let (Some(ether), Some(erc20)) = (ether, erc20)
        && ether != erc20
    {
        let why = format!(
            "ether_portal is of contracts {ether} and erc20_portal of {erc20}: deposits through \
             one of them would be credited to nobody"
        );
        return Err(refused(&why).into());
    }
    let settings = &genesis.settings;
    let mut numbers = vec![
        number("ether_portal", genesis.ether_portal, &portal_words("Ether", ether)),
        number("erc20_portal", genesis.erc20_portal, &portal_words("tokens", erc20)),
        number("registry", genesis.registry, "records the outcome of each job on Ethereum"),
    ];
    for (asset, prices) in &settings.assets {
        numbers.extend(of_asset(*asset, prices, settings));
    }
    numbers.extend(of_limits(settings));
    numbers.extend(of_times(settings));
    Ok(Checked { line: ether.filter(|_| ether == erc20), numbers })
}

fn number(key: impl fmt::Display, value: impl fmt::Display, means: &str) -> Number {
    Number { key: key.to_string(), value: value.to_string(), means: means.to_owned() }
}

fn portal_words(what: &str, line: Option<Line>) -> String {
    let of = line.map_or_else(|| "a contract of one's own".to_owned(), |line| format!("{line}'s"));
    format!("{of}: only its deposits of {what} are credited; money sent another way is nobody's")
}

fn of_asset(asset: Asset, prices: &AssetPrices, settings: &Settings) -> Vec<Number> {
    let AssetPrices { account_minimum, work, rent, place_bond } = *prices;
    let show = |amount: Option<Amount>| match (amount, asset) {
        (None, _) => "more than there is".to_owned(),
        (Some(amount), Asset::Ether) => format!("{} ether", decimal(amount, 18)),
        (Some(amount), Asset::Erc20(_)) => count_units(amount),
    };
    let key = |name: &str| format!("assets.{asset}.{name}");
    let hour = billions(settings.speed.float.saturating_mul(3_600));
    let mebibytes = settings.max_stored_bytes / (1 << 20);
    let ledger = account_minimum.checked_times(settings.max_balances.into());
    vec![
        number(
            key("account_minimum"),
            show(Some(account_minimum)),
            &format!("the smallest balance kept; filling the ledger locks up {}", show(ledger)),
        ),
        number(
            key("work"),
            show(Some(work)),
            &format!(
                "for a billion instructions; an hour of the machine costs {}, and twice that for \
                 each {} it lags",
                show(work.checked_times(hour)),
                duration(settings.surcharge_lag_seconds)
            ),
        ),
        number(
            key("rent"),
            show(Some(rent)),
            &format!(
                "for a mebibyte and a day in an empty store; all {mebibytes} of them cost at least \
                 {} a day, more as it fills",
                show(rent.checked_times(mebibytes))
            ),
        ),
        number(
            key("place_bond"),
            show(Some(place_bond)),
            &format!(
                "for each byte of a submission; holding a place of the largest model and not \
                 delivering it loses {}",
                show(place_bond.checked_times(settings.max_blob_bytes))
            ),
        ),
    ]
}

fn count_units(amount: Amount) -> String {
    format!("{amount} of the smallest units")
}

/// Billions in a number, rounded up.
const fn billions(instructions: u64) -> u64 {
    instructions.div_ceil(1_000_000_000)
}

fn of_limits(settings: &Settings) -> Vec<Number> {
    let inputs = settings.max_blob_bytes.div_ceil(MAX_PAYLOAD_BYTES as u64);
    let gas = inputs.saturating_mul(GAS_OF_A_FULL_INPUT) / 1_000_000;
    let float = settings.input_work.0.div_ceil(settings.speed.float.max(1));
    let integer = settings.input_work.0.div_ceil(settings.speed.integer.max(1));
    vec![
        number("operator", settings.operator, "gets the floor of the rent and a part of the work"),
        number(
            "operator_ppm",
            settings.operator_ppm,
            "of a million of the price of work; the rest is for whoever sends the input",
        ),
        number("sink", settings.sink, "gets forfeits: nobody may earn from another's default"),
        number(
            "max_blob_bytes",
            settings.max_blob_bytes,
            &format!(
                "the largest model or dataset; publishing it takes {} and about {gas} million gas",
                count(inputs, "input")
            ),
        ),
        number(
            "max_stored_bytes",
            settings.max_stored_bytes,
            "that jobs may reserve at once; the machine's memory must hold them",
        ),
        number("max_balances", settings.max_balances, "kept; further ones leave as vouchers"),
        number(
            "input_work",
            settings.input_work.0,
            &format!(
                "instructions that one input may take: {integer} s of a machine for integer work, \
                 {float} s for floating point; a node gives it 180 s"
            ),
        ),
    ]
}

fn of_times(settings: &Settings) -> Vec<Number> {
    let windows = settings.windows;
    let least = |key: &str, seconds: u64, means: &str| {
        number(format_args!("windows.{key}"), duration(seconds), means)
    };
    vec![
        number(
            "max_window_seconds",
            duration(settings.max_window_seconds),
            "the longest time that a job may be open, and money stay in it",
        ),
        least(
            "delivery_seconds",
            windows.delivery_seconds,
            "at least, for the bytes of a submission: whoever censors inputs must do so this long",
        ),
        least("reveal_seconds", windows.reveal_seconds, "at least, for keys to be revealed"),
        least("attest_seconds", windows.attest_seconds, "at least, for miners to attest"),
        least(
            "evaluation_seconds",
            windows.evaluation_seconds,
            "at least, to evaluate what is due",
        ),
        number(
            "surcharge_lag_seconds",
            duration(settings.surcharge_lag_seconds),
            "of lag double the price of work: stuffing the machine grows dear, and moves no window",
        ),
    ]
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "a genesis for contracts {line}")?,
            None => out.write_str("a genesis for portals of one's own")?,
        }
        for Number { key, value, means } in &self.numbers {
            write!(out, "\n{key}: {value}\n    {means}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: Line) -> String {
        let given = New { tokens: Vec::new(), operator: None, devnet: false, out: None };
        serde_json::to_string(&new(line, &given)).unwrap()
    }

    #[test]
    fn a_genesis_names_the_line_of_its_portals() {
        for line in [Line::V2_2_0, Line::V3Alpha] {
            assert_eq!(check(&text(line)).unwrap().line, Some(line));
        }
        let mixed = text(Line::V2_2_0).replace(
            &to_market(Line::V2_2_0.contracts().erc20_portal).to_string(),
            &to_market(Line::V3Alpha.contracts().erc20_portal).to_string(),
        );
        let why = check(&mixed).unwrap_err().to_string();
        assert!(why.contains("credited to nobody"), "{why}");
    }

    #[test]
    fn both_ready_files_are_what_new_makes() {
        for (line, file) in [
            (Line::V2_2_0, include_str!("../../../../dapp/rollup/genesis.json")),
            (Line::V3Alpha, include_str!("../../../../dapp/rollup/genesis-alpha.json")),
        ] {
            let found = wire::Genesis::parse(file).unwrap();
            assert_eq!(found, wire::Genesis::parse(&text(line)).unwrap(), "{line}");
        }
    }
}
