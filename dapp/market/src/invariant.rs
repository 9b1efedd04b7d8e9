//! Invariants. A broken one is a bug: the program panics, which is caught and undone, so that
//! nothing is paid by a broken rule.

use crate::units::Amount;

/// The value, which an invariant guarantees to exist.
///
/// - Panics: if it does not, which is a bug
#[expect(clippy::panic, reason = "a broken invariant must not pass in silence")]
#[track_caller]
pub(crate) fn there<T>(value: Option<T>, invariant: &str) -> T {
    match value {
        Some(value) => value,
        None => panic!("broken invariant: {invariant}"),
    }
}

/// The result of a transfer, which an invariant guarantees to succeed.
///
/// - Panics: if it failed, which is a bug
#[track_caller]
pub(crate) fn possible<T, E>(value: Result<T, E>, invariant: &str) -> T {
    there(value.ok(), invariant)
}

/// The sum of amounts that a job holds.
///
/// - Panics: if it overflows, which is a bug
#[track_caller]
pub(crate) fn sum(parts: impl IntoIterator<Item = Amount>) -> Amount {
    let sum = parts.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
    there(sum, "what a job holds fits the ledger")
}

/// An amount less one of its parts.
///
/// - Panics: if the part is larger, which is a bug
#[track_caller]
pub(crate) fn less(sum: Amount, part: Amount) -> Amount {
    there(sum.checked_sub(part), "a part is no more than the whole")
}
