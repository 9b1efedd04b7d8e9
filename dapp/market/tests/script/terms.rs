//! The terms of a script's job: `name=value`, each with a default.

use market::{Metric, Score, Terms, Timestamp, Work};

use super::{Reason, Stage, amount, asset, number};

impl Stage {
    /// `base=` and `hold_out=` name blobs, `base` and `rows` unless said otherwise.
    pub(super) fn terms(&self, title: &str, stated: &[&str]) -> Result<Terms, Reason> {
        let mut terms = self.usual_terms(title)?;
        for term in stated {
            let (name, value) = term.split_once('=').ok_or_else(|| format!("{term}: no value"))?;
            match name {
                "asset" => terms.asset = asset(value),
                "reward" => terms.reward = amount(value)?,
                "rewards" => terms.rewards = number(value)?,
                "deadline" => terms.deadline = Timestamp(number(value)?),
                "metric" => terms.metric = metric(value)?,
                "min_score" => terms.min_score = Score(number(value)?),
                "min_gain" => terms.min_gain = Score(number(value)?),
                "min_worst_class" => terms.min_worst_class = Score(number(value)?),
                "max_model_bytes" => terms.max_model_bytes = number(value)?,
                "max_work" => terms.max_work = Work(number(value)?),
                "base" => terms.base_model = self.blob(value)?.0,
                "hold_out" => terms.hold_out = self.blob(value)?.0,
                _ => return Err(format!("no term {name}")),
            }
        }
        Ok(terms)
    }

    fn usual_terms(&self, name: &str) -> Result<Terms, Reason> {
        let mut title = [0; 32];
        title.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte = letter);
        let blob_or_empty = |name| {
            let missing = blobs::blob_ref(b"", blobs::Profile::Kubo);
            self.blobs.get(name).map_or(missing, |(blob, _)| *blob)
        };
        Ok(Terms {
            title,
            asset: asset("ether"),
            reward: amount("10")?,
            rewards: 2,
            deadline: Timestamp(2_000),
            metric: Metric::Accuracy,
            min_score: Score(0),
            min_gain: Score(1),
            min_worst_class: Score(0),
            max_model_bytes: 1_000,
            max_work: Work(1_000_000_000),
            base_model: blob_or_empty("base"),
            hold_out: blob_or_empty("rows"),
        })
    }
}

pub(super) fn metric(name: &str) -> Result<Metric, Reason> {
    let mut metrics = Metric::ALL.into_iter();
    let found = metrics.find(|metric| format!("{metric:?}") == name);
    found.ok_or_else(|| format!("no metric {name}"))
}
