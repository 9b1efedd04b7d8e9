//! Keys for messages, and messages, among a market's inputs as Ethereum has them: no node is asked.
//!
//! The InputBox states the sender of every input, so that a key is its account's and a message its
//! sender's. What was read is kept for the next time, but for the newest blocks, which may be
//! replaced; if the block up to which it was read is another one now, all is read again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, U256};
use anyhow::{Context as _, Result};
use market::{Ciphertext, Command, JobId, Timestamp};
use serde::{Deserialize, Serialize};
use wire::{Genesis, Input as Payload, decode_command};

use crate::{
    chain::{Chain, Contracts, Input, bindings::Application},
    convert::{context, to_market},
    files, folders,
};

/// Newest blocks that are read again the next time.
const UNSETTLED_BLOCKS: u64 = 64;

/// All keys and messages of a market.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Inbox {
    /// The last block that was read and kept, and its hash.
    read: Option<(u64, B256)>,
    /// Keys of each account, the oldest first.
    keys: BTreeMap<market::Address, Vec<PublishedKey>>,
    letters: Vec<Letter>,
}

/// A key for messages, as its account published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedKey {
    /// The key.
    #[serde(with = "blobs::hex")]
    pub key: [u8; 32],
    /// Block of the input.
    pub block: u64,
}

/// An encrypted message, as its sender sent it; the market may have refused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Number of the input.
    pub input: u64,
    /// Block of the input.
    pub block: u64,
    /// Time of that block.
    pub time: Timestamp,
    /// Its sender.
    pub from: market::Address,
    /// The job.
    pub job: JobId,
    /// The submission that it is about.
    pub submission: u32,
    /// Number of messages that the sender says it has sent about that submission before.
    pub sequence: u32,
    /// The message.
    pub ciphertext: Ciphertext,
}

impl Inbox {
    /// Everything up to the newest block.
    ///
    /// - Errors: Ethereum does not answer
    pub async fn read(chain: &Chain, application: Address) -> Result<Self> {
        let file = file(chain.chain_id().await?, application)?;
        let mut inbox = Self::kept(chain, &file).await?;
        let first = match inbox.read {
            Some((block, _)) => block + 1,
            None => deployed(chain, application).await?,
        };
        let head = chain.head().await?;
        let settled = head.saturating_sub(UNSETTLED_BLOCKS);
        if settled >= first {
            inbox.take(chain, application, first, settled).await?;
            inbox.read = chain.block_hash(settled).await?.map(|hash| (settled, hash));
            let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
            folder.with_context(|| format!("cannot make the folder of {}", file.display()))?;
            files::write(&file, &serde_json::to_vec(&inbox)?)?;
        }
        inbox.take(chain, application, first.max(settled + 1), head).await?;
        Ok(inbox)
    }

    /// What was read before, if it is of the chain as it is now.
    async fn kept(chain: &Chain, file: &Path) -> Result<Self> {
        let Ok(bytes) = std::fs::read(file) else { return Ok(Self::default()) };
        let kept: Self = serde_json::from_slice(&bytes).unwrap_or_default();
        let Some((block, hash)) = kept.read else { return Ok(Self::default()) };
        let is_same = chain.block_hash(block).await? == Some(hash);
        Ok(if is_same { kept } else { Self::default() })
    }

    async fn take(
        &mut self,
        chain: &Chain,
        application: Address,
        first: u64,
        last: u64,
    ) -> Result<()> {
        let mut reader = chain.input_logs(application, first);
        while let Some(logs) = reader.next(last).await? {
            for log in logs {
                self.add(chain.contracts(), &Input::from_log(&log, application)?);
            }
        }
        Ok(())
    }

    /// Notes an input, if it is a key or a message; either may ride on a deposit.
    fn add(&mut self, contracts: Contracts, Input { advance, .. }: &Input) {
        let genesis = Genesis {
            ether_portal: to_market(contracts.ether_portal),
            erc20_portal: to_market(contracts.erc20_portal),
            ..Genesis::default()
        };
        let Ok(input) = Payload::read(&genesis, context(advance), &advance.payload) else { return };
        let command = input.command.map(|calldata| decode_command(&input.context, calldata));
        let (from, block) = (input.context.sender, input.context.block);
        match command {
            Some(Ok(Command::PublishMessageKey { key })) => {
                self.keys.entry(from).or_default().push(PublishedKey { key, block });
            }
            Some(Ok(Command::SendMessage { job, submission, sequence, ciphertext })) => {
                let (input, time) = (advance.index, Timestamp(advance.block_timestamp));
                self.letters.push(Letter {
                    input,
                    block,
                    time,
                    from,
                    job,
                    submission,
                    sequence,
                    ciphertext,
                });
            }
            _ => {}
        }
    }

    /// The newest key of an account.
    #[must_use]
    pub fn key_of(&self, account: market::Address) -> Option<PublishedKey> {
        self.keys.get(&account)?.last().copied()
    }

    /// Whether an account has ever published a key.
    #[must_use]
    pub fn has_published(&self, account: market::Address, key: [u8; 32]) -> bool {
        let keys = self.keys.get(&account).into_iter().flatten();
        keys.into_iter().any(|published| published.key == key)
    }

    /// All messages, the oldest first.
    #[must_use]
    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }
}

/// What was read of a market is public, and kept in the clear.
fn file(chain_id: u64, application: Address) -> Result<PathBuf> {
    Ok(folders::data()?.join("messages").join(format!("{chain_id}-{application:#x}.json")))
}

/// The block in which the application was deployed.
async fn deployed(chain: &Chain, application: Address) -> Result<u64> {
    let call = Application::getDeploymentBlockNumberCall {};
    let block: U256 = chain.call("read when the market was deployed", application, &call).await?;
    u64::try_from(block).ok().context("the market says it was deployed after the end of time")
}
