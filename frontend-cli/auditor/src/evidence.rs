//! Ethereum's record of an application: inputs, claims and executions, in order.
//!
//! Each input is checked against its hash in the InputBox.

use alloy::primitives::{Address, B256, Bytes};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent;
use anyhow::{Context, Result};
use client::chain::bindings::{Application, ApplicationFactory, Authority, InputBox};
use client::chain::{CLAIM_ACCEPTED, Chain, ClaimEvent, Input, LogReader};

use super::divergence::{Divergence, DivergenceKind};
use super::hashes;

/// Events to read at once, as an estimate: enough that requests cost little, few enough that
/// reading, replaying and checking overlap.
const EVENTS_AT_ONCE: usize = 600;
/// Blocks read at once initially.
const BLOCKS_AT_FIRST: u64 = 4;
/// Maximum of blocks read at once.
const BLOCKS_AT_MOST: u64 = 50_000;

/// The application as described by its contract.
#[derive(Clone, Debug)]
pub struct Target {
    /// The chain.
    pub chain_id: u64,
    /// The application's contract.
    pub application: Address,
    /// Its template hash.
    pub template: B256,
    /// Blocks per epoch.
    pub epoch_length: u64,
    /// The block of its deployment.
    pub deployment_block: u64,
    /// The validators with the first block from which their claims count, in order.
    pub validators: Vec<(u64, Address)>,
}

/// An event on Ethereum.
#[derive(Clone, Debug)]
pub enum Event {
    /// An input was added.
    Input(Input),
    /// A claim was accepted.
    Claim {
        /// The block after which the claimed root holds.
        last_block: u64,
        /// The claimed root.
        root: B256,
        /// The transaction that accepted it.
        transaction: B256,
    },
    /// An output was executed.
    Executed {
        /// Its index.
        output: u64,
        /// Its bytes.
        raw: Bytes,
        /// The transaction.
        transaction: B256,
    },
}

/// The events of consecutive blocks.
#[derive(Clone, Debug)]
pub struct BlockRange {
    /// The events, in order.
    pub events: Vec<Event>,
    /// The last of the blocks.
    pub last_block: u64,
    /// The first invalid input; nothing after it is in `events`.
    pub wrong: Option<Divergence>,
}

impl Target {
    /// Reads the target from its contracts.
    ///
    /// - Errors: there is no such application, or no answer
    pub async fn read(chain: &Chain, application: Address, head: u64) -> Result<Self> {
        let what = "read the application's contract";
        let template = Application::getTemplateHashCall {};
        let deployed = Application::getDeploymentBlockNumberCall {};
        let validator = Application::getOutputsMerkleRootValidatorCall {};
        let (chain_id, template, deployed, now) = tokio::try_join!(
            chain.chain_id(),
            chain.call(what, application, &template),
            chain.call(what, application, &deployed),
            chain.call(what, application, &validator),
        )?;
        let deployment_block = deployed.saturating_to();
        let what = "read the length of an epoch";
        let (validators, length) = tokio::try_join!(
            validators(chain, application, deployment_block, head, now),
            chain.call(what, now, &Authority::getEpochLengthCall {}),
        )?;
        Ok(Self {
            chain_id,
            application,
            template,
            epoch_length: length.saturating_to::<u64>().max(1),
            deployment_block,
            validators,
        })
    }

    /// The last block of the epoch that `block` is in.
    #[must_use]
    pub const fn epoch_end(&self, block: u64) -> u64 {
        block - block % self.epoch_length + (self.epoch_length - 1)
    }

    /// The validator when `block` was produced.
    fn validator_at(&self, block: u64) -> Option<Address> {
        let before = self.validators.partition_point(|(from, _)| *from <= block);
        self.validators.get(before.checked_sub(1)?).map(|(_, validator)| *validator)
    }
}

/// The validators with the first block from which they counted: every appointed one, up to the
/// current one.
async fn validators(
    chain: &Chain,
    application: Address,
    deployed: u64,
    head: u64,
    now: Address,
) -> Result<Vec<(u64, Address)>> {
    type Changed = Application::OutputsMerkleRootValidatorChanged;
    let filter = Filter::new().address(application).event_signature(Changed::SIGNATURE_HASH);
    let mut reader = chain.logs(filter, deployed);
    let mut changes = Vec::new();
    while let Some(logs) = reader.next(head).await? {
        for log in logs {
            let block = log.block_number.context("an event outside of any block")?;
            let changed = Changed::decode_log(&log.inner)?;
            changes.push((block, changed.newOutputsMerkleRootValidator));
        }
    }
    let first = match changes.first() {
        None => now,
        Some((block, _)) => first_validator(chain, application, deployed, *block).await?,
    };
    changes.insert(0, (0, first));
    Ok(changes)
}

