//! What became of a transaction: by its hash, and by its number among the account's.

use alloy::consensus::Transaction as _;
use alloy::network::TransactionResponse as _;
use alloy::primitives::{Address, B256};
use alloy::providers::Provider as _;
use alloy::rpc::types::TransactionReceipt;
use anyhow::Result;

use super::super::Chain;

/// What became of a transaction.
pub(super) enum Fate {
    /// It is in a block.
    Mined(Box<TransactionReceipt>),
    /// Its number is used, but the endpoint shows neither its receipt nor another transaction.
    Hidden,
    /// It waits for a block.
    Pending {
        /// The account's number that is mined next.
        next: u64,
    },
    /// The endpoint does not know it, and its number is free.
    Unknown,
    /// This transaction has its number: it will never be mined.
    Replaced(B256),
}

/// Looks for a transaction that was sent under some of these hashes, all with this number.
///
/// - `since`: a block in which the number was not used yet
pub(super) async fn of(
    chain: &Chain,
    from: Address,
    nonce: u64,
    since: u64,
    hashes: &[B256],
) -> Result<Fate> {
    for hash in hashes {
        if let Some(receipt) = receipt(chain, *hash).await? {
            return Ok(Fate::Mined(Box::new(receipt)));
        }
    }
    let next = chain.transaction_count(from, None).await?;
    if next > nonce {
        return Ok(match taken(chain, from, nonce, since).await? {
            Some(other) if !hashes.contains(&other) => Fate::Replaced(other),
            _ => Fate::Hidden,
        });
    }
    for hash in hashes {
        let found = chain.provider().get_transaction_by_hash(*hash).await;
        if found.map_err(|error| chain.plain(error))?.is_some() {
            return Ok(Fate::Pending { next });
        }
    }
    Ok(Fate::Unknown)
}

/// The receipt of a mined transaction.
async fn receipt(chain: &Chain, hash: B256) -> Result<Option<TransactionReceipt>> {
    let receipt = chain.provider().get_transaction_receipt(hash).await;
    let receipt = receipt.map_err(|error| chain.plain(error))?;
    let is_its = |receipt: &TransactionReceipt| {
        receipt.transaction_hash == hash && receipt.block_number.is_some()
    };
    Ok(receipt.filter(is_its))
}

/// Most blocks that are read for a transaction where old states are gone.
const SEARCHED: usize = 5_000;

/// The transaction of `from` that has this number, by the block in which the count passes it.
async fn taken(chain: &Chain, from: Address, nonce: u64, since: u64) -> Result<Option<B256>> {
    let (mut low, mut high) = (since, chain.head().await?);
    while low < high {
        let middle = low + (high - low) / 2;
        match chain.transaction_count(from, Some(middle)).await {
            Ok(count) if count > nonce => high = middle,
            Ok(_) => low = middle + 1,
            // Few endpoints keep the state of old blocks; the blocks themselves are everywhere.
            Err(_) => break,
        }
    }
    for block in (low..=high).rev().take(SEARCHED) {
        if let Some(found) = sent_in(chain, block, from, nonce).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The transaction of `from` with this number, if it is in this block.
async fn sent_in(chain: &Chain, block: u64, from: Address, nonce: u64) -> Result<Option<B256>> {
    let block = chain.provider().get_block_by_number(block.into()).full().await;
    let block = block.map_err(|error| chain.plain(error))?;
    let transactions = block.map(|block| block.transactions.into_transactions());
    let mut transactions = transactions.into_iter().flatten();
    let found = transactions.find(|sent| sent.from() == from && sent.nonce() == nonce);
    Ok(found.map(|sent| sent.tx_hash()))
}
