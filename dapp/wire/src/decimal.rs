//! Amounts as people write them.

use market::Amount;

/// Formats an amount in whole units, exactly, without trailing zeros.
#[must_use]
pub fn decimal(amount: Amount, decimals: u8) -> String {
    let digits = format!("{:0>width$}", amount.to_string(), width = usize::from(decimals) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}
