//! Tests of a sponsor's draft.

use blobs::{BlobRef, Digest, Profile};
use client::{quantity::Deadline, session::Currency};
use drafts::{JobBlobs, Known, is_sealed, measure, terms};
use market::{
    Amount, Asset, AssetPrices, Award, Evaluators, Metric, Score, SealedBlob, Settings, Terms,
    Threshold, Timestamp, Unmet, Work,
};
use wire::Genesis;

use super::*;

fn written(text: &str) -> (tempfile::TempDir, Result<TermsDraft>) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["base.onnx", "holdout.safetensors", "slice.safetensors"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let path = folder.path().join("terms.toml");
    fs::write(&path, text).unwrap();
    let read = draft(Some(&path), &TermsDraft::default());
    (folder, read)
}

const BOUNTY: &str = r#"
    title = "Health"
    deadline = "2h"
    [offer]
    base = "base.onnx"
    hold-out = "holdout.safetensors"
    metric = "macro-f1"
    min-gain = "1%"
    [award]
    reward = "0.5ether"
    rewards = 2
"#;

const COMPETITION: &str = r#"
    close = "7d"
    [offer]
    base = "base.onnx"
    hold-out = "holdout.safetensors"
    public-slice = "slice.safetensors"
    [evaluators]
    miners = 5
    [award]
    prize = "10ether"
    unmet = "share"
"#;

fn settings() -> Settings {
    let mut settings = Genesis::default().settings;
    settings.assets.insert(Asset::Ether, AssetPrices::default());
    settings
}

fn blobs(files: &JobFiles) -> JobBlobs {
    let public_slice = files.public_slice.as_ref().map(|slice| slice.blob);
    JobBlobs { base: files.base.blob, hold_out: files.hold_out.blob, public_slice }
}

/// The terms of a draft whose base model takes a million instructions on a hundred rows.
fn planned(draft: &TermsDraft) -> Result<Terms> {
    let (settings, currency) = (settings(), Currency::ether());
    let digest = Digest([7; 32]);
    let ciphertext = BlobRef { digest, size: 100, profile: Profile::Kubo };
    let sealed = is_sealed(draft).then_some(SealedBlob { commitment: digest, ciphertext });
    let known = Known {
        settings: &settings,
        reserved_bytes: 0,
        currency: &currency,
        now: Timestamp(1_000_000_000),
        rows: 100,
        base_work: Work(1_000_000),
        sealed,
    };
    let terms = terms(draft, blobs(&read_files(draft)?), &known)?;
    terms.check(&settings, known.now).map_err(anyhow::Error::from)?;
    Ok(terms)
}

