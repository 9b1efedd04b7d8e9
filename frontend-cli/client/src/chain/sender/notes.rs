//! Notes of transactions on disk: what is signed is there before anybody else sees it.
//!
//! One file for each transaction. The command that sends it holds the file until it has seen the
//! end; a note that nobody holds is of a command that ended before.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, Bytes, U256, hex};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files;

/// The largest number of notes to read: far more than one account has under way.
const NOTES_MAX: usize = 10_000;

/// The notes of one account on one chain.
#[derive(Clone, Debug)]
pub struct Notes {
    folder: PathBuf,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Its hash.
    pub hash: B256,
    /// Its number among the account's transactions.
    pub nonce: u64,
    /// What it is for; completes "cannot …".
    pub purpose: String,
    /// The contract it calls.
    pub to: Address,
    /// The Ether it carries, in wei.
    pub value: U256,
    /// The calldata.
    pub data: Bytes,
    /// The newest block when it was signed.
    pub since: u64,
}

/// A note that this process holds.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) note: Note,
    path: PathBuf,
    /// Locked, so that no other process takes the note for one that was left behind.
    _file: File,
}

/// The right to choose the account's next number; ends when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _file: File,
}

impl Notes {
    /// The notes in `folder` of `account` on the chain with this id and this block after its
    /// genesis: a development chain that starts anew has the same id, and knows nothing of what
    /// was sent before.
    #[must_use]
    pub fn of(folder: &Path, chain_id: u64, first_block: B256, account: Address) -> Self {
        let chain = format!("{chain_id}-{}", hex::encode(&first_block[..4]));
        Self { folder: folder.join(format!("{chain}-{account:#x}")) }
    }

    /// Takes the turn; `None` while another process has it.
    pub(super) fn turn(&self) -> Result<Option<Turn>> {
        let cannot = || format!("cannot use the folder {}", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(cannot)?;
        let file = File::create(self.folder.join("turn")).with_context(cannot)?;
        Ok(locked(&file).with_context(cannot)?.then_some(Turn { _file: file }))
    }

    /// Writes a note down and holds it.
    pub(super) fn write(&self, note: Note) -> Result<Held> {
        let path = self.folder.join(format!("{:#x}.json", note.hash));
        files::write(&path, &serde_json::to_vec_pretty(&note)?)?;
        let file = File::open(&path).with_context(|| format!("cannot hold {}", path.display()))?;
        locked(&file).with_context(|| format!("cannot hold {}", path.display()))?;
        Ok(Held { note, path, _file: file })
    }

    /// Holds all notes that commands left behind, in the order of their numbers.
    ///
    /// - Errors: one is damaged
    pub(super) fn left_behind(&self) -> Result<Vec<Held>> {
        let Ok(folder) = fs::read_dir(&self.folder) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for path in folder.flatten().map(|entry| entry.path()).take(NOTES_MAX) {
            if path.extension().is_some_and(|extension| extension == "json") {
                found.extend(hold(path)?);
            }
        }
        found.sort_by_key(|held| (held.note.nonce, held.note.since));
        Ok(found)
    }
}

impl Held {
    /// Removes the note: its end was seen.
    pub(super) fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Holds the note at `path`; `None` if another process does, or it is gone.
fn hold(path: PathBuf) -> Result<Option<Held>> {
    let Ok(file) = File::open(&path) else { return Ok(None) };
    let cannot = || format!("cannot read {}", path.display());
    if !locked(&file).with_context(cannot)? {
        return Ok(None);
    }
    let Ok(text) = fs::read(&path) else { return Ok(None) };
    let note = serde_json::from_slice(&text).with_context(|| {
        format!("{} is damaged: look at what the account sent, then remove it", path.display())
    })?;
    Ok(Some(Held { note, path, _file: file }))
}

/// Locks a file; false if another process has it.
fn locked(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_left_behind_once_its_command_ends() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Notes::of(folder.path(), 1, B256::ZERO, Address::repeat_byte(7));
        assert!(notes.left_behind().unwrap().is_empty());
        let turn = notes.turn().unwrap().unwrap();
        assert!(notes.turn().unwrap().is_none());
        drop(turn);
        assert!(notes.turn().unwrap().is_some());
        let note = Note {
            hash: B256::repeat_byte(1),
            nonce: 3,
            purpose: "deposit Ether".to_owned(),
            to: Address::repeat_byte(2),
            value: U256::from(5),
            data: Bytes::from_static(b"data"),
            since: 9,
        };
        let held = notes.write(note.clone()).unwrap();
        assert!(notes.left_behind().unwrap().is_empty());
        drop(held);
        let mut left = notes.left_behind().unwrap();
        let held = left.pop().unwrap();
        assert_eq!(held.note, note);
        held.remove().unwrap();
        drop(held);
        assert!(notes.left_behind().unwrap().is_empty());
        fs::write(notes.folder.join("a.json"), "").unwrap();
        assert!(notes.left_behind().unwrap_err().to_string().contains("damaged"));
    }
}
