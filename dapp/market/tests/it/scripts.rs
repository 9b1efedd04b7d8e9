//! The rules of the market in scripts: `scripts/*.txt` has one event per line and its outcome
//! beneath it. `UPDATE_EXPECT=1 cargo test` rewrites the outcomes; the diff has to be reviewed.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use market::{ModelRefusal, Outcome, Refusal, Share};

use crate::script;

/// Path and text of each script.
fn scripts() -> io::Result<Vec<(PathBuf, String)>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
    let mut paths: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let read = |path: PathBuf| fs::read_to_string(&path).map(|text| (path, text));
    paths.into_iter().map(read).collect()
}

#[test]
fn every_event_has_the_outcome_written_beneath_it() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for (path, text) in scripts().unwrap() {
        let played = script::play(&text);
        if let Some(line) = played.lines().find(|line| line.contains("makes no sense")) {
            wrong.push(format!("{path:?}: {line}"));
        }
        if played == text {
            continue;
        }
        if update {
            fs::write(&path, &played).unwrap();
            continue;
        }
        let lines = played.lines().zip(text.lines()).enumerate();
        let differs = lines.into_iter().find(|(_, (found, stated))| found != stated);
        let (at, (found, stated)) = differs.unwrap_or((0, ("more or fewer lines", "")));
        wrong.push(format!("{path:?}:{}\n  stated {stated}\n  found  {found}", at + 1));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reason_outcome_and_share_is_in_a_script() {
    let texts: Vec<_> = scripts().unwrap().into_iter().map(|(_, text)| text).collect();
    let outcomes = texts.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("  "));
    let told: BTreeSet<&str> = outcomes.flat_map(|line| line.split([' ', ':'])).collect();
    let reasons = Refusal::NAMES.iter().chain(ModelRefusal::NAMES).map(|name| (*name).to_owned());
    let ends = Outcome::ALL.iter().map(ToString::to_string);
    let shares = Share::ALL.iter().map(ToString::to_string);
    let all = reasons.chain(ends).chain(shares);
    let untold: Vec<_> = all.filter(|name| !told.contains(name.as_str())).collect();
    assert!(untold.is_empty(), "no script tells of {untold:?}");
}
