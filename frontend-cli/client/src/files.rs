//! Reading and writing files that users specify, with errors that contain the path.

use std::{
    fs::{self, Metadata, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
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

/// Mode of new files, less the user's mask; and of those with secrets.
const MODE: u32 = 0o666;
const PRIVATE_MODE: u32 = 0o600;

/// Reads a whole file.
///
/// - Errors: missing or too large
pub fn read(path: &Path) -> Result<File> {
    let bytes = read_within(path, FILE_BYTES_MAX)?;
    let blob = blob_ref(&bytes, PROFILE);
    Ok(File { path: path.to_owned(), bytes, blob })
}

/// The bytes of a file of at most `most` bytes; a pipe or a device is read up to its end.
///
/// - Errors: missing or too large
pub fn read_within(path: &Path, most: u64) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let file = fs::File::open(path).with_context(|| match path.to_string_lossy() {
        name if name.starts_with("ipfs://") => {
            format!("{name} is not here yet: `deml model get --cid {name} --out FILE` fetches it")
        }
        _ => cannot(),
    })?;
    let size = file.metadata().with_context(cannot)?.len();
    ensure!(size <= most, "{} has {size} bytes: too large", path.display());
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).with_context(cannot)?;
    ensure!(bytes.len() as u64 <= most, "{} has over {most} bytes: too large", path.display());
    Ok(bytes)
}

/// Writes a file: at once if it is an ordinary one, which keeps its mode, and in place if the path
/// is a link or a device.
///
/// - Errors: it cannot be written; an ordinary file is then as it was
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, bytes, MODE).with_context(|| format!("cannot write {}", path.display()))
}

/// The same for secrets: only this user can read a new file.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    write_with(path, bytes, PRIVATE_MODE).with_context(cannot)
}

fn write_with(path: &Path, bytes: &[u8], new_mode: u32) -> io::Result<()> {
    let old = match fs::symlink_metadata(path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if old.as_ref().is_some_and(|old| !is_alone(old)) {
        return fs::write(path, bytes);
    }
    let mode = old.as_ref().map_or(new_mode, Metadata::mode);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    let is_ours = |old: &Metadata| -> io::Result<bool> {
        let new = file.as_file().metadata()?;
        Ok((old.uid(), old.gid()) == (new.uid(), new.gid()))
    };
    if let Some(old) = &old {
        if !is_ours(old)? {
            return fs::write(path, bytes);
        }
        // The mask applies to new files only.
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

/// Whether another file can take this one's place unnoticed: an ordinary file of one name.
fn is_alone(file: &Metadata) -> bool {
    file.is_file() && file.nlink() == 1
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_and_modes_outlast_writing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("target"), "old").unwrap();
        fs::set_permissions(path("target"), Permissions::from_mode(0o640)).unwrap();
        symlink(path("target"), path("link")).unwrap();
        symlink(path("made"), path("dangling")).unwrap();
        fs::hard_link(path("target"), path("twin")).unwrap();
        for name in ["target", "link", "twin", "target"] {
            write(&path(name), name.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(path("target")).unwrap(), name);
            assert_eq!(fs::read_to_string(path("twin")).unwrap(), name);
            assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
            assert_eq!(fs::metadata(path("target")).unwrap().mode() & 0o777, 0o640);
        }
        fs::remove_file(path("twin")).unwrap();
        write(&path("target"), b"alone").unwrap();
        assert_eq!(fs::read_to_string(path("link")).unwrap(), "alone");
        assert_eq!(fs::metadata(path("target")).unwrap().mode() & 0o777, 0o640);
        write(&path("dangling"), b"made").unwrap();
        assert_eq!(fs::read_to_string(path("made")).unwrap(), "made");
    }

    #[test]
    fn new_files_have_the_mode_of_their_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("plain"), "").unwrap();
        write(&path("ours"), b"").unwrap();
        write_private(&path("secret"), b"").unwrap();
        let mode = |name: &str| fs::metadata(path(name)).unwrap().mode() & 0o777;
        assert_eq!((mode("ours"), mode("secret")), (mode("plain"), 0o600));
    }

    #[test]
    fn devices_stay_devices() {
        write(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let error = format!("{:#}", write(Path::new("/dev/full"), b"x").unwrap_err());
        assert!(error.starts_with("cannot write /dev/full: No space left"), "{error}");
        let error = format!("{:#}", read_within(Path::new("/dev/zero"), 1_000).unwrap_err());
        assert_eq!(error, "/dev/zero has over 1000 bytes: too large");
    }
}
