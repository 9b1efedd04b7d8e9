//! One devnet per folder: a lock that the operating system releases whenever the process ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result, bail};

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
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => bail!(
                "a devnet already runs in {}: stop it, or give another folder with --dir",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(context),
        }
    }
}
