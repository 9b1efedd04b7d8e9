//! Follows L1: feeds the application its inputs in order, and claims each epoch's outputs once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Context, Result, bail};
use application::{App, Notify};
use client::chain::bindings::{Application, Authority, Foreclosable, InputBox, StagedConsensus};
use client::chain::{ClaimEvent, ClaimKind, Input, LogReader, Sender, Sent};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::conduct::Conduct;
use super::l1::{self, L1};
use super::records::{Claim, EpochRecord, EpochStatus, Records, SharedRecords, StagedClaim};

/// Polling interval for L1.
const POLL: Duration = Duration::from_millis(50);
/// Interval at which the state of L1 is saved while it changes.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// The follower of one application.
pub(super) struct Follower {
    owner: Sender,
    records: SharedRecords,
    app: Arc<Mutex<App>>,
    l1: Arc<Mutex<L1>>,
    reader: LogReader,
    /// Idle time of the chain before an open epoch gets its next, empty block.
    block_interval: Duration,
    notify: Notify,
    conduct: Arc<dyn Conduct>,
    last_block_at: Instant,
    saved: (u64, Instant),
}

impl Follower {
    /// A follower that starts at the application's deployment.
    pub(super) fn new(
        owner: Sender,
        records: SharedRecords,
        app: Arc<Mutex<App>>,
        l1: Arc<Mutex<L1>>,
        block_interval: Duration,
        conduct: Arc<dyn Conduct>,
        notify: Notify,
    ) -> Self {
        let application = records.lock().application.clone();
        let sources = vec![application.input_box, application.address, application.consensus];
        let filter = Filter::new().address(sources);
        let reader = owner.chain().logs(filter, application.deployment_block);
        let now = Instant::now();
        Self {
            owner,
            records,
            app,
            l1,
            reader,
            block_interval,
            notify,
            conduct,
            last_block_at: now,
            saved: (0, now),
        }
    }

    /// Follows until a failure that only a person can repair.
    pub(super) async fn run(mut self) -> anyhow::Error {
        loop {
            if let Err(error) = self.step().await {
                return match self.l1.lock().await.has_ended() {
                    Some(said) => error.context(format!(
                        "anvil has ended ({said}): start the devnet again, it goes on from its L1"
                    )),
                    None => error,
                };
            }
            sleep(POLL).await;
        }
    }

    async fn step(&mut self) -> Result<()> {
        self.read_l1().await?;
        self.process_inputs().await?;
        self.claim_epochs().await?;
        self.mine_if_idle().await?;
        self.save().await
    }

    async fn read_l1(&mut self) -> Result<()> {
        let head = self.owner.chain().head().await?;
        let known = self.records.lock().head;
        if head < known {
            bail!("L1 went back from block {known} to {head}: start the devnet again");
        }
        while let Some(logs) = self.reader.next(head).await? {
            for log in logs {
                self.note(&log)?;
            }
        }
        if head > known {
            self.last_block_at = Instant::now();
        }
        self.records.lock().head = head;
        Ok(())
    }

    fn note(&self, log: &Log) -> Result<()> {
        let mut records = self.records.lock();
        let application = records.application.address;
        let transaction = log.transaction_hash.context("an event without a transaction")?;
        let of_us = |topic: usize| {
            log.topics().get(topic).is_some_and(|word| word[12..] == application[..])
        };
        match log.topic0() {
            Some(&InputBox::InputAdded::SIGNATURE_HASH) if of_us(1) => {
                records.add_input(Input::from_log(log, application)?)?;
            }
            Some(&Foreclosable::Foreclosure::SIGNATURE_HASH) => {
                let block = log.block_number.context("an event outside of any block")?;
                records.foreclosed = Some((block, transaction));
            }
            Some(&Application::OutputExecuted::SIGNATURE_HASH) => {
                let event = Application::OutputExecuted::decode_log(&log.inner)?;
                records.add_execution(event.outputIndex, transaction);
            }
            _ => {
                if let Some(claim) = ClaimEvent::read(log)?.filter(|_| of_us(1)) {
                    let block = log.block_number.context("an event outside of any block")?;
                    note_claim(&mut records, &claim, block, transaction);
                }
            }
        }
        Ok(())
    }

    async fn process_inputs(&mut self) -> Result<()> {
        loop {
            let pending = {
                let records = self.records.lock();
                records.next_pending().and_then(|index| records.input(index))
            };
            let Some(input) = pending else { break };
            if self.conduct.passes_over(&input) {
                self.records.lock().withhold();
                continue;
            }
            let completion = self.app.lock().await.advance(&input).await?;
            let mut records = self.records.lock();
            records.complete(self.conduct.record(completion));
            if let Some(failure) = &records.failure {
                (self.notify)(failure);
            }
        }
        let is_failed = self.records.lock().failure.is_some();
        if is_failed { Ok(()) } else { self.app.lock().await.revive().await }
    }

