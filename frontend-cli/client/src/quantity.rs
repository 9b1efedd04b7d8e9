//! Amounts, shares and deadlines, parsed and formatted for people; exact, never through floats.

use std::{fmt, str::FromStr};

use anyhow::{Context, Error, Result, bail, ensure};
use market::{Amount, Asset, Score, Timestamp, U256};
use serde::Deserialize;
pub use wire::decimal;
pub use words::{
    ETHER_DECIMALS,
    time::{date, duration},
};

/// A number with a decimal point: `mantissa / 10^places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    mantissa: U256,
    places: u32,
}

impl Decimal {
    /// This number times `10^decimals`, if that is an integer of at most 256 bits.
    fn scaled(self, decimals: u32) -> Option<U256> {
        let ten = U256::from(10);
        if decimals >= self.places {
            return ten.checked_pow((decimals - self.places).into())?.checked_mul(self.mantissa);
        }
        let divisor = ten.checked_pow((self.places - decimals).into())?;
        let (whole, rest) = self.mantissa.div_mod(divisor);
        rest.is_zero().then_some(whole)
    }
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}").replace('_', "");
        let is_number = !whole.is_empty()
            && text.ends_with(|last: char| last.is_ascii_digit())
            && digits.bytes().all(|digit| digit.is_ascii_digit());
        ensure!(is_number, "{text:?} is not a number like 12 or 0.5");
        let mantissa = U256::from_dec_str(&digits).ok().context("the number is too large")?;
        let places = u32::try_from(fraction.len()).context("the number is too long")?;
        Ok(Self { mantissa, places })
    }
}

/// The unit of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Ether, or a fraction of it, with this many decimal places.
    Ether(u8),
    /// Whole tokens; the token contract states its decimal places.
    Token,
    /// The token's smallest units.
    TokenUnits,
}

/// An amount with its unit: `0.5ether`, `20gwei`, `1wei`, `100token`, `7units`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Money {
    number: Decimal,
    /// Its unit.
    pub unit: Unit,
}

impl Money {
    /// The amount in smallest units; `token_decimals` applies to tokens only.
    ///
    /// - Errors: finer than the smallest unit, or above 256 bits
    pub fn amount(self, token_decimals: u8) -> Result<Amount> {
        let decimals = match self.unit {
            Unit::Ether(decimals) => decimals,
            Unit::Token => token_decimals,
            Unit::TokenUnits => 0,
        };
        let amount = self.number.scaled(decimals.into());
        amount.map(Amount).context("the amount is finer than the smallest unit, or too large")
    }

    /// Whether it is nothing, in any unit.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.number.mantissa.is_zero()
    }
}

impl FromStr for Money {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let end = text.find(|part: char| part.is_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = match unit.trim() {
            "ether" | "eth" => Unit::Ether(ETHER_DECIMALS),
            "gwei" => Unit::Ether(9),
            "wei" => Unit::Ether(0),
            "token" | "tokens" => Unit::Token,
            "units" | "unit" => Unit::TokenUnits,
            _ => bail!("{text:?} needs a unit: 0.5ether, 20gwei, 1wei, 100token or 7units"),
        };
        Ok(Self { number: number.trim().parse()?, unit })
    }
}

/// An amount that is paid, deposited or withdrawn: more than nothing.
///
/// - Errors: zero, or not an amount
pub fn payment(text: &str) -> Result<Money> {
    let money: Money = text.parse()?;
    ensure!(!money.is_zero(), "{text:?} is nothing: say an amount above zero");
    Ok(money)
}

impl TryFrom<String> for Money {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// A share: `91.5%` or `915000ppm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Share(pub Score);

impl FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let ppm = if let Some(percent) = text.strip_suffix('%') {
            percent.trim().parse::<Decimal>()?.scaled(4)
        } else if let Some(ppm) = text.strip_suffix("ppm") {
            ppm.trim().parse::<Decimal>()?.scaled(0)
        } else {
            bail!("{text:?} needs a unit: 91.5% or 915000ppm");
        };
        let ppm = ppm.filter(|ppm| *ppm <= U256::from(Score::MAX.0));
        let ppm =
            ppm.with_context(|| format!("{text:?} is not between 0% and 100%, by 0.0001%"))?;
        Ok(Self(Score(ppm.low_u32())))
    }
}

