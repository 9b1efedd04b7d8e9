//! Jobs of every combination of choices, and the commands with which people hold them.

use std::sync::LazyLock;

use blobs::{Binding, Encoding, Opening, seal};
use market::{
    Address, Amount, Asset, Attestation, AttestationBinding, Award, Board, Command, Evaluators,
    JobId, Market, Metric, MinerTerms, Offer, Score, SealedBlob, Sealing, Slot, SubmittedModel,
    Target, Terms, Timestamp, Unmet, Work,
};
use wire::job_name;

use crate::world::{ACCOUNTS, FILES, NOW, QUOTE, ROWS, SECONDS, TOKEN, WINDOW_SECONDS, file};

const KEY: [u8; 32] = [0x4b; 32];
const SALT: [u8; 32] = [0x5a; 32];
/// The chain, and the application on it.
const CHAIN: u64 = 0;
const APP: Address = Address([0; 20]);

/// How many combinations of choices there are.
pub(crate) const COMBINATIONS: u8 = 16;

/// A job of each combination, whose sponsor is the first account.
pub(crate) static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| {
    let plan = |choices| {
        let close = Timestamp(NOW + WINDOW_SECONDS);
        Plan::new(choices, ACCOUNTS[0], [choices; 32], &FILES.base, close)
    };
    (0..COMBINATIONS).map(plan).collect()
});

/// A job to be held.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) job: JobId,
    pub(crate) sponsor: Address,
    pub(crate) salt: [u8; 32],
    pub(crate) terms: Terms,
    pub(crate) base: Vec<u8>,
}

impl Plan {
    /// A job by its choices: a prize by the lowest bit, who evaluates and whether it is sealed by
    /// the next two, and a token by the fourth.
    pub(crate) fn new(
        choices: u8,
        sponsor: Address,
        salt: [u8; 32],
        base: &[u8],
        close: Timestamp,
    ) -> Self {
        let hold_out = seal_for(sponsor, salt, &FILES.hold_out).0;
        let award = if choices & 1 == 0 {
            Award::Rewards { reward: Amount::new(10), count: 2 }
        } else {
            let significance = Score(50_000);
            Award::Prize { prize: Amount::new(20), significance, unmet: Unmet::Share }
        };
        let terms = Terms {
            title: [0; 32],
            asset: if choices & 8 == 0 { Asset::Ether } else { Asset::Erc20(TOKEN) },
            close,
            places: 4,
            offer: offer(base),
            sealing: if choices & 6 == 0 {
                Sealing::Open { hold_out: file(&FILES.hold_out) }
            } else {
                let (reveal_seconds, sponsor_bond) = (SECONDS, Amount::new(5));
                Sealing::Sealed { hold_out, reveal_seconds, sponsor_bond }
            },
            evaluators: match choices >> 1 & 3 {
                0 | 1 => Evaluators::Machine,
                2 => Evaluators::Miners(miners(0)),
                _ => Evaluators::Miners(miners(10)),
            },
            award,
        };
        Self::of(terms, sponsor, salt, base)
    }

    /// A job on any terms.
    pub(crate) fn of(terms: Terms, sponsor: Address, salt: [u8; 32], base: &[u8]) -> Self {
        let job = job_name(CHAIN, APP, sponsor, salt, &terms);
        Self { job, sponsor, salt, terms, base: base.to_vec() }
    }

    pub(crate) fn open(&self) -> Command {
        Command::OpenJob { job: self.job, salt: self.salt, terms: Box::new(self.terms) }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.terms.sealing.is_sealed()
    }

    /// The first and only chunk of a blob.
    pub(crate) fn publish(&self, slot: Slot, bytes: &[u8]) -> Command {
        let (offset, encoding, data) = (0, Encoding::Plain, bytes.to_vec());
        Command::Publish { job: self.job, slot, offset, encoding, data }
    }

    /// One of the sponsor's blobs.
    pub(crate) fn publish_own(&self, slot: Slot) -> Command {
        match slot {
            Slot::BaseModel => self.publish(slot, &self.base),
            Slot::HoldOut if self.is_sealed() => {
                self.publish(slot, &seal_for(self.sponsor, self.salt, &FILES.hold_out).1)
            }
            Slot::HoldOut | Slot::PublicSlice | Slot::Submission | Slot::Shown => {
                self.publish(slot, &FILES.hold_out)
            }
        }
    }

    /// What a client submits of a model, and what it publishes.
    pub(crate) fn submission(&self, client: Address, model: &[u8]) -> [Command; 2] {
        let (submitted, bytes) = if self.is_sealed() {
            let (sealed, bytes) = seal_for(client, self.job.0, model);
            (SubmittedModel::Sealed(sealed), bytes)
        } else {
            let (model_ref, data) = (file(model), file(b"own rows"));
            (SubmittedModel::Open { model: model_ref, data }, model.to_vec())
        };
        let submit = Command::Submit { job: self.job, model: submitted };
        [submit, self.publish(Slot::Submission, &bytes)]
    }

