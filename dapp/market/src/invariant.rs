//! What must be so. Where it is not, the program is wrong: it panics, which is caught and undone,
//! so that nothing is paid by a broken rule.

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
