//! Checkpoints: an audit's progress and state, from which the next one resumes.
//!
//! They are stored in an embedded database with atomic commits, so a killed process leaves the last
//! one intact. Corrupt, foreign or reorganised checkpoints are discarded; then an earlier one is
//! used, or genesis.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, keccak256};
use anyhow::{Context, Error, Result, ensure};
use client::chain::Chain;
use client::printer::Printer;
use market::Market;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

use super::run::State;

/// Checkpoints by block.
const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("checkpoints");

/// Number of checkpoints kept, in case the chain reorganises.
const KEPT: usize = 3;

/// Version of the stored format; raised whenever its encoding or meaning changes.
const FORMAT: u32 = 4;

/// The audited application and node; a checkpoint is valid for no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) chain_id: u64,
    pub(super) application: Address,
    /// Hash of the genesis file.
    pub(super) genesis: B256,
    /// The node whose answers were compared, if any.
    pub(super) node: Option<String>,
}

/// Progress of an audit.
#[derive(Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The last block that was processed.
    pub(super) block: u64,
    pub(super) hash: B256,
    pub(super) state: State,
    pub(super) market: Market,
}

/// The checkpoints of one application.
pub(super) struct Checkpoints {
    database: Database,
    identity: Identity,
}

impl Checkpoints {
    /// Opens or creates the database of an application; a corrupt one is recreated.
    ///
    /// - Errors: another audit has it open, or it cannot be written
    pub(super) fn open(folder: &Path, identity: Identity, printer: Printer) -> Result<Self> {
        let name = format!("{}-{}.redb", identity.chain_id, identity.application);
        let path = folder.join(name);
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let database = match create(&path) {
            Ok(database) => database,
            Err(Opening::Failed(error)) => return Err(error),
            Err(Opening::Damaged(why)) => {
                printer.say(format_args!("the checkpoints are damaged ({why}); beginning anew"));
                fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}", path.display()))?;
                create(&path).map_err(|_| Error::msg("the new checkpoints cannot be used"))?
            }
        };
        Ok(Self { database, identity })
    }

    /// The newest valid checkpoint at or below `block`; invalid ones are deleted.
    ///
    /// - Errors: the endpoint does not answer, or the database cannot be read
    pub(super) async fn newest(
        &self,
        chain: &Chain,
        block: u64,
        printer: Printer,
    ) -> Result<Option<Checkpoint>> {
        while let Some((block, bytes)) = self.last(block)? {
            match self.decode(&bytes) {
                Ok(checkpoint) if chain.block_hash(block).await? == Some(checkpoint.hash) => {
                    return Ok(Some(checkpoint));
                }
                Ok(_) => printer.say(format_args!(
                    "the chain has replaced block {block} since the last audit; going back"
                )),
                Err(why) => printer.say(format_args!(
                    "the checkpoint at block {block} cannot be used ({why}); going back"
                )),
            }
            self.forget(block)?;
        }
        Ok(None)
    }

    /// Stores a checkpoint and prunes all but the last few.
    ///
    /// - Errors: the database cannot be written
    pub(super) fn keep(&self, checkpoint: &Checkpoint) -> Result<()> {
        let content = postcard::to_allocvec(&(FORMAT, VERSION, &self.identity, checkpoint))?;
        let bytes = [keccak256(&content).as_slice(), &content].concat();
        let writing = self.database.begin_write()?;
        {
            let mut table = writing.open_table(TABLE)?;
            table.insert(checkpoint.block, bytes.as_slice())?;
            let blocks: Vec<u64> =
                table.iter()?.map(|entry| Ok(entry?.0.value())).collect::<Result<_>>()?;
            for old in blocks.iter().rev().skip(KEPT) {
                table.remove(old)?;
            }
        }
        Ok(writing.commit()?)
    }

    fn forget(&self, block: u64) -> Result<()> {
        let writing = self.database.begin_write()?;
        writing.open_table(TABLE)?.remove(block)?;
        Ok(writing.commit()?)
    }

    /// Deletes the checkpoints from `block` on.
    pub(super) fn forget_from(&self, block: u64) -> Result<()> {
        let writing = self.database.begin_write()?;
        writing.open_table(TABLE)?.retain(|kept, _| kept < block)?;
        Ok(writing.commit()?)
    }

    fn last(&self, block: u64) -> Result<Option<(u64, Vec<u8>)>> {
        let reading = self.database.begin_read()?;
        let table = match reading.open_table(TABLE) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let entry = table.range(..=block)?.next_back().transpose()?;
        Ok(entry.map(|(block, bytes)| (block.value(), bytes.value().to_vec())))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Checkpoint> {
        let (checksum, content) = bytes.split_at_checked(32).context("it is cut off")?;
        ensure!(keccak256(content) == checksum, "it is damaged");
        type Head = (u32, String, Identity);
        let ((format, version, identity), rest): (Head, _) = postcard::take_from_bytes(content)?;
        ensure!((format, version.as_str()) == (FORMAT, VERSION), "another version made it");
        ensure!(
            identity == self.identity,
            "it was made of another application, another node, or without one"
        );
        Ok(postcard::from_bytes(rest)?)
    }
}

/// The program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

enum Opening {
    Failed(Error),
    Damaged(String),
}

/// Opens a database file whose content may be corrupt.
fn create(path: &PathBuf) -> Result<Database, Opening> {
    let opened = catch_unwind(AssertUnwindSafe(|| Database::create(path)));
    let cannot = |why: &str| Error::msg(format!("cannot use {}: {why}", path.display()));
    match opened {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(redb::DatabaseError::DatabaseAlreadyOpen)) => {
            Err(Opening::Failed(cannot("another audit has it open; say --no-checkpoint")))
        }
        Ok(Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))))
            if error.kind() != std::io::ErrorKind::InvalidData
                && error.kind() != std::io::ErrorKind::UnexpectedEof =>
        {
            Err(Opening::Failed(cannot(&error.to_string())))
        }
        Ok(Err(error)) => Err(Opening::Damaged(error.to_string())),
        Err(_) => Err(Opening::Damaged("it cannot be read".to_owned())),
    }
}
