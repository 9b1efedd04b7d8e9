//! Jobs of every combination of choices, and the commands with which people run them.

use std::sync::LazyLock;

use blobs::Opening;
use market::{
    Address, Amount, Asset, Attestation, Award, Board, Command, Context, Evaluators, JobId, Market,
    MinerTerms, Offer, Score, Sealing, Slot, SubmittedModel, Target, Terms, Timestamp, Unmet, Work,
};
use scenarios::{
    KEY, NOW, SALT, Secret, TOKEN, board, bounty, evaluate, file, offer, open_job, publish, reveal,
    seal, step, submit,
};

use crate::world::{ACCOUNTS, FILES, QUOTE, ROWS, SECONDS, WINDOW_SECONDS};

/// The number of combinations of choices.
pub(crate) const COMBINATIONS: u8 = 16;

/// A job of each combination, whose sponsor is the first account.
pub(crate) static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| {
    let plan = |choices| {
        let close = Timestamp(NOW + WINDOW_SECONDS);
        Plan::new(choices, ACCOUNTS[0], [choices; 32], &FILES.base, close)
    };
    (0..COMBINATIONS).map(plan).collect()
});

/// A job to be run.
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
        let hold_out = seal_for(sponsor, salt, &FILES.hold_out).sealed;
        let award = if choices & 1 == 0 {
            Award::Rewards { reward: Amount::new(10), count: 2 }
        } else {
            let significance = Score(50_000);
            Award::Prize { prize: Amount::new(20), significance, unmet: Unmet::Share }
        };
        let terms = Terms {
            asset: if choices & 8 == 0 { Asset::Ether } else { Asset::Erc20(TOKEN) },
            close,
            offer: Offer {
                max_model_bytes: 4_096,
                max_work: Work(QUOTE.work.0.saturating_mul(20)),
                rows: u32::from(ROWS),
                base_model: file(base),
                board: Some(Board {
                    quota: 2,
                    ladder_step: Score(1_000),
                    ..board(&FILES.hold_out)
                }),
                ..offer()
            },
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
            ..bounty()
        };
        Self::of(terms, sponsor, salt, base)
    }

    /// A job with any terms.
    pub(crate) fn of(terms: Terms, sponsor: Address, salt: [u8; 32], base: &[u8]) -> Self {
        let (job, _) = open_job(&context(sponsor), salt, &terms);
        Self { job, sponsor, salt, terms, base: base.to_vec() }
    }

    pub(crate) fn open(&self) -> Command {
        open_job(&context(self.sponsor), self.salt, &self.terms).1
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.terms.sealing.is_sealed()
    }

    /// The first and only chunk of a blob.
    pub(crate) fn publish(&self, slot: Slot, bytes: &[u8]) -> Command {
        publish(self.job, slot, bytes)
    }

    /// One of the sponsor's blobs.
    pub(crate) fn publish_own(&self, slot: Slot) -> Command {
        match slot {
            Slot::BaseModel => self.publish(slot, &self.base),
            Slot::HoldOut if self.is_sealed() => {
                self.publish(slot, &seal_for(self.sponsor, self.salt, &FILES.hold_out).ciphertext)
            }
            Slot::HoldOut | Slot::PublicSlice | Slot::Submission | Slot::Shown => {
                self.publish(slot, &FILES.hold_out)
            }
        }
    }

    /// A client's submission of a model, and the publication of its bytes.
    pub(crate) fn submission(&self, client: Address, model: &[u8]) -> [Command; 2] {
        let job = self.job;
        if !self.is_sealed() {
            return [submit(job, model), self.publish(Slot::Submission, model)];
        }
        let Secret { sealed, ciphertext, .. } = seal_for(client, job.0, model);
        let submit = Command::Submit { job, model: SubmittedModel::Sealed(sealed) };
        [submit, self.publish(Slot::Submission, &ciphertext)]
    }

    pub(crate) fn reveal(&self, plain: &[u8]) -> Command {
        reveal(self.job, Opening { key: KEY, salt: SALT, plain: file(plain) })
    }

    /// A miner's commitment that calls all models of a page unfit, and its reveal.
    pub(crate) fn attest(&self, miner: Address, page: u32, models: usize) -> [Command; 2] {
        let unfit = vec![Attestation::UNFIT; models];
        scenarios::attest(&context(miner), self.job, page, unfit, Vec::new())
    }

    /// Continues an evaluation from its current row.
    pub(crate) fn evaluate(&self, market: &Market, target: Target) -> Command {
        let from = market.job(self.job).map_or(0, |job| step(job, target));
        evaluate(self.job, target, from, Amount::new(1_000))
    }
}

/// The context of a sender, with zero for chain and application.
fn context(sender: Address) -> Context {
    Context { sender, ..Context::default() }
}

/// An account's commitment, and the ciphertext.
fn seal_for(sender: Address, scope: [u8; 32], plain: &[u8]) -> Secret {
    seal(&context(sender), scope, plain)
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

/// The number of commands to choose from.
pub(crate) const COMMANDS: u8 = 16;

/// A command of one kind as an honest user would send it; the lower half of `choice` selects the
/// job, the upper half the model, the evaluation or the amount.
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
        10 | 11 => {
            let models = models(market, job, what);
            let [attest, reveal] = plan.attest(sender, u32::from(what & 3), models);
            if kind % COMMANDS == 10 { attest } else { reveal }
        }
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

/// The choice that reveals the hold-out instead of a model.
pub(crate) const HOLD_OUT: u8 = 15;

/// The number of models on the page that a choice selects.
fn models(market: &Market, job: JobId, what: u8) -> usize {
    market.job(job).map_or(0, |job| job.page(u32::from(what & 3)).len())
}
