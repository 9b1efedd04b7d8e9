//! A miner that attests to anything, for tests: `deml mine` cannot lie.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use client::{
    chain::{Sender, dev_account},
    convert::to_market,
    session::Session,
};
use eval::Evaluator;
use market::{
    Attestation, AttestationBinding, Blob, Command, Evaluation, JobId, Judge as _, Metric,
    MetricAccumulator, Results, Work,
};
use tokio::runtime::Runtime;
use wire::Text as _;

use crate::market::Market;

/// The salt of the liars' attestations; nobody looks for it.
const SALT: [u8; 32] = [7; 32];

/// An account of the devnet that mines by hand.
pub struct Liar {
    runtime: Runtime,
    session: Session,
    sender: Sender,
}

impl Liar {
    /// The devnet's public account number `account`.
    #[must_use]
    pub fn new(market: &Market, account: usize) -> Self {
        let session = market.session();
        let sender = session.chain.sender(dev_account(account).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, session, sender }
    }

    /// Commits to these attestations for a page.
    pub fn attest(&self, job: JobId, page: u32, attestations: &[Attestation]) {
        self.runtime.block_on(async {
            let binding = AttestationBinding {
                chain_id: self.session.chain.chain_id().await.unwrap(),
                app: to_market(self.session.application()),
                job,
                miner: to_market(self.sender.address()),
                page,
            };
            let commitment = binding.commitment(attestations, &SALT);
            self.carry_out(Command::Attest { job, page, commitment }).await;
        });
    }

    /// Reveals them, with row-by-row results if the machine only samples.
    pub fn reveal(&self, job: JobId, page: u32, attestations: &[Attestation], results: Vec<u8>) {
        let attestations = attestations.to_vec();
        let command = Command::RevealAttestation { job, page, attestations, results, salt: SALT };
        self.runtime.block_on(self.carry_out(command));
    }

    /// The application's answer to an inspect query.
    #[must_use]
    pub fn inspect(&self, query: &str) -> serde_json::Value {
        let answer = self.runtime.block_on(self.session.node.inspect(query)).unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    async fn carry_out(&self, command: Command) {
        self.session.carry_out(&self.sender, &command).await.unwrap();
    }
}

/// The name of job 0.
#[must_use]
pub fn first_job(market: &Market) -> JobId {
    JobId::read(market.ask(&["job", "show", "0"])["job"].as_str().unwrap()).unwrap()
}

/// An honest attestation to a model's accuracy, without the machine's limits.
#[must_use]
pub fn honest(model: &[u8], hold_out: &[u8]) -> (Attestation, Results) {
    let blob = |bytes: &[u8]| blobs::blob_ref(bytes, client::files::PROFILE).cid();
    let evaluation = Evaluation {
        model: Blob { cid: blob(model), bytes: model },
        hold_out: Blob { cid: blob(hold_out), bytes: hold_out },
        measure: Metric::Accuracy.into(),
        rows: None,
    };
    let mut evaluator = Evaluator::new();
    let classes = evaluator.quote(&evaluation).unwrap().classes;
    let mut accumulator = MetricAccumulator::with_results(classes, evaluation.measure.metric);
    evaluator.answer(&evaluation, &mut accumulator, Work(u64::MAX)).unwrap();
    let scores = accumulator.scores(evaluation.measure);
    let results = accumulator.into_results().unwrap();
    (Attestation::new(scores, &results), results)
}
