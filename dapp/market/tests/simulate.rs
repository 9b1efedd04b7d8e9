//! Seeded simulations: commands biased to the edges, over many accounts, assets and jobs, and what
//! holds after each of them. `SEED=n cargo test` plays one again, `COMMANDS=n` more or fewer of
//! them.

mod judge;
mod simulation;

use std::collections::BTreeSet;

use market::{ModelRefusal, Refusal};

/// Commands of a seed: enough to meet every reason to refuse.
const COMMANDS: usize = 100_000;

#[test]
#[expect(clippy::print_stdout, reason = "a failure can be played again only with its seed")]
fn money_is_conserved_and_every_job_ends() {
    let given = |name| {
        std::env::var_os(name).map(|text| text.into_string().unwrap().parse::<u64>().unwrap())
    };
    let seeds = given("SEED").map_or_else(|| vec![1, 2, fastrand::u64(..)], |seed| vec![seed]);
    let commands = given("COMMANDS").map_or(COMMANDS, |number| number.try_into().unwrap());
    for seed in seeds {
        println!("seed {seed}");
        let seen = simulation::run(seed, commands);
        println!("{seen:?}");
        let reasons: BTreeSet<_> = Refusal::NAMES.iter().chain(ModelRefusal::NAMES).collect();
        let missed: Vec<_> = reasons.into_iter().filter(|name| !seen.contains_key(*name)).collect();
        let enough = missed.is_empty() || missed == [&"TooManySubmissions"];
        assert!(enough || commands < COMMANDS, "seed {seed}: {missed:?}");
    }
}
