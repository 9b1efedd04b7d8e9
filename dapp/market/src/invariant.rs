//! What must be so. Where it is not, the program is wrong: it panics, which is caught and undone,
//! so that nothing is paid by a broken rule.

use crate::units::Amount;

/// The value that an invariant says is there.
///
/// - Panics: if it is not, which is a bug
#[expect(clippy::panic, reason = "a broken invariant must not pass in silence")]
#[track_caller]
pub(crate) fn there<T>(value: Option<T>, invariant: &str) -> T {
    match value {
        Some(value) => value,
        None => panic!("broken invariant: {invariant}"),
    }
}

/// The value of a move that an invariant says is possible.
///
/// - Panics: if it is not, which is a bug
#[track_caller]
pub(crate) fn possible<T, E>(value: Result<T, E>, invariant: &str) -> T {
    there(value.ok(), invariant)
}

/// The sum of what a job holds.
///
/// - Panics: if the ledger could not hold it, which is a bug
#[track_caller]
pub(crate) fn sum(parts: impl IntoIterator<Item = Amount>) -> Amount {
    let sum = parts.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
    there(sum, "what a job holds fits the ledger")
}

/// What is left of a sum without one of its parts.
///
/// - Panics: if the part is larger, which is a bug
#[track_caller]
pub(crate) fn less(sum: Amount, part: Amount) -> Amount {
    there(sum.checked_sub(part), "a part is no more than the whole")
}
