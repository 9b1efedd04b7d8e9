//! Plays a season and counts who lost what.

use fastrand::Rng;
use market::Address;

use super::{
    cast::{Cast, Strategy},
    season::Season,
};

/// A model is worth a fifth more to its sponsor than what it pays for it.
const WORTH: f64 = 1.2;

/// What came of a season.
pub(super) struct Played {
    /// What the person has gained that the season is about; a sponsor's models count.
    pub(super) own: f64,
    /// All that others have lost, each by itself.
    pub(super) others_lose: f64,
    pub(super) inputs: u64,
}

/// Plays the season of this number, with somebody of this strategy.
pub(super) fn season(number: u64, strategy: Strategy) -> Played {
    let mut rng = Rng::with_seed(number);
    // The cast is the same for the honest one; what it needs follows from the number alone.
    let hostile = Strategy::HOSTILE.into_iter().find(|one| *one == strategy).unwrap_or(strategy);
    let cast = Cast::new(&mut rng, hostile);
    let mut season = Season::new(rng, cast, strategy);
    season.play();
    let own = season.own();
    let is_sponsor = strategy.is(Strategy::Sponsor);
    let bought = if is_sponsor { season.bought() * WORTH } else { 0.0 };
    let earned = |account: &Address| season.earned(*account);
    let others = season.everybody().into_iter().filter(|account| !own.contains(account));
    let others_lose = others.map(|account| (-earned(&account)).max(0.0)).sum();
    let own = own.iter().map(earned).sum::<f64>() + bought;
    Played { own, others_lose, inputs: season.inputs() }
}
