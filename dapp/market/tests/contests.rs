//! Seeded simulations of competitions, several at a time, with honest and hostile strategies for
//! each role. `SEED=n cargo test --test contests` plays one again, `COMMANDS=n` more or fewer of
//! them: `COMMANDS=1000000 cargo test --release -p market --test contests` for a million.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]
#![expect(clippy::disallowed_types, reason = "means and microseconds are for people")]

mod contest;
mod judge;

use std::collections::BTreeMap;

use contest::{Outcome, Strategy, scale};

/// Enough for every strategy's mean to be far from the others'.
const COMMANDS: u64 = 60_000;
/// What a model is worth to its sponsor at least, as it offers so much for it: prize and pool.
const WORTH: f64 = 1_200.0;

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
    println!("a model is worth {WORTH} to its sponsor, who is counted with what it gets");
    table(&earnings.all);
    println!("entrants whose sponsor is hostile");
    table(&earnings.cheated);
    for (strategy, outcome) in &earnings.all {
        let Some(honest) = earnings.all.get(&strategy.imitates()) else { continue };
        let worth = if strategy.is_sponsor() { WORTH } else { 0.0 };
        let bound = honest.mean_with_models(worth) + 3.0 * outcome.standard_error();
        assert!(outcome.mean_with_models(worth) <= bound, "seed {seed}: {strategy:?} earns more");
        // Whoever keeps its own prize takes no money of others.
        assert!(!strategy.is_sponsor() || outcome.mean() <= 0.0, "seed {seed}: {strategy:?}");
    }
}

#[expect(clippy::print_stdout, reason = "for people")]
fn table(earnings: &BTreeMap<Strategy, Outcome>) {
    for (strategy, outcome) in earnings {
        let (mean, error) = (outcome.mean(), outcome.standard_error());
        let (name, count) = (format!("{strategy:?}"), outcome.count);
        let models = if strategy.is_sponsor() {
            let (bought, with) = (outcome.bought(), outcome.mean_with_models(WORTH));
            format!(", {bought:.2} models: {with:>8.2}")
        } else {
            String::new()
        };
        println!("{name:>25} {count:>7} times, mean {mean:>9.2} ± {error:.2}{models}");
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
