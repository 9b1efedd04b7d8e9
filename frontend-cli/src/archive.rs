//! Bytes of blobs, put together from the inputs on Ethereum: what nobody can withhold.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use blobs::{BlobRef, Digest, Opening, Upload};
use market::{Address, Command, Context, JobId, SealedBlob};
use wire::{Genesis, Input, decode_command};

use crate::{convert::to_market, session::Session};

/// What inputs have brought of the blobs and keys that are looked for.
#[derive(Default)]
pub struct Archive {
    wanted: BTreeMap<Digest, BlobRef>,
    uploads: BTreeMap<(Address, Digest), Upload>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    openings: BTreeMap<(JobId, Address), Vec<Opening>>,
}

impl Archive {
    /// Reads all inputs so far for these blobs, and for the keys of all competitions.
    ///
    /// Keys are as their senders wrote them: whether they open anything is seen when they are used.
    pub async fn read(session: &Session, wanted: &BTreeSet<BlobRef>) -> Result<Self> {
        let wanted = wanted.iter().map(|blob| (blob.digest, *blob)).collect();
        let mut archive = Self { wanted, ..Self::default() };
        let contracts = session.chain.contracts();
        let genesis = Genesis {
            ether_portal: to_market(contracts.ether_portal),
            erc20_portal: to_market(contracts.erc20_portal),
            ..Genesis::default()
        };
        let head = session.chain.head().await?;
        for input in session.chain.inputs(session.application(), 0, head).await? {
            let sender = to_market(input.advance.msg_sender);
            let context = Context { sender, ..Context::default() };
            // What cannot be read was refused by the market, too.
            let Ok(input) = Input::read(&genesis, context, &input.advance.payload) else {
                continue;
            };
            if let Some(Ok(command)) = input.command.map(decode_command) {
                archive.note(input.context.sender, command);
            }
        }
        Ok(archive)
    }

    fn note(&mut self, sender: Address, command: Command) {
        match command {
            Command::Publish { digest, offset, encoding, data } => {
                let Some(blob) = self.wanted.get(&digest) else { return };
                let upload =
                    self.uploads.entry((sender, digest)).or_insert_with(|| Upload::new(*blob));
                // What does not fit was refused by the market, too.
                if let Ok(piece) = upload.check(offset, encoding, &data)
                    && let Some(bytes) = upload.post(piece)
                {
                    self.blobs.insert(digest, bytes);
                }
            }
            Command::Reveal { job, key, salt, plaintext } => {
                let opening = Opening { key, salt, plain: plaintext };
                self.openings.entry((job, sender)).or_default().push(opening);
            }
            _ => {}
        }
    }

    /// A blob's bytes, from inputs or else from the store.
    ///
    /// - Errors: it is in neither
    pub async fn blob(&self, session: &Session, blob: BlobRef) -> Result<Vec<u8>> {
        match self.blobs.get(&blob.digest) {
            Some(bytes) => Ok(bytes.clone()),
            None => session.store.get(blob.cid(), blob.size).await.with_context(|| {
                format!("{} is in no input: say with --ipfs where it is", blob.cid())
            }),
        }
    }

    /// A sealed blob's plain bytes.
    ///
    /// - Errors: ciphertext or key are not there, or do not fit
    pub async fn plain(
        &self,
        session: &Session,
        (job, owner): (JobId, Address),
        (sealed, plain): (SealedBlob, BlobRef),
    ) -> Result<Vec<u8>> {
        let ciphertext = self.blob(session, sealed.ciphertext).await?;
        let openings = self.openings.get(&(job, owner)).into_iter().flatten();
        // Whoever revealed may have sent other keys, too.
        let fitting = openings.filter(|opening| opening.plain == plain);
        let mut opened = fitting.flat_map(|key| key.open(sealed.commitment, ciphertext.clone()));
        opened.next().with_context(|| format!("no key of {owner} opens its sealed blob"))
    }
}
