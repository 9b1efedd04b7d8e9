//! Memory that a piece of work uses, as measured by its thread's allocator.

/// Returns the result of `work`.
///
/// - Panics: if at any moment it held more than `limit` bytes beyond those held before
pub(crate) fn within<T>(limit: usize, what: &str, work: impl FnOnce() -> T) -> T {
    let (held, result) = peak(work);
    assert!(held <= limit, "{what} took {held} bytes, its bound is {limit}");
    result
}

/// The peak of bytes that `work` held, and its result.
pub(crate) fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let mut result = None;
    let measured = allocation_counter::measure(|| result = Some(work()));
    let held = usize::try_from(measured.bytes_max).unwrap_or(usize::MAX);
    (held, result.expect("the work was done"))
}

/// The change in bytes held by `work`, and its result; freed bytes count as negative.
pub(crate) fn kept<T>(work: impl FnOnce() -> T) -> (i64, T) {
    let mut result = None;
    let measured = allocation_counter::measure(|| result = Some(work()));
    (measured.bytes_current, result.expect("the work was done"))
}
