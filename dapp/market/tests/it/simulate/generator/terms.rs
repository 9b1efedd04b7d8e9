//! Generates terms of a job: every choice, and each value at or just beyond its limit.

use market::{
    Address, Amount, Award, Board, Command, Evaluators, Metric, MinerTerms, Offer, Output, Score,
    Sealing, Terms, Threshold, Timestamp, U256, Unmet, Work,
};

use super::{ASSETS, Generator, HOLD_OUTS, MODELS};
use crate::{
    judge,
    world::{job_name, seal},
};

impl Generator {
    pub(super) fn open(&mut self, sponsor: Address, now: Timestamp) -> Command {
        let mut salt = [0; 32];
        self.rng.fill(&mut salt);
        let mut terms = self.terms(sponsor, salt, now);
        if self.once_in(3) {
            self.spoil(&mut terms, now);
        }
        let job = job_name(sponsor, salt, &terms);
        let command = Command::OpenJob { job, salt, terms: Box::new(terms) };
        self.opened = Some((sponsor, command.clone()));
        command
    }

    fn terms(&mut self, sponsor: Address, salt: [u8; 32], now: Timestamp) -> Terms {
        let metric = self.pick(&Metric::ALL);
        let hold_out = &HOLD_OUTS[self.rng.usize(..HOLD_OUTS.len())];
        let rows = judge::rows(&hold_out.bytes).unwrap_or(10) + u32::from(self.once_in(15));
        let award = self.award();
        let is_sealed = self.once_in(2);
        let has_board = is_sealed || self.once_in(3);
        let board = has_board.then(|| Board {
            public_slice: self.blob(&HOLD_OUTS[..4]),
            quota: self.rng.u32(1..3),
            ladder_step: Score(self.pick(&[0, 100_000])),
        });
        let sealing = if is_sealed {
            let secret = seal(salt, sponsor, hold_out.blob, &hold_out.bytes);
            let sealed = secret.sealed;
            self.secrets.insert((salt, sponsor), secret);
            let all = award.total().unwrap_or_default().0;
            Sealing::Sealed {
                hold_out: sealed,
                reveal_seconds: self.rng.u32(60..200),
                sponsor_bond: Amount(all / 4 + U256::one()),
            }
        } else {
            Sealing::Open { hold_out: hold_out.blob }
        };
        let evaluators = self.evaluators(is_sealed, metric);
        Terms {
            title: [0; 32],
            asset: ASSETS[self.rng.usize(..3)],
            close: now.after(self.rng.u64(100..600)),
            places: self.rng.u32(4..9),
            offer: Offer {
                metric,
                output: self.output(metric),
                min_score: Score(self.pick(&[0, 0, 300_000])),
                min_gain: Score(self.pick(&[1, 1, 100_000])),
                threshold: self.threshold(metric, &evaluators),
                max_model_bytes: 60,
                max_work: Work(self.pick(&[60, 300, 3_000])),
                max_inputs: self.pick(&[1, 64]),
                rows,
                base_model: self.blob(&MODELS[..21]),
                board,
            },
            sealing,
            evaluators,
            award,
        }
    }

    fn award(&mut self) -> Award {
        if self.once_in(2) {
            let (reward, count) = (Amount::new(self.rng.u128(1..20)), self.rng.u32(1..5));
            return Award::Rewards { reward, count };
        }
        Award::Prize {
            prize: Amount::new(self.rng.u128(1..90)),
            significance: Score(self.pick(&[50_000, 400_000])),
            unmet: self.pick(&Unmet::ALL),
        }
    }

    fn output(&mut self, metric: Metric) -> Output {
        let stated = self.pick(&[Output::FromGraph, Output::Probabilities, Output::Logits]);
        if metric.is_regression() { Output::FromGraph } else { stated }
    }

    /// A threshold of any metric for the same labels; where rows are sampled, of nothing.
    fn threshold(&mut self, metric: Metric, evaluators: &Evaluators) -> Threshold {
        let others = Metric::ALL.into_iter();
        let others = others.filter(|other| other.is_regression() == metric.is_regression());
        let metric = self.pick(&others.collect::<Vec<_>>());
        let is_sampled = matches!(evaluators, Evaluators::Miners(miners) if miners.sample_rows > 0);
        let min_score = if is_sampled { 0 } else { self.pick(&[0, 0, 400_000]) };
        Threshold { metric, min_score: Score(min_score) }
    }

