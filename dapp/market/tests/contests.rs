//! Seeded simulations of competitions, several at a time, with honest and hostile strategies for
//! each role. `SEED=n cargo test --test contests` plays one again, `COMMANDS=n` more or fewer of
//! them: `COMMANDS=1000000 cargo test --release -p market --test contests` for a million.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]
#![expect(clippy::disallowed_types, reason = "means and microseconds are for people")]

mod contest;
mod judge;

use contest::{Earnings, Strategy, scale};

/// Enough for every strategy's mean to be far from the others'.
const COMMANDS: u64 = 60_000;

#[test]
#[expect(clippy::print_stdout, reason = "the table is what it is played for, and the seed")]
fn no_hostile_strategy_earns_more_than_the_honest_one_it_imitates() {
    let given = |name| {
        std::env::var_os(name).map(|text| text.into_string().unwrap().parse::<u64>().unwrap())
    };
    let seed = given("SEED").unwrap_or(1);
    let commands = given("COMMANDS").unwrap_or(COMMANDS);
    let earnings = contest::run(seed, commands);
    println!("seed {seed}, {commands} commands, {} competitions", earnings.jobs);
    println!("the prize is {}, the pool 200, the buy-in 100, bonds 150", contest::PRIZE);
    for (strategy, outcome) in &earnings.by_strategy {
        let (mean, error) = (outcome.mean(), outcome.standard_error());
        let (name, count) = (format!("{strategy:?}"), outcome.count);
        println!("{name:>24} {count:>7} accounts, mean {mean:>9.2} ± {error:.2}");
    }
    for (strategy, outcome) in &earnings.by_strategy {
        let bound = bound(*strategy, &earnings);
        let slack = 3.0 * outcome.standard_error();
        assert!(outcome.mean() <= bound + slack, "seed {seed}: {strategy:?} earns more");
    }
}

/// What a strategy must not exceed: the mean of the honest one it imitates; for a sponsor who keeps
/// its prize, nothing, so that it takes no money of others.
fn bound(strategy: Strategy, earnings: &Earnings) -> f64 {
    match strategy.imitates() {
        Some(honest) => earnings.by_strategy.get(&honest).map_or(f64::MAX, |found| found.mean()),
        None => 0.0,
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the table shows that costs do not grow")]
fn no_input_costs_more_than_it_may_however_many_take_part() {
    for entrants in [10, 100, 1_000] {
        println!("{entrants} entrants, 100 miners");
        for (kind, cost) in scale::play(entrants) {
            let (commands, work, outputs) = (cost.commands, cost.most_work, cost.most_outputs);
            let mean = cost.micros / f64::from(commands);
            let per_output = cost.micros / f64::from(u32::try_from(cost.outputs).unwrap().max(1));
            println!(
                "{kind:>10} {commands:>6} commands, {mean:>7.1} µs each, {per_output:>5.1} µs an \
                 output, at most {work:>10} instructions and {outputs:>3} outputs"
            );
            assert!(work <= scale::input_work(), "{kind} of {entrants} entrants costs {work}");
            assert!(outputs <= 200, "{kind} of {entrants} entrants has {outputs} outputs");
        }
    }
}
