//! Where a watch is: how far it has read, and what it has to remember until then.
//!
//! Kept in a file that is replaced whole. A file that is damaged, or another application's, is
//! found out and the watch begins at the application's beginning.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, U256, keccak256};
use anyhow::{Context, Result};
use client::{chain::Chain, files};
use serde::{Deserialize, Serialize};

use super::alert::Alert;

/// How many earlier marks are kept to step back to.
const MARKS_MAX: usize = 64;

/// The largest file that is read.
const BYTES_MAX: u64 = 64 * 1_024 * 1_024;

/// What is known at the end of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The last block that was read.
    pub(super) block: u64,
    /// Its hash, which says whether the chain still has it.
    pub(super) hash: B256,
    /// Whose claims count.
    pub(super) validator: Address,
    /// What the market owes of each asset: deposits less executed payments.
    pub(super) owed: BTreeMap<String, U256>,
    /// Epochs with inputs whose claims have not come: last block and last input.
    pub(super) awaited: BTreeMap<u64, u64>,
    /// The newest claim came after the last audit.
    pub(super) is_claimed: bool,
    /// The first input whose claim nobody was alerted of.
    pub(super) from: u64,
    /// Assets whose shortage was alerted.
    pub(super) insolvent: BTreeSet<String>,
}

impl Mark {
    /// Whether a claim came since the last audit, or one is late by more than `patience` blocks.
    pub(super) fn needs_audit(&self, patience: u64) -> bool {
        let is_late = |end: &u64| self.block > end.saturating_add(patience);
        self.is_claimed || self.awaited.keys().any(is_late)
    }
}

/// A watch's memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) chain_id: u64,
    pub(super) application: Address,
    /// What was known at earlier ends of reading; never empty, the newest last.
    marks: Vec<Mark>,
    /// Alerts the webhook has not taken yet.
    pub(super) undelivered: Vec<Alert>,
}

/// The file's form: what it holds, and its hash.
#[derive(Serialize, Deserialize)]
struct Kept {
    place: Cursor,
    checksum: B256,
}

impl Cursor {
    /// The beginning.
    pub(super) fn new(chain_id: u64, application: Address, first: Mark) -> Self {
        Self { chain_id, application, marks: vec![first], undelivered: Vec::new() }
    }

    /// What was kept in a file; nothing if that is damaged or about something else, and why.
    pub(super) fn read(path: &Path, of: (u64, Address)) -> Result<Self, String> {
        let unreadable = |why: String| format!("{} cannot be used: {why}", path.display());
        let text = files::read_within(path, BYTES_MAX);
        let text = text.map_err(|error| unreadable(error.to_string()))?;
        let kept: Kept =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let Kept { place, checksum } = kept;
        if checksum_of(&place).ok() != Some(checksum) || place.marks.is_empty() {
            return Err(unreadable("it was changed".to_owned()));
        }
        if (place.chain_id, place.application) != of {
            return Err(unreadable("it is about another application".to_owned()));
        }
        Ok(place)
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let kept = Kept { checksum: checksum_of(self)?, place: self.clone() };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        files::write(path, &serde_json::to_vec(&kept)?)
    }

    /// What is known now.
    pub(super) fn now(&self) -> &Mark {
        // Never empty: made with one, and stepping back leaves one.
        &self.marks[self.marks.len() - 1]
    }

    /// Goes on to `mark`.
    pub(super) fn go_on(&mut self, mark: Mark) {
        match self.marks.last_mut() {
            Some(last) if last.block == mark.block => *last = mark,
            _ => self.marks.push(mark),
        }
        if self.marks.len() > MARKS_MAX {
            // The first is the beginning, to which one can always step back.
            self.marks.remove(1);
        }
    }

    /// Steps back to the newest mark whose block the chain still has; whether it had to.
    ///
    /// - Errors: the chain has not even the first one
    pub(super) async fn step_back(&mut self, chain: &Chain) -> Result<bool> {
        let before = self.marks.len();
        while chain.block_hash(self.now().block).await? != Some(self.now().hash) {
            anyhow::ensure!(
                self.marks.len() > 1,
                "this is another chain than the one that was watched: remove what was kept of it"
            );
            self.marks.pop();
        }
        Ok(self.marks.len() < before)
    }
}

fn checksum_of(place: &Cursor) -> Result<B256> {
    Ok(keccak256(serde_json::to_vec(place)?))
}

/// Where a watch keeps its place when nothing is said.
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
        let mut place = Cursor::new(of.0, of.1, mark(5));
        place.go_on(mark(9));
        place.write(&path).unwrap();
        assert_eq!(Cursor::read(&path, of).unwrap(), place);
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
        let mut place = Cursor::new(1, Address::ZERO, mark(0));
        (1..200).for_each(|block| place.go_on(mark(block)));
        assert_eq!(place.marks.len(), MARKS_MAX);
        assert_eq!((place.marks[0].block, place.now().block), (0, 199));
        let mut again = mark(199);
        again.is_claimed = true;
        place.go_on(again.clone());
        assert_eq!((place.marks.len(), place.now()), (MARKS_MAX, &again));
    }
}
