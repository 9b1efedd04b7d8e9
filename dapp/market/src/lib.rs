//! The market's rules, as a state machine that touches nothing outside itself.
//!
//! [`Market::apply`] takes a decoded [`Command`] and returns the [`Effect`]s it brings about, or a
//! [`Refusal`] and no change at all. There is no clock, environment, randomness, thread, log or
//! float here: time is the block's, order is the order of `BTreeMap`, and whoever evaluates models
//! answers through the one trait, [`Judge`], in integers.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::wildcard_enum_match_arm
    )
)]

mod command;
mod competition;
mod effect;
mod job;
mod judge;
mod ledger;
mod market;
mod meter;
mod metric;
mod refusal;
mod results;
mod shelf;
mod significance;
mod submissions;
mod turn;
mod units;

pub use command::{Command, Context};
pub use competition::{
    Attestation, Competition, CompetitionTerms, Decision, Desk, Entry, EntryState, Finding,
    MAX_ENTRIES, MAX_MINERS, MAX_SEATS, Offence, Outcome, PAGE_MODELS, RevealedModel, SealedBlob,
    Seat, SeatSet, Share, Show, Tied, Unmet,
};
pub use effect::{Effect, Event};
pub use job::{Job, MAX_SUBMISSIONS, Stage, Submission, SubmissionState, Terms, Verdict};
pub use judge::{Exam, Exhibit, Fault, Judge, Likeness, Quote, Unfit};
pub use ledger::{Ledger, Solvency};
pub use market::{AnyJob, Market, Settings};
pub use meter::Prices;
pub use metric::{MAX_LOSS_PPM, Marks, Metric, Tally};
pub use primitive_types::U256;
pub use refusal::{ModelRefusal, Refusal};
pub use results::Results;
pub use shelf::{BlobState, Shelf};
pub use significance::separated;
pub use units::{Address, Amount, Asset, JobId, Score, SubmissionId, Timestamp, Work};
