//! A sponsor's terms. A test changes what it is about, and takes the rest from here.

use market::{
    Amount, Asset, Award, Board, Evaluators, Metric, MinerTerms, Offer, Output, Score, SealedBlob,
    Sealing, Terms, Threshold, Timestamp, Unmet, Work,
};

use crate::{BASE, ETHER, HOLD_OUT, NOW, SLICE, file};

/// Number of rows of the hold-out.
pub const ROWS: u32 = 1_000;
/// Length of each window.
const HOUR_SECONDS: u32 = 3_600;

/// An open job of an hour with one reward of an Ether, evaluated by the machine.
pub fn bounty() -> Terms {
    Terms {
        title: [0; 32],
        asset: Asset::Ether,
        close: Timestamp(NOW).after(HOUR_SECONDS.into()),
        places: 4,
        offer: offer(),
        sealing: Sealing::Open { hold_out: file(HOLD_OUT) },
        evaluators: Evaluators::Machine,
        award: Award::Rewards { reward: Amount::new(ETHER), count: 1 },
    }
}

/// A sealed job with a prize of an Ether and a public board, evaluated by miners.
pub fn competition(hold_out: SealedBlob) -> Terms {
    let (reveal_seconds, sponsor_bond) = (HOUR_SECONDS, Amount::new(ETHER));
    Terms {
        offer: Offer { board: Some(board(SLICE)), ..offer() },
        sealing: Sealing::Sealed { hold_out, reveal_seconds, sponsor_bond },
        evaluators: Evaluators::Miners(miners()),
        award: prize(ETHER),
        ..bounty()
    }
}

/// Accepts any model that is better than the base model.
pub fn offer() -> Offer {
    Offer {
        metric: Metric::Accuracy,
        output: Output::FromGraph,
        min_score: Score(0),
        min_gain: Score(1),
        threshold: Threshold::none(Metric::Accuracy),
        max_model_bytes: 10_000,
        max_work: Work(1_000_000_000),
        max_inputs: 64,
        rows: ROWS,
        base_model: file(BASE),
        board: None,
    }
}

/// A board for a few models per account, each at least a hundredth better than the last.
pub fn board(public_slice: &[u8]) -> Board {
    Board { public_slice: file(public_slice), quota: 3, ladder_step: Score(10_000) }
}

/// Two seats for miners, who attest results of all rows, with an hour to do so.
pub fn miners() -> MinerTerms {
    MinerTerms {
        seats: 2,
        bond: Amount::new(ETHER / 10),
        pool: Amount::new(ETHER / 10),
        buy_in: Amount::new(ETHER / 100),
        attest_seconds: HOUR_SECONDS,
        sample_rows: 0,
    }
}

/// A prize of this many wei for the earliest of the best, at a significance of five in a hundred;
/// without a winner it returns to the sponsor.
pub fn prize(wei: u128) -> Award {
    let (prize, significance) = (Amount::new(wei), Score(50_000));
    Award::Prize { prize, significance, unmet: Unmet::Return }
}
