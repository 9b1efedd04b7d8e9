//! A client's work on data that stays on its computer: reading rows, training on them, and
//! scoring models by the market's own code, so that the integers are the same.

pub mod figures;
pub mod fit;
pub mod local;
pub mod rows;
