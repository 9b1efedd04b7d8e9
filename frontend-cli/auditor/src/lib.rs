//! The auditor: derives everything that DeML ever decided from Ethereum, and names each thing that
//! is not as it must be.
//!
//! - `evidence`, `hashes`: what Ethereum holds, checked against the InputBox
//! - `engine`: the replay of the inputs; `outputs`: the tree of what they led to
//! - `served`, `compare`: what the node answers, beside the replay
//! - `decoded`: an input and its outputs as the market means them; three models follow from them,
//!   apart from the market, with every job in one map and every choice in one place: `ledger` and
//!   `escrow` (money), `blobs` and `evaluation` (bytes and scores), `rulings` (what the terms make
//!   of scores); `drill`: where a wrong evaluation goes another way
//! - `claims`: what was accepted on Ethereum, beside the replay's roots
//! - `run`: all checks, input by input; `divergence`, `findings`, `report`, `timeline`, `html`: what they come
//!   to
//! - `checkpoint`: how far the last audit came; `prove`: proofs that need no node
//!
//! After something wrong an audit goes on with what was told, so that a lie, or what only looks
//! like one, hides nothing that comes after it: everything wrong is listed that does not follow
//! from what was wrong before.
//!
//! Reading, replaying and checking are three stages that run at once, each one range of blocks
//! ahead of the next.

mod blobs;
mod checkpoint;
mod claims;
mod compare;
mod decoded;
mod divergence;
mod drill;
mod engine;
mod escrow;
mod evaluation;
mod evidence;
mod findings;
mod hashes;
mod html;
mod ledger;
mod outputs;
mod prove;
mod report;
mod rulings;
mod run;
mod served;
#[cfg(test)]
mod tests;
mod timeline;
pub mod watch;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use alloy::primitives::{Address, B256, U256};
use anyhow::{Context, Result, bail};
use application::Dapp;
use client::chain::{Chain, bindings::InputBox};
use client::node::Node;
use client::printer::Printer;
use client::session::Session;
use market::Market;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::checkpoint::{Checkpoint, Checkpoints, Identity};
pub use self::claims::{Claim, Claims};
pub use self::divergence::{Divergence, DivergenceKind, DrillDown, FirstDifference, SeenIn};
pub use self::engine::Engine;
use self::engine::Undone;
pub use self::evidence::{BlockRange, Event, Reader, Target};
pub use self::html::page;
pub use self::outputs::{End, Outputs};
pub use self::prove::Recomputed;
pub use self::report::{Counts, Report, Unchecked, Verdict};
use self::run::{AuditRun, State, Step};
pub use self::timeline::{Timeline, TimelineEntry};

/// How often an audit begins again because the chain's last blocks were replaced under it.
const ATTEMPTS: u32 = 3;

/// The chain whose applications are programs identified by their genesis file.
const DEVNET_CHAIN: u64 = 31_337;

/// What is audited, and how.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Ethereum.
    pub chain: Chain,
    /// The application.
    pub application: Address,
    /// The node whose answers are compared; nothing audits from Ethereum alone.
    pub node: Option<Node>,
    /// What replays.
    pub engine: Engine,
    /// What is looked at.
    pub span: Span,
    /// How many blocks after its end an epoch may be without a claim; an epoch's length when
    /// nothing is said.
    pub patience: Option<u64>,
    /// The program that is said to be deployed, whose evaluation of a wrong score is looked into.
    pub suspect: Option<PathBuf>,
    /// The folder of checkpoints, where an audit goes on from the last one; none begins at genesis.
    pub memory: Option<PathBuf>,
    /// How to speak.
    pub printer: Printer,
}

/// Which part of a history is judged; the replay begins at genesis all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// From here on; from the first input when nothing is said.
    pub from: Option<Moment>,
    /// Up to here, this included, and with a block as things were then; up to now when nothing is
    /// said.
    pub to: Option<Moment>,
}

/// A place in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// An input.
    Input(u64),
    /// A block.
    Block(u64),
}

/// The block an audit goes up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    block: u64,
    hash: B256,
}

impl std::str::FromStr for Moment {
    type Err = String;

