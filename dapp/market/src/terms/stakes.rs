//! Stakes, computable before anything is sent: no later change of prices can make one too small.

use serde::{Deserialize, Serialize};

use super::{Award, Evaluators, Sealing, Terms};
use crate::{
    refusal::Refusal,
    rent,
    settings::Settings,
    units::{Amount, Timestamp, Work},
};

/// Bytes that a job needs besides its blobs, a generous estimate.
const JOB_RECORD_BYTES: u64 = 8_192;
/// Bytes that a submission needs besides its blobs and results.
const SUBMISSION_RECORD_BYTES: u64 = 1_024;
/// Bytes that a seat needs for each model.
const ANSWER_BYTES: u64 = 160;
/// Bytes that an enlisted miner needs.
const MINER_RECORD_BYTES: u64 = 256;
/// Bytes that a row needs until an evaluation by the rows' order is done.
const RANKED_ROW_BYTES: u64 = 8;
/// Maximum number of enlisted miners of a job.
pub const MAX_MINERS: u32 = 1_000;

/// Stake that a sponsor moves to escrow when a job opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SponsorStake {
    /// For accepted models.
    pub award: Amount,
    /// For miners.
    pub pool: Amount,
    /// Lost if no valid hold-out is revealed.
    pub bond: Amount,
    /// For the base model's evaluations; the unused part is returned.
    pub work: Amount,
    /// For the bytes of all places until the last date; unused time is returned.
    pub rent: Amount,
}

/// Stake that a submission moves to escrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionStake {
    /// For evaluating and comparing it; the unused part is returned.
    pub work: Amount,
    /// Returned if it is delivered and, if sealed, revealed.
    pub bond: Amount,
    /// For miners.
    pub buy_in: Amount,
}

impl SponsorStake {
    /// The total of the stake.
    ///
    /// - Errors: `AwardOverflow`
    pub fn total(&self) -> Result<Amount, Refusal> {
        sum([self.award, self.pool, self.bond, self.work, self.rent])
    }
}

impl SubmissionStake {
    /// The total of the stake.
    ///
    /// - Errors: `AwardOverflow`
    pub fn total(&self) -> Result<Amount, Refusal> {
        sum([self.work, self.bond, self.buy_in])
    }
}

fn sum(amounts: impl IntoIterator<Item = Amount>) -> Result<Amount, Refusal> {
    let mut amounts = amounts.into_iter();
    amounts.try_fold(Amount::ZERO, Amount::checked_add).ok_or(Refusal::AwardOverflow {})
}

impl Terms {
    /// The sponsor's stake for opening now, with this many bytes of the store reserved.
    ///
    /// - Errors: `AwardOverflow`, `StoreFull`
    pub fn sponsor_stake(
        &self,
        settings: &Settings,
        now: Timestamp,
        reserved: u64,
    ) -> Result<SponsorStake, Refusal> {
        let evaluations = if self.sealing.is_sealed() { 2 } else { 1 };
        let opening = match self.sealing {
            Sealing::Open { .. } => Work(0),
            Sealing::Sealed { hold_out, .. } => settings.prices.opening(hold_out.ciphertext.size),
        };
        let work = self.evaluation_work(settings).times(evaluations).plus(opening);
        let seconds = self.last_date(settings).0.saturating_sub(now.0);
        let floor = settings.asset(self.asset).rent;
        let bytes = self.reserved_bytes();
        Ok(SponsorStake {
            award: self.award.total()?,
            pool: self.miners().map_or(Amount::ZERO, |miners| miners.pool),
            bond: self.sealing.sponsor_bond(),
            work: settings.work_price(self.asset, work)?,
            rent: rent::price(floor, settings.max_stored_bytes, reserved, bytes, seconds)?.all,
        })
    }

    /// The stake of a submission with this many published bytes.
    ///
    /// - Errors: `AwardOverflow`
    pub fn submission_stake(
        &self,
        settings: &Settings,
        published_bytes: u64,
    ) -> Result<SubmissionStake, Refusal> {
        let place_bond = settings.asset(self.asset).place_bond;
        let bond = place_bond.checked_times(published_bytes);
        Ok(SubmissionStake {
            work: settings.work_price(self.asset, self.submission_work(settings))?,
            bond: bond.ok_or(Refusal::AwardOverflow {})?,
            buy_in: self.miners().map_or(Amount::ZERO, |miners| miners.buy_in),
        })
    }

    /// The stake of a shown model: the work of its evaluation on the public slice.
    ///
    /// - Errors: `AwardOverflow`
    pub fn show_stake(&self, settings: &Settings) -> Result<Amount, Refusal> {
        settings.work_price(self.asset, self.evaluation_work(settings))
    }

    /// Maximum work of the machine for one evaluation: of all rows, or of the sampled ones.
    pub fn evaluation_work(&self, settings: &Settings) -> Work {
        let ending = settings.prices.ending;
        let most = self.offer.max_work;
        let most = match self.sample_rows() {
            Some(rows) => most.min(settings.input_work.times(rows.into())),
            None => most,
        };
        let ranking = settings.prices.ranking(self.offer.measure(), self.offer.rows);
        let naming = settings.prices.results(true, self.offer.rows).plus(ranking);
        most.plus(naming).plus(ending)
    }

    /// Maximum work of the machine for one submission: decrypting and rebuilding, evaluating,
    /// comparing.
    fn submission_work(&self, settings: &Settings) -> Work {
        let prices = &settings.prices;
        let opening = match self.sealing {
            Sealing::Open { .. } => Work(0),
            Sealing::Sealed { .. } => prices.opening_model(self.offer.max_model_bytes),
        };
        let evaluation = self.evaluation_work(settings);
        let comparing = match self.award {
            Award::Rewards { count, .. } => {
                let each = evaluation.plus(prices.comparison);
                each.times(count.saturating_sub(1).into())
            }
            Award::Prize { .. } => prices.comparing(self.offer.rows),
        };
        evaluation.plus(opening).plus(comparing)
    }

    /// All bytes that the job may come to hold; they are reserved when it opens.
    pub fn reserved_bytes(&self) -> u64 {
        let offer = &self.offer;
        let model = offer.max_model_bytes.saturating_add(self.sealing.overhead());
        let shown = offer.board.map_or(0, |_| offer.max_model_bytes);
        let row_bytes: u64 = if offer.metric.is_loss() { 8 } else { 1 };
        let ranked = if offer.measure().is_ranked() { RANKED_ROW_BYTES } else { 0 };
        let results = u64::from(offer.rows).saturating_mul(row_bytes.saturating_add(ranked));
        let (answers, miners) = match self.evaluators {
            Evaluators::Machine => (0, 0),
            Evaluators::Miners(miners) => {
                let shown = if miners.sample_rows > 0 { results } else { 0 };
                let answer = ANSWER_BYTES.saturating_add(shown);
                (answer.saturating_mul(miners.seats.into()), u64::from(MAX_MINERS))
            }
        };
        let each = [model, shown, results, answers, SUBMISSION_RECORD_BYTES];
        let each = each.into_iter().fold(0, u64::saturating_add);
        let own = [
            JOB_RECORD_BYTES,
            offer.base_model.size,
            offer.board.map_or(0, |board| board.public_slice.size),
            self.sealing.published_hold_out().size,
            answers,
            results.saturating_mul(2),
            miners.saturating_mul(MINER_RECORD_BYTES),
        ];
        own.into_iter().fold(each.saturating_mul(self.places.into()), u64::saturating_add)
    }
}
