//! The outputs tree against the real contract: proofs for indices across the whole range are
//! validated and executed on a real anvil, and what is refused here is refused there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::Provider;
use client::chain::bindings::Authority::submitClaimCall;
use client::chain::{Output, Sender};
use client::merkle::{self, HEIGHT, OutputsTree};
use devnet::{Config, Devnet, OWNER_ACCOUNT, Ports};

/// The receiver of vouchers, which has no other funds.
const RECEIVER: Address = Address::repeat_byte(0x77);

/// A devnet whose application gets no inputs, so that only the test claims; each block is an epoch.
struct Judge {
    devnet: Devnet,
    owner: Sender,
    claimed: u64,
    _folder: tempfile::TempDir,
}

impl Judge {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let genesis =
            Arc::new(|deployed: &devnet::Deployed| Ok(serde_json::to_string(&deployed.contracts)?));
        let deml = PathBuf::from(env!("CARGO_BIN_EXE_deml"));
        let echo = deml.parent().unwrap().join("examples/echo");
        let mut config = Config::new(folder.path().to_owned(), echo, genesis).unwrap();
        config.deml = deml;
        config.ports = Ports::ANY;
        config.epoch_length = 1;
        config.block_interval = Duration::from_secs(3_600);
        config.notify = Arc::new(|_| {});
        let devnet = Devnet::start(config).await.unwrap();
        let owner = devnet.sender(OWNER_ACCOUNT).unwrap();
        let claimed = devnet.chain().head().await.unwrap();
        Self { devnet, owner, claimed, _folder: folder }
    }

    fn application(&self) -> Address {
        self.devnet.info().application
    }

    /// Makes L1 accept `root` as the claim of the next epoch.
    async fn claim(&mut self, root: B256) {
        let call = submitClaimCall {
            appContract: self.application(),
            lastProcessedBlockNumber: U256::from(self.claimed),
            outputsMerkleRoot: root,
        };
        let authority = self.devnet.info().authority;
        self.owner.transact("claim", authority, U256::ZERO, &call).await.unwrap();
        self.claimed += 1;
    }

    /// Whether the contract accepts the proof.
    async fn takes(&self, output: &[u8], index: u64, siblings: &[B256]) -> bool {
        let chain = self.devnet.chain();
        let application = self.application();
        chain.validate_output(application, output, index, siblings.to_vec()).await.is_ok()
    }

    /// Executes a voucher that pays one wei.
    async fn execute(&self, index: u64, siblings: Vec<B256>) {
        let before = self.devnet.chain().ether_balance(RECEIVER).await.unwrap();
        let (application, output) = (self.application(), output(index));
        self.owner.execute_output(application, &output, index, siblings).await.unwrap();
        let after = self.devnet.chain().ether_balance(RECEIVER).await.unwrap();
        assert_eq!(after, before + U256::from(1), "voucher {index} pays");
    }
}

/// Output `index`: a voucher for one wei, different from all others.
fn output(index: u64) -> Bytes {
    let payload = index.to_be_bytes().to_vec().into();
    Output::Voucher { destination: RECEIVER, value: U256::from(1), payload }.encode()
}

/// Zero, the powers of two and their neighbours, and `more`; those below `size`.
fn indices(size: u64, more: &[u64]) -> BTreeSet<u64> {
    let powers = (0..HEIGHT).map(|power| 1_u64 << power);
    let near = powers.flat_map(|power| [power - 1, power, power + 1]);
    near.chain([0]).chain(more.iter().copied()).filter(|index| *index < size).collect()
}