#[test]
fn a_file_states_terms_and_flags_win() {
    let (folder, read) = written(BOUNTY);
    let draft = read.unwrap();
    assert_eq!(draft.award.rewards, Some(2));
    assert_eq!(draft.offer.base, Some(folder.path().join("base.onnx")));
    assert_eq!(draft.close, Some(Deadline::In(7_200)));
    assert_eq!(measure(&draft).metric, Metric::MacroF1);

    let award = AwardDraft { rewards: Some(3), ..AwardDraft::default() };
    let flags = TermsDraft { award, ..TermsDraft::default() };
    let terms = Some(folder.path().join("terms.toml"));
    assert_eq!(super::draft(terms.as_deref(), &flags).unwrap().award.rewards, Some(3));

    let json = folder.path().join("terms.json");
    fs::write(&json, r#"{"title": "Health", "award": {"reward": "1wei"}}"#).unwrap();
    assert_eq!(
        super::draft(Some(&json), &TermsDraft::default()).unwrap().title.as_deref(),
        Some("Health")
    );

    assert!(written("colour = \"red\"").1.is_err());
    assert!(written("[offer]\nreward = \"1wei\"").1.is_err());
}

#[test]
fn a_threshold_is_a_metric_and_a_share() {
    let offer = |threshold: &str| {
        let text = BOUNTY.replacen("[offer]", &format!("[offer]\nthreshold = {threshold:?}"), 1);
        let (_folder, draft) = written(&text);
        planned(&draft?).map(|terms| terms.offer)
    };
    for (text, metric, score) in [
        ("auroc:90%", Metric::Auroc, 900_000),
        ("worst-class-recall:1ppm", Metric::WorstClassRecall, 1),
        ("macro-f1:0%", Metric::MacroF1, 0),
    ] {
        let offer = offer(text).unwrap();
        assert_eq!(offer.threshold, Threshold { metric, min_score: Score(score) }, "{text}");
        assert_eq!(offer.measure().metrics(), [Metric::MacroF1, metric]);
    }
    assert!(offer("spearman:50%").unwrap_err().to_string().contains("classes"));
    for text in ["auroc", "auroc:90", "auroc:101%", "worst_class_recall:1%", ":90%", "90%", ""] {
        assert!(offer(text).is_err(), "{text:?}");
    }
    let (_folder, draft) = written(BOUNTY);
    let usual = planned(&draft.unwrap()).unwrap().offer;
    assert_eq!(usual.threshold, Threshold::none(usual.metric));
}

#[test]
fn a_short_draft_is_an_open_bounty_that_the_market_takes() {
    let (_folder, draft) = written(BOUNTY);
    let terms = planned(&draft.unwrap()).unwrap();
    let reward = Amount::new(500_000_000_000_000_000);
    assert_eq!(terms.award, Award::Rewards { reward, count: 2 });
    assert_eq!(terms.evaluators, Evaluators::Machine);
    assert!(!terms.sealing.is_sealed());
    assert_eq!((terms.places, terms.offer.max_inputs, terms.offer.rows), (32, 64, 100));
    assert_eq!(terms.offer.max_model_bytes, 36);
    assert_eq!(terms.close, Timestamp(1_000_007_200));
}

#[test]
fn miners_have_the_job_sealed_and_everything_has_its_default() {
    let (_folder, draft) = written(COMPETITION);
    let terms = planned(&draft.unwrap()).unwrap();
    let ether = |tenths: u128| Amount::new(tenths * 100_000_000_000_000_000);
    let miners = terms.miners().unwrap();
    assert_eq!((miners.seats, miners.pool, miners.buy_in), (5, ether(20), ether(10)));
    assert_eq!((miners.bond, miners.sample_rows), (ether(10), 0));
    assert_eq!(terms.sealing.sponsor_bond(), ether(25));
    let Award::Prize { prize, unmet, .. } = terms.award else { panic!("{terms:?}") };
    assert_eq!((prize, unmet), (ether(100), Unmet::Share));
    assert_eq!(terms.offer.board.unwrap().quota, 10);
}

#[test]
fn what_belongs_to_a_choice_that_is_not_taken_is_refused() {
    let cases = [
        (BOUNTY, "[award]", "[sealing]\nreveal = \"1d\"\n[award]", "--sealed"),
        (BOUNTY, "[award]", "[evaluators]\nbuy-in = \"1wei\"\n[award]", "--miners"),
        (BOUNTY, "min-gain", "quota = 3\nmin-gain", "--public-slice"),
        (BOUNTY, "rewards = 2", "unmet = \"share\"", "not of rewards"),
        (COMPETITION, "unmet", "rewards = 2\nunmet", "--reward"),
        (COMPETITION, "unmet", "reward = \"1wei\"\nunmet", "not of rewards"),
        (COMPETITION, "miners = 5", "miners = 5\nbuy-in = \"1token\"", "one asset"),
    ];
    for (text, old, new, says) in cases {
        let (_folder, draft) = written(&text.replacen(old, new, 1));
        let error = planned(&draft.unwrap()).unwrap_err();
        assert!(format!("{error:#}").contains(says), "{new}: {error:#}");
    }
    let (_folder, draft) = written(&COMPETITION.replace("unmet", "reward = \"1wei\"\nunmet"));
    assert!(award_money(&draft.unwrap()).is_err());
}

#[test]
fn places_fit_the_store() {
    let (_folder, draft) =
        written(&BOUNTY.replace("min-gain", "max-model-bytes = 4000000\nmin-gain"));
    let terms = planned(&draft.unwrap()).unwrap();
    let store = settings().max_stored_bytes;
    assert!((2..32).contains(&terms.places), "{}", terms.places);
    assert!(terms.reserved_bytes() <= (store / 8).max(2 * 4_000_000 + 100_000));
}
