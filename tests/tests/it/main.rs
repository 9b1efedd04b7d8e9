//! The repository's rules, and whole programs as users run them: the real contracts on a real
//! anvil, the real binaries, real data. One program, so that tests that wait run in parallel.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod audit;
mod audit_lies;
mod audit_memory;
mod by_hand;
mod cartesi;
mod competition;
mod cost;
mod defaults;
mod deltas;
mod demo;
mod endpoints;
mod exact;
mod faults;
mod helia;
mod kills;
mod licences;
mod lies;
mod lying_node;
mod messages;
mod page;
mod page_messages;
mod pages;
mod platform;
mod proof;
mod riscv;
mod sends;
mod sponsor;
mod tidy;
mod trainers;
mod twin;
mod walletconnect;
mod watch;
