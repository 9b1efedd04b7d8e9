//! The miners' part of a season.

use blobs::Digest;
use market::{Attestation, Command, Job, Timestamp};
use scenarios::file;

use super::{
    super::cast::{Evaluators, Strategy},
    BASE, CLOSE, HOLD_OUT, MINERS, Season, WINDOW, miner,
};
use crate::world::{attestations, attested, flip};

const SALT: [u8; 32] = [9; 32];

impl Season {
    pub(super) fn enlist(&mut self) {
        if self.cast.evaluators == Evaluators::Machine {
            return;
        }
        for index in 0..MINERS {
            self.deposit(miner(index), 10_000);
            self.act(miner(index), Command::Enlist { job: self.job });
        }
    }

    /// All seats attest, then reveal, each in the first block of its window.
    pub(super) fn mine(&mut self) {
        let seconds =
            self.known().terms.miners().map_or(WINDOW, |miners| u64::from(miners.attest_seconds));
        let (job, pages) = (self.job, self.known().pages());
        for reveals in [false, true] {
            for index in 0..MINERS {
                for page in 0..pages {
                    let (said, results) = self.says(index, page);
                    // A commitment copied from another miner is bound to that miner.
                    let plays = if index == 0 { self.plays } else { Strategy::Miner };
                    let copies = plays == Strategy::MinerCopying;
                    let of = if copies { miner(1) } else { miner(index) };
                    let commitment = attested(job, of, page, &said, &SALT);
                    if !reveals {
                        self.act(miner(index), Command::Attest { job, page, commitment });
                    } else if plays != Strategy::MinerSilent {
                        let (attestations, salt) = (said, SALT);
                        let command =
                            Command::RevealAttestation { job, page, attestations, results, salt };
                        self.act(miner(index), command);
                    }
                }
            }
            if pages > 0 && !self.known().seats.is_empty() {
                let step = if reveals { 2 } else { 1 };
                self.world.block_time = Timestamp(CLOSE + WINDOW + step * seconds);
            }
        }
    }

    fn says(&self, index: usize, page: u32) -> (Vec<Attestation>, Vec<u8>) {
        let job = self.known();
        let bytes_of = |digest: Digest| {
            let models = self.entrants.iter().map(|entrant| entrant.model.as_slice());
            let mut all = models.chain([BASE, HOLD_OUT]);
            all.find(|bytes| file(bytes).digest == digest)
        };
        let lies_of = |model: Option<u32>| match self.plays {
            Strategy::MinerLying => index == 0,
            Strategy::MinersPlotting => self.is_own(job, model),
            _ => false,
        };
        attestations(job, page, bytes_of, |model, answer, results| {
            if !lies_of(model) {
                return;
            }
            if self.cast.evaluators == Evaluators::Samples {
                (0..40).step_by(3).for_each(|row| flip(job, row, answer, results));
            } else {
                answer.score.0 = 990_000;
            }
        })
    }

    fn is_own(&self, job: &Job, model: Option<u32>) -> bool {
        let submission = model.and_then(|number| job.submissions.get(&number));
        submission.is_some_and(|found| {
            self.entrants.iter().any(|own| own.is_own && own.account == found.client)
        })
    }
}
