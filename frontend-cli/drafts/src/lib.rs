//! A sponsor's terms as people write them, and what the market says as people read it; without I/O.
//!
//! - `quantity`: amounts, shares and deadlines, read and written exactly; `currency`: an asset's
//! - `text`: untrusted texts; `words`: refusals in sentences; `refused`: a refusal as an error
//! - `draft`: the fields of a draft; `complete`: from a draft to the market's terms; `shown`: terms
//!   and stakes in words; `named`: the trainer that a base model names

mod complete;
mod currency;
mod draft;
pub mod named;
pub mod quantity;
mod refused;
mod shown;
pub mod text;
pub mod words;

pub use complete::{JobBlobs, Known, award_money, check, check_gain, is_sealed, measure, terms};
pub use currency::Currency;
pub use draft::{
    AwardDraft, EvaluatorsDraft, MetricName, OfferDraft, OutputName, SealingDraft, TermsDraft,
    ThresholdText, UnmetName, hyphenated,
};
pub use refused::Refused;
pub use shown::{metric_text, output_text, scores_text, stake_items, threshold_text};
