//! The repository's own rules, checked on every file git tracks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, process::Command};

/// Every tracked text file: path from the root, content.
fn tracked() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let listed = Command::new("git").arg("ls-files").current_dir(&root).output().unwrap();
    assert!(listed.status.success(), "git ls-files failed");
    let paths = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<_> = paths
        .lines()
        .filter_map(|path| Some((path.to_owned(), fs::read_to_string(root.join(path)).ok()?)))
        .collect();
    assert!(files.len() > 50, "only {} files are tracked", files.len());
    files
}

/// Reports every line of the chosen files that breaks a rule.
fn check(chosen: impl Fn(&str) -> bool, breaks: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for (path, text) in tracked().iter().filter(|(path, _)| chosen(path)) {
        let lines = text.lines().enumerate().filter(|(_, line)| breaks(line));
        found.extend(lines.map(|(at, line)| format!("{path}:{}: {line}", at + 1)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn is_source(path: &str) -> bool {
    [".rs", ".sol", ".mjs", ".py", ".toml"].iter().any(|end| path.ends_with(end))
}

#[test]
fn lines_fit_the_column_limit() {
    // A long text is easier to find whole; Solidity has a formatter of its own.
    check(|path| path.ends_with(".rs"), |line| line.chars().count() > 100 && !line.contains('"'));
}

#[test]
fn no_leftovers() {
    // Put together here, so that this file does not break its own rule.
    let markers = [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["dbg", "!("], ["To be ", "written"]];
    let markers = markers.map(|parts| parts.concat());
    check(is_source, |line| markers.iter().any(|marker| line.contains(marker)));
}

#[test]
fn no_paths_of_one_machine() {
    let folders = ["work", "root", "home"].map(|name| format!("/{name}/"));
    let chosen = |path: &str| !path.ends_with(".lock");
    check(chosen, |line| folders.iter().any(|folder| line.contains(folder)));
}

#[test]
fn every_rust_file_says_what_it_is() {
    let silent: Vec<_> = tracked()
        .into_iter()
        .filter(|(path, text)| path.ends_with(".rs") && !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "no //! at the top of {silent:?}");
}

#[test]
fn the_market_depends_on_nothing_but_blobs_and_integers() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../dapp/market/Cargo.toml"))
            .unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    let names: Vec<_> =
        dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).collect();
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    // serde only for what an auditor keeps; the machine's program is built without.
    assert_eq!(names, ["blobs", "primitive-types", "serde"]);
    assert!(dependencies.contains("serde = { workspace = true, optional = true }"));
    assert!(!manifest.contains("default ="));
}
