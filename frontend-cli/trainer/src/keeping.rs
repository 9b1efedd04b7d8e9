//! What a training leaves on disk while it runs: the best model and a checkpoint. Each file is
//! replaced whole by a rename, so that whoever is killed leaves the one before or the one after.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use client::{files, printer::Refused};
use eval::train::{Checkpoint, Course};

/// The largest checkpoint to read, in bytes: far above those of models that the market takes.
const CHECKPOINT_BYTES_MAX: u64 = 4 * 1_024 * 1_024 * 1_024;

/// Where a training's files are.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    model: PathBuf,
    checkpoint: PathBuf,
    /// The epoch of the model on disk; zero if there is none yet.
    written: u32,
}

impl Keeping {
    /// A training whose best model goes to this file.
    ///
    /// - Errors: no file can be written there
    pub(crate) fn at(model: &Path) -> Result<Self> {
        let checkpoint = with_suffix(model, "checkpoint");
        for path in [model, &checkpoint] {
            try_writing(path)?;
        }
        Ok(Self { model: model.to_owned(), checkpoint, written: 0 })
    }

    /// The checkpoint to go on from, if that is wanted.
    ///
    /// - Errors: `NoCheckpoint` if there is none; `CheckpointExists` if there is one that nobody
    ///   asked for: it may be the work of hours
    pub(crate) fn checkpoint(&self, resume: bool) -> Result<Option<Checkpoint>> {
        let (path, exists) = (self.checkpoint.display(), self.checkpoint.exists());
        match (resume, exists) {
            (false, false) => Ok(None),
            (true, false) => {
                let why = format_args!("there is no {path}; leave out --resume to begin");
                Err(Refused::new("NoCheckpoint", why).into())
            }
            (false, true) => {
                let why = format_args!(
                    "{path} is of a training that did not end; go on with --resume, or remove it"
                );
                Err(Refused::new("CheckpointExists", why).into())
            }
            (true, true) => {
                let cannot = || format!("{path} is no checkpoint; remove it to begin anew");
                read_checkpoint(&self.checkpoint).with_context(cannot).map(Some)
            }
        }
    }

    /// Keeps the checkpoint and, with `is_final`, the best model, if it is a new one and better
    /// than the base: the model as it may leave, to which nothing is done once the training ends.
    ///
    /// - Errors: the disk is full, or something of the kind
    pub(crate) fn keep(&mut self, course: &Course<'_>, is_final: bool) -> Result<()> {
        let best = course.best().number;
        if is_final && best > self.written {
            self.write_model(&course.best_file()?)?;
            self.written = best;
        }
        replace(&self.checkpoint, &bytes_of(course)?)
    }

    /// Writes the model.
    ///
    /// - Errors: it cannot be written
    pub(crate) fn write_model(&self, onnx: &[u8]) -> Result<()> {
        replace(&self.model, onnx)
    }

    /// Removes the checkpoint: the training is over.
    ///
    /// - Errors: it cannot be removed
    pub(crate) fn forget(&self) -> Result<()> {
        if self.checkpoint.exists() {
            let cannot = || format!("cannot remove {}", self.checkpoint.display());
            fs::remove_file(&self.checkpoint).with_context(cannot)?;
        }
        Ok(())
    }
}

/// The bytes of a checkpoint.
///
/// - Errors: none that is known
pub(crate) fn bytes_of(course: &Course<'_>) -> Result<Vec<u8>> {
    postcard::to_allocvec(&course.checkpoint()).context("no checkpoint")
}

/// Reads a checkpoint.
///
/// - Errors: there is none, or it is broken
pub(crate) fn read_checkpoint(path: &Path) -> Result<Checkpoint> {
    Ok(postcard::from_bytes(&files::read_within(path, CHECKPOINT_BYTES_MAX)?)?)
}

/// Makes sure that a file can be written, before hours of work depend on it.
///
/// - Errors: it is a folder, or its folder is missing or forbids it
pub(crate) fn try_writing(path: &Path) -> Result<()> {
    ensure!(!path.is_dir(), "{} is a folder: name a file", path.display());
    let partial = with_suffix(path, "partial");
    let cannot = || format!("cannot write {}", path.display());
    fs::File::create(&partial).with_context(cannot)?;
    fs::remove_file(&partial).with_context(cannot)
}

/// Replaces a file by these bytes. The name of what is not whole yet is always the same, so that
/// none is left over by the next time.
///
/// - Errors: it cannot be written
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = with_suffix(path, "partial");
    let written = fs::File::create(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_tried_and_replaced_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        try_writing(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        for bytes in [&b"one"[..], b"another"] {
            replace(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        assert!(try_writing(folder.path()).is_err());
        assert!(try_writing(&folder.path().join("absent/model.onnx")).is_err());
    }

    #[test]
    fn a_checkpoint_is_neither_lost_nor_made_up() {
        let folder = tempfile::tempdir().unwrap();
        let keeping = Keeping::at(&folder.path().join("model.onnx")).unwrap();
        assert_eq!(keeping.checkpoint(false).unwrap(), None);
        let refused = |resume| keeping.checkpoint(resume).unwrap_err().to_string();
        assert!(refused(true).starts_with("no checkpoint"));
        fs::write(&keeping.checkpoint, b"half").unwrap();
        assert!(refused(false).starts_with("checkpoint exists"));
        assert!(refused(true).contains("is no checkpoint"));
        keeping.forget().unwrap();
        assert_eq!(keeping.checkpoint(false).unwrap(), None);
    }
}
