//! What a worker leaves in a task's folder: what its trainer says while it runs, and the result.
//!
//! A worker may be lost and another take its place, or be thought lost and go on: each attempt
//! writes files of its own, and the first result stays.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use blobs::Cid;
use client::{
    files,
    printer::{Printer, Refused, one_line},
};
use serde::{Deserialize, Serialize};

use crate::{keeping, local};

const RESULT: &str = "result.json";
const SAID: &str = "said.jsonl";
/// The largest output that is read back, in bytes.
const OUTPUT_BYTES_MAX: u64 = 1_024 * 1_024 * 1_024;

/// What came of a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaskOutcome {
    /// The computer that worked on it.
    pub(crate) worker: String,
    /// What kept the trainer in, all of which held.
    pub(crate) held: Vec<String>,
    /// The output, or why there is none.
    pub(crate) made: Result<Output, Refused>,
    /// The output's bytes, once they are read.
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
}

/// A file in the task's folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Output {
    name: String,
    cid: Cid,
}

/// A line of an attempt.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    /// The computer and process.
    by: String,
    /// What it said; `None` when it begins.
    line: Option<String>,
}

/// What a trainer says of its progress; all of it is a stranger's word.
#[derive(Debug, Deserialize)]
struct ProgressLine {
    epoch: u32,
    epochs: Option<u32>,
    loss: Option<f64>,
    score: Option<f64>,
}

/// An attempt at a task.
pub(crate) struct Attempt {
    task: PathBuf,
    by: String,
    said: File,
}

impl Attempt {
    /// Begins an attempt, and says so.
    ///
    /// - Errors: the task's folder cannot be written to
    pub(crate) fn begin(task: &Path, worker: &str) -> Result<Self> {
        let path = task.join(SAID);
        let said = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let said = said.with_context(|| format!("cannot write {}", path.display()))?;
        let by = format!("{worker}-{}", std::process::id());
        let mut attempt = Self { task: task.to_owned(), by, said };
        attempt.write(None)?;
        Ok(attempt)
    }

    /// Notes what the trainer said.
    ///
    /// - Errors: the disk is full, or something of the kind
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        self.write(Some(line.to_owned()))
    }

    fn write(&mut self, line: Option<String>) -> Result<()> {
        // One write for each line, so that those of two attempts do not mix.
        let mut bytes = serde_json::to_vec(&Said { by: self.by.clone(), line })?;
        bytes.push(b'\n');
        Ok(self.said.write_all(&bytes)?)
    }

    /// Where the output of this attempt goes.
    pub(crate) fn output(&self) -> PathBuf {
        self.task.join(format!("output-{}", self.by))
    }

    /// Leaves the result, unless there is one.
    ///
    /// - Errors: it cannot be written
    pub(crate) fn end(
        &self,
        worker: &str,
        held: Vec<String>,
        made: Result<(), Refused>,
    ) -> Result<()> {
        let made = match made {
            Ok(()) => {
                let bytes = files::read_within(&self.output(), OUTPUT_BYTES_MAX)?;
                let name = self.output().file_name().unwrap_or_default().display().to_string();
                Ok(Output { name, cid: local::blob_of(&bytes).cid() })
            }
            Err(refused) => Err(refused),
        };
        let outcome = TaskOutcome { worker: worker.to_owned(), held, made, bytes: Vec::new() };
        let written = self.task.join(format!("result-{}", self.by));
        keeping::replace(&written, &serde_json::to_vec(&outcome)?)?;
        // A link is made whole or not at all, and never replaces another's.
        let linked = fs::hard_link(&written, self.task.join(RESULT));
        fs::remove_file(&written)?;
        match linked {
            Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => Err(why.into()),
            _ => Ok(()),
        }
    }
}

/// Whether a task has a result.
pub(crate) fn exists(task: &Path) -> bool {
    task.join(RESULT).exists()
}

/// The result of a task, with the bytes of its output; `None` if there is none yet.
///
/// - Errors: it cannot be read, or its output is not the one it names
pub(crate) fn read(task: &Path) -> Result<Option<TaskOutcome>> {
    if !exists(task) {
        return Ok(None);
    }
    let bytes = files::read_within(&task.join(RESULT), OUTPUT_BYTES_MAX)?;
    let mut outcome: TaskOutcome =
        serde_json::from_slice(&bytes).context("the result is broken")?;
    if let Ok(Output { name, cid }) = &outcome.made {
        ensure!(!name.contains('/') && name.starts_with("output-"), "the result names no output");
        let bytes = files::read_within(&task.join(name), OUTPUT_BYTES_MAX)?;
        let found = local::blob_of(&bytes).cid();
        ensure!(found == *cid, "the output is not the one that the worker wrote");
        outcome.bytes = bytes;
    }
    Ok(Some(outcome))
}

/// Reads on what is said in a task's folder, and shows it.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    read: u64,
    begun: String,
}

impl Follower {
    /// Shows what was said since the last time.
    pub(crate) fn show(&mut self, printer: &Printer, task: &Path, name: &str) {
        // A worker that has not begun has no such file; what is unreadable now is read next time.
        let mut text = String::new();
        let opened = File::open(task.join(SAID)).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.read))?;
            file.read_to_string(&mut text)
        });
        if opened.is_err() {
            return;
        }
        // The last line may be half written.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        for said in text[..whole].lines().filter_map(|line| serde_json::from_str(line).ok()) {
            let Said { by, line } = said;
            match line {
                None => {
                    printer.say(format_args!("{name}: begins on {}", one_line(&by)));
                    self.begun = by;
                }
                // An attempt that was given up may go on speaking.
                Some(line) if by == self.begun => show(printer, Some(name), &line),
                Some(_) => {}
            }
        }
    }
}

/// Shows a line that a trainer said.
pub(crate) fn show(printer: &Printer, name: Option<&str>, line: &str) {
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    let Ok(ProgressLine { epoch, epochs, loss, score }) = serde_json::from_str(line) else {
        printer.say(format_args!("{name}the trainer says: {}", one_line(line)));
        return;
    };
    let of = epochs.map(|epochs| format!("/{epochs}")).unwrap_or_default();
    let loss = loss.map(|loss| format!("  loss {loss:.6}")).unwrap_or_default();
    let score = score.map(|score| format!("  score {score:.4}")).unwrap_or_default();
    printer.say(format_args!("{name}epoch {epoch}{of}{loss}{score}, it says"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_result_stays_and_a_changed_output_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let task = folder.path();
        assert!(read(task).unwrap().is_none());
        for (worker, bytes) in [("one", &b"first"[..]), ("two", b"second")] {
            let attempt = Attempt::begin(task, worker).unwrap();
            fs::write(attempt.output(), bytes).unwrap();
            attempt.end(worker, Vec::new(), Ok(())).unwrap();
        }
        let outcome = read(task).unwrap().unwrap();
        assert_eq!((outcome.worker.as_str(), outcome.bytes.as_slice()), ("one", &b"first"[..]));
        let output = outcome.made.unwrap().name;
        fs::write(task.join(output), b"another").unwrap();
        assert!(read(task).unwrap_err().to_string().contains("not the one"));
    }
}
