//! Seeded simulations: commands biased to the edges, over many accounts, assets and jobs, and what
//! holds after each of them. `SEED=n cargo test` plays one again, `COMMANDS=n` more or fewer of
//! them.

mod judge;
mod simulation;

use std::collections::BTreeSet;

use market::{ModelRefusal, Refusal};

/// Commands of a seed: enough to meet every reason to refuse.
const COMMANDS: usize = 100_000;

/// Reasons that take too many commands, or that only competitions give; scripts tell of each.
const ELSEWHERE: [&str; 38] = [
    "TooManySubmissions",
    "WrongKind",
    "JobNumberTaken",
    "PrizeZero",
    "PrizeOverflow",
    "MinersOutOfRange",
    "WindowOutOfRange",
    "SignificanceZero",
    "MinersOnlyTerms",
    "OpeningTooDear",
    "CiphertextTooShort",
    "SponsorEnters",
    "AlreadyEntered",
    "NotEntered",
    "TooManyEntries",
    "QuotaUsed",
    "BoardOfMinersOnly",
    "AlreadyEnlisted",
    "NotEnlisted",
    "TooManyMiners",
    "NotYet",
    "AlreadyRevealed",
    "NotWhole",
    "WrongCommitment",
    "WrongKey",
    "WrongContent",
    "NotSeated",
    "UnknownPage",
    "AlreadyAttested",
    "NotAttested",
    "AttestationCount",
    "ResultsMismatch",
    "UnknownEntry",
    "NotAgreed",
    "AlreadyObjected",
    "NotBetter",
    "AttestedUnfit",
    "Copy",
];

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
        let missed: Vec<_> = missed.into_iter().filter(|name| !ELSEWHERE.contains(name)).collect();
        let enough = missed.is_empty();
        assert!(enough || commands < COMMANDS, "seed {seed}: {missed:?}");
    }
}
