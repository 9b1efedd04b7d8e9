//! Refusals as people read them: a heading in words, amounts in the asset, dates, and what to do.
//! The commands and the page, natively and in WebAssembly, have them from here.
//!
//! The market states its values as it counts: smallest units, seconds since 1970. The name of a
//! reason is for programs, which read it from JSON.

use std::{borrow::Cow, fmt};

use market::{Amount, Timestamp, U256};
use serde::Serialize;
use wire::RefusalView;

use crate::{
    draft::hyphenated,
    quantity::{ETHER_DECIMALS, date, decimal, duration},
    text::one_line,
};

/// A refusal for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The reason's stable name.
    pub refused: String,
    /// The name in words.
    pub heading: String,
    /// The reason in a sentence.
    pub sentence: String,
}

impl From<&RefusalView> for Told {
    fn from(view: &RefusalView) -> Self {
        Self {
            refused: view.refused.clone(),
            heading: heading(&view.refused),
            sentence: one_line(&sentence(view)).into_owned(),
        }
    }
}

/// The name of a reason in words: `not better` for `NotBetter`.
#[must_use]
pub fn heading(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// A notice's reason, `NotBetter: its score …`, with the name in words.
#[must_use]
pub fn reason(text: &str) -> Cow<'_, str> {
    match text.split_once(": ") {
        Some((name, why)) if name.chars().all(char::is_alphanumeric) => {
            Cow::Owned(format!("{}: {why}", heading(name)))
        }
        _ => Cow::Borrowed(text),
    }
}

/// The reason in a sentence; the market's own where its values need no words.
#[must_use]
pub fn sentence(view: &RefusalView) -> Cow<'_, str> {
    let said = Values(view);
    let found = said.of_money().or_else(|| said.of_time()).or_else(|| said.of_models());
    found.map_or_else(|| Cow::Borrowed(view.message.as_str()), Cow::Owned)
}

/// The values of a refusal; `None` for those that are missing or of another form than known.
struct Values<'a>(&'a RefusalView);

