//! The cursor of a watch: its read progress, and the state to remember across restarts.
//!
//! Stored in a file that is replaced atomically. If it is corrupt or belongs to another
//! application, the watch starts over at the application's deployment.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, U256, keccak256};
use anyhow::{Context, Result};
use client::{chain::Chain, files};
use serde::{Deserialize, Serialize};

use super::alert::Alert;

/// Maximum of earlier marks kept to step back to.
const MARKS_MAX: usize = 64;

/// Size limit of the file.
const BYTES_MAX: u64 = 64 * 1_024 * 1_024;

/// State at the end of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The last block that was read.
    pub(super) block: u64,
    /// Its hash, which shows whether it is still canonical.
    pub(super) hash: B256,
    /// The current validator.
    pub(super) validator: Address,
    /// The market's liabilities per asset: deposits less executed payments.
    pub(super) owed: BTreeMap<String, U256>,
    /// Epochs with inputs whose claims are outstanding: last block and last input.
    pub(super) awaited: BTreeMap<u64, u64>,
    /// Whether a claim came after the last audit.
    pub(super) is_claimed: bool,
    /// First input after those whose claims were reported as missing.
    pub(super) from: u64,
    /// Assets whose shortage was reported.
    pub(super) insolvent: BTreeSet<String>,
}

impl Mark {
    /// Whether a claim came since the last audit, or one is late by more than `patience` blocks.
    pub(super) fn needs_audit(&self, patience: u64) -> bool {
        let is_late = |end: &u64| self.block > end.saturating_add(patience);
        self.is_claimed || self.awaited.keys().any(is_late)
    }
}

/// The persistent state of a watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) chain_id: u64,
    pub(super) application: Address,
    /// State at earlier blocks; never empty, newest last.
    marks: Vec<Mark>,
    /// Alerts the webhook has not accepted yet.
    pub(super) undelivered: Vec<Alert>,
}

/// What became of the blocks that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stepped {
    /// All are still there.
    Nowhere,
    /// The last of them were replaced.
    Back,
    /// It is another chain, as after a reset of a devnet.
    OtherChain,
}

/// The file's format: its content and checksum.
#[derive(Serialize, Deserialize)]
struct Kept {
    place: Cursor,
    checksum: B256,
}

impl Cursor {
    /// A cursor at the start of the application.
    pub(super) fn new(chain_id: u64, application: Address, first: Mark) -> Self {
        Self { chain_id, application, marks: vec![first], undelivered: Vec::new() }
    }

    /// Reads a cursor from a file; the error states why it is corrupt or foreign.
    pub(super) fn read(path: &Path, of: (u64, Address)) -> Result<Self, String> {
        let unreadable = |why: String| format!("{} cannot be used: {why}", path.display());
        let text = files::read_within(path, BYTES_MAX);
        let text = text.map_err(|error| unreadable(error.to_string()))?;
        let kept: Kept =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let Kept { place: cursor, checksum } = kept;
        if checksum_of(&cursor).ok() != Some(checksum) || cursor.marks.is_empty() {
            return Err(unreadable("it was changed".to_owned()));
        }
        if (cursor.chain_id, cursor.application) != of {
            return Err(unreadable("it is about another application".to_owned()));
        }
        Ok(cursor)
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let kept = Kept { checksum: checksum_of(self)?, place: self.clone() };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        files::write(path, &serde_json::to_vec(&kept)?)
    }

    /// The current state.
    pub(super) fn now(&self) -> &Mark {
        // Never empty: created with one, and stepping back leaves one.
        &self.marks[self.marks.len() - 1]
    }

    /// Advances to `mark`.
    pub(super) fn go_on(&mut self, mark: Mark) {
        match self.marks.last_mut() {
            Some(last) if last.block == mark.block => *last = mark,
            _ => self.marks.push(mark),
        }
        if self.marks.len() > MARKS_MAX {
            // The first is the start, to which one can always step back.
            self.marks.remove(1);
        }
    }

    /// Steps back to the newest mark whose block is still canonical.
    ///
    /// - Errors: the endpoint lacks even the first mark's block
    pub(super) async fn step_back(&mut self, chain: &Chain) -> Result<Stepped> {
        let before = self.marks.len();
        loop {
            let found = chain.block_hash(self.now().block).await?;
            if found == Some(self.now().hash) {
                let is_back = self.marks.len() < before;
                return Ok(if is_back { Stepped::Back } else { Stepped::Nowhere });
            }
            if self.marks.len() == 1 {
                found.context("the Ethereum node lacks the blocks that were watched")?;
                return Ok(Stepped::OtherChain);
            }
            self.marks.pop();
        }
    }
}

fn checksum_of(cursor: &Cursor) -> Result<B256> {
    Ok(keccak256(serde_json::to_vec(cursor)?))
}

/// Default path of a watch's cursor.
pub fn default_path(chain_id: u64, application: Address) -> Result<PathBuf> {
    Ok(client::folders::data()?.join("watch").join(format!("{chain_id}-{application}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(block: u64) -> Mark {
        let owed = BTreeMap::from([("ether".to_owned(), U256::MAX)]);
        Mark { block, owed, awaited: BTreeMap::from([(29, 3)]), ..Mark::default() }
    }

    #[test]
    fn a_place_comes_back_unless_it_was_changed_or_is_anothers() {
        let folder = tempfile::tempdir().unwrap();
        let (path, of) = (folder.path().join("new/place.json"), (1, Address::repeat_byte(7)));
        let mut cursor = Cursor::new(of.0, of.1, mark(5));
        cursor.go_on(mark(9));
        cursor.write(&path).unwrap();
        assert_eq!(Cursor::read(&path, of).unwrap(), cursor);
        assert!(Cursor::read(&path, (2, of.1)).unwrap_err().contains("another application"));

        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"block\":9", "\"block\":8")).unwrap();
        assert!(Cursor::read(&path, of).unwrap_err().contains("changed"));
        std::fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(Cursor::read(&path, of).is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(Cursor::read(&path, of).is_err());
    }

    #[test]
    fn the_beginning_is_never_forgotten() {
        let mut cursor = Cursor::new(1, Address::ZERO, mark(0));
        (1..200).for_each(|block| cursor.go_on(mark(block)));
        assert_eq!(cursor.marks.len(), MARKS_MAX);
        assert_eq!((cursor.marks[0].block, cursor.now().block), (0, 199));
        let mut again = mark(199);
        again.is_claimed = true;
        cursor.go_on(again.clone());
        assert_eq!((cursor.marks.len(), cursor.now()), (MARKS_MAX, &again));
    }
}