    fn evaluators(&mut self, is_sealed: bool, metric: Metric) -> Evaluators {
        if !is_sealed || self.once_in(2) {
            return Evaluators::Machine;
        }
        let is_told = metric.is_told_by_rows();
        Evaluators::Miners(MinerTerms {
            seats: self.rng.u32(1..5),
            bond: Amount::new(self.rng.u128(0..30)),
            pool: Amount::new(self.rng.u128(0..30)),
            buy_in: Amount::new(self.rng.u128(0..10)),
            attest_seconds: self.rng.u32(60..200),
            sample_rows: if is_told && self.once_in(2) { self.rng.u32(1..=10) } else { 0 },
        })
    }

    /// Sets one of the terms at, or just beyond, its limit.
    fn spoil(&mut self, terms: &mut Terms, now: Timestamp) {
        let sizes = [0, 1, 16, 984, 985, 1_000, 1_001, u64::MAX];
        let scores = [1_000_000, 1_000_001, u32::MAX];
        match self.rng.u8(..22) {
            0 => terms.asset = ASSETS[3],
            1 => {
                let reward = Amount(self.pick(&[U256::zero(), U256::MAX, U256::MAX / 2]));
                terms.award = Award::Rewards { reward, count: self.pick(&[0, 2, 10_000]) };
            }
            2 => terms.close = self.pick(&[now, Timestamp(0), Timestamp(u64::MAX)]),
            3 => terms.close = now.after(self.pick(&[1, 2_000, 2_001])),
            4 => terms.offer.min_score = Score(self.pick(&scores)),
            5 => terms.offer.min_gain = Score(self.pick(&[0, 1_000_000, 1_000_001])),
            6 => terms.offer.threshold.min_score = Score(self.pick(&[1, 400_000, 1_000_001])),
            7 => {
                terms.offer.metric = Metric::MeanSquaredError;
                if self.once_in(2) {
                    terms.offer.threshold = Threshold::none(Metric::MeanSquaredError);
                }
            }
            8 => terms.offer.max_work = Work(self.pick(&[0, 1])),
            9 => terms.offer.max_model_bytes = self.pick(&sizes),
            10 => terms.offer.base_model.size = self.pick(&sizes),
            11 => terms.places = self.pick(&[0, 1, 10_000, 10_001, u32::MAX]),
            12 => terms.offer.rows = self.pick(&[0, 1, u32::MAX]),
            13 => terms.offer.max_inputs = self.pick(&[0, 10_000, 10_001]),
            14 => terms.offer.base_model = self.blob(&MODELS),
            15 => terms.offer.board = None,
            16..18 => {
                if let Sealing::Sealed { reveal_seconds, hold_out, .. } = &mut terms.sealing {
                    *reveal_seconds = self.pick(&[0, 49, 50, 2_000, 2_001, u32::MAX]);
                    hold_out.ciphertext.size = self.pick(&sizes);
                }
            }
            18 => {
                if let Sealing::Sealed { sponsor_bond, .. } = &mut terms.sealing {
                    *sponsor_bond = Amount(self.pick(&[U256::zero(), U256::one(), U256::MAX]));
                }
            }
            19 => {
                let significance = Score(self.pick(&[0, 1, 1_000_001]));
                let (prize, unmet) = (Amount::new(9), Unmet::Share);
                terms.award = Award::Prize { prize, significance, unmet };
            }
            _ => {
                if let Evaluators::Miners(miners) = &mut terms.evaluators {
                    miners.seats = self.pick(&[0, 1, 100, 101]);
                    miners.attest_seconds = self.pick(&[0, 49, 60, u32::MAX]);
                    miners.sample_rows = self.pick(&[0, 1, 45, u32::MAX]);
                } else {
                    terms.evaluators = Evaluators::Miners(MinerTerms {
                        seats: 1,
                        bond: Amount::ZERO,
                        pool: Amount::ZERO,
                        buy_in: Amount::ZERO,
                        attest_seconds: 60,
                        sample_rows: 0,
                    });
                }
            }
        }
    }
}