#[tokio::test]
async fn the_contract_takes_every_proof_of_a_growing_tree() {
    let mut judge = Judge::start().await;
    let mut tree = OutputsTree::default();
    let ends = [1, 2, 3, 5, 64, 65, 100, 1_000, 1_024, 1_025, 2_500];
    for end in ends {
        while tree.len() < end {
            tree.push(keccak256(output(tree.len())));
        }
        judge.claim(tree.root(end)).await;
    }
    let mut first = 0;
    for end in ends {
        // The first and the last index of the epoch, and earlier ones.
        for index in indices(end, &[first, end - 1]) {
            let siblings = tree.proof(index, end).unwrap();
            let output = output(index);
            assert!(merkle::verify(&output, index, &siblings, tree.root(end)), "{index} of {end}");
            assert!(judge.takes(&output, index, &siblings).await, "{index} of {end}");
            for other in [index ^ 1, index + 1, index | 1 << 63] {
                assert!(!merkle::verify(&output, other, &siblings, tree.root(end)));
                assert!(!judge.takes(&output, other, &siblings).await, "{other} of {end}");
            }
        }
        first = end;
    }
    let siblings = tree.proof(7, 2_500).unwrap();
    assert!(!judge.takes(&output(7), 7, &siblings[..62]).await);
    assert!(!judge.takes(&output(8), 7, &siblings).await);
    judge.devnet.shutdown().await.unwrap();
}

/// A tree with only a few non-empty leaves, hashed by its definition.
struct Sparse {
    leaves: BTreeMap<u64, B256>,
    empty: Vec<B256>,
}

impl Sparse {
    fn new(indices: impl IntoIterator<Item = u64>) -> Self {
        let leaves = indices.into_iter().map(|index| (index, keccak256(output(index)))).collect();
        let mut empty = vec![B256::ZERO];
        for height in 0..HEIGHT as usize {
            empty.push(keccak256([empty[height], empty[height]].concat()));
        }
        Self { leaves, empty }
    }

    /// Root of the subtree of 2^`height` leaves from `first` on.
    fn node(&self, height: u32, first: u64) -> B256 {
        let last = first + ((1_u64 << height) - 1);
        match (self.leaves.range(first..=last).next(), height) {
            (None, _) => self.empty[height as usize],
            (Some((_, leaf)), 0) => *leaf,
            (Some(_), _) => {
                let half = 1 << (height - 1);
                let halves = [self.node(height - 1, first), self.node(height - 1, first + half)];
                keccak256(halves.concat())
            }
        }
    }

    fn root(&self) -> B256 {
        self.node(HEIGHT, 0)
    }

    fn proof(&self, index: u64) -> Vec<B256> {
        let sibling = |height: u32| self.node(height, ((index >> height) ^ 1) << height);
        (0..HEIGHT).map(sibling).collect()
    }
}

#[tokio::test]
async fn the_contract_and_this_code_agree_up_to_the_last_index() {
    let mut judge = Judge::start().await;
    let size = 1_u64 << HEIGHT;
    let chosen = indices(size, &[size - 1, size - 2, 3 << 40, 0x0123_4567_89ab_cdef]);
    let tree = Sparse::new(chosen.iter().copied());
    let root = tree.root();
    judge.claim(root).await;
    for index in chosen {
        let siblings = tree.proof(index);
        assert!(merkle::verify(&output(index), index, &siblings, root), "{index}");
        assert!(judge.takes(&output(index), index, &siblings).await, "{index}");
    }
    judge.devnet.shutdown().await.unwrap();
}

#[tokio::test]
async fn vouchers_far_apart_are_executed() {
    let mut judge = Judge::start().await;
    let funds = alloy::rpc::types::TransactionRequest::default();
    let funds = funds.from(judge.devnet.sender(0).unwrap().address());
    let funds = funds.to(judge.application()).value(U256::from(1_000));
    let sent = judge.devnet.chain().provider().send_transaction(funds).await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
    let chosen = [0, 1, 2, 255, 256, 1 << 32, (1 << 40) - 1, 1 << 40, 1 << 62, (1 << 63) - 1];
    let tree = Sparse::new(chosen);
    judge.claim(tree.root()).await;
    for index in chosen {
        judge.execute(index, tree.proof(index)).await;
    }
    judge.devnet.shutdown().await.unwrap();
}
