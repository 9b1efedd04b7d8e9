//! Reading and writing files that users specify, with errors that contain the path.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use blobs::{BlobRef, Profile, blob_ref};

/// The largest file to read, in bytes: far above the market's limits.
const FILE_BYTES_MAX: u64 = 256 * 1_024 * 1_024;

/// The UnixFS profile of files: Kubo's `--cid-version=1 --raw-leaves`.
pub const PROFILE: Profile = Profile::Kubo;

/// A file, read into memory.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its name and size as the market states them.
    pub blob: BlobRef,
}

/// Reads a whole file.
///
/// - Errors: missing, too large or not a regular file
pub fn read(path: &Path) -> Result<File> {
    let bytes = read_within(path, FILE_BYTES_MAX)?;
    let blob = blob_ref(&bytes, PROFILE);
    Ok(File { path: path.to_owned(), bytes, blob })
}

/// The bytes of a file of at most `most` bytes.
///
/// - Errors: missing, too large or not a regular file
pub fn read_within(path: &Path, most: u64) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let size = fs::metadata(path).with_context(cannot)?.len();
    ensure!(size <= most, "{} has {size} bytes: too large", path.display());
    fs::read(path).with_context(cannot)
}

/// Writes a file atomically.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(cannot)?;
    std::io::Write::write_all(&mut file, bytes).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}
