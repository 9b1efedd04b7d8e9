//! Ctrl-C and requests to end, for commands that have something to put away first.

use anyhow::{Context, Result};
use client::printer::Interrupted;
use tokio::signal::unix::{SignalKind, signal};

/// Does the work until it is done or interrupted; then it is dropped, with all that it owns.
///
/// - Errors: [`Interrupted`], or the work's own
pub async fn until_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut terminated = signal(SignalKind::terminate()).context("cannot watch for signals")?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
        _ = terminated.recv() => Err(Interrupted.into()),
    }
}
