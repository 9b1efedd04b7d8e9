//! Tests of the rules: scripts of events and outcomes, attacks by name, seeded simulations.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]
#![expect(clippy::indexing_slicing, reason = "the helpers of tests fail like tests")]

mod evaluation;
mod judge;
mod metrics;
mod script;
mod scripts;

mod world;
mod cheats;
mod simulate;
mod strategies;