    /// Claims the next finished and processed epoch that has no claim on L1 yet: one at a time, as
    /// inputs wait as well.
    async fn claim_epochs(&mut self) -> Result<()> {
        while let Some((epoch, status)) = self.unsettled() {
            match status {
                EpochStatus::Open | EpochStatus::Closed => break,
                EpochStatus::ClaimAccepted => {}
                EpochStatus::ClaimComputed | EpochStatus::ClaimStaged => {
                    let is_done = match status {
                        EpochStatus::ClaimStaged => self.accept(&epoch).await?,
                        _ => self.claim(&epoch).await?,
                    };
                    self.records.lock().settled += usize::from(is_done);
                    break;
                }
                EpochStatus::ClaimRejected => (self.notify)(&format!(
                    "epoch {} was claimed on L1 with another root: the application has changed \
                     since; remove the devnet's folder to begin anew",
                    epoch.index
                )),
                EpochStatus::ClaimForeclosed => (self.notify)(&format!(
                    "epoch {} is not claimed: the application was foreclosed",
                    epoch.index
                )),
            }
            self.records.lock().settled += 1;
        }
        Ok(())
    }

    fn unsettled(&self) -> Option<(EpochRecord, EpochStatus)> {
        let records = self.records.lock();
        let epoch = records.epochs.get(records.settled)?;
        Some((*epoch, records.epoch_status(epoch)))
    }

    /// Claims an epoch, or leaves it out on purpose; returns whether it needs nothing more.
    async fn claim(&mut self, epoch: &EpochRecord) -> Result<bool> {
        let (application, root) = {
            let records = self.records.lock();
            let end = records.epoch_end(epoch).context("an epoch without end was to be claimed")?;
            let Some(root) = self.conduct.claim(end.root) else { return Ok(true) };
            (records.application.clone(), root)
        };
        let (to, block) = (application.consensus, U256::from(epoch.last_block));
        let what = "submit the claim";
        if application.staging_period.is_some() {
            let call = StagedConsensus::submitClaimCall {
                appContract: application.address,
                lastProcessedBlockNumber: block,
                outputsMerkleRoot: root,
                // A program has no machine's root to prove.
                proof: Vec::new(),
            };
            self.send(what, to, &call).await?;
            return Ok(false);
        }
        let call = Authority::submitClaimCall {
            appContract: application.address,
            lastProcessedBlockNumber: block,
            outputsMerkleRoot: root,
        };
        let transaction = self.send(what, to, &call).await?.transaction;
        self.records.lock().add_claim(epoch.last_block, Claim { root, transaction });
        (self.notify)(&format!("epoch {} claimed: outputs root {root}", epoch.index));
        Ok(true)
    }

    /// Has a staged claim accepted once its time has come; returns whether that is done.
    async fn accept(&mut self, epoch: &EpochRecord) -> Result<bool> {
        let (call, to, root) = {
            let records = self.records.lock();
            let application = &records.application;
            let Some(staged) = records.staged(epoch) else { return Ok(false) };
            if records.head < staged.block + application.staging_period.unwrap_or_default() {
                return Ok(false);
            }
            let call = StagedConsensus::acceptClaimCall {
                appContract: application.address,
                lastProcessedBlockNumber: U256::from(epoch.last_block),
                machineMerkleRoot: staged.machine_root,
            };
            (call, application.consensus, staged.root)
        };
        let sent = self.send("accept the claim", to, &call).await?;
        let claim = Claim { root, transaction: sent.transaction };
        self.records.lock().add_claim(epoch.last_block, claim);
        (self.notify)(&format!("epoch {} claimed: outputs root {root}", epoch.index));
        Ok(true)
    }

    /// Sends as the owner, and mines on while the pool is so full that this transaction waits.
    async fn send<C: SolCall + Sync>(&self, what: &str, to: Address, call: &C) -> Result<Sent> {
        let mut sending = pin!(self.owner.transact(what, to, U256::ZERO, call));
        loop {
            tokio::select! {
                sent = &mut sending => return sent,
                () = sleep(self.block_interval) => l1::mine(self.owner.chain(), 1).await?,
            }
        }
    }

    /// Anvil mines a block when a transaction comes: an idle chain would never end an epoch, and
    /// what did not fit into a block would wait for ever.
    async fn mine_if_idle(&mut self) -> Result<()> {
        if self.last_block_at.elapsed() < self.block_interval {
            return Ok(());
        }
        let waits =
            matches!(self.unsettled(), Some((_, EpochStatus::Open | EpochStatus::ClaimStaged)));
        if waits || l1::has_pending(self.owner.chain()).await? {
            l1::mine(self.owner.chain(), 1).await?;
        }
        Ok(())
    }

    async fn save(&mut self) -> Result<()> {
        let head = self.records.lock().head;
        let (saved, at) = self.saved;
        if head != saved && at.elapsed() >= SAVE_EVERY {
            self.l1.lock().await.save().await?;
            self.saved = (head, Instant::now());
        }
        Ok(())
    }
}

fn note_claim(records: &mut Records, claim: &ClaimEvent, block: u64, transaction: B256) {
    let root = claim.outputs_root;
    match (claim.kind, claim.machine_root) {
        (ClaimKind::Accepted, _) => {
            records.add_claim(claim.last_block, Claim { root, transaction });
        }
        (ClaimKind::Staged, machine_root) => {
            let machine_root = machine_root.unwrap_or_default();
            let staged = StagedClaim { root, machine_root, block, transaction };
            records.add_staged(claim.last_block, staged);
        }
    }
}
