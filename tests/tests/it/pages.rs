//! All pages are up to date.
//!
//! - Blocks fenced as `console` are run, in order, on a devnet of their own: `deml` as it was
//!   built. They run in a copy of the folder of `tests/fixtures` that the first page of a tour
//!   names. The lines below a command are its whole output; `…` stands for what differs from run
//!   to run, alone on a line for any number of lines. After an option of a command, `…`
//!   is the last printed value of that name. `UPDATE_EXPECT=1` rewrites the pages.
//! - All other commands, in other blocks and in sentences, are parsed and not run: `deml …`
//!   must be valid for its command line, `cargo …` a command of cargo or of this repository,
//!   `npm …` a script of `contracts`, an option one of `deml`. So must the examples in `--help`,
//!   and the commands in the programs' own messages.
//! - Links and paths lead to files tracked by git.

use std::{collections::BTreeSet, env, fs, process::Command};

use deml_tests::pages::{self, Found, Page, tour, typed};

/// Pages with `console` blocks; those of one tour share a market.
const TOURS: [&[&str]; 4] = [
    &["README.md", "frontend-cli/AUDITOR.md"],
    &["frontend-cli/COMPETITION.md"],
    &["frontend-cli/DATA.md"],
    &["frontend-cli/EXPORT.md"],
];

/// Paths that pages name in other repositories, or in a future one.
const ELSEWHERE: [&str; 2] =
    ["internal/jsonrpc/jsonrpc-discover.json", "packages/rpc/src/types.ts"];

/// Options of programs other than `deml`.
const OTHER_OPTIONS: [&str; 1] = ["memory"];

