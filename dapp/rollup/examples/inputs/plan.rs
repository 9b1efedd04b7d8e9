//! A job's terms, those of its miners, and its hold-out.

use market::{
    Address, Amount, Board, Command, Evaluators, JobId, MinerTerms, Offer, Score, Sealing, Terms,
    Timestamp, Work,
};
use scenarios::{ALICE, NOW, SALT, Secret, board, bounty, context, file, offer, prize, seal};

use crate::stage::SECONDS;

pub(crate) const SPONSOR: Address = ALICE;
/// Number of seats.
pub(crate) const SEATS: u32 = 100;

/// A job with a prize, and a hold-out with this many rows, open or sealed; `change` alters its
/// terms. Returns its name, and the command that opens it.
pub(crate) fn open_job(
    [base, slice]: [&[u8]; 2],
    sealing: Sealing,
    rows: u32,
    change: impl FnOnce(&mut Terms),
) -> (JobId, Command) {
    let mut terms = Terms {
        close: Timestamp(NOW + u64::from(SECONDS)),
        places: 8,
        offer: Offer {
            max_model_bytes: 1 << 20,
            max_work: Work(1 << 40),
            max_inputs: 1_000,
            rows,
            base_model: file(base),
            board: Some(Board { quota: 1, ladder_step: Score(1), ..board(slice) }),
            ..offer()
        },
        sealing,
        award: prize(1_000_000),
        ..bounty()
    };
    change(&mut terms);
    scenarios::open_job(&context(SPONSOR), SALT, &terms)
}

/// Terms for all seats, who attest results of this many sampled rows, or of all if it is zero.
pub(crate) fn miners(sample_rows: u32) -> Evaluators {
    Evaluators::Miners(MinerTerms {
        seats: SEATS,
        bond: Amount::new(10),
        pool: Amount::new(200),
        buy_in: Amount::new(10),
        attest_seconds: SECONDS,
        sample_rows,
    })
}

/// A sealed hold-out, and the secret that opens it.
pub(crate) fn sealed_hold_out(plain: &[u8]) -> (Sealing, Secret) {
    let secret = seal(&context(SPONSOR), SALT, plain);
    let (hold_out, sponsor_bond) = (secret.sealed, Amount::new(1_000_000));
    (Sealing::Sealed { hold_out, reveal_seconds: SECONDS, sponsor_bond }, secret)
}