    /// `17` is an input, `block:17` a block.
    fn from_str(text: &str) -> Result<Self, String> {
        let (of, number): (fn(u64) -> Self, _) = match text.strip_prefix("block:") {
            Some(number) => (Self::Block, number),
            None => (Self::Input, text),
        };
        let number = number.parse().map_err(|_| format!("{text} is neither N nor block:N"))?;
        Ok(of(number))
    }
}

impl Span {
    /// Whether everything from this input and block on is judged, as far as the beginning goes.
    fn begins_by(&self, input: u64, block: u64) -> bool {
        self.from.is_none_or(|from| match from {
            Moment::Input(first) => first <= input,
            Moment::Block(first) => first <= block,
        })
    }

    /// Whether an input is judged.
    pub(crate) fn has(&self, input: u64, block: u64) -> bool {
        let is_after = self.from.is_none_or(|from| match from {
            Moment::Input(first) => input >= first,
            Moment::Block(first) => block >= first,
        });
        is_after && !self.is_over(input, block)
    }

    /// Whether an input comes after all that is judged.
    pub(crate) fn is_over(&self, input: u64, block: u64) -> bool {
        self.to.is_some_and(|to| match to {
            Moment::Input(last) => input > last,
            Moment::Block(last) => block > last,
        })
    }
}

impl Audit {
    /// Everything that happened in a market, replayed by this program's own application.
    #[must_use]
    pub fn of(session: &Session, genesis: PathBuf) -> Self {
        Self {
            chain: session.chain.clone(),
            application: session.application(),
            node: Some(session.node.clone()),
            engine: Engine { dapp: None, genesis, blobs: None },
            span: Span::default(),
            patience: None,
            suspect: None,
            memory: None,
            printer: session.printer,
        }
    }

    /// Checks everything.
    ///
    /// - Errors: something could not be checked; what, and why
    pub async fn run(&self) -> Result<Report> {
        let mut undone = BTreeSet::new();
        let mut attempts = 0;
        while attempts < ATTEMPTS {
            let head = self.head().await?;
            let ran = self.run_to(head, &undone).await;
            if let Some(Undone(input)) = ran.as_ref().err().and_then(|error| error.downcast_ref())
                && undone.insert(*input)
            {
                self.printer.say(format_args!("input {input} is undone; the replay begins again"));
                continue;
            }
            attempts += 1;
            let (report, checkpoints, first) = ran?;
            if self.chain.block_hash(head.block).await? == Some(head.hash) {
                return Ok(report);
            }
            // Part of what was kept may be of the blocks that were replaced.
            checkpoints.map_or(Ok(()), |checkpoints| checkpoints.forget_from(first))?;
            self.printer.say("the chain's last blocks were replaced; the audit begins again");
        }
        bail!("the chain replaces its last blocks again and again: try later")
    }

    async fn head(&self) -> Result<Head> {
        let newest = self.chain.head().await?;
        let block = match self.span.to {
            Some(Moment::Block(last)) => newest.min(last),
            _ => newest,
        };
        let hash = self.chain.block_hash(block).await?;
        Ok(Head { block, hash: hash.context("the Ethereum node lacks its newest blocks")? })
    }

