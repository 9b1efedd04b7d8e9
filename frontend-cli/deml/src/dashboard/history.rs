//! For a browser that verifies the market: what Ethereum says of it, and what the node tells.

use std::fs;

use alloy::primitives::{B256, Bytes};
use anyhow::{Context as _, Result};
use auditor::{Event, Reader, Target, input_hashes};
use client::{node::OutputRecord, printer::Refused, session::Session};
use serde::Serialize;

use super::site::Site;
use crate::config::DEVNET_CHAIN;

/// Inputs of an answer, if no more come at once.
const INPUTS: usize = 200;

/// Outputs of an answer.
const OUTPUTS: u64 = 200;

/// The application as its contract describes it.
#[derive(Debug, Serialize)]
pub(super) struct Deployment {
    chain_id: u64,
    /// The hash of its genesis file; `None` if it is a machine's, which takes the machine to check.
    template: Option<B256>,
    /// The block of its deployment.
    deployment_block: u64,
    /// The newest block.
    head: u64,
}

pub(super) async fn deployment(site: &Site) -> Result<Deployment> {
    let session = &site.session;
    let head = session.chain.head().await?;
    let target = Target::read(&session.chain, session.application(), head).await?;
    let Target { chain_id, template, deployment_block, .. } = target;
    let is_program = chain_id == DEVNET_CHAIN && !site.is_of_machine;
    Ok(Deployment { chain_id, template: is_program.then_some(template), deployment_block, head })
}

/// The genesis file.
///
/// - Errors: `NoGenesis`
pub(super) fn genesis(site: &Site) -> Result<Vec<u8>> {
    let path = site.genesis.as_ref().ok_or_else(|| {
        let why = "the page does not know what the application was deployed with: start it with \
                   `deml dashboard --genesis FILE`";
        Refused::new("NoGenesis", why)
    })?;
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// What happened in some blocks, by Ethereum alone.
#[derive(Debug, Serialize)]
pub(super) struct History {
    /// The first block that is not in it.
    next_block: u64,
    /// The newest block.
    head: u64,
    /// The hash of the newest block, by which a reorganisation shows.
    head_hash: B256,
    /// The inputs, as the InputBox hashed them.
    inputs: Vec<Bytes>,
    /// The hash of the hashes that the InputBox keeps of them; `None` of none, or if the endpoint
    /// runs no such call, and this program alone has compared them.
    digest: Option<B256>,
    claims: Vec<Claim>,
    /// What is wrong with the first input that is not in it.
    wrong: Option<String>,
}

/// An accepted claim.
#[derive(Debug, Serialize)]
struct Claim {
    last_block: u64,
    root: B256,
}

pub(super) async fn history(session: &Session, first: u64) -> Result<History> {
    let (chain, application) = (&session.chain, session.application());
    let head = chain.head().await?;
    let head_hash = chain.block_hash(head).await?;
    let head_hash = head_hash.context("the Ethereum node lacks its newest block")?;
    let target = Target::read(chain, application, head).await?;
    let first = first.max(target.deployment_block);
    let mut reader = Reader::new(chain, &target, first);
    let mut history = History {
        next_block: first,
        head,
        head_hash,
        inputs: Vec::new(),
        digest: None,
        claims: Vec::new(),
        wrong: None,
    };
    let mut number = None;
    while history.inputs.len() < INPUTS
        && history.wrong.is_none()
        && let Some(range) = reader.next(head).await?
    {
        for event in range.events {
            match event {
                Event::Input(input) => {
                    number.get_or_insert(input.advance.index);
                    history.inputs.push(input.raw);
                }
                Event::Claim { last_block, root, .. } => {
                    history.claims.push(Claim { last_block, root });
                }
                Event::Executed { .. } => {}
            }
        }
        history.next_block = range.last_block + 1;
        history.wrong = range.wrong.map(|wrong| wrong.sentence);
    }
    if let Some(number) = number {
        let (input_box, count) = (chain.contracts().input_box, history.inputs.len() as u64);
        history.digest = input_hashes(chain, input_box, application, number, count).await;
    }
    Ok(history)
}

/// Outputs as the node tells them.
#[derive(Debug, Serialize)]
pub(super) struct Outputs {
    /// The first output that is not in it.
    next: u64,
    /// Whether there are no more yet.
    is_all: bool,
    outputs: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    index: u64,
    input: u64,
    raw: Bytes,
}

pub(super) async fn outputs(session: &Session, first: u64) -> Result<Outputs> {
    let mut pages = session.node.listing::<OutputRecord>("cartesi_listOutputs", first, OUTPUTS);
    let records = pages.next().await?.unwrap_or_default();
    let next = records.last().map_or(first, |last| last.index + 1);
    let is_all = (records.len() as u64) < OUTPUTS;
    let outputs = records.into_iter().map(|record| {
        let OutputRecord { index, input_index: input, raw_data: raw, .. } = record;
        Told { index, input, raw }
    });
    Ok(Outputs { next, is_all, outputs: outputs.collect() })
}
