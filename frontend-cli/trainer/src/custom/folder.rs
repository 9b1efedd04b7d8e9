//! A trainer's files: a folder, or one blob that has a CID.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context, Result, ensure};
use client::{files, printer::Refused};
use serde::{Deserialize, Serialize};

use super::manifest::{MANIFEST, Manifest, TrainerKind, is_plain};

/// Most files of a trainer.
const FILES_MAX: usize = 256;
/// Most bytes of all of them.
const BYTES_MAX: u64 = 64 * 1_024 * 1_024;
/// The first bytes of a packed trainer.
const MAGIC: &[u8] = b"deml trainer 1\n";

/// A trainer's manifest and its files in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trainer {
    /// The manifest.
    pub manifest: Manifest,
    files: Vec<TrainerFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TrainerFile {
    /// Path in the folder, with `/` between its parts.
    path: String,
    bytes: Vec<u8>,
}

impl Trainer {
    /// Reads a folder: its manifest, its entry, and of a Python trainer all scripts beside it.
    /// Files and folders whose name begins with a dot, and `target`, are left out.
    ///
    /// - Errors: `UnfitTrainer`; a file cannot be read
    pub fn read(folder: &Path) -> Result<Self> {
        let manifest = folder.join(MANIFEST);
        let text = files::read_within(&manifest, BYTES_MAX)
            .with_context(|| format!("no trainer is in {}", folder.display()))?;
        let manifest = Manifest::read(&String::from_utf8_lossy(&text))?;
        let mut paths = vec![MANIFEST.to_owned(), manifest.entry.clone()];
        if manifest.kind == TrainerKind::Python {
            collect(folder, "", &mut paths)?;
        }
        paths.sort();
        paths.dedup();
        ensure!(paths.len() <= FILES_MAX, unfit(format_args!("more than {FILES_MAX} files")));
        let mut left = BYTES_MAX;
        let mut files = Vec::new();
        for path in paths {
            let bytes = files::read_within(&folder.join(&path), left)?;
            left -= bytes.len() as u64;
            files.push(TrainerFile { path, bytes });
        }
        Ok(Self { manifest, files })
    }

    /// Reads a packed trainer, which may be a stranger's.
    ///
    /// - Errors: `UnfitTrainer`
    pub fn unpack(bytes: &[u8]) -> Result<Self> {
        let broken = || unfit("it is no packed trainer");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(broken)?;
        let files: Vec<TrainerFile> = postcard::from_bytes(rest).map_err(|_| broken())?;
        let in_order = files.is_sorted_by(|one, two| one.path < two.path);
        let is_fit = files.iter().all(|file| is_plain(&file.path)) && files.len() <= FILES_MAX;
        ensure!(in_order && is_fit, broken());
        let manifest = files.iter().find(|file| file.path == MANIFEST).ok_or_else(broken)?;
        let manifest = Manifest::read(&String::from_utf8_lossy(&manifest.bytes))?;
        let trainer = Self { manifest, files };
        ensure!(trainer.pack()? == bytes, broken());
        Ok(trainer)
    }

    /// The blob of all files; equal files give equal bytes.
    ///
    /// - Errors: none for files that were read
    pub fn pack(&self) -> Result<Vec<u8>> {
        let files = postcard::to_allocvec(&self.files).context("the files cannot be packed")?;
        Ok([MAGIC, &files].concat())
    }

    /// Writes the files into a folder; the entry may be executed.
    ///
    /// - Errors: they cannot be written
    pub fn write(&self, folder: &Path) -> Result<()> {
        for TrainerFile { path, bytes } in &self.files {
            let to = folder.join(path);
            fs::create_dir_all(to.parent().unwrap_or(folder))?;
            files::write(&to, bytes)?;
            if *path == self.manifest.entry {
                fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
            }
        }
        Ok(())
    }

    /// The paths of its files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }
}

fn unfit(why: impl std::fmt::Display) -> Refused {
    Refused::new("UnfitTrainer", why)
}

/// Adds the paths of all files below `folder/within`.
fn collect(folder: &Path, within: &str, paths: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder.join(within))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" || name == "__pycache__" {
            continue;
        }
        let path = if within.is_empty() { name } else { format!("{within}/{name}") };
        match entry.file_type()? {
            kind if kind.is_dir() => collect(folder, &path, paths)?,
            kind if kind.is_file() => paths.push(path),
            // A link may lead anywhere.
            _ => {}
        }
        ensure!(paths.len() <= 2 * FILES_MAX, unfit(format_args!("more than {FILES_MAX} files")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trainer_is_packed_and_unpacked_to_the_same_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(MANIFEST, "kind = \"python\"\nentry = \"train.py\"\n");
        write("train.py", "print()");
        write("lib/net.py", "pass");
        write(".git/config", "secret");
        let trainer = Trainer::read(folder.path()).unwrap();
        assert_eq!(trainer.paths().collect::<Vec<_>>(), ["lib/net.py", "train.py", MANIFEST]);
        let packed = trainer.pack().unwrap();
        assert_eq!(Trainer::unpack(&packed).unwrap(), trainer);
        let to = tempfile::tempdir().unwrap();
        trainer.write(to.path()).unwrap();
        assert_eq!(Trainer::read(to.path()).unwrap(), trainer);
        for broken in [&packed[..packed.len() - 1], &[&packed[..], b"x"].concat(), b""] {
            assert!(Trainer::unpack(broken).is_err());
        }
    }

    #[test]
    fn a_packed_trainer_cannot_write_outside_of_its_folder() {
        for path in ["../x", "/x", "a/../../x", ""] {
            let manifest = "kind = \"python\"\nentry = \"train.py\"\n".into();
            let file = |path: &str, bytes| TrainerFile { path: path.to_owned(), bytes };
            let mut files = vec![file(path, Vec::new()), file(MANIFEST, manifest)];
            files.sort_by(|one, two| one.path.cmp(&two.path));
            let packed = [MAGIC, &postcard::to_allocvec(&files).unwrap()].concat();
            assert!(Trainer::unpack(&packed).is_err(), "{path}");
        }
    }
}
