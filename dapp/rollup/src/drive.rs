//! The drive: a folder of blobs shipped with the deployment.

use std::{fs, io, path::Path};

use blobs::{Cid, Profile, cid_of};

use crate::guard::say;

/// The files of a folder, each under its possible CIDs; hidden, empty and too large files are
/// skipped.
///
/// A file of one leaf has the same CID under any profile; a larger one is kept under both.
///
/// - Errors: the folder or a file cannot be read
pub fn read_drive(folder: &Path, max_blob_bytes: u64) -> io::Result<Vec<(Cid, Vec<u8>)>> {
    let mut blobs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let metadata = fs::metadata(&path)?;
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if hidden || !metadata.is_file() || metadata.len() == 0 {
            continue;
        }
        if metadata.len() > max_blob_bytes {
            say(&format!("{} is left out: over {max_blob_bytes} bytes", path.display()));
            continue;
        }
        let bytes = fs::read(&path)?;
        let [kubo, unixfs] = [Profile::Kubo, Profile::UnixfsV1].map(|p| cid_of(&bytes, p));
        if unixfs != kubo {
            blobs.push((unixfs, bytes.clone()));
        }
        blobs.push((kubo, bytes));
    }
    Ok(blobs)
}