impl TryFrom<String> for Share {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// A point in time: a duration from now (`2h`, `1d12h`, `2 weeks`), a date in UTC (`2030-01-31`,
/// `2030-01-31T18:00`, or with its own offset), or Unix time in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Deadline {
    /// Seconds from now.
    In(u64),
    /// Unix time in seconds.
    At(Timestamp),
}

impl Deadline {
    /// The point in time, if it is `now`.
    #[must_use]
    pub const fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::In(seconds) => now.after(seconds),
            Self::At(moment) => moment,
        }
    }
}

impl FromStr for Deadline {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        const EXAMPLE: &str = "write a duration like 2h, 1d12h or 2weeks, or a date like 2030-01-31 \
                               or 2030-01-31T18:00 (UTC)";
        if let Ok(seconds) = text.parse() {
            ensure!(seconds >= 1_000_000_000, "{text:?} is before the year 2002: {EXAMPLE}");
            return Ok(Self::At(Timestamp(seconds)));
        }
        let is_date = text.get(..5).is_some_and(|year| year.ends_with('-'));
        let seconds = if is_date { moment(text) } else { length(text) };
        let seconds = seconds.with_context(|| format!("{text:?} is not a deadline: {EXAMPLE}"))?;
        Ok(if is_date { Self::At(Timestamp(seconds)) } else { Self::In(seconds) })
    }
}

