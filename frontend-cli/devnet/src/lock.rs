//! One devnet per folder: a lock that the operating system releases whenever the process ends.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A program that was being started as the last devnet ended holds its files for a moment, until it
/// runs.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(30);

/// Held while a devnet uses a folder.
pub(super) struct FolderLock(
    #[expect(dead_code, reason = "the lock lives as long as the file")] File,
);

impl FolderLock {
    /// - Errors: another devnet uses the folder
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let context = || format!("cannot lock {}", path.display());
        let file = File::create(&path).with_context(context)?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(error).with_context(context),
            }
        }
        bail!(
            "a devnet already runs in {}: stop it, or give another folder with --dir",
            folder.display()
        )
    }
}
