//! Tests of the rules: scripts of events and outcomes, named attacks, seeded simulations.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod cheats;
mod evaluation;
mod judge;
mod metrics;
mod script;
mod scripts;
mod simulate;
mod strategies;
mod world;
