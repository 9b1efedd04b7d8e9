//! Seeded simulations: commands biased to the edges, over many accounts, assets and jobs, and what
//! holds after each of them. `SEED=n cargo test` plays one again.

mod judge;
mod simulation;

use std::collections::BTreeSet;

use market::{ModelRefusal, Refusal};

const COMMANDS: usize = 100_000;

#[test]
#[expect(clippy::print_stdout, reason = "a failure can be played again only with its seed")]
fn money_is_conserved_and_every_job_ends() {
    let given = std::env::var_os("SEED").map(|seed| seed.into_string().unwrap().parse().unwrap());
    let seeds = given.map_or_else(|| vec![1, 2, fastrand::u64(..)], |seed| vec![seed]);
    for seed in seeds {
        println!("seed {seed}");
        let seen = simulation::run(seed, COMMANDS);
        println!("{seen:?}");
        let reasons: BTreeSet<_> = Refusal::NAMES.iter().chain(ModelRefusal::NAMES).collect();
        let missed: Vec<_> = reasons.into_iter().filter(|name| !seen.contains_key(*name)).collect();
        assert!(missed.is_empty() || missed == [&"TooManySubmissions"], "seed {seed}: {missed:?}");
    }
}