#[test]
fn the_tour_of_a_bounty_and_its_audit_are_as_shown() {
    let differences = tour::play(TOURS[0]);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_tour_of_a_competition_is_as_shown() {
    let differences = tour::play(TOURS[1]);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_way_from_a_table_to_a_hold_out_is_as_shown() {
    let differences = tour::play(TOURS[2]);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn what_exporters_write_is_checked_as_shown() {
    let differences = tour::play(TOURS[3]);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_page_with_commands_to_run_is_on_a_tour() {
    let pages = pages::all();
    let shown = pages.iter().filter(|page| !page.steps().is_empty());
    let shown: BTreeSet<_> = shown.map(|page| page.path.as_str()).collect();
    assert_eq!(shown, TOURS.concat().into_iter().collect());
}

#[test]
fn the_readme_stays_short() {
    let lines = Page::read("README.md").lines().len();
    assert!(lines <= 130, "README.md has {lines} lines");
}

/// All errors on all pages, as `look` finds them.
fn check(look: impl Fn(&Page) -> Vec<(Found, String)>) {
    let pages = pages::all();
    let wrong = pages.iter().flat_map(|page| {
        let found = look(page).into_iter();
        found.map(|(at, what)| format!("{}:{}: {}: {what}", page.path, at.line, at.text))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_that_a_page_names_exists() {
    let known = Known::new();
    check(|page| {
        let whole = page.block_commands().into_iter().map(|found| (found, true));
        let named = page.inline_code().into_iter().map(|found| (found, false));
        let wrong = whole.chain(named).filter_map(|(found, is_whole)| {
            Some((found.clone(), known.what_is_wrong(&found.text, is_whole)?))
        });
        wrong.collect()
    });
}

#[test]
fn every_example_of_the_help_is_a_command() {
    let (mut wrong, mut examples) = (Vec::new(), 0);
    for (name, text) in typed::help_texts() {
        let (first, rest) = text.split_once("\\\n").unwrap_or((&text, ""));
        let rest = rest.split("\\\n").map(str::trim_start).collect::<String>();
        let lines = format!("{first}{rest}");
        let lines = lines.lines().filter(|line| line.starts_with("  deml "));
        // The description of an example stands far to the right of it.
        let lines = lines.filter_map(|line| line.trim_start().split("  ").next());
        let lines: Vec<_> = lines.map(|line| (line.to_owned(), true)).collect();
        examples += lines.len();
        let sentences = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let named =
            sentences.split('`').skip(1).step_by(2).filter(|code| code.starts_with("deml "));
        let named = named.map(|code| (code.to_owned(), false));
        for (line, is_whole) in lines.into_iter().chain(named) {
            let parsed = typed::parses(&typed::words(&line), is_whole);
            wrong.extend(parsed.err().map(|why| format!("{name}: {line}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(examples > 40, "only {examples} examples");
}

#[test]
fn every_command_that_a_program_names_exists() {
    let mut wrong = Vec::new();
    let is_source = |path: &String| path.ends_with(".rs") && !path.starts_with("tests/");
    let sources = pages::tracked().into_iter().filter(is_source);
    for path in sources {
        let text = fs::read_to_string(pages::root().join(&path)).unwrap_or_default();
        // Texts and comments may continue on the next line.
        let text = text.replace("\\\n", " ").replace("//!", "").replace("///", "");
        let codes = text.split("`deml ").skip(1).filter_map(|rest| rest.split('`').next());
        for code in codes.filter(|code| !code.is_empty()) {
            let words = typed::words(&format!("deml {}", code.replace('\n', " ")));
            let words = typed::with_zeros(&words);
            wrong.extend(typed::parses(&words, false).err().map(|why| format!("{path}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_and_paths_lead_somewhere() {
    let tracked = pages::tracked();
    let root = pages::root().canonicalize().unwrap();
    let is_tracked = |path: &str| {
        let path = format!("/{}/", path.trim_end_matches('/'));
        tracked.iter().any(|whole| format!("/{whole}/").contains(&path))
    };
    check(|page| {
        let links = page.links().into_iter().filter(|link| !link.text.contains("://"));
        let broken = links.filter(|link| {
            let (path, anchor) = link.text.split_once('#').unwrap_or((&link.text, ""));
            let target = page.folder().join(path).canonicalize();
            let target = if path.is_empty() { Ok(root.join(&page.path)) } else { target };
            let Ok(target) = target else { return true };
            let Ok(target) = target.strip_prefix(&root) else { return true };
            let target = target.to_str().unwrap();
            let has_anchor = || Page::read(target).anchors().iter().any(|name| name == anchor);
            !is_tracked(target) || !anchor.is_empty() && !has_anchor()
        });
        let gone = page.inline_code().into_iter().filter(|code| {
            let is_path = is_path(&code.text) && !ELSEWHERE.contains(&code.text.as_str());
            is_path && !is_tracked(&code.text)
        });
        let broken = broken.map(|link| (link, "leads nowhere".to_owned()));
        broken.chain(gone.map(|path| (path, "is not there".to_owned()))).collect()
    });
}

/// Whether inline code is a path of a file or folder; capitals are placeholders.
fn is_path(code: &str) -> bool {
    let ends = [".rs", ".sol", ".md", ".py", ".json", ".toml", ".txt", ".mjs", "/"];
    let is_of_paths = |part: char| part.is_ascii_alphanumeric() || "_-./".contains(part);
    let capitals = code
        .split(['/', '-', '.'])
        .any(|part| part.len() > 2 && part.chars().all(|letter| letter.is_ascii_uppercase()));
    let is_open = capitals && !code.ends_with(".md");
    code.contains('/')
        && code.chars().all(is_of_paths)
        && ends.iter().any(|end| code.ends_with(end))
        && !is_open
}

/// The known commands beside `deml`'s.
struct Known {
    cargo: BTreeSet<String>,
    aliases: BTreeSet<String>,
    npm: BTreeSet<String>,
    tracked: Vec<String>,
}

impl Known {
    fn new() -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let listed = Command::new(cargo).arg("--list").output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let names = listed.lines().filter_map(|line| line.strip_prefix("    "));
        let names = names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
        let config = fs::read_to_string(pages::root().join(".cargo/config.toml")).unwrap();
        let (_, aliases) = config.split_once("[alias]").unwrap();
        let aliases = aliases.lines().skip(1).take_while(|line| !line.starts_with('['));
        let aliases = aliases.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()));
        let package = fs::read(pages::root().join("contracts/package.json")).unwrap();
        let package: serde_json::Value = serde_json::from_slice(&package).unwrap();
        Self {
            // Installed as described on the page of the fuzz targets.
            cargo: names.chain(["fuzz".to_owned()]).collect(),
            aliases: aliases.collect(),
            npm: package["scripts"].as_object().unwrap().keys().cloned().collect(),
            tracked: pages::tracked(),
        }
    }

    /// The error in the commands of some code, or in the option that it is.
    fn what_is_wrong(&self, code: &str, is_whole: bool) -> Option<String> {
        typed::commands(code).into_iter().find_map(|words| {
            let strs: Vec<_> = words.iter().map(String::as_str).collect();
            match strs.as_slice() {
                ["deml", ..] => typed::parses(&words, is_whole).err(),
                ["cargo", rest @ ..] => self.is_wrong_for_cargo(rest),
                ["npm", "run", script] | ["npm", script @ ("test" | "build")] => {
                    (!self.npm.contains(*script)).then(|| "is no script of contracts".to_owned())
                }
                [option, ..] if option.starts_with("--") => {
                    let name = option.trim_start_matches('-');
                    let is_known = typed::is_option(name) || OTHER_OPTIONS.contains(&name);
                    (!is_known).then(|| "is no option of deml".to_owned())
                }
                [program, ..] => {
                    let example = program.split_once("release/examples/").map(|(_, name)| name);
                    let is_gone =
                        example.is_some_and(|name| !self.has(&format!("examples/{name}.rs")));
                    is_gone.then(|| "is no example program".to_owned())
                }
                [] => None,
            }
        })
    }

    fn is_wrong_for_cargo(&self, words: &[&str]) -> Option<String> {
        let words = if words.first()?.starts_with('+') { &words[1..] } else { words };
        let (&name, rest) = words.split_first()?;
        if self.aliases.contains(name) {
            return self.is_wrong_for_alias(name, rest);
        }
        if !self.cargo.contains(name) {
            return Some("is neither cargo's nor an alias".to_owned());
        }
        let tests = rest.windows(2).filter(|pair| pair[0] == "--test").map(|pair| pair[1]);
        let mut missing = tests.filter(|test| {
            !self.has(&format!("tests/{test}.rs")) && !self.has(&format!("tests/{test}/main.rs"))
        });
        missing.next().map(|test| format!("there is no test {test}"))
    }

    /// Words after an alias are arguments of its program.
    fn is_wrong_for_alias(&self, name: &str, rest: &[&str]) -> Option<String> {
        if name == "demo" {
            let words = [&["deml", "demo"], rest].concat();
            let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
            return typed::parses(&words, true).err();
        }
        let &word = rest.first()?;
        let sources =
            [format!("tests/src/bin/deml-{name}.rs"), format!("dapp/eval/examples/{name}.rs")];
        let sources = sources.map(|path| fs::read_to_string(pages::root().join(path)));
        let source = sources.into_iter().flatten().collect::<String>();
        let is_known = source.contains(&format!("cargo {name} {word}"))
            || source.contains(&format!("\"{word}\""));
        (!is_known).then(|| format!("{name} knows no {word}"))
    }

    fn has(&self, end: &str) -> bool {
        self.tracked.iter().any(|path| path.ends_with(end))
    }
}