impl Values<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.values.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    fn amount(&self, name: &str) -> Option<Amount> {
        U256::from_dec_str(self.text(name)?).ok().map(Amount)
    }

    fn date(&self, name: &str) -> Option<String> {
        self.number(name).map(|seconds| date(Timestamp(seconds)))
    }

    fn length(&self, name: &str) -> Option<String> {
        self.number(name).map(duration)
    }

    /// An amount in the refusal's asset, which the market names.
    fn money(&self, amount: Amount) -> Option<String> {
        Some(match self.text("asset")? {
            "ether" => format!("{} ether", decimal(amount, ETHER_DECIMALS)),
            token => format!("{amount} units of {token}"),
        })
    }

    fn of_money(&self) -> Option<String> {
        let money = |name| self.money(self.amount(name)?);
        Some(match self.0.refused.as_str() {
            "InsufficientBalance" => {
                let short = self.amount("needed")?.checked_sub(self.amount("free")?)?;
                format!(
                    "this needs {}, and the free balance is {}: deposit {} more first, with \
                     `deml deposit`",
                    money("needed")?,
                    money("free")?,
                    self.money(short)?
                )
            }
            "SponsorBondTooSmall" => format!(
                "the sponsor's bond of {} is less than a quarter of the award: put in {} or more",
                money("found")?,
                money("least")?
            ),
            "SurchargeTooSmall" => format!(
                "the machine lags, and going on now costs a surcharge of {} where {} is allowed: \
                 wait, or allow it with --max-surcharge",
                money("needed")?,
                money("found")?
            ),
            _ => return None,
        })
    }

    fn of_time(&self) -> Option<String> {
        let (date, length) = (|name| self.date(name), |name| self.length(name));
        Some(match self.0.refused.as_str() {
            "CloseTooSoon" => format!(
                "it would close at {}, and it is {} now: choose a later close",
                date("close")?,
                date("now")?
            ),
            "CloseTooFar" => format!(
                "it would close at {}, and the last possible date is {}: choose an earlier close",
                date("close")?,
                date("latest")?
            ),
            "LastDateTooFar" => format!(
                "evaluating all places could take until {}, and the last possible date is {}: \
                 state fewer places or less work",
                date("last_date")?,
                date("latest")?
            ),
            "WindowOutOfRange" => format!(
                "a window of {} is refused: it takes {} at least and {} at most",
                length("seconds")?,
                length("shortest")?,
                length("longest")?
            ),
            "Closed" => format!(
                "the job closed at {}, and it is {} now: `deml job list` shows those that are open",
                date("close")?,
                date("now")?
            ),
            "NotYet" if self.date("opens")? <= self.date("now")? => {
                "it is time, but nobody has moved the job on: settle it first".to_owned()
            }
            "NotYet" => format!(
                "this is taken from {} on, and it is {} now: come back then",
                date("opens")?,
                date("now")?
            ),
            "NothingToDo" => format!(
                "nothing can be moved on before {}, and it is {} now",
                date("until")?,
                date("now")?
            ),
            "NotDelivered" => format!("its bytes were not here by {}", date("until")?),
            "NotRevealed" => format!("it was not revealed by {}", date("until")?),
            "NotEvaluated" => {
                format!("nobody carried its evaluation on until {}", date("until")?)
            }
            _ => return None,
        })
    }

    fn of_models(&self) -> Option<String> {
        Some(match self.0.refused.as_str() {
            "EvaluationError" => {
                let (fault, node) = match self.text("unfit")?.split_once(" at node ") {
                    Some((fault, node)) => (fault, Some(node)),
                    None => (self.text("unfit")?, None),
                };
                let node = node.map(|node| format!(", at node {node} of its graph"));
                let why = format!("{}{}", fault_words(fault)?, node.unwrap_or_default());
                format!("the model cannot be evaluated: {why}; see `deml model check`")
            }
            "Copy" => {
                let share = self.number("agreement").and_then(|ppm| u32::try_from(ppm).ok())?;
                let (agreed, original) = (market::Score(share), self.text("original")?);
                format!("it is a copy of submission {original}: {agreed:#} of their answers agree")
            }
            "ThresholdMismatch" => {
                let name = |name| self.text(name).map(hyphenated);
                let (metric, threshold) = (name("metric")?, name("threshold")?);
                format!(
                    "there cannot be a threshold of {threshold} beside {metric}: one is of \
                     classes, the other of numbers"
                )
            }
            "ThresholdNotMet" => {
                let score = |name| {
                    let ppm = self.number(name).and_then(|ppm| u32::try_from(ppm).ok());
                    ppm.map(market::Score)
                };
                let (metric, found) = (hyphenated(self.text("metric")?), score("found")?);
                format!("its {metric} is {found:#}, the terms ask for {:#}", score("minimum")?)
            }
            "SealingMismatch" => match self.text("sealed")? {
                "true" => "this job takes sealed models only: submit with this program's `deml \
                           submit`, which seals them"
                    .to_owned(),
                _ => "this job takes open models only, and the submission is sealed".to_owned(),
            },
            "JobNotOpen" => format!(
                "the job is {}: `deml job list` shows those that are open",
                self.text("stage")?.replace('_', " ")
            ),
            _ => return None,
        })
    }
}