    /// Audits up to `head`; with the checkpoints it kept, and the first block it looked at.
    async fn run_to(
        &self,
        head: Head,
        undone: &BTreeSet<u64>,
    ) -> Result<(Report, Option<Checkpoints>, u64)> {
        let begun = Instant::now();
        let target = Target::read(&self.chain, self.application, head.block).await?;
        let deployed = self.engine.deployed()?;
        let mut notes = Vec::new();
        if let Some(divergence) = self.check_template(&target, &mut notes).await? {
            let state = State::at_genesis(&deployed);
            let mut run = AuditRun::new(self, &target, &deployed.genesis, state);
            run.suspect(divergence);
            let report = run.finish(head.block, begun, notes).await?;
            return Ok((report, None, target.deployment_block));
        }
        let checkpoints = self.checkpoints(&target).await?;
        let newest = match &checkpoints {
            Some(checkpoints) => checkpoints.newest(&self.chain, head.block, self.printer).await?,
            None => None,
        };
        let resumed = newest.as_ref().map(|newest| newest.block);
        let (first, state, market) = match newest {
            Some(Checkpoint { block, state, market, .. }) => (block + 1, state, Some(market)),
            None => (target.deployment_block, State::at_genesis(&deployed), None),
        };
        let is_whole = self.span.begins_by(state.counts.inputs, first);

        let (reading, ranges) = self.read(&target, first, head.block);
        let engine = self.engine.start(&deployed, market, undone, head.block, self.printer, ranges);
        let mut replayed = engine.await?;
        let mut run = AuditRun::new(self, &target, &deployed.genesis, state);
        let bar = self.printer.bar("auditing inputs", self.inputs().await?);
        while let Some(played) = replayed.recv().await {
            let mut played = played?;
            let (market, block) = (played.market.take(), played.range.last_block);
            let step = run.take(played).await?;
            bar.set(run.counts().inputs);
            if step == Step::Stop {
                break;
            }
            if let (Some(checkpoints), Some(market), true) = (&checkpoints, market, is_whole) {
                self.keep(checkpoints, &mut run, market, block).await?;
            }
        }
        reading.abort();
        let report = run.finish(head.block, begun, notes).await?;
        Ok((Report { resumed, ..report }, checkpoints, first))
    }

    async fn inputs(&self) -> Result<u64> {
        let call = InputBox::getNumberOfInputsCall { appContract: self.application };
        let input_box = self.chain.contracts().input_box;
        let inputs: U256 = self.chain.call("count the inputs", input_box, &call).await?;
        Ok(inputs.saturating_to())
    }

    /// Where checkpoints are, if they are wanted and the replay's state can be kept.
    async fn checkpoints(&self, target: &Target) -> Result<Option<Checkpoints>> {
        let Some(folder) = self.memory.as_ref().filter(|_| self.engine.dapp.is_none()) else {
            return Ok(None);
        };
        let identity = Identity {
            chain_id: target.chain_id,
            application: target.application,
            genesis: self.engine.template().await?,
            node: self.node.as_ref().map(|node| node.url().to_owned()),
        };
        Checkpoints::open(folder, identity, self.printer).map(Some)
    }

    /// Keeps how far the audit has come, if all holds so far.
    async fn keep(
        &self,
        checkpoints: &Checkpoints,
        run: &mut AuditRun,
        market: Market,
        block: u64,
    ) -> Result<()> {
        let Some(state) = run.settled().await? else { return Ok(()) };
        let hash = self.chain.block_hash(block).await?;
        let hash = hash.context("the Ethereum node lacks a block it just had")?;
        checkpoints.keep(&Checkpoint { block, hash, state: state.clone(), market })
    }

    /// Reads what Ethereum holds, ahead of the replay.
    fn read(
        &self,
        target: &Target,
        first: u64,
        head: u64,
    ) -> (JoinHandle<()>, mpsc::Receiver<Result<BlockRange>>) {
        let mut reader = Reader::new(&self.chain, target, first);
        let (send, ranges) = mpsc::channel(1);
        let reading = tokio::spawn(async move {
            while let Some(range) = reader.next(head).await.transpose() {
                let failed = range.is_err();
                if send.send(range).await.is_err() || failed {
                    break;
                }
            }
        });
        (reading, ranges)
    }

    /// Whether what is replayed is what the application was made of. A program can answer for a
    /// machine only on a devnet, where there is none.
    async fn check_template(
        &self,
        target: &Target,
        notes: &mut Vec<String>,
    ) -> Result<Option<Divergence>> {
        let template = self.engine.template().await?;
        if template == target.template {
            return Ok(None);
        }
        let is_machine = matches!(self.engine.dapp, Some(Dapp::Machine(_)));
        if !is_machine && target.chain_id != DEVNET_CHAIN {
            notes.push(format!(
                "the template {} was not checked: that takes its machine, --machine FOLDER",
                target.template
            ));
            return Ok(None);
        }
        let sentence = "the application on Ethereum was made of another template";
        let both = (Some(template.to_string()), Some(target.template.to_string()));
        Ok(Some(Divergence::new(DivergenceKind::Template, sentence).between(both.0, both.1)))
    }
}
