//! Generates the next input: mostly one that makes sense in a job's stage, often at a limit,
//! sometimes a meaningless one.

mod terms;

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest, Encoding};
use fastrand::Rng;
use market::{
    Address, Amount, AssetPrices, Attestation, BlobState, Ciphertext, Command, Job, JobId,
    Settings, Slot, SlotKey, Speed, Stage, SubmissionState, SubmittedModel, Target, Timestamp,
    U256, Work,
};
use miniz_oxide::deflate::compress_to_vec;
use scenarios::{Secret, file};

use super::{
    Step,
    pool::{self, ACCOUNTS, ASSETS, HOLD_OUTS, MODELS, PooledBlob},
};
use crate::world::{World, attestations, attested, flip, seal, settings};

/// Attestations of a page, and the results row by row.
type Said = (Vec<Attestation>, Vec<u8>);

/// A seeded generator: equal seeds generate equal inputs.
pub(super) struct Generator {
    rng: Rng,
    settings: Settings,
    /// The job opened last.
    opened: Option<(Address, Command)>,
    /// Openings of sealed blobs, by scope and account.
    secrets: BTreeMap<([u8; 32], Address), Secret>,
    /// Attestations, by job, miner and page.
    said: BTreeMap<(JobId, Address, u32), Said>,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let (secrets, said) = (BTreeMap::new(), BTreeMap::new());
        let (rng, settings) = (Rng::with_seed(seed), settings());
        Self { rng, settings, opened: None, secrets, said }
    }

    /// Creates a new world.
    pub(super) fn genesis(&mut self) -> World {
        let free = AssetPrices::default();
        let prices = AssetPrices {
            account_minimum: Amount::new(self.pick(&[0, 3, 50])),
            work: Amount::new(self.pick(&[0, 100_000_000, 1_000_000_000])),
            rent: Amount::new(self.pick(&[0, 1_000_000])),
            place_bond: Amount::new(self.pick(&[0, 1])),
        };
        let assets = [(ASSETS[0], prices), (ASSETS[1], prices), (ASSETS[2], free)];
        self.settings = Settings {
            assets: assets.into(),
            operator_ppm: self.pick(&[0, 200_000, 333_333, 1_000_000]),
            max_blob_bytes: 1_000,
            max_stored_bytes: self.pick(&[60_000, 400_000, 5_000_000]),
            max_balances: self.pick(&[20, 1_000, 1_000]),
            input_work: Work(self.pick(&[80, 400, 4_000])),
            max_window_seconds: 2_000,
            speed: Speed { float: self.pick(&[100, 1_000_000]), ..settings().speed },
            surcharge_lag_seconds: self.pick(&[1, 60]),
            ..settings()
        };
        self.settings.prices.ending = Work(self.pick(&[0, 5]));
        self.opened = None;
        self.secrets.clear();
        self.said.clear();
        self.genesis_again()
    }

    pub(super) fn genesis_again(&self) -> World {
        let drive = &HOLD_OUTS[0];
        let mut world =
            World::new(self.settings.clone(), [(drive.blob.cid(), drive.bytes.clone())]);
        world.thorough = 16;
        world
    }

    /// Generates the next step in this world.
    pub(super) fn step(&mut self, world: &mut World) -> Step {
        self.pass_time(world);
        let jobs: Vec<JobId> = world
            .market
            .jobs_from(world.market.job_count().saturating_sub(8))
            .filter(|(_, job)| job.stage.is_live())
            .map(|(id, _)| id)
            .collect();
        let sender = self.account();
        match self.rng.u8(..100) {
            0..8 => return self.deposit(world, sender),
            8..11 => return self.withdraw(world),
            11..16 => return Step::Command(sender, self.open(sender, world.market.now())),
            16..18 => return self.noise(world, &jobs),
            _ if jobs.is_empty() => {
                return Step::Command(sender, self.open(sender, world.market.now()));
            }
            _ => {}
        }
        // Seats have little time, so their jobs come first.
        let mined = jobs.iter().copied().find(|id| {
            let job = world.market.job(*id).unwrap();
            job.judging_since.is_none() && !job.seats.is_empty()
        });
        let id = mined.filter(|_| self.rng.bool()).unwrap_or_else(|| self.pick(&jobs));
        let job = world.market.job(id).unwrap();
        let step = match job.stage {
            Stage::Announced => self.supply(world, id, job),
            Stage::Open if world.market.now() < job.terms.close => {
                self.enter(world, id, job, sender)
            }
            Stage::Open | Stage::Revealing => self.reveal(id, job),
            Stage::Evaluating if job.judging_since.is_none() || self.once_in(4) => {
                self.mine(id, job)
            }
            Stage::Evaluating | Stage::Settled | Stage::Cancelled => None,
        };
        step.unwrap_or_else(|| self.go_on(id, job, sender))
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    fn account(&mut self) -> Address {
        pool::account(self.rng.u8(..ACCOUNTS))
    }

    fn blob(&mut self, from: &[PooledBlob]) -> BlobRef {
        from[self.rng.usize(..from.len())].blob
    }

    /// Lets time pass: mostly little; sometimes until a deadline, or just before.
    fn pass_time(&mut self, world: &mut World) {
        if self.once_in(5) {
            world.block_time = world.block_time.after(1);
        }
        world.prev_randao = [self.rng.u8(..); 32];
        if !self.once_in(40) {
            return;
        }
        // Mostly until the next deadline, so that no window is skipped.
        let now = world.market.now();
        let ends = self.once_in(60);
        let live = world.market.jobs_from(0).filter(|(_, job)| job.stage.is_live());
        let due = live.flat_map(|(_, job)| {
            let windows = [job.attest_until(), job.attestations_until()];
            let ends = ends.then_some(job.last_date);
            let own = [Some(job.terms.close), Some(job.terms.reveal_until()), ends];
            own.into_iter().chain(windows).flatten()
        });
        let delivery = now.after(self.settings.windows.delivery_seconds);
        let due = due.filter(|due| *due > now).chain([delivery]);
        let due = if ends { due.max() } else { due.min() };
        let lag = world.market.lag_seconds();
        let due = due.map_or(0, |due| due.after(lag).0.saturating_sub(self.rng.u64(..2)));
        world.block_time = world.block_time.max(Timestamp(due));
    }

    fn deposit(&mut self, world: &World, sender: Address) -> Step {
        let asset = self.pick(&ASSETS);
        let sides = world.market.ledger().solvency().find(|(of, _)| *of == asset);
        let most = sides.map_or(U256::MAX, |(_, sides)| U256::MAX - sides.deposited.0);
        let amount = match self.rng.u16(..800) {
            0..4 => Amount::ZERO,
            4..6 => Amount(most.saturating_add(U256::one())),
            6..30 => Amount::new(self.rng.u128(1..60)),
            _ => Amount::new(self.rng.u128(1..=1_000_000)),
        };
        let command = self.once_in(4).then(|| self.open(sender, world.market.now()));
        Step::Deposit(sender, asset, amount, command)
    }

    fn withdraw(&mut self, world: &World) -> Step {
        let owned: Vec<_> = world.market.ledger().accounts().collect();
        let nobody = (pool::account(ACCOUNTS), ASSETS[0], Amount::ZERO);
        let (sender, asset, free) = if owned.is_empty() { nobody } else { self.pick(&owned) };
        let part = Amount(free.0 / self.pick(&[1, 2, 10]));
        let more = free.checked_add(Amount::new(1)).unwrap_or(free);
        let amount = self.pick(&[part, part, part, Amount::new(1), Amount::ZERO, more]);
        Step::Command(sender, Command::Withdraw { asset, amount })
    }

    /// A sponsor supplies its job's blobs, or cancels the job.
    fn supply(&mut self, world: &World, id: JobId, job: &Job) -> Option<Step> {
        if self.once_in(40) {
            return Some(Step::Command(job.sponsor, Command::CancelJob { job: id }));
        }
        let mut waits = world.market.blob_states(id);
        let next = waits.find(|(_, state)| matches!(state, BlobState::Expected { .. }))?;
        Some(self.publish(id, job, job.sponsor, next))
    }

    /// An account submits, publishes its model, shows one, enlists, or evaluates.
    fn enter(&mut self, world: &World, id: JobId, job: &Job, sender: Address) -> Option<Step> {
        let waits = world.market.blob_states(id);
        let waits = waits.filter(|(_, state)| matches!(state, BlobState::Expected { .. }));
        let waits: Vec<_> = waits.collect();
        let command = match self.rng.u8(..20) {
            0..8 if !waits.is_empty() => {
                let next = self.pick(&waits);
                let owner = next.0.submission.and_then(|number| job.submissions.get(&number));
                let owner = owner.map_or(job.sponsor, |submission| submission.client);
                return Some(self.publish(id, job, owner, next));
            }
            0..12 => self.submit(id, job, sender),
            12..14 => Command::Show { job: id, model: self.blob(&MODELS) },
            14..18 if job.terms.miners().is_some() || self.once_in(9) => {
                Command::Enlist { job: id }
            }
            18 if self.once_in(6) => return self.reveal(id, job),
            _ => return None,
        };
        // Clients show models.
        let clients: Vec<_> = job.undecided().map(|(_, submission)| submission.client).collect();
        let is_show = matches!(command, Command::Show { .. }) && !clients.is_empty();
        Some(Step::Command(if is_show { self.pick(&clients) } else { sender }, command))
    }

    fn submit(&mut self, id: JobId, job: &Job, sender: Address) -> Command {
        let mut model = self.blob(&MODELS);
        if self.once_in(40) {
            model = job.terms.offer.base_model;
        }
        if job.terms.sealing.is_sealed() != self.once_in(30) {
            let victims: Vec<_> = self.secrets.values().map(|secret| secret.sealed).collect();
            if self.once_in(20) && !victims.is_empty() {
                return Command::Submit {
                    job: id,
                    model: SubmittedModel::Sealed(self.pick(&victims)),
                };
            }
            let bytes = pool::bytes_of(model.digest).unwrap_or_default();
            let fresh = || seal(id.0, sender, model, bytes);
            let mut sealed = self.secrets.entry((id.0, sender)).or_insert_with(fresh).sealed;
            if self.once_in(30) {
                sealed.ciphertext.size = self.pick(&[0, 16, 17, 400, u64::MAX]);
            }
            return Command::Submit { job: id, model: SubmittedModel::Sealed(sealed) };
        }
        if self.once_in(30) {
            model.size = self.pick(&[0, 1, 60, 61, 1_000, u64::MAX]);
        }
        Command::Submit { job: id, model: SubmittedModel::Open { model, data: file(b"") } }
    }

    /// The next chunk of a blob: mostly correct, sometimes cut, shifted or corrupted.
    fn publish(
        &mut self,
        id: JobId,
        job: &Job,
        publisher: Address,
        (key, state): (SlotKey, BlobState),
    ) -> Step {
        let received = match state {
            BlobState::Expected { received, .. } => received,
            BlobState::Whole { size } => size,
        };
        let bytes = self.expected(id, job, publisher, key);
        let begin = usize::try_from(received).unwrap();
        let begin = if self.once_in(20) { 0 } else { begin };
        let rest = bytes.get(begin..).unwrap_or_default();
        let length = if self.once_in(4) { self.rng.usize(..=rest.len()) } else { rest.len() };
        let mut data = rest[..length].to_vec();
        match self.rng.u8(..40) {
            0 => data.push(b'!'),
            1 => data.clear(),
            2 => data.iter_mut().for_each(|byte| *byte ^= 1),
            _ => {}
        }
        let mut encoding = Encoding::Plain;
        if self.once_in(10) {
            (encoding, data) = (Encoding::Deflate, compress_to_vec(&data, 1));
        } else if self.once_in(10) {
            let kept = self.rng.u8(..4);
            (encoding, data) = (Encoding::Delta, crate::judge::delta(&data, kept));
        }
        let offset = if self.once_in(40) { received + 1 } else { begin as u64 };
        let slot = if self.once_in(40) { self.pick(&Slot::ALL) } else { key.slot };
        let sender = if self.once_in(40) { self.account() } else { publisher };
        Step::Command(sender, Command::Publish { job: id, slot, offset, encoding, data })
    }

    fn expected(&self, id: JobId, job: &Job, publisher: Address, key: SlotKey) -> Vec<u8> {
        let submission = key.submission.and_then(|number| job.submissions.get(&number));
        let digest: Option<Digest> = match key.slot {
            Slot::BaseModel => Some(job.terms.offer.base_model.digest),
            Slot::PublicSlice => job.terms.offer.board.map(|board| board.public_slice.digest),
            Slot::HoldOut => Some(job.terms.sealing.published_hold_out().digest),
            Slot::Submission => submission.map(|found| found.submitted.published().digest),
            Slot::Shown => submission.and_then(|found| found.board.model).map(|blob| blob.digest),
        };
        let scope = if key.submission.is_some() { id.0 } else { job.salt };
        let secret = self.secrets.get(&(scope, publisher));
        let secret = secret.filter(|found| Some(found.sealed.ciphertext.digest) == digest);
        let plain = || digest.and_then(pool::bytes_of).unwrap_or_default().to_vec();
        secret.map_or_else(plain, |secret| secret.ciphertext.clone())
    }

    fn reveal(&mut self, id: JobId, job: &Job) -> Option<Step> {
        let early = self.once_in(20);
        let sealed = job.undecided().filter(|(_, found)| {
            found.state == SubmissionState::Sealed
                || (early && matches!(found.state, SubmissionState::Expecting { .. }))
        });
        let mut owners: Vec<_> = sealed.map(|(_, found)| (id.0, found.client)).collect();
        if job.hold_out.is_none() || self.once_in(20) {
            owners.push((job.salt, job.sponsor));
        }
        if owners.is_empty() || self.once_in(4) {
            return None;
        }
        let owner = self.pick(&owners);
        let mut opening = self.secrets.get(&owner)?.opening;
        match self.rng.u8(..30) {
            0 => opening.key[0] ^= 1,
            1 => opening.salt[0] ^= 1,
            2 => opening.plain = self.blob(&MODELS),
            _ => {}
        }
        let blobs::Opening { key, salt, plain: plaintext } = opening;
        Some(Step::Command(owner.1, Command::Reveal { job: id, key, salt, plaintext }))
    }

    /// A seat attests, or reveals its attestations; sometimes a lie, or something unrelated.
    fn mine(&mut self, id: JobId, job: &Job) -> Option<Step> {
        let seats: Vec<_> = job.seats.iter().map(|seat| seat.miner).collect();
        let miner =
            if seats.is_empty() || self.once_in(30) { self.account() } else { self.pick(&seats) };
        let page = self.rng.u32(..=job.pages());
        if page == job.pages() && !self.once_in(10) {
            return None;
        }
        let said = self.said.get(&(id, miner, page)).cloned();
        if let Some((attestations, results)) = said.filter(|_| !self.once_in(20)) {
            let attestations = match self.rng.u8(..30) {
                0 => Vec::new(),
                _ => attestations,
            };
            let results = if self.once_in(30) { vec![1] } else { results };
            let salt = [9; 32];
            let command = Command::RevealAttestation { job: id, page, attestations, results, salt };
            return Some(Step::Command(miner, command));
        }
        let lie = self.rng.u8(..12);
        let (mut said, results) = attestations(job, page, pool::bytes_of, |_, answer, results| {
            if lie == 0 && job.terms.sample_rows().is_some() {
                flip(job, 0, answer, results);
            } else if lie == 0 {
                answer.score.0 = answer.score.0.saturating_sub(7);
            }
        });
        if self.once_in(30) {
            said.push(Attestation::UNFIT);
        }
        let commitment = attested(id, miner, page, &said, &[9; 32]);
        self.said.insert((id, miner, page), (said, results));
        Some(Step::Command(miner, Command::Attest { job: id, page, commitment }))
    }

    /// An account settles a job, or evaluates something of it.
    fn go_on(&mut self, id: JobId, job: &Job, sender: Address) -> Step {
        if self.once_in(3) {
            return Step::Command(sender, Command::Settle { job: id });
        }
        let mut targets = vec![
            (Target::Base, job.base.step()),
            (Target::BaseOnHoldOut, job.base_on_hold_out.step()),
        ];
        for (number, submission) in job.undecided() {
            targets.push((Target::Submission(number), submission.evaluated.step()));
            targets.push((Target::Shown(number), submission.board.evaluated.step()));
        }
        targets.push((Target::Submission(job.submitted), 0));
        let (target, step) = self.pick(&targets);
        let from = if self.once_in(20) { step.wrapping_add(1) } else { step };
        let work = Work(self.pick(&[0, 1, 30, 1_000, u64::MAX, u64::MAX]));
        let max_surcharge = Amount(self.pick(&[U256::zero(), U256::zero(), U256::MAX, U256::MAX]));
        let command = Command::Evaluate { job: id, target, from, work, max_surcharge };
        Step::Command(sender, command)
    }

    /// Meaningless commands by any account.
    fn noise(&mut self, world: &World, jobs: &[JobId]) -> Step {
        if let Some((sponsor, again)) = self.opened.clone().filter(|_| self.once_in(5)) {
            return Step::Command(sponsor, again);
        }
        let any: Vec<_> = world.market.jobs_from(0).map(|(id, _)| id).collect();
        let job = match self.rng.u8(..4) {
            0 if !any.is_empty() => self.pick(&any),
            1 => JobId([self.rng.u8(..); 32]),
            _ if !jobs.is_empty() => self.pick(jobs),
            _ => JobId([0; 32]),
        };
        let (key, salt, blob) = ([1; 32], [2; 32], self.blob(&MODELS));
        let command = match self.rng.u8(..10) {
            8 => Command::PublishMessageKey { key },
            9 => return self.write(world, job),
            0 => Command::Attest { job, page: 0, commitment: Digest([3; 32]) },
            1 => {
                let (attestations, results) = (vec![Attestation::UNFIT], Vec::new());
                Command::RevealAttestation { job, page: 0, attestations, results, salt }
            }
            2 => Command::Reveal { job, key, salt, plaintext: blob },
            3 => Command::Show { job, model: blob },
            4 => Command::CancelJob { job },
            5 => Command::Enlist { job },
            6 => Command::Settle { job },
            _ => Command::Publish {
                job,
                slot: self.pick(&Slot::ALL),
                offset: 1,
                encoding: Encoding::Plain,
                data: vec![1],
            },
        };
        Step::Command(self.account(), command)
    }

    /// A message, mostly of a party, and its next.
    fn write(&mut self, world: &World, id: JobId) -> Step {
        let job = world.market.job(id);
        let submission = self.rng.u32(..job.map_or(1, |job| job.submitted.saturating_add(1)));
        let about = job.and_then(|job| job.submissions.get(&submission));
        let counts = about.map(|about| about.messages).unwrap_or_default();
        let (sponsor, client) = (job.map(|job| job.sponsor), about.map(|about| about.client));
        let by_sponsor = self.rng.bool();
        let party = if by_sponsor { sponsor } else { client };
        let sender = party.filter(|_| !self.once_in(10)).unwrap_or_else(|| self.account());
        let next = if by_sponsor { counts.from_sponsor } else { counts.from_client };
        let sequence = if self.once_in(10) { next.wrapping_sub(1) } else { next };
        let bytes = self.pick(&[304, 304, 304, 4_144, 0, 4_400]);
        let ciphertext = Ciphertext(vec![0; bytes]);
        Step::Command(sender, Command::SendMessage { job: id, submission, sequence, ciphertext })
    }
}
