//! What miners, and those who doubt them, do in a competition.

use blobs::Digest;
use market::{Attestation, Command, Competition, Desk, Exam, Exhibit, Metric, Score, Work};

use super::{
    super::{APP, CHAIN, Strategy, World, player::named},
    BASE, HOLD_OUT, Season,
};
use crate::judge::WordJudge;

const SALT: [u8; 32] = [9; 32];

impl Season {
    pub(super) fn enlist(&mut self, world: &mut World, place: usize) {
        let account = self.miners[place].account;
        world.deposit(account);
        if place.is_multiple_of(2) {
            world.act(account, Command::Enlist { job: Some(self.id) }).ok();
        } else {
            // For all: it must not be drawn for others, which its strategy knows nothing of.
            world.act(account, Command::Enlist { job: None }).ok();
            world.act(account, Command::Retire).ok();
            world.act(account, Command::Enlist { job: Some(self.id) }).ok();
        }
    }

    /// What this miner says of a model.
    fn says(&mut self, world: &World, place: usize, model: usize) -> (Attestation, Vec<u8>) {
        let job = world.market.competition(self.id).unwrap();
        let revealed = &job.models()[model];
        let (mut attestation, mut results) = self.examine(world, job, revealed.model.digest);
        let models = job.models().len();
        let (lie, bit) = match self.miners[place].strategy {
            Strategy::MinerLying | Strategy::StandingLying => (place % models, place % 7),
            Strategy::MinerPlotting => (models - 1, 7),
            _ => return (attestation, results),
        };
        if attestation == Attestation::UNFIT || model != lie {
            return (attestation, results);
        }
        if self.miners_only {
            results[0] ^= 1 << bit;
            let lied = market::Results::from_bytes(Metric::Accuracy, 40, &results).unwrap();
            attestation.results = lied.digest();
            attestation.score = lied.score(Metric::Accuracy).unwrap();
        } else {
            attestation.score =
                Score(attestation.score.0.saturating_sub(25_000 + u32::try_from(bit).unwrap()));
        }
        (attestation, results)
    }

    fn examine(
        &mut self,
        world: &World,
        job: &Competition,
        model: Digest,
    ) -> (Attestation, Vec<u8>) {
        if let Some(known) = self.honest.get(&model) {
            return known.clone();
        }
        let secrets = self.entrants.iter().filter_map(|player| player.secret.as_ref());
        let plain = secrets.map(|secret| secret.plain.clone()).find(|p| named(p).digest == model);
        let bytes = plain.unwrap_or_else(|| BASE.to_vec());
        let (cid, hold_out) = (named(&bytes).cid(), named(HOLD_OUT).cid());
        let exam = Exam {
            model: Exhibit { cid, bytes: &bytes },
            hold_out: Exhibit { cid: hold_out, bytes: HOLD_OUT },
            metric: job.terms.metric,
            rows: None,
        };
        let mut settings = world.market.settings().clone();
        if self.miners_only {
            settings.input_work = Work(u64::MAX);
        }
        let (attestation, results) =
            Attestation::examine(&settings, &exam, job.terms.max_work, &mut WordJudge);
        let known = (attestation, results.map(|all| all.to_bytes()).unwrap_or_default());
        self.honest.insert(model, known.clone());
        known
    }

    pub(super) fn attest(&mut self, world: &mut World, place: usize) {
        let miner = self.miners[place].account;
        let copied = self.said.keys().find(|(other, _)| *other != place).copied();
        if self.miners[place].strategy == Strategy::MinerCopying && copied.is_none() {
            self.miners[place].strategy = Strategy::MinerHonest;
        }
        let pages = world.market.competition(self.id).map_or(0, Competition::pages);
        for page in 0..pages {
            let said = self.page(world, place, page);
            let desk = Desk { chain_id: CHAIN, app: APP, job: self.id, miner, page };
            let mut attestations: Vec<_> = said.iter().map(|(answer, _)| *answer).collect();
            let mut desk_of = desk;
            if self.miners[place].strategy == Strategy::MinerCopying
                && let Some((other, _)) = copied
            {
                // The very commitment of another, which names that one.
                desk_of = Desk { miner: self.miners[other].account, ..desk };
                attestations = self.page(world, other, page).iter().map(|(a, _)| *a).collect();
            }
            let commitment = desk_of.commitment(&attestations, &SALT);
            if world.act(miner, Command::Attest { job: self.id, page, commitment }).is_ok() {
                self.said.insert((place, page), said[0].clone());
            }
        }
    }

    fn page(&mut self, world: &World, place: usize, page: u32) -> Vec<(Attestation, Vec<u8>)> {
        let job = world.market.competition(self.id).unwrap();
        let (first, count) = ((page * job.page_models()) as usize, job.page(page).len());
        (first..first + count).map(|model| self.says(world, place, model)).collect()
    }

    pub(super) fn unveil(&mut self, world: &mut World, place: usize) {
        let (miner, strategy) = (self.miners[place].account, self.miners[place].strategy);
        let pages = world.market.competition(self.id).map_or(0, Competition::pages);
        for page in 0..pages {
            if matches!(strategy, Strategy::MinerSilent | Strategy::StandingSilent) {
                return;
            }
            let said = self.page(world, place, page);
            let results = if self.miners_only { said[0].1.clone() } else { Vec::new() };
            let attestations = said.into_iter().map(|(answer, _)| answer).collect();
            let command = Command::Unveil { job: self.id, page, attestations, results, salt: SALT };
            world.act(miner, command).ok();
        }
    }

    /// Entrants look at what is said of them; an outsider doubts at random, or does nothing.
    pub(super) fn object(&mut self, world: &mut World) {
        world.deposit(self.outsider.account);
        let job = world.market.competition(self.id).unwrap();
        let seats = job.seats.len();
        let models = job.models().to_vec();
        for model in models {
            let Some(agreed) = model.agreed(seats) else { continue };
            let Some(entry) = model.entry else { continue };
            let job = world.market.competition(self.id).unwrap().clone();
            let (right, _) = self.examine(world, &job, model.model.digest);
            let owner = job.entries()[entry as usize].entrant;
            let command = Command::Object { job: self.id, entry };
            let is_wrong = Attestation { worst_class: Score(0), ..right }
                != Attestation { worst_class: Score(0), ..agreed };
            if is_wrong {
                world.act(owner, command).ok();
            } else if self.outsider.strategy == Strategy::OutsiderDoubting {
                world.act(self.outsider.account, command).ok();
            }
        }
    }
}
