//! The auditor: derives every decision of DeML from Ethereum, and names each divergence.
//!
//! - `evidence`, `hashes`: Ethereum's record, checked against the InputBox
//! - `engine`: the replay of the inputs; `outputs`: the tree of their outputs
//! - `served`, `compare`: the node's answers, compared with the replay
//! - `decoded`: an input and its outputs in market types; three models derive from them,
//!   independent of the market's code: `ledger` and `escrow` (money), `blobs` and `evaluation`
//!   (bytes and scores), `rulings` (decisions by terms and scores); `drill`: where a wrong
//!   evaluation diverges
//! - `claims`: the claims accepted on Ethereum, compared with the replay's roots
//! - `run`: all checks, input by input; `divergence`, `findings`, `report`, `timeline`,
//!   `summary`, `html`: their results
//! - `checkpoint`: progress of the last audit; `prove`: proofs that need no node
//!
//! After a fault an audit continues with the reported values, so that a wrong or seemingly wrong
//! value hides nothing after it: every independent fault is listed.
//!
//! Reading, replaying and checking are three concurrent stages, each one block range ahead of the
//! next.

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
mod summary;
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
pub use self::hashes::digest as input_hashes;
pub use self::html::page;
pub use self::outputs::{End, Outputs};
pub use self::prove::Recomputed;
pub use self::report::{Counts, Report, Unchecked, Verdict};
use self::run::{AuditRun, State, Step};
pub use self::summary::{JobSummaries, JobSummary, Subject};
pub use self::timeline::{Timeline, TimelineEntry};

/// Number of restarts of an audit when the chain's last blocks are reorganised.
const ATTEMPTS: u32 = 3;

/// The chain whose applications are programs identified by their genesis file.
const DEVNET_CHAIN: u64 = 31_337;

/// Configuration of an audit.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Ethereum.
    pub chain: Chain,
    /// The application.
    pub application: Address,
    /// The node whose answers are compared; `None` audits from Ethereum alone.
    pub node: Option<Node>,
    /// The replay engine.
    pub engine: Engine,
    /// The audited range.
    pub span: Span,
    /// Blocks after an epoch's end until a missing claim is overdue; the epoch length if `None`.
    pub patience: Option<u64>,
    /// The allegedly deployed program, whose evaluation of a wrong score is inspected.
    pub suspect: Option<PathBuf>,
    /// The folder of checkpoints to resume from; `None` starts at genesis.
    pub memory: Option<PathBuf>,
    /// The printer for progress.
    pub printer: Printer,
}

/// The judged part of a history; the replay starts at genesis all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Inclusive start; the first input if `None`.
    pub from: Option<Moment>,
    /// Inclusive end, where a block means the state at that block; the present if `None`.
    pub to: Option<Moment>,
}

/// A position in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// An input.
    Input(u64),
    /// A block.
    Block(u64),
}

/// The block up to which an audit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    block: u64,
    hash: B256,
}

impl std::str::FromStr for Moment {
    type Err = String;

    /// Parses `17` as an input, `block:17` as a block.
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
    /// Whether the judged part has started by this input and block.
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

    /// Whether an input comes after the judged part.
    pub(crate) fn is_over(&self, input: u64, block: u64) -> bool {
        self.to.is_some_and(|to| match to {
            Moment::Input(last) => input > last,
            Moment::Block(last) => block > last,
        })
    }
}

impl Audit {
    /// An audit of a market's whole history, replayed by this program's own application.
    #[must_use]
    pub fn of(session: &Session, genesis: PathBuf) -> Self {
        Self {
            chain: session.chain.clone(),
            application: session.application(),
            node: Some(session.node.clone()),
            engine: Engine { dapp: None, genesis, blobs: None, is_of_machine: false },
            span: Span::default(),
            patience: None,
            suspect: None,
            memory: None,
            printer: session.printer,
        }
    }

    /// Runs all checks.
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
            // Some checkpoints may be of reorganised blocks.
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

    /// Audits up to `head`; returns the report, the stored checkpoints and the first block it read.
    async fn run_to(
        &self,
        head: Head,
        undone: &BTreeSet<u64>,
    ) -> Result<(Report, Option<Checkpoints>, u64)> {
        let begun = Instant::now();
        let target = Target::read(&self.chain, self.application, head.block).await?;
        let deployed = self.engine.deployed()?;
        let mut notes = Vec::new();
        if self.chain.is_foreclosed(self.application).await? {
            notes.push(
                "the application was foreclosed by its guardian: no claim is accepted any more"
                    .to_owned(),
            );
        }
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

    /// The checkpoint database, if requested and the replay's state can be stored.
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

    /// Stores the audit's progress, if no fault was found so far.
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

    /// Reads Ethereum's record, ahead of the replay.
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

    /// Checks that the application was deployed from what is replayed. A program can stand in for a
    /// machine everywhere, but only the machine itself has the template's hash; on a devnet without
    /// one the genesis file does.
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
        let is_of_machine = self.engine.is_of_machine || target.chain_id != DEVNET_CHAIN;
        if !is_machine && is_of_machine {
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
