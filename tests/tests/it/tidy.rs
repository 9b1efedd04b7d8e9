//! The repository's own rules, checked on every file tracked by git.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// Every tracked text file: path from the root, contents.
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
    // A long string is easier to search for in one piece; Solidity has its own formatter.
    check(|path| path.ends_with(".rs"), |line| line.chars().count() > 100 && !line.contains('"'));
}

#[test]
fn no_leftovers() {
    // Assembled here, so that this file does not break its own rule.
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
fn the_market_depends_on_nothing_but_blobs_integers_and_serde() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../dapp/market/Cargo.toml"))
            .unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    let names = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    let names: Vec<_> = names.filter(|name| !["", "#"].contains(name)).collect();
    assert_eq!(names, ["blobs", "primitive-types", "serde"]);
}

/// Imports between files of a crate are acyclic, except between a module and its children.
#[test]
fn no_file_imports_itself() {
    let mut crates = BTreeMap::<String, BTreeMap<String, String>>::new();
    for (path, text) in tracked() {
        let Some((folder, module)) = path.split_once("/src/") else { continue };
        let Some(module) = module.strip_suffix(".rs") else { continue };
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let module = module.strip_suffix("/mod").unwrap_or(module).replace('/', "::");
        if module != "lib" && module != "main" {
            crates.entry(folder.to_owned()).or_default().insert(module, text.to_owned());
        }
    }
    assert!(crates.len() > 10, "only {} crates were found", crates.len());
    let mut found = Vec::new();
    for (name, files) in &crates {
        for start in files.keys() {
            let (mut reached, mut next) = (BTreeSet::new(), vec![start.clone()]);
            while let Some(module) = next.pop() {
                for import in imports(files, &module) {
                    if import == *start {
                        found.push(format!("{name}: {start} through {module}"));
                    } else if reached.insert(import.clone()) {
                        next.push(import);
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "files that import themselves: {}", found.join(", "));
}

/// The files of its crate that a module imports, except its own parents and children.
fn imports(files: &BTreeMap<String, String>, module: &str) -> Vec<String> {
    let of_crate = paths(&files[module], "crate::").into_iter();
    let of_parent = paths(&files[module], "super::").into_iter().map(|path| {
        let (mut path, mut parent) = (path.as_str(), parent(module));
        while let Some(rest) = path.strip_prefix("super::") {
            (path, parent) = (rest, self::parent(parent));
        }
        format!("{parent}::{path}")
    });
    let named = of_crate.chain(of_parent).filter_map(|path| {
        let path = path.trim_start_matches("::");
        let mut ends = path.match_indices("::").map(|(at, _)| at).collect::<Vec<_>>();
        ends.push(path.len());
        ends.iter().rev().map(|end| path[..*end].to_owned()).find(|name| files.contains_key(name))
    });
    named.filter(|name| !is_within(name, module) && !is_within(module, name)).collect()
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

fn is_within(module: &str, of: &str) -> bool {
    module == of || module.strip_prefix(of).is_some_and(|rest| rest.starts_with("::"))
}

/// All paths with this prefix, without it; lists in braces are expanded.
fn paths(text: &str, begins: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let starts = code.match_indices(begins).map(|(at, _)| at + begins.len());
    let parts = starts.flat_map(|at| {
        let rest = &code[at..];
        let Some(list) = rest.strip_prefix('{') else { return vec![rest.to_owned()] };
        let mut depth = 0_u32;
        let items = list.split_inclusive([',', '{', '}']).filter_map(|part| {
            let is_item = depth == 0;
            match part.chars().last() {
                Some('{') => depth += 1,
                Some('}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            is_item.then(|| part.trim().to_owned())
        });
        // The text after the list begins with its end.
        items.take_while(|item| !item.starts_with(';')).collect()
    });
    let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    parts.map(|part| part.chars().take_while(|letter| is_path(*letter)).collect()).collect()
}