/// A fault of a model or dataset in words.
fn fault_words(name: &str) -> Option<impl fmt::Display> {
    Some(match name {
        "MalformedModel" => "it is not an ONNX file within the limits",
        "UnknownOperator" => "an operator, or a version of one, is not known here",
        "UnsupportedUse" => "an operator is used in a way that is not known here",
        "BadGraph" => "its graph has missing, doubled or circular edges, or several inputs",
        "BadShape" => "a shape is open, too large, or does not fit the next",
        "WeightNotFinite" => "a weight is not a finite number",
        "AnswerNotFinite" => "an answer is not a finite number",
        "MalformedDataset" => "the dataset is not one within the limits",
        "Mismatch" => "model, dataset and metric do not fit together",
        "UnknownOutput" => {
            "its graph does not show what it answers, or it is not what the job says"
        }
        "Crashed" => "the evaluator failed, which is a fault of ours: please report it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use market::{Asset, EvaluationError, Fault, Metric, ModelRefusal, Refusal, Score, Stage};

    use super::*;

    fn said<'a, R>(reason: &'a R) -> String
    where
        RefusalView: From<&'a R>,
    {
        sentence(&RefusalView::from(reason)).into_owned()
    }

    #[test]
    fn refusals_are_words_with_amounts_in_the_asset_and_dates() {
        let (now, close) = (Timestamp(1_800_000_000), Timestamp(1_700_000_000));
        let half = Amount::new(500_000_000_000_000_000);
        let token = Asset::Erc20(market::Address([0x11; 20]));
        let short =
            |asset| Refusal::InsufficientBalance { needed: half, free: Amount::ZERO, asset };
        let unfit = EvaluationError { fault: Fault::UnknownOperator, node: Some(3) };
        for (words, parts) in [
            (said(&short(Asset::Ether)), ["needs 0.5 ether", "`deml deposit`"]),
            (said(&short(token)), ["500000000000000000 units of 0x1111", "more first"]),
            (
                said(&Refusal::CloseTooSoon { close, now }),
                ["2023-11-14 22:13:20 UTC", "choose a later"],
            ),
            (
                said(&Refusal::WindowOutOfRange { seconds: 60, shortest: 3_600, longest: 86_400 }),
                ["1 min 0 s", "1 h 0 min at least"],
            ),
            (said(&ModelRefusal::NotRevealed { until: close }), ["2023-11-14", "not revealed"]),
            (
                said(&ModelRefusal::Copy { original: 2, agreement: 999_000 }),
                ["submission 2", "99.900 %"],
            ),
            (
                said(&ModelRefusal::EvaluationError { unfit }),
                ["an operator, or a version", "at node 3"],
            ),
            (
                said(&Refusal::JobNotOpen { job: market::JobId([0; 32]), stage: Stage::Announced }),
                ["announced", "`deml job list`"],
            ),
            (
                said(&ModelRefusal::ThresholdNotMet {
                    metric: Metric::WorstClassRecall,
                    minimum: Score(900_000),
                    found: Score(800_000),
                }),
                ["its worst-class-recall is 80.000 %", "ask for 90.000 %"],
            ),
            // What needs no other words keeps the market's.
            (said(&Refusal::AwardZero {}), ["the award", "must not be zero"]),
        ] {
            for part in parts {
                assert!(words.contains(part), "{part:?} is not in {words:?}");
            }
        }
        let low = ModelRefusal::ScoreTooLow { minimum: Score(900_000), found: Score(800_000) };
        assert_eq!(said(&low), "its score 80.000 % is below 90.000 %");
        let told = Told::from(&RefusalView::from(&low));
        assert_eq!([&told.refused, &told.heading], ["ScoreTooLow", "score too low"]);
        assert_eq!(told.sentence, said(&low));
        assert_eq!(reason(&format!("ScoreTooLow: {low}")), format!("score too low: {low}"));
        assert_eq!(reason(""), "");
    }

    #[test]
    fn no_reason_shows_bare_seconds_or_a_name_of_the_code() {
        assert_eq!(heading("InsufficientBalance"), "insufficient balance");
        for name in Refusal::NAMES.iter().chain(ModelRefusal::NAMES) {
            assert!(heading(name).chars().all(|part| part == ' ' || part.is_ascii_lowercase()));
        }
        for fault in [
            Fault::MalformedModel,
            Fault::UnknownOperator,
            Fault::UnsupportedUse,
            Fault::BadGraph,
            Fault::BadShape,
            Fault::WeightNotFinite,
            Fault::AnswerNotFinite,
            Fault::MalformedDataset,
            Fault::Mismatch,
            Fault::UnknownOutput,
            Fault::Crashed,
        ] {
            assert!(fault_words(&format!("{fault:?}")).is_some(), "{fault:?}");
        }
    }
}
