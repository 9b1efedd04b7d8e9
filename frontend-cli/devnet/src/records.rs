//! The devnet's records, all derived from L1: inputs and their outcomes, epochs and claims.
//!
//! Pure: no process, network or file. The JSON-RPC server only reads it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy::primitives::{Address, B256, Bytes, keccak256};
use anyhow::{Result, ensure};
use application::{Completion, InputStatus};
use client::chain::{Advance, Input};
use client::merkle::OutputsTree;
use serde::Serialize;

/// The application that the records are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Application {
    /// Its name, an alternative to its address.
    pub(super) name: String,
    /// Its contract.
    pub(super) address: Address,
    /// The Authority that accepts its claims.
    pub(super) consensus: Address,
    /// The InputBox of its inputs.
    pub(super) input_box: Address,
    /// The hash that identifies its code: the machine's, or for a program that of its genesis file.
    pub(super) template_hash: B256,
    /// Its data availability: where its inputs are.
    pub(super) data_availability: Bytes,
    /// Blocks per epoch.
    pub(super) epoch_length: u64,
    /// The block it was deployed in.
    pub(super) deployment_block: u64,
    /// That block's timestamp, in seconds.
    pub(super) deployed_at: u64,
    /// Blocks between a claim and its acceptance; `None` if claims are accepted at once.
    pub(super) staging_period: Option<u64>,
}

/// Status of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum EpochStatus {
    Open,
    Closed,
    ClaimComputed,
    ClaimStaged,
    ClaimAccepted,
    ClaimRejected,
    ClaimForeclosed,
}

#[derive(Clone, Debug)]
pub(super) struct InputRecord {
    pub(super) input: Input,
    pub(super) epoch: u64,
    pub(super) status: InputStatus,
    /// Outputs and outputs root after it, once processed.
    pub(super) after: Option<After>,
    /// Whether it is hidden from clients: a lie, for tests of auditors.
    pub(super) is_withheld: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct After {
    pub(super) outputs: u64,
    pub(super) root: B256,
}

#[derive(Clone, Debug)]
pub(super) struct OutputRecord {
    pub(super) input: u64,
    pub(super) epoch: u64,
    pub(super) raw: Bytes,
    /// The transaction that executed it.
    pub(super) executed: Option<B256>,
}

#[derive(Clone, Debug)]
pub(super) struct ReportRecord {
    pub(super) input: u64,
    pub(super) epoch: u64,
    pub(super) payload: Bytes,
}

/// An epoch with at least one input; the others are never claimed.
#[derive(Clone, Copy, Debug)]
pub(super) struct EpochRecord {
    pub(super) index: u64,
    pub(super) first_block: u64,
    pub(super) last_block: u64,
    /// Its inputs: from `first_input` up to but not including `end_input`.
    pub(super) first_input: u64,
    pub(super) end_input: u64,
}

/// A claim that waits on L1 for the end of the staging period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StagedClaim {
    pub(super) root: B256,
    pub(super) machine_root: B256,
    /// The block that staged it.
    pub(super) block: u64,
    pub(super) transaction: B256,
}

/// A claim accepted on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) root: B256,
    pub(super) transaction: B256,
}

/// All records of one application.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) application: Application,
    pub(super) inputs: Vec<InputRecord>,
    pub(super) outputs: Vec<OutputRecord>,
    pub(super) reports: Vec<ReportRecord>,
    pub(super) epochs: Vec<EpochRecord>,
    /// Accepted claims by the last block of their epoch.
    claims: BTreeMap<u64, Claim>,
    /// Staged claims by the last block of their epoch, accepted ones included.
    staged: BTreeMap<u64, StagedClaim>,
    /// The block in which the application was foreclosed, and the transaction.
    pub(super) foreclosed: Option<(u64, B256)>,
    /// Transactions that executed outputs, by output: L1 may be ahead of the replay.
    executions: BTreeMap<u64, B256>,
    tree: OutputsTree,
    /// The newest block whose events are included.
    pub(super) head: u64,
    processed: u64,
    /// Number of leading epochs that need no further attention.
    pub(super) settled: usize,
    /// The reason why no further input can be processed, once the application has failed for good.
    pub(super) failure: Option<String>,
}

/// Records shared by the follower and the servers.
#[derive(Clone, Debug)]
pub(super) struct SharedRecords(Arc<Mutex<Records>>);

