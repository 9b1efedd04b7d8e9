//! Inputs as the InputBox records them: `InputAdded` events holding `EvmAdvance` calldata.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::Log;
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Context, Result, ensure};

use super::bindings::{InputBox, Inputs::EvmAdvanceCall};

/// The largest payload the InputBox takes, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 65_216;

/// An input as the application receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The chain the input was sent on.
    pub chain_id: u64,
    /// The application it is for.
    pub app_contract: Address,
    /// The caller of the InputBox: the user, or a portal.
    pub msg_sender: Address,
    /// The block it is in.
    pub block_number: u64,
    /// Timestamp of that block, in seconds.
    pub block_timestamp: u64,
    /// The `prevrandao` of that block.
    pub prev_randao: B256,
    /// The input's number for this application, from 0.
    pub index: u64,
    /// The payload.
    pub payload: Bytes,
}

/// The reason why bytes are not an input's exact encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvanceInvalid {
    /// Not the ABI encoding of `EvmAdvance`.
    #[error("not an EvmAdvance call")]
    NotAbi,
    /// It decodes, but encodes to other bytes.
    #[error("not the canonical encoding of its EvmAdvance call")]
    NotCanonical,
    /// A number is above 64 bits.
    #[error("a block number, time, index or chain id above 64 bits")]
    NumberTooLarge,
}

impl Advance {
    /// Decodes the bytes the InputBox hashed, refusing any other encoding of the same values.
    pub fn decode(raw: &[u8]) -> Result<Self, AdvanceInvalid> {
        let call = EvmAdvanceCall::abi_decode_validate(raw).map_err(|_| AdvanceInvalid::NotAbi)?;
        if call.abi_encode() != raw {
            return Err(AdvanceInvalid::NotCanonical);
        }
        let small = |word: U256| u64::try_from(word).map_err(|_| AdvanceInvalid::NumberTooLarge);
        Ok(Self {
            chain_id: small(call.chainId)?,
            app_contract: call.appContract,
            msg_sender: call.msgSender,
            block_number: small(call.blockNumber)?,
            block_timestamp: small(call.blockTimestamp)?,
            prev_randao: call.prevRandao.into(),
            index: small(call.index)?,
            payload: call.payload,
        })
    }

    /// The bytes the InputBox hashed, which the machine receives.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        EvmAdvanceCall {
            chainId: U256::from(self.chain_id),
            appContract: self.app_contract,
            msgSender: self.msg_sender,
            blockNumber: U256::from(self.block_number),
            blockTimestamp: U256::from(self.block_timestamp),
            prevRandao: self.prev_randao.into(),
            index: U256::from(self.index),
            payload: self.payload.clone(),
        }
        .abi_encode()
    }
}

/// An input and the L1 transaction that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its decoded content.
    pub advance: Advance,
    /// Its exact bytes, `EvmAdvance` calldata.
    pub raw: Bytes,
    /// The transaction that sent it.
    pub transaction: B256,
    /// Number of its event in the block.
    pub log_index: u64,
}

impl Input {
    /// Reads an `InputAdded` event, checking that its input agrees with the event itself.
    ///
    /// - Errors: not such an event, another application, or contradictory content
    pub fn from_log(log: &Log, application: Address) -> Result<Self> {
        let event = InputBox::InputAdded::decode_log(&log.inner)
            .context("the InputBox emitted an event that is not InputAdded")?;
        let what = format!("input {} of {}", event.index, event.appContract);
        let advance = Advance::decode(&event.input).with_context(|| what.clone())?;
        let block = log.block_number.with_context(|| format!("{what} is not in a block yet"))?;
        let transaction = log.transaction_hash.with_context(|| format!("{what} has no origin"))?;
        ensure!(event.appContract == application, "{what} is for another application");
        ensure!(advance.app_contract == application, "{what} names another application inside");
        ensure!(U256::from(advance.index) == event.index, "{what} calls itself {}", advance.index);
        ensure!(advance.block_number == block, "{what} names another block than its own");
        let log_index =
            log.log_index.with_context(|| format!("{what} has no place in its block"))?;
        Ok(Self { advance, raw: event.data.input, transaction, log_index })
    }

    /// The hash that the InputBox stores for this input.
    pub fn hash(&self) -> B256 {
        keccak256(&self.raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::hex;

    fn call() -> EvmAdvanceCall {
        EvmAdvanceCall {
            chainId: U256::from(31_337),
            appContract: Address::repeat_byte(0xaa),
            msgSender: Address::repeat_byte(0xbb),
            blockNumber: U256::from(7),
            blockTimestamp: U256::from(1_717_171_717),
            prevRandao: U256::MAX,
            index: U256::from(3),
            payload: hex!("c0ffee").into(),
        }
    }

    #[test]
    fn decodes_only_the_canonical_encoding() {
        let raw = call().abi_encode();
        assert_eq!(raw[..4], hex!("415bf363"));
        let advance = Advance::decode(&raw).unwrap();
        assert_eq!(advance.index, 3);
        assert_eq!(advance.prev_randao, B256::repeat_byte(0xff));
        assert_eq!(advance.payload.as_ref(), hex!("c0ffee"));
        assert_eq!(advance.encode(), raw);

        let mut trailing = raw.clone();
        trailing.extend([0; 32]);
        assert_eq!(Advance::decode(&trailing), Err(AdvanceInvalid::NotCanonical));
        let mut dirty = raw.clone();
        dirty[4 + 32] = 1;
        assert_eq!(Advance::decode(&dirty), Err(AdvanceInvalid::NotAbi));
        assert_eq!(Advance::decode(&raw[..40]), Err(AdvanceInvalid::NotAbi));
        let wide = EvmAdvanceCall { index: U256::MAX, ..call() }.abi_encode();
        assert_eq!(Advance::decode(&wide), Err(AdvanceInvalid::NumberTooLarge));
    }

    #[test]
    fn a_full_payload_fills_the_input_box() {
        let full = vec![0xff; MAX_PAYLOAD_BYTES];
        let raw = EvmAdvanceCall { payload: full.into(), ..call() }.abi_encode();
        assert!(raw.len() <= 65_536);
        let over = vec![0xff; MAX_PAYLOAD_BYTES + 1];
        assert!(EvmAdvanceCall { payload: over.into(), ..call() }.abi_encode().len() > 65_536);
    }
}