/// Unix time in seconds of a date, in UTC unless it has an offset.
fn moment(text: &str) -> Option<u64> {
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let written: jiff::civil::DateTime = text.parse().ok()?;
        Some(written.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    u64::try_from(moment?.as_second()).ok()
}

/// Seconds of a duration, whose days have 24 hours; none of months and years, which differ.
fn length(text: &str) -> Option<u64> {
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    u64::try_from(length.as_secs()).ok().filter(|seconds| *seconds > 0)
}

impl TryFrom<String> for Deadline {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// Formats parts per million as a percentage with three decimals, rounded down.
#[must_use]
pub fn percent(score: Score) -> String {
    format!("{score:#}")
}

/// Formats an amount of an asset whose decimal places nobody was asked for: in ether, or in the
/// token's smallest units.
#[must_use]
pub fn money(asset: Asset, amount: Amount) -> String {
    match asset {
        Asset::Ether => format!("{} ether", decimal(amount, ETHER_DECIMALS)),
        Asset::Erc20(token) => format!("{amount} units of {token}"),
    }
}

/// Formats a number of things, with the plural.
#[must_use]
pub fn count(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Formats a point in time as a date, with the time until it or since.
#[must_use]
pub fn date_until(moment: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", date(moment), until(moment, now))
}

/// Formats the time until `moment`, or since.
#[must_use]
pub fn until(moment: Timestamp, now: Timestamp) -> impl fmt::Display {
    if moment >= now {
        format!("in {}", duration(moment.0 - now.0))
    } else {
        format!("{} ago", duration(now.0 - moment.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        let cases = [
            ("0.5ether", Some(500_000_000_000_000_000)),
            ("0.5 ether", Some(500_000_000_000_000_000)),
            ("1eth", Some(1_000_000_000_000_000_000)),
            ("0.000000000000000001ether", Some(1)),
            ("0.0000000000000000001ether", None),
            ("0.0000000000000000010ether", Some(1)),
            ("20gwei", Some(20_000_000_000)),
            ("1_000wei", Some(1_000)),
            ("100token", Some(100_000_000)),
            ("1.5token", Some(1_500_000)),
            ("7units", Some(7)),
            ("0.5units", None),
            ("5", None),
            ("ether", None),
            ("-1ether", None),
            (".5ether", None),
            ("5.ether", None),
            ("1.2.3ether", None),
            ("1e3ether", None),
            ("", None),
            ("5dollars", None),
        ];
        for (text, amount) in cases {
            let read = text.parse::<Money>().and_then(|money| money.amount(6)).ok();
            assert_eq!(read, amount.map(Amount::new), "{text:?}");
        }
        let huge = format!("{}ether", "9".repeat(70));
        assert!(huge.parse::<Money>().unwrap().amount(0).is_err());
    }

    #[test]
    fn nothing_is_no_payment() {
        for text in ["0ether", "0.000 ether", "0wei", "00token"] {
            let said = payment(text).unwrap_err().to_string();
            assert!(said.contains("is nothing"), "{text}: {said}");
        }
        assert_eq!(payment("1wei").unwrap(), "1wei".parse().unwrap());
    }

    #[test]
    fn shares_are_read_exactly() {
        let cases = [
            ("91.5%", Some(915_000)),
            ("100%", Some(1_000_000)),
            ("0%", Some(0)),
            ("0.0001%", Some(1)),
            ("0.00001%", None),
            ("915000ppm", Some(915_000)),
            ("1.5ppm", None),
            ("100.1%", None),
            ("91.5", None),
            ("%", None),
            ("-1%", None),
        ];
        for (text, ppm) in cases {
            assert_eq!(text.parse().ok(), ppm.map(|ppm| Share(Score(ppm))), "{text:?}");
        }
    }

    #[test]
    fn deadlines_are_durations_or_dates() {
        let cases = [
            ("90s", Some(Deadline::In(90))),
            ("2h", Some(Deadline::In(7_200))),
            ("1d12h", Some(Deadline::In(129_600))),
            ("1767225600", Some(Deadline::At(Timestamp(1_767_225_600)))),
            ("3600", None),
            ("2", None),
            ("h", None),
            ("2h3", None),
            ("0s", None),
            ("", None),
            ("99999999999999999999d", None),
            ("2w", Some(Deadline::In(1_209_600))),
            ("1 week 2 days", Some(Deadline::In(777_600))),
            ("10m", Some(Deadline::In(600))),
            ("2 h", Some(Deadline::In(7_200))),
            ("P1DT12H", Some(Deadline::In(129_600))),
            ("1mo", None),
            ("1y", None),
            ("-2h", None),
            ("2h ago", None),
            ("2030-01-31", Some(Deadline::At(Timestamp(1_896_048_000)))),
            ("2030-01-31T18:00", Some(Deadline::At(Timestamp(1_896_112_800)))),
            ("2030-01-31 18:00:30", Some(Deadline::At(Timestamp(1_896_112_830)))),
            ("2030-01-31T18:00Z", Some(Deadline::At(Timestamp(1_896_112_800)))),
            ("2030-01-31T19:00+01:00", Some(Deadline::At(Timestamp(1_896_112_800)))),
            ("2030-02-30", None),
            ("1960-01-01", None),
        ];
        for (text, deadline) in cases {
            assert_eq!(text.parse().ok(), deadline, "{text:?}");
        }
        assert_eq!(Deadline::In(5).from(Timestamp(10)), Timestamp(15));
    }

    #[test]
    fn quantities_are_shown_as_people_read_them() {
        assert_eq!(percent(Score(915_007)), "91.500 %");
        assert_eq!(percent(Score(1_000_000)), "100.000 %");
        assert_eq!(percent(Score(9)), "0.000 %");
        assert_eq!(decimal(Amount::new(500_000_000_000_000_000), 18), "0.5");
        assert_eq!(decimal(Amount::new(1), 18), "0.000000000000000001");
        assert_eq!(decimal(Amount::new(120), 0), "120");
        assert_eq!(decimal(Amount::ZERO, 18), "0");
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(7_260), "2 h 1 min");
        assert_eq!((count(1, "input"), count(0, "input")), ("1 input".into(), "0 inputs".into()));
        assert_eq!(date(Timestamp(1_896_112_830)), "2030-01-31 18:00:30 UTC");
        assert_eq!(date(Timestamp(u64::MAX)), "18446744073709551615 s after 1970");
        assert_eq!(until(Timestamp(100), Timestamp(190)).to_string(), "1 min 30 s ago");
    }
}