impl SharedRecords {
    pub(super) fn new(application: Application) -> Self {
        Self(Arc::new(Mutex::new(Records::new(application))))
    }

    /// Locks briefly; never held across an await.
    pub(super) fn lock(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn new(application: Application) -> Self {
        Self {
            application,
            inputs: Vec::new(),
            outputs: Vec::new(),
            reports: Vec::new(),
            epochs: Vec::new(),
            claims: BTreeMap::new(),
            staged: BTreeMap::new(),
            foreclosed: None,
            executions: BTreeMap::new(),
            tree: OutputsTree::default(),
            head: 0,
            processed: 0,
            settled: 0,
            failure: None,
        }
    }

    /// Adds the next input found on L1.
    ///
    /// - Errors: it is not the next one
    pub(super) fn add_input(&mut self, input: Input) -> Result<()> {
        let index = self.inputs.len() as u64;
        let found = input.advance.index;
        ensure!(found == index, "L1 gave input {found} where input {index} comes next");
        let length = self.application.epoch_length;
        let epoch = input.advance.block_number / length;
        match self.epochs.last_mut() {
            Some(last) if last.index == epoch => last.end_input += 1,
            _ => self.epochs.push(EpochRecord {
                index: epoch,
                first_block: epoch * length,
                last_block: epoch * length + (length - 1),
                first_input: index,
                end_input: index + 1,
            }),
        }
        self.inputs.push(InputRecord {
            input,
            epoch,
            status: InputStatus::None,
            after: None,
            is_withheld: false,
        });
        Ok(())
    }

    /// Records a claim accepted on L1.
    pub(super) fn add_claim(&mut self, last_block: u64, claim: Claim) {
        self.claims.insert(last_block, claim);
    }

    /// Records a claim staged on L1.
    pub(super) fn add_staged(&mut self, last_block: u64, claim: StagedClaim) {
        self.staged.insert(last_block, claim);
    }

    /// Records that output `index` was executed on L1.
    pub(super) fn add_execution(&mut self, index: u64, transaction: B256) {
        self.executions.insert(index, transaction);
        if let Some(output) = get_mut(&mut self.outputs, index) {
            output.executed = Some(transaction);
        }
    }

    /// The next input to process, unless the application has failed for good.
    pub(super) fn next_pending(&self) -> Option<u64> {
        (self.failure.is_none() && self.processed < self.inputs.len() as u64)
            .then_some(self.processed)
    }

    /// Number of inputs processed.
    pub(super) fn processed(&self) -> u64 {
        self.processed
    }

    /// Stores the outcome of the next pending input.
    pub(super) fn complete(&mut self, completion: Completion) {
        let index = self.processed;
        let Completion { status, outputs, reports } = completion;
        if !matches!(status, InputStatus::Accepted | InputStatus::Rejected) {
            self.failure = Some(format!(
                "the application failed at input {index}; on a real node it would now be dead for \
                 ever, with all the money in it: mend it and start the devnet again"
            ));
        }
        let Some(record) = get(&self.inputs, index) else { return };
        let epoch = record.epoch;
        for raw in outputs {
            self.tree.push(keccak256(&raw));
            let executed = self.executions.get(&(self.outputs.len() as u64)).copied();
            self.outputs.push(OutputRecord { input: index, epoch, raw, executed });
        }
        for payload in reports {
            self.reports.push(ReportRecord { input: index, epoch, payload });
        }
        let outputs = self.tree.len();
        let after = After { outputs, root: self.tree.root(outputs) };
        if let Some(record) = get_mut(&mut self.inputs, index) {
            record.status = status;
            record.after = Some(after);
        }
        self.processed = index + 1;
    }

    /// Continues as if the next pending input had never been sent.
    pub(super) fn withhold(&mut self) {
        let index = self.processed;
        self.complete(Completion::failed(InputStatus::Accepted));
        if let Some(record) = get_mut(&mut self.inputs, index) {
            record.is_withheld = true;
        }
    }

    /// Input number `index`, if it exists.
    pub(super) fn input(&self, index: u64) -> Option<Advance> {
        Some(get(&self.inputs, index)?.input.advance.clone())
    }

    /// The time of the block with input `index`, in seconds; 0 if there is none.
    pub(super) fn time_of_input(&self, index: u64) -> u64 {
        get(&self.inputs, index).map_or(0, |record| record.input.advance.block_timestamp)
    }

    /// The time of the newest input, if there is any.
    pub(super) fn newest_input_time(&self) -> Option<u64> {
        self.inputs.last().map(|record| record.input.advance.block_timestamp)
    }

    /// The outcome of input `index`, if it was processed.
    pub(super) fn completion(&self, index: u64) -> Option<Completion> {
        let record = get(&self.inputs, index).filter(|record| record.after.is_some())?;
        let outputs = of_input(&self.outputs, index, |output| output.input);
        let reports = of_input(&self.reports, index, |report| report.input);
        Some(Completion {
            status: record.status,
            outputs: outputs.iter().map(|output| output.raw.clone()).collect(),
            reports: reports.iter().map(|report| report.payload.clone()).collect(),
        })
    }

    /// The state just before input `index`, if any input was processed before it.
    fn before(&self, index: u64) -> Option<After> {
        get(&self.inputs, index.checked_sub(1)?)?.after
    }

    /// The epoch number `index`, if it has inputs.
    pub(super) fn epoch(&self, index: u64) -> Option<&EpochRecord> {
        let position = self.epochs.binary_search_by_key(&index, |epoch| epoch.index).ok()?;
        self.epochs.get(position)
    }

    /// Outputs and root after the last input of `epoch`, once all its inputs are processed.
    pub(super) fn epoch_end(&self, epoch: &EpochRecord) -> Option<After> {
        self.before(epoch.end_input)
    }

    /// The claim for `epoch` that L1 has accepted.
    pub(super) fn claim(&self, epoch: &EpochRecord) -> Option<Claim> {
        self.claims.get(&epoch.last_block).copied()
    }

    /// The claim for `epoch` that was staged, whether or not it was accepted since.
    pub(super) fn staged(&self, epoch: &EpochRecord) -> Option<StagedClaim> {
        self.staged.get(&epoch.last_block).copied()
    }

    /// The status of `epoch`.
    pub(super) fn epoch_status(&self, epoch: &EpochRecord) -> EpochStatus {
        // A claim can only be sent once a block of the next epoch exists.
        if self.head <= epoch.last_block {
            return EpochStatus::Open;
        }
        let Some(end) = self.epoch_end(epoch) else {
            return EpochStatus::Closed;
        };
        match (self.claim(epoch), self.staged(epoch)) {
            (Some(claim), _) if claim.root == end.root => EpochStatus::ClaimAccepted,
            (Some(_), _) => EpochStatus::ClaimRejected,
            (None, _) if self.foreclosed.is_some() => EpochStatus::ClaimForeclosed,
            (None, Some(staged)) if staged.root == end.root => EpochStatus::ClaimStaged,
            (None, Some(_)) => EpochStatus::ClaimRejected,
            (None, None) => EpochStatus::ClaimComputed,
        }
    }

    /// The 63 siblings that prove output `index` against its epoch's claim, once computed.
    pub(super) fn siblings(&self, index: u64) -> Option<Vec<B256>> {
        let output = get(&self.outputs, index)?;
        let epoch = self.epoch(output.epoch)?;
        match self.epoch_status(epoch) {
            EpochStatus::Open | EpochStatus::Closed => None,
            _ => self.tree.proof(index, self.epoch_end(epoch)?.outputs),
        }
    }

    /// The outputs root after all processed inputs.
    pub(super) fn root(&self) -> B256 {
        self.tree.root(self.tree.len())
    }
}

/// The items that belong to input `index`; `items` are in the order of their inputs.
fn of_input<T>(items: &[T], index: u64, input: impl Fn(&T) -> u64) -> &[T] {
    let start = items.partition_point(|item| input(item) < index);
    let end = items.partition_point(|item| input(item) <= index);
    &items[start..end]
}

/// The item number `index`.
pub(super) fn get<T>(items: &[T], index: u64) -> Option<&T> {
    items.get(usize::try_from(index).ok()?)
}

fn get_mut<T>(items: &mut [T], index: u64) -> Option<&mut T> {
    items.get_mut(usize::try_from(index).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::merkle;

    fn records() -> Records {
        Records::new(Application {
            name: "app".to_owned(),
            address: Address::repeat_byte(1),
            consensus: Address::repeat_byte(2),
            input_box: Address::repeat_byte(3),
            template_hash: B256::ZERO,
            data_availability: Bytes::new(),
            epoch_length: 10,
            deployment_block: 0,
            deployed_at: 0,
            staging_period: None,
        })
    }

    fn input(index: u64, block_number: u64) -> Input {
        let advance = Advance {
            chain_id: 1,
            app_contract: Address::repeat_byte(1),
            msg_sender: Address::repeat_byte(9),
            block_number,
            block_timestamp: 0,
            prev_randao: B256::ZERO,
            index,
            payload: Bytes::new(),
        };
        Input { advance, raw: Bytes::new(), transaction: B256::ZERO, log_index: 0 }
    }

    fn accepted(outputs: &[&'static [u8]]) -> Completion {
        let outputs = outputs.iter().map(|output| Bytes::from_static(output)).collect();
        Completion { status: InputStatus::Accepted, outputs, reports: vec![Bytes::new()] }
    }

    #[test]
    fn an_epoch_is_claimed_once_it_is_past_and_processed() {
        let mut records = records();
        records.add_input(input(0, 31)).unwrap();
        records.add_input(input(1, 39)).unwrap();
        records.add_input(input(2, 57)).unwrap();
        assert!(records.add_input(input(2, 58)).is_err(), "an input came twice");
        let numbers: Vec<u64> = records.epochs.iter().map(|epoch| epoch.index).collect();
        assert_eq!(numbers, [3, 5]);
        let status = |records: &Records| records.epoch_status(records.epoch(3).unwrap());

        records.head = 39;
        assert_eq!(status(&records), EpochStatus::Open);
        records.head = 40;
        assert_eq!(status(&records), EpochStatus::Closed);
        records.complete(accepted(&[b"a", b"b"]));
        assert_eq!(status(&records), EpochStatus::Closed);
        records.complete(accepted(&[]));
        assert_eq!(status(&records), EpochStatus::ClaimComputed);
        let root = records.root();

        // Later outputs change neither the claim nor the proofs against it.
        records.complete(accepted(&[b"c"]));
        assert_ne!(records.root(), root);
        assert!(merkle::verify(b"b", 1, &records.siblings(1).unwrap(), root));
        assert_eq!(records.siblings(2), None);
        records.add_claim(39, Claim { root: B256::ZERO, transaction: B256::ZERO });
        assert_eq!(status(&records), EpochStatus::ClaimRejected);
        records.add_claim(39, Claim { root, transaction: B256::ZERO });
        assert_eq!(status(&records), EpochStatus::ClaimAccepted);
    }

    #[test]
    fn a_claim_is_staged_before_it_is_accepted() {
        let mut records = records();
        records.add_input(input(0, 31)).unwrap();
        records.complete(accepted(&[b"a"]));
        records.head = 40;
        let status = |records: &Records| records.epoch_status(records.epoch(3).unwrap());
        let (root, transaction) = (records.root(), B256::ZERO);
        let staged = StagedClaim { root, machine_root: B256::ZERO, block: 41, transaction };
        records.add_staged(39, StagedClaim { root: B256::ZERO, ..staged });
        assert_eq!(status(&records), EpochStatus::ClaimRejected);
        records.add_staged(39, staged);
        assert_eq!(status(&records), EpochStatus::ClaimStaged);
        records.foreclosed = Some((42, transaction));
        assert_eq!(status(&records), EpochStatus::ClaimForeclosed);
        records.add_claim(39, Claim { root, transaction });
        assert_eq!(status(&records), EpochStatus::ClaimAccepted, "what was accepted stays so");
    }

    #[test]
    fn what_became_of_an_input_is_told_as_it_was() {
        let mut records = records();
        for index in 0..4 {
            records.add_input(input(index, 1)).unwrap();
        }
        let completions =
            [accepted(&[b"a"]), Completion::failed(InputStatus::Rejected), accepted(&[b"b", b"c"])];
        for completion in &completions {
            records.complete(completion.clone());
        }
        for (index, completion) in (0..).zip(completions) {
            assert_eq!(records.completion(index), Some(completion));
        }
        assert_eq!(records.completion(3), None);
        assert_eq!(records.input(3).map(|input| input.index), Some(3));
        assert_eq!(records.next_pending(), Some(3));
    }

    #[test]
    fn executions_may_be_known_before_their_output_is_replayed() {
        let mut records = records();
        let transaction = B256::repeat_byte(4);
        records.add_execution(0, transaction);
        records.add_input(input(0, 1)).unwrap();
        records.complete(accepted(&[b"a"]));
        assert_eq!(records.outputs[0].executed, Some(transaction));
    }
}
