//! The market's rules, as a state machine without side effects.
//!
//! [`Market::apply`] takes a decoded [`Command`] and returns its [`Effect`]s, or a [`Refusal`] and
//! no change at all. There is no clock, environment, randomness, thread, log or float here: time is
//! the block's, order is the order of `BTreeMap`, and models are evaluated through the one trait,
//! [`Judge`], which returns integers.

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

mod accumulator;
mod attestation;
mod board;
mod clock;
mod command;
mod context;
mod decide;
mod decision;
mod effect;
mod evaluation;
mod input;
mod invariant;
mod job;
mod judge;
mod judging;
mod ledger;
mod market;
mod message;
mod meter;
mod metric;
mod payout;
mod prices;
mod prize;
mod ranking;
mod refusal;
pub mod rent;
mod results;
mod rewards;
mod sample;
mod seat;
mod seats;
mod settings;
mod settlement;
mod shared;
mod shuffle;
mod significance;
mod stage;
mod stages;
mod state;
mod store;
mod submission;
mod terms;
mod units;
mod work;

pub use accumulator::{MAX_LOSS_PPM, MetricAccumulator};
pub use attestation::{Answers, Attestation, AttestationBinding};
pub use clock::Clock;
pub use command::Command;
pub use context::{Context, Slot, Target};
pub use decision::{Decision, Outcome};
pub use effect::{BoardMove, Effect, Event, Ruling, Share};
pub use evaluation::{Evaluated, Finding, Progress, attest};
pub use job::{Job, PAGE_MODELS};
pub use judge::{
    Blob, Comparison, Delta, Evaluation, EvaluationError, Fault, Judge, Quote, Similarity,
    WeightDistance,
};
pub use ledger::{Ledger, Solvency};
pub use market::{Checkpoint, Market};
pub use message::{Ciphertext, MAX_MESSAGE_TEXT, MESSAGE_OVERHEAD, MESSAGE_STEP, MessageCounts};
pub use metric::{Measure, Metric, Output, RowLoss, Scores};
pub use prices::Prices;
pub use primitive_types::U256;
pub use refusal::{ModelRefusal, Refusal};
pub use results::Results;
pub use seat::{Offence, Seat, SeatSet};
pub use settings::{AssetPrices, Settings, Speed, Windows};
pub use settlement::part;
pub use shared::Shared;
pub use significance::separated;
pub use stage::Stage;
pub use state::State;
pub use store::{BlobState, SlotKey};
pub use submission::{Shows, Submission, SubmissionState, SubmittedModel, Verdict};
pub use terms::{
    Award, Board, Evaluators, MAX_INPUTS, MAX_MINERS, MAX_PLACES, MAX_REWARDS, MAX_SAMPLE_ROWS,
    MAX_SEATS, MinerTerms, Offer, SealedBlob, Sealing, SponsorStake, SubmissionStake, Terms,
    Threshold, Unmet, title_text,
};
pub use units::{Address, Amount, Asset, JobId, Score, Timestamp, Work};
