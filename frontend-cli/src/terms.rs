//! A job's terms: from what a sponsor writes to what the market takes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use market::{Amount, Asset, Metric, Score, Terms, Timestamp, Work};
use serde::de::DeserializeOwned;

use crate::{
    args::{JobOpen, TermsDraft},
    files::{self, File},
    quantity::percent,
    talk::Refused,
};

/// A job's files, as the sponsor has them.
#[derive(Clone, Debug)]
pub struct JobFiles {
    /// The model to beat.
    pub base: File,
    /// The dataset that decides.
    pub hold_out: File,
}

/// The terms as written: those of the file, and of the flags where both say something.
///
/// - Errors: the file cannot be read, or says something unknown
pub fn draft(open: &JobOpen) -> Result<TermsDraft> {
    let Some(path) = &open.terms else { return Ok(open.draft.clone()) };
    let file = read_draft(path, |file: &mut TermsDraft| vec![&mut file.base, &mut file.hold_out])?;
    Ok(merge(open.draft.clone(), file))
}

/// Reads a file of terms, TOML or JSON, whose files are beside it unless it says otherwise.
///
/// - Errors: the file cannot be read, or says something unknown
pub(crate) fn read_draft<T: DeserializeOwned>(
    path: &Path,
    files: impl Fn(&mut T) -> Vec<&mut Option<PathBuf>>,
) -> Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let draft = if is_json {
        serde_json::from_str(&text).map_err(anyhow::Error::from)
    } else {
        toml::from_str(&text).map_err(anyhow::Error::from)
    };
    let mut draft = draft.with_context(|| format!("{} does not state terms", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for named in files(&mut draft) {
        *named = named.take().map(|relative| folder.join(relative));
    }
    Ok(draft)
}

/// Refuses terms that the base model itself exceeds, and gains that nobody can reach.
///
/// - Errors: `TooMuchWork`, `GainImpossible`
pub(crate) fn check_reach(
    (base_work, max_work): (Work, Work),
    (base_score, min_gain): (Score, Score),
) -> Result<(), Refused> {
    if base_work > max_work {
        let why =
            format_args!("the base model takes {base_work} instructions, --max-work is {max_work}");
        return Err(Refused::new("TooMuchWork", why));
    }
    if min_gain.0 > Score::MAX.0.saturating_sub(base_score.0) {
        let (gain, score) = (percent(min_gain), percent(base_score));
        let why = format_args!("nobody can gain {gain} over a base model with {score}");
        return Err(Refused::new("GainImpossible", why));
    }
    Ok(())
}

fn merge(first: TermsDraft, second: TermsDraft) -> TermsDraft {
    TermsDraft {
        title: first.title.or(second.title),
        base: first.base.or(second.base),
        hold_out: first.hold_out.or(second.hold_out),
        metric: first.metric.or(second.metric),
        reward: first.reward.or(second.reward),
        rewards: first.rewards.or(second.rewards),
        deadline: first.deadline.or(second.deadline),
        min_score: first.min_score.or(second.min_score),
        min_gain: first.min_gain.or(second.min_gain),
        min_worst_class: first.min_worst_class.or(second.min_worst_class),
        max_model_bytes: first.max_model_bytes.or(second.max_model_bytes),
        max_work: first.max_work.or(second.max_work),
    }
}

/// Reads the files a draft names.
///
/// - Errors: a file is not named or cannot be read
pub fn read_files(draft: &TermsDraft) -> Result<JobFiles> {
    let base = draft.base.as_ref().context("which base model? say --base FILE")?;
    let hold_out = draft.hold_out.as_ref().context("which hold-out? say --hold-out FILE")?;
    Ok(JobFiles { base: files::read(base)?, hold_out: files::read(hold_out)? })
}

/// The metric of a draft.
#[must_use]
pub fn metric(draft: &TermsDraft) -> Metric {
    draft.metric.map_or(Metric::Accuracy, Metric::from)
}

/// What a draft leaves to others: the reward in smallest units, the time, the base model's work.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What the reward is paid in.
    pub asset: Asset,
    /// The reward.
    pub reward: Amount,
    /// The time now.
    pub now: Timestamp,
    /// Work of evaluating the base model.
    pub base_work: Work,
}

/// The terms a draft stands for.
///
/// - Errors: a title too long; no deadline
pub fn terms(draft: &TermsDraft, files: &JobFiles, known: Known) -> Result<Terms> {
    let deadline = draft.deadline.context("until when? say --deadline 2h")?;
    let share = |share: Option<crate::quantity::Share>, other| share.map_or(other, |share| share.0);
    let four_times = |number: u64| number.saturating_mul(4);
    let Known { asset, reward, now, base_work } = known;
    Ok(Terms {
        title: title(draft.title.as_deref().unwrap_or_default())?,
        asset,
        reward,
        rewards: draft.rewards.unwrap_or(1),
        deadline: deadline.from(now),
        metric: metric(draft),
        min_score: share(draft.min_score, Score(0)),
        min_gain: share(draft.min_gain, Score(1_000)),
        min_worst_class: share(draft.min_worst_class, Score(0)),
        max_model_bytes: draft.max_model_bytes.unwrap_or(four_times(files.base.blob.size)),
        max_work: draft.max_work.map_or(Work(four_times(base_work.0)), Work),
        base_model: files.base.blob,
        hold_out: files.hold_out.blob,
    })
}

/// A title as the market has it.
///
/// - Errors: longer than 32 bytes, or with control characters
pub(crate) fn title(text: &str) -> Result<[u8; 32]> {
    let mut title = [0; 32];
    let room = title.get_mut(..text.len());
    room.context("a title has at most 32 bytes: choose a shorter one")?
        .copy_from_slice(text.as_bytes());
    ensure!(!text.chars().any(char::is_control), "a title is plain text");
    Ok(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Deadline;

    #[test]
    fn a_file_states_terms_and_flags_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terms.toml");
        let text = r#"
            title = "Health"
            base = "base.onnx"
            hold-out = "holdout.safetensors"
            metric = "macro-f1"
            reward = "0.5ether"
            rewards = 2
            deadline = "2h"
            min-gain = "1%"
        "#;
        fs::write(&path, text).unwrap();
        let flags = TermsDraft { rewards: Some(3), ..TermsDraft::default() };
        let open = JobOpen { terms: Some(path.clone()), draft: flags, from_balance: false };
        let draft = draft(&open).unwrap();
        assert_eq!(draft.rewards, Some(3));
        assert_eq!(draft.base, Some(folder.path().join("base.onnx")));
        assert_eq!(draft.deadline, Some(Deadline::In(7_200)));
        assert_eq!(metric(&draft), Metric::MacroF1);

        let json = folder.path().join("terms.json");
        fs::write(&json, r#"{"title": "Health", "reward": "1wei"}"#).unwrap();
        let open = JobOpen { terms: Some(json), ..JobOpen::default() };
        assert_eq!(super::draft(&open).unwrap().title.as_deref(), Some("Health"));

        fs::write(&path, "colour = \"red\"").unwrap();
        let open = JobOpen { terms: Some(path), ..JobOpen::default() };
        assert!(super::draft(&open).is_err());
    }

    #[test]
    fn titles_fit_or_are_refused() {
        assert_eq!(&title("Health").unwrap()[..7], b"Health\0");
        assert!(title(&"x".repeat(32)).is_ok());
        assert!(title(&"x".repeat(33)).is_err());
        assert!(title("a\nb").is_err());
    }
}
