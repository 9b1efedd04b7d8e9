//! Chooses the next command: mostly one that makes sense, often at the edge of what is allowed.

use std::collections::BTreeSet;

use blobs::{BlobRef, Profile, blob_ref};
use fastrand::Rng;
use market::{
    Address, Amount, Asset, Command, Context, JobId, Market, Metric, Prices, Score, Settings,
    Terms, Timestamp, U256, Work,
};

use super::{
    Step,
    chunks::{self, Delivery},
    pool::{self, ACCOUNTS, ASSETS, Blob, HOLD_OUTS, MODELS},
};

const WINDOW_SECONDS: u64 = 50;

/// Chooses; the same seed chooses the same.
pub(super) struct Generator {
    rng: Rng,
    now: Timestamp,
    /// Blobs that somebody was to bring when it was last looked.
    deliveries: Vec<Delivery>,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), now: Timestamp(1_000), deliveries: Vec::new() }
    }

    /// A market that begins.
    pub(super) fn genesis(&mut self) -> Market {
        self.now = Timestamp(1_000);
        self.deliveries.clear();
        let settings = Settings {
            allowed_tokens: ASSETS[1..3].iter().filter_map(token).collect::<BTreeSet<_>>(),
            max_blob_bytes: 400_000,
            max_stored_bytes: self.pick(&[150, 1_000, 5_000_000, 5_000_000]),
            input_work: Work(self.pick(&[40, 400, 4_000])),
            prices: Prices::default(),
            max_window_seconds: 500,
            evaluation_window_seconds: WINDOW_SECONDS,
        };
        let drive = pool::drive();
        Market::new(settings, [(drive.blob.cid(), drive.bytes.clone())])
    }

    /// The next step in this market.
    pub(super) fn step(&mut self, market: &Market) -> Step {
        self.pass_time(market);
        let sender = pool::account(self.rng.u8(..ACCOUNTS));
        let asset = self.pick(&ASSETS);
        let idle = !market.jobs_from(JobId(0)).any(|(_, job)| job.is_live());
        let command = match self.rng.u8(..100) {
            14..95 if idle => self.open(market, sender),
            0..8 => return Step::Deposit(sender, asset, self.amount(market, asset)),
            8..14 => self.open(market, sender),
            14..40 => self.submit(market, sender),
            40..80 => match self.delivery(market, sender) {
                Some(delivery) => return self.publish(market, &delivery),
                None => self.submit(market, sender),
            },
            80..88 => {
                let work = self.pick(&[0, 1, 30, 1_000, u64::MAX]);
                Command::Evaluate { job: self.job(market), work: Work(work) }
            }
            88..93 => Command::Settle { job: self.job(market) },
            93..95 => return self.cancel(market),
            _ => return self.withdraw(market, asset),
        };
        Step::Command(Context { sender, now: self.now, ..Context::default() }, command)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    /// Mostly little passes; at times just until, or just after, something is due.
    fn pass_time(&mut self, market: &Market) {
        if self.once_in(5) {
            self.now = self.now.after(1);
        }
        if self.once_in(100)
            && let Some(job) = market.job(self.job(market))
        {
            let due = self.pick(&[0, WINDOW_SECONDS]);
            let due = job.terms.deadline.after(due).0.saturating_sub(self.rng.u64(..2));
            let soon = self.now.after(WINDOW_SECONDS);
            self.now = self.now.max(Timestamp(due).min(soon));
        }
    }

    /// One of the latest jobs, mostly a live one; at times the next, which there is not.
    fn job(&mut self, market: &Market) -> JobId {
        let first = JobId(market.job_count().saturating_sub(12));
        let live = market.jobs_from(first).filter(|(_, job)| job.is_live()).map(|(id, _)| id);
        let live: Vec<_> = live.collect();
        if live.is_empty() || self.once_in(60) {
            return JobId(self.rng.u32(..=market.job_count()));
        }
        self.pick(&live)
    }

    fn amount(&mut self, market: &Market, asset: Asset) -> Amount {
        let deposited = market.ledger().solvency().find(|(of, _)| *of == asset);
        let most = deposited.map_or(U256::MAX, |(_, sides)| U256::MAX - sides.deposited.0);
        match self.rng.u16(..400) {
            0..4 => Amount::ZERO,
            4..6 => Amount(most.saturating_add(U256::one())),
            6 => Amount(most),
            _ => Amount::new(self.rng.u128(1..=2_000)),
        }
    }

    fn withdraw(&mut self, market: &Market, asset: Asset) -> Step {
        let owned: Vec<_> = market.ledger().accounts().collect();
        let nobody = (pool::account(ACCOUNTS), asset, Amount::ZERO);
        let (sender, asset, free) = if owned.is_empty() { nobody } else { self.pick(&owned) };
        let part = Amount(free.0 / self.pick(&[1, 2, 10]));
        let more = free.checked_add(Amount::new(1)).unwrap_or(free);
        let amount = self.pick(&[part, part, part, Amount::new(1), Amount::ZERO, more]);
        let context = Context { sender, now: self.now, ..Context::default() };
        Step::Command(context, Command::Withdraw { asset, amount })
    }

    fn cancel(&mut self, market: &Market) -> Step {
        let job = self.job(market);
        let sponsor = market.job(job).map(|job| job.sponsor).filter(|_| !self.once_in(4));
        let context =
            Context { sender: sponsor.unwrap_or_default(), now: self.now, ..Context::default() };
        Step::Command(context, Command::CancelJob { job })
    }

    fn open(&mut self, market: &Market, sender: Address) -> Command {
        let affords = |asset: &Asset| market.ledger().free(sender, *asset) > Amount::new(100);
        let asset = ASSETS.into_iter().find(affords).unwrap_or(Asset::Ether);
        let metric = self
            .pick(&[Metric::Accuracy, Metric::Accuracy, Metric::MacroF1])
            .max(if self.once_in(4) { self.pick(&Metric::ALL) } else { Metric::Accuracy });
        let mut terms = Terms {
            title: [0; 32],
            asset,
            reward: Amount::new(self.rng.u128(1..20)),
            rewards: self.rng.u32(1..5),
            deadline: self.now.after(self.rng.u64(1..400)),
            metric,
            min_score: Score(self.pick(&[0, 0, 300_000])),
            min_gain: Score(self.pick(&[1, 1, 100_000])),
            min_worst_class: Score(0),
            max_model_bytes: self.pick(&[60, 400_000]),
            max_work: Work(self.pick(&[60, 100_000])),
            base_model: self.blob(&MODELS[..27]),
            hold_out: self.blob(&HOLD_OUTS[..4]),
        };
        if !metric.is_regression() {
            terms.min_worst_class = Score(self.pick(&[0, 0, 400_000]));
        }
        if self.once_in(3) {
            self.spoil(&mut terms);
        }
        self.deliveries.push(Delivery { publisher: sender, blob: terms.base_model });
        self.deliveries.push(Delivery { publisher: sender, blob: terms.hold_out });
        Command::OpenJob(Box::new(terms))
    }

    /// One of the terms at, or just beyond, its limit.
    fn spoil(&mut self, terms: &mut Terms) {
        let sizes = [0, 1, 400_000, 400_001, u64::MAX];
        match self.rng.u8(..16) {
            0 => terms.asset = ASSETS[3],
            1 => terms.reward = Amount(self.pick(&[U256::zero(), U256::MAX, U256::MAX / 2])),
            2 => terms.rewards = self.pick(&[0, u32::MAX]),
            3 => terms.deadline = self.pick(&[self.now, Timestamp(0), Timestamp(u64::MAX)]),
            4 => terms.deadline = self.now.after(self.pick(&[1, 500, 501])),
            5 => terms.min_score = Score(self.pick(&[1_000_000, 1_000_001, u32::MAX])),
            6 => terms.min_gain = Score(self.pick(&[0, 1_000_000, 1_000_001])),
            7 => terms.min_worst_class = Score(self.pick(&[1, 1_000_000, 1_000_001])),
            8 => terms.metric = Metric::MeanSquaredError,
            9 => terms.max_work = Work(self.pick(&[0, 1, u64::MAX])),
            10 => terms.max_model_bytes = self.pick(&sizes),
            11 => terms.base_model.size = self.pick(&sizes),
            12 => terms.hold_out.size = self.pick(&sizes),
            13 => terms.hold_out = self.blob(&HOLD_OUTS),
            14 => terms.base_model = self.blob(&MODELS),
            _ => terms.hold_out = terms.base_model,
        }
    }

    fn submit(&mut self, market: &Market, sender: Address) -> Command {
        let job = self.job(market);
        let data = blob_ref(b"", Profile::Kubo);
        let mut model = self.blob(&MODELS);
        if self.once_in(40) {
            model = self.blob(&MODELS[MODELS.len() - 2..]);
        }
        let base = market.job(job).map(|job| job.terms.base_model).filter(|_| self.once_in(40));
        model = base.unwrap_or(model);
        if self.once_in(30) {
            model.size = self.pick(&[0, 1, 60, 61, 400_000, 400_001, u64::MAX]);
        }
        self.deliveries.push(Delivery { publisher: sender, blob: model });
        Command::Submit { job, model, data }
    }

    /// A blob that somebody has to bring; at times one that this sender has not to.
    fn delivery(&mut self, market: &Market, sender: Address) -> Option<Delivery> {
        if self.once_in(50) {
            return Some(Delivery { publisher: sender, blob: self.blob(&MODELS) });
        }
        let awaited = |delivery: &Delivery| {
            market.shelf().awaited(delivery.publisher, delivery.blob.digest).is_some()
        };
        self.deliveries.retain(awaited);
        (!self.deliveries.is_empty()).then(|| self.pick(&self.deliveries.clone()))
    }

    fn publish(&mut self, market: &Market, delivery: &Delivery) -> Step {
        let context = Context { sender: delivery.publisher, now: self.now, ..Context::default() };
        Step::Command(context, chunks::next(&mut self.rng, market, delivery))
    }

    fn blob(&mut self, from: &[Blob]) -> BlobRef {
        from[self.rng.usize(..from.len())].blob
    }
}

fn token(asset: &Asset) -> Option<Address> {
    match asset {
        Asset::Ether => None,
        Asset::Erc20(token) => Some(*token),
    }
}
