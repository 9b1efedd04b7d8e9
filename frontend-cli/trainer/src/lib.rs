//! A client's work on data that stays on its computer: reading rows, training on them, and
//! scoring models by the market's own code, so that the integers are the same.

pub mod bounds;
mod curve;
pub mod custom;
pub mod engine;
pub mod fit;
mod keeping;
mod live;
pub mod local;
mod noise;
pub mod review;
pub mod rows;
pub mod task;