    pub(crate) fn reveal(&self, plain: &[u8]) -> Command {
        Command::Reveal { job: self.job, key: KEY, salt: SALT, plaintext: file(plain) }
    }

    /// A miner commits to calling all models of a page unfit.
    pub(crate) fn attest(&self, miner: Address, page: u32, models: usize) -> Command {
        let job = self.job;
        let binding = AttestationBinding { chain_id: CHAIN, app: APP, job, miner, page };
        let commitment = binding.commitment(&vec![Attestation::UNFIT; models], &SALT);
        Command::Attest { job, page, commitment }
    }

    /// It shows that.
    pub(crate) fn reveal_attestation(&self, page: u32, models: usize) -> Command {
        let (attestations, results) = (vec![Attestation::UNFIT; models], Vec::new());
        Command::RevealAttestation { job: self.job, page, attestations, results, salt: SALT }
    }

    /// Goes on with an evaluation where it is.
    pub(crate) fn evaluate(&self, market: &Market, target: Target) -> Command {
        let from = step(market, self.job, target);
        let (work, max_surcharge) = (Work(u64::MAX), Amount::new(1_000));
        Command::Evaluate { job: self.job, target, from, work, max_surcharge }
    }
}

fn step(market: &Market, job: JobId, target: Target) -> u32 {
    let Some(job) = market.job(job) else { return 0 };
    let submission = |number| job.submissions.get(&number);
    match target {
        Target::Base => job.base.step(),
        Target::BaseOnHoldOut => job.base_on_hold_out.step(),
        Target::Submission(number) => submission(number).map_or(0, |one| one.evaluated.step()),
        Target::Shown(number) => submission(number).map_or(0, |one| one.board.evaluated.step()),
    }
}

/// What an account commits to, and the ciphertext.
fn seal_for(sender: Address, scope: [u8; 32], plain: &[u8]) -> (SealedBlob, Vec<u8>) {
    let opening = Opening { key: KEY, salt: SALT, plain: file(plain) };
    let binding = Binding { chain_id: CHAIN, app: APP.0, scope, sender: sender.0 };
    let commitment = opening.commitment(&binding);
    let bytes = seal(&KEY, commitment, plain);
    (SealedBlob { commitment, ciphertext: file(&bytes) }, bytes)
}

fn offer(base: &[u8]) -> Offer {
    Offer {
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        max_model_bytes: 4_096,
        max_work: Work(QUOTE.work.0.saturating_mul(20)),
        max_inputs: 64,
        rows: u32::from(ROWS),
        base_model: file(base),
        board: Some(Board {
            public_slice: file(&FILES.hold_out),
            quota: 2,
            ladder_step: Score(1_000),
        }),
    }
}

fn miners(sample_rows: u32) -> MinerTerms {
    MinerTerms {
        seats: 1,
        bond: Amount::new(1),
        pool: Amount::new(2),
        buy_in: Amount::new(1),
        attest_seconds: SECONDS,
        sample_rows,
    }
}

/// How many commands there are to choose from.
pub(crate) const COMMANDS: u8 = 16;

/// A command of one kind as someone honest would send it; the lower half of `choice` picks the job,
/// the upper one the model, the evaluation or the amount.
pub(crate) fn command(kind: u8, choice: u8, sender: Address, market: &Market) -> Command {
    let (plan, what) = (&PLANS[usize::from(choice % COMBINATIONS)], choice / COMBINATIONS);
    let model = &FILES.models[usize::from(what) % FILES.models.len()];
    let job = plan.job;
    let [submit, publish] = plan.submission(sender, model);
    let number = u32::from(what >> 2);
    match kind % COMMANDS {
        0 => plan.open(),
        1 => plan.publish_own(Slot::BaseModel),
        2 => plan.publish_own(Slot::HoldOut),
        3 => plan.publish_own(Slot::PublicSlice),
        4 => submit,
        5 => publish,
        6 => Command::Show { job, model: file(model) },
        7 => plan.publish(Slot::Shown, model),
        8 => Command::Enlist { job },
        9 if what == HOLD_OUT => plan.reveal(&FILES.hold_out),
        9 => plan.reveal(model),
        10 => plan.attest(sender, u32::from(what & 3), models(market, job, what)),
        11 => plan.reveal_attestation(u32::from(what & 3), models(market, job, what)),
        12 => {
            let targets = [Target::Base, Target::BaseOnHoldOut];
            let targets = [targets, [Target::Submission(number), Target::Shown(number)]].concat();
            plan.evaluate(market, targets[usize::from(what & 3)])
        }
        13 => Command::Settle { job },
        14 => Command::CancelJob { job },
        _ => {
            let amount = Amount::new(1 << (u32::from(what) * 2));
            Command::Withdraw { asset: plan.terms.asset, amount }
        }
    }
}

/// The choice of what is revealed that is no model.
pub(crate) const HOLD_OUT: u8 = 15;

/// How many models the page has that a choice names.
fn models(market: &Market, job: JobId, what: u8) -> usize {
    market.job(job).map_or(0, |job| job.page(u32::from(what & 3)).len())
}
