//! Contents of blobs, reassembled from inputs on Ethereum, which nobody can withhold.

mod trail;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use blobs::{BlobRef, Digest, Opening, Upload};
use market::{Address, Command, JobId, SealedBlob, Slot};
use wire::{Genesis, Input, decode_command};

pub use self::trail::{OtherChain, Trail};
use crate::{
    convert::{context, to_market},
    session::Session,
};

/// Blocks at most this far apart are read in one range: reading a few extra inputs costs less
/// than another request.
const GAP_BLOCKS: u64 = 1_000;

/// Inputs of at most this many blocks are held in memory at once.
const WINDOW_BLOCKS: u64 = 10_000;

/// The blobs and keys of one job, as far as inputs carried them.
pub struct Archive {
    job: JobId,
    wanted: BTreeSet<BlobRef>,
    /// Incomplete uploads of wanted blobs, by sender and slot. A command that the market
    /// refused may have announced another blob first; each chunk fits only one of the two.
    uploads: BTreeMap<(Address, Slot), Vec<Upload>>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    openings: BTreeMap<Address, Vec<Opening>>,
}

impl Archive {
    /// Reads the blocks that the trail lists for these blobs of a job and for the keys of these
    /// accounts.
    ///
    /// Blobs that no input carried, such as those deployed with the application, come from the
    /// store. Keys are as their senders wrote them: whether they open anything is checked on use.
    pub async fn read(
        session: &Session,
        trail: &Trail,
        job: JobId,
        wanted: &BTreeSet<BlobRef>,
        owners: &BTreeSet<Address>,
    ) -> Result<Self> {
        let mut archive = Self {
            job,
            wanted: wanted.clone(),
            uploads: BTreeMap::new(),
            blobs: BTreeMap::new(),
            openings: BTreeMap::new(),
        };
        for (first, last) in spans(&trail.blocks(job, wanted, owners)) {
            each_command(session, first, last, |_, sender, command| archive.note(sender, command))
                .await?;
        }
        for blob in wanted {
            if !archive.blobs.contains_key(&blob.digest)
                && let Ok(bytes) = session.store.get(blob.cid(), blob.size).await
            {
                archive.blobs.insert(blob.digest, bytes);
            }
        }
        Ok(archive)
    }

    fn note(&mut self, sender: Address, command: Command) {
        if command.job() != Some(self.job) {
            return;
        }
        for (slot, blob) in announced(&command) {
            if self.wanted.contains(&blob) {
                self.uploads.entry((sender, slot)).or_default().push(Upload::new(blob));
            }
        }
        match command {
            Command::Publish { slot, offset, encoding, data, .. } => {
                for upload in self.uploads.get_mut(&(sender, slot)).into_iter().flatten() {
                    // The market refused chunks that do not fit, too.
                    if let Ok(piece) = upload.check(offset, encoding, &data)
                        && let Some(bytes) = upload.post(piece)
                    {
                        self.blobs.insert(upload.blob().digest, bytes);
                    }
                }
            }
            Command::Reveal { key, salt, plaintext, .. } => {
                let opening = Opening { key, salt, plain: plaintext };
                self.openings.entry(sender).or_default().push(opening);
            }
            _ => {}
        }
    }

    /// The bytes of a blob.
    ///
    /// - Errors: it is neither in inputs nor in the store
    pub fn blob(&self, blob: BlobRef) -> Result<&[u8]> {
        let found = self.blobs.get(&blob.digest).map(Vec::as_slice);
        found.with_context(|| format!("{} is in no input: say with --ipfs where it is", blob.cid()))
    }

    /// The plaintext of a sealed blob, whose delta `rebuild` rebuilds if that is what was sealed.
    ///
    /// - Errors: the ciphertext or key is missing, or they do not match
    pub fn plain(
        &self,
        owner: Address,
        (sealed, plain): (SealedBlob, BlobRef),
        rebuild: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        let ciphertext = self.blob(sealed.ciphertext)?;
        let openings = self.openings.get(&owner).into_iter().flatten();
        // The owner may have sent wrong keys as well.
        let fitting = openings.filter(|opening| opening.plain == plain);
        let mut opened =
            fitting.filter_map(|opening| sealed.open(opening, ciphertext.to_vec(), &rebuild));
        opened.next().with_context(|| format!("no key of {owner} opens its sealed blob"))
    }
}

/// Calls back for each command in the inputs of the blocks `first..=last`, in order, with its
/// block and sender.
async fn each_command(
    session: &Session,
    first: u64,
    last: u64,
    mut note: impl FnMut(u64, Address, Command),
) -> Result<()> {
    let contracts = session.chain.contracts();
    let genesis = Genesis {
        ether_portal: to_market(contracts.ether_portal),
        erc20_portal: to_market(contracts.erc20_portal),
        ..Genesis::default()
    };
    let mut next = first;
    while next <= last {
        let until = last.min(next.saturating_add(WINDOW_BLOCKS - 1));
        for input in session.chain.inputs(session.application(), next, until).await? {
            let block = input.advance.block_number;
            let read = Input::read(&genesis, context(&input.advance), &input.advance.payload);
            // The market refused unreadable inputs, too.
            let Ok(Input { context, command: Some(calldata), .. }) = read else { continue };
            if let Ok(command) = decode_command(&context, calldata) {
                note(block, context.sender, command);
            }
        }
        next = until.saturating_add(1);
    }
    Ok(())
}

/// The blobs that a command announces, which its sender publishes next.
fn announced(command: &Command) -> Vec<(Slot, BlobRef)> {
    match command {
        Command::OpenJob { terms, .. } => {
            let board = terms.offer.board.map(|board| (Slot::PublicSlice, board.public_slice));
            let own = [
                (Slot::BaseModel, terms.offer.base_model),
                (Slot::HoldOut, terms.sealing.published_hold_out()),
            ];
            own.into_iter().chain(board).collect()
        }
        Command::Submit { model, .. } => vec![(Slot::Submission, model.published())],
        Command::Show { model, .. } => vec![(Slot::Shown, *model)],
        _ => Vec::new(),
    }
}

/// Groups blocks that are close together into ranges.
fn spans(blocks: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for &block in blocks {
        match spans.last_mut() {
            Some((_, last)) if block.saturating_sub(*last) < GAP_BLOCKS => *last = block,
            _ => spans.push((block, block)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_blocks_are_read_together() {
        let blocks = BTreeSet::from([5, 6, 1_004, 2_004, 2_005]);
        assert_eq!(spans(&blocks), [(5, 1_004), (2_004, 2_005)]);
        assert_eq!(spans(&BTreeSet::new()), []);
    }
}
