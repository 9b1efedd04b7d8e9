//! Claims of epochs, as the consensus contracts of each line tell them in their events.

use alloy::primitives::{Address, B256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use anyhow::Result;

use super::bindings::{Authority, StagedConsensus};

/// The first topics of accepted claims: that of 2.2.0, and that of 3.0.0-alpha.
pub const CLAIM_ACCEPTED: [B256; 2] =
    [Authority::ClaimAccepted::SIGNATURE_HASH, StagedConsensus::ClaimAccepted::SIGNATURE_HASH];

/// What has happened to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// It waits for the end of the staging period; 3.0.0-alpha only.
    Staged,
    /// Outputs can be executed under it.
    Accepted,
}

/// A claim, as an event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimEvent {
    /// What has happened.
    pub kind: ClaimKind,
    /// The application it is for.
    pub application: Address,
    /// The last block of its epoch.
    pub last_block: u64,
    /// The root of the outputs.
    pub outputs_root: B256,
    /// The root of the machine; 2.2.0 does not claim it.
    pub machine_root: Option<B256>,
}

impl ClaimEvent {
    /// Reads an event of a consensus contract; `None` if it is about something else.
    ///
    /// - Errors: it has the topic of a claim and other contents
    pub fn read(log: &Log) -> Result<Option<Self>> {
        Ok(match log.topic0() {
            Some(&Authority::ClaimAccepted::SIGNATURE_HASH) => {
                let event = Authority::ClaimAccepted::decode_log(&log.inner)?.data;
                Some(Self {
                    kind: ClaimKind::Accepted,
                    application: event.appContract,
                    last_block: event.lastProcessedBlockNumber.saturating_to(),
                    outputs_root: event.outputsMerkleRoot,
                    machine_root: None,
                })
            }
            Some(&StagedConsensus::ClaimAccepted::SIGNATURE_HASH) => {
                let event = StagedConsensus::ClaimAccepted::decode_log(&log.inner)?.data;
                Some(Self {
                    kind: ClaimKind::Accepted,
                    application: event.appContract,
                    last_block: event.lastProcessedBlockNumber.saturating_to(),
                    outputs_root: event.outputsMerkleRoot,
                    machine_root: Some(event.machineMerkleRoot),
                })
            }
            Some(&StagedConsensus::ClaimStaged::SIGNATURE_HASH) => {
                let event = StagedConsensus::ClaimStaged::decode_log(&log.inner)?.data;
                Some(Self {
                    kind: ClaimKind::Staged,
                    application: event.appContract,
                    last_block: event.lastProcessedBlockNumber.saturating_to(),
                    outputs_root: event.outputsMerkleRoot,
                    machine_root: Some(event.machineMerkleRoot),
                })
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::hex;
    use alloy::sol_types::SolCall;

    use super::*;

    #[test]
    fn selectors_and_topics_are_those_of_the_alpha_line() {
        assert_eq!(StagedConsensus::submitClaimCall::SELECTOR, hex!("9a00db83"));
        assert_eq!(StagedConsensus::acceptClaimCall::SELECTOR, hex!("8e2c381c"));
        assert_eq!(crate::chain::bindings::Versioned::versionCall::SELECTOR, hex!("54fd4d50"));
        let [_, accepted] = CLAIM_ACCEPTED;
        for (topic, begin, end) in [
            (accepted, hex!("8d40f6ff"), hex!("c46f")),
            (StagedConsensus::ClaimStaged::SIGNATURE_HASH, hex!("5bd35478"), hex!("1db9")),
        ] {
            assert!(topic.starts_with(&begin) && topic.ends_with(&end), "{topic}");
        }
    }
}
