//! Memory that a piece of work takes, as its thread's allocator sees it.

/// What `work` returns.
///
/// - Panics: if at any moment it held more than `limit` bytes beyond what was held before
pub(crate) fn within<T>(limit: usize, what: &str, work: impl FnOnce() -> T) -> T {
    let (held, result) = peak(work);
    assert!(held <= limit, "{what} took {held} bytes, its bound is {limit}");
    result
}

/// The most bytes `work` held at once, and what it returns.
pub(crate) fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let mut result = None;
    let measured = allocation_counter::measure(|| result = Some(work()));
    let held = usize::try_from(measured.bytes_max).unwrap_or(usize::MAX);
    (held, result.expect("the work was done"))
}

/// By how many bytes `work` has changed what is held; freed memory counts against allocated.
pub(crate) fn kept<T>(work: impl FnOnce() -> T) -> (i64, T) {
    let mut result = None;
    let measured = allocation_counter::measure(|| result = Some(work()));
    (measured.bytes_current, result.expect("the work was done"))
}
