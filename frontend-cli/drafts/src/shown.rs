//! Terms and stakes in words.

use market::{Amount, Measure, Metric, Output, Score, Scores, SponsorStake, Threshold};

use crate::{currency::Currency, draft::hyphenated, quantity::percent};

/// Scores in words: the one by the metric, and the one by the threshold's if that is another.
#[must_use]
pub fn scores_text(measure: Measure, scores: Scores) -> String {
    let [metric, threshold] = measure.metrics();
    let score = percent(scores.score);
    if threshold == metric {
        return score;
    }
    format!("{score}, {} {}", metric_text(threshold), percent(scores.threshold_score))
}

/// What a threshold demands, as the end of a sentence; nothing if it demands nothing.
#[must_use]
pub fn threshold_text(threshold: Threshold) -> String {
    match threshold {
        Threshold { min_score: Score(0), .. } => String::new(),
        Threshold { metric, min_score } => {
            format!(", {} at least {}", metric_text(metric), percent(min_score))
        }
    }
}

/// A metric's name in words, as it is on the command line.
#[must_use]
pub fn metric_text(metric: Metric) -> String {
    hyphenated(&metric.to_string())
}

/// What the answers of a job's models are, in words.
#[must_use]
pub fn output_text(output: Output) -> String {
    match output {
        Output::FromGraph => "what each model's graph shows".to_owned(),
        stated => format!("{}, as stated", hyphenated(&stated.to_string())),
    }
}

/// The items of a sponsor's stake, each with its amount in words.
#[must_use]
pub fn stake_items(stake: &SponsorStake, currency: &Currency) -> Vec<(&'static str, String)> {
    let SponsorStake { award, pool, bond, work, rent } = *stake;
    let items = [
        ("award", award, ""),
        ("miners' pool", pool, ""),
        ("bond", bond, ", back when the hold-out is revealed and fits"),
        ("work", work, " at most, for the base model"),
        ("rent", rent, " until the last date, what is not used back"),
    ];
    let held = items.into_iter().filter(|item| item.1 != Amount::ZERO);
    held.map(|(name, amount, words)| (name, format!("{}{words}", currency.show(amount)))).collect()
}