/// The validator of a new application: as the factory that made it has it in an event, which every
/// node keeps; or else from the state before the first change, which archive nodes keep alone.
async fn first_validator(
    chain: &Chain,
    application: Address,
    deployed: u64,
    first_change: u64,
) -> Result<Address> {
    type Created = ApplicationFactory::ApplicationCreated;
    let factory = chain.contracts().application_factory;
    let filter = Filter::new().address(factory).event_signature(Created::SIGNATURE_HASH);
    let mut reader = chain.logs(filter, deployed);
    while let Some(logs) = reader.next(deployed).await? {
        let mut created = logs.iter().filter_map(|log| Created::decode_log(&log.inner).ok());
        if let Some(created) = created.find(|created| created.appContract == application) {
            return Ok(created.outputsMerkleRootValidator);
        }
    }
    let call = Application::getOutputsMerkleRootValidatorCall {};
    let what = "read who accepted claims at first";
    chain.call_at(what, application, &call, first_change.saturating_sub(1)).await
}

/// Iterates over an application's history.
pub struct Reader {
    chain: Chain,
    target: Target,
    logs: LogReader,
    /// Number of blocks to read at once.
    blocks: u64,
}

impl Reader {
    /// A reader that starts at block `first`.
    #[must_use]
    pub fn new(chain: &Chain, target: &Target, first: u64) -> Self {
        let mut sources = vec![chain.contracts().input_box, target.application];
        sources.extend(target.validators.iter().map(|(_, validator)| *validator));
        let mut signatures = CLAIM_ACCEPTED.to_vec();
        signatures.extend([
            InputBox::InputAdded::SIGNATURE_HASH,
            Application::OutputExecuted::SIGNATURE_HASH,
        ]);
        let filter = Filter::new().address(sources).event_signature(signatures);
        let logs = chain.logs(filter, first);
        Self { chain: chain.clone(), target: target.clone(), logs, blocks: BLOCKS_AT_FIRST }
    }

    /// The events of the next blocks, up to `head`; `None` if all were read.
    ///
    /// - Errors: the endpoint does not answer
    pub async fn next(&mut self, head: u64) -> Result<Option<BlockRange>> {
        let first = self.logs.next_block();
        let last = head.min(first.saturating_add(self.blocks - 1));
        let Some(logs) = self.logs.next(last).await? else { return Ok(None) };
        let last_block = self.logs.next_block() - 1;
        let events = logs.len();
        if events < EVENTS_AT_ONCE / 2 {
            self.blocks = self.blocks.saturating_mul(2).min(BLOCKS_AT_MOST);
        } else if events > EVENTS_AT_ONCE * 2 {
            self.blocks = (self.blocks / 2).max(1);
        }
        let mut range = BlockRange { events: Vec::new(), last_block, wrong: None };
        for log in logs {
            match self.event(&log) {
                Ok(event) => range.events.extend(event),
                Err(error) => {
                    let wrong =
                        Divergence::new(DivergenceKind::ForeignInput, format_args!("{error:#}"));
                    range.wrong = Some(wrong);
                    break;
                }
            }
        }
        self.check_hashes(&mut range).await?;
        Ok(Some(range))
    }

    /// Decodes an event of this application; `None` if it is about another one.
    fn event(&self, log: &Log) -> Result<Option<Event>> {
        let application = self.target.application;
        let transaction = log.transaction_hash.context("an event without a transaction")?;
        let source = log.address();
        let of_us = log.topics().get(1).is_some_and(|word| word[12..] == application[..]);
        let event = match log.topic0() {
            Some(&InputBox::InputAdded::SIGNATURE_HASH)
                if of_us && source == self.chain.contracts().input_box =>
            {
                Event::Input(Input::from_log(log, application)?)
            }
            Some(topic)
                if CLAIM_ACCEPTED.contains(topic)
                    && of_us
                    && Some(source) == self.target.validator_at(log.block_number.unwrap_or(0)) =>
            {
                let Some(claim) = ClaimEvent::read(log)? else { return Ok(None) };
                let ClaimEvent { last_block, outputs_root: root, .. } = claim;
                Event::Claim { last_block, root, transaction }
            }
            Some(&Application::OutputExecuted::SIGNATURE_HASH) if source == application => {
                let executed = Application::OutputExecuted::decode_log(&log.inner)?.data;
                let (output, raw) = (executed.outputIndex, executed.output);
                Event::Executed { output, raw, transaction }
            }
            _ => return Ok(None),
        };
        Ok(Some(event))
    }

    /// Looks for the first input whose hash differs from the InputBox's.
    async fn check_hashes(&self, range: &mut BlockRange) -> Result<()> {
        let inputs: Vec<&Input> = range.inputs().collect();
        let input_box = self.chain.contracts().input_box;
        let different =
            hashes::first_different(&self.chain, input_box, self.target.application, &inputs)
                .await?;
        if let Some((index, hash)) = different {
            let transaction = inputs.iter().find(|input| input.advance.index == index);
            let transaction = transaction.map(|input| (input.transaction, input.hash()));
            let (transaction, found) = transaction.unwrap_or_default();
            let sentence = format!("the event of input {index} is not what the InputBox keeps");
            let wrong = Divergence::new(DivergenceKind::InputHash, sentence)
                .at(index, transaction)
                .between(hash.map(|hash| hash.to_string()), Some(found.to_string()));
            range.events.retain(
                |event| !matches!(event, Event::Input(input) if input.advance.index >= index),
            );
            range.wrong = Some(wrong);
        }
        Ok(())
    }
}

impl BlockRange {
    /// The inputs, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.events.iter().filter_map(|event| match event {
            Event::Input(input) => Some(input),
            _ => None,
        })
    }
}
