//! The project's Markdown pages as tests read them: commands, code, links and paths.
//!
//! `typed` parses command lines, `shown` compares a page's shown output with the printed
//! output, `tour` runs a page's commands.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod shown;
pub mod tour;
pub mod typed;

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

/// A text on a page, with its line number, counted from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Line number.
    pub line: usize,
    /// The text.
    pub text: String,
}

/// A command of a `console` block, and the lines of its shown output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The command as typed, on one line.
    pub command: Found,
    /// The lines below it, counted from zero.
    pub output: Range<usize>,
}

/// A fenced block.
struct Fence {
    language: String,
    lines: Range<usize>,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Path from the root of the repository.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files tracked by git, as paths from the root.
#[must_use]
pub fn tracked() -> Vec<String> {
    let listed = Command::new("git").arg("ls-files").current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "git ls-files failed");
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// All pages except the changelog, which also mentions removed things.
#[must_use]
pub fn all() -> Vec<Page> {
    let is_page = |path: &String| path.ends_with(".md") && path != "CHANGELOG.md";
    let pages: Vec<_> =
        tracked().into_iter().filter(is_page).map(|path| Page::read(&path)).collect();
    assert!(pages.len() > 8, "only {} pages are tracked", pages.len());
    pages
}

impl Page {
    /// Reads a page.
    #[must_use]
    pub fn read(path: &str) -> Self {
        Self { path: path.to_owned(), text: fs::read_to_string(root().join(path)).unwrap() }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        root().join(&self.path).parent().unwrap().to_owned()
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> Vec<&str> {
        self.text.lines().collect()
    }

    fn fences(&self) -> Vec<Fence> {
        let mut fences = Vec::new();
        let mut open: Option<(usize, &str)> = None;
        for (at, line) in self.text.lines().enumerate() {
            let Some(language) = line.strip_prefix("```") else { continue };
            open = match open {
                None => Some((at + 1, language)),
                Some((from, language)) => {
                    fences.push(Fence { language: language.to_owned(), lines: from..at });
                    None
                }
            };
        }
        assert!(open.is_none(), "{}: a fence is never closed", self.path);
        fences
    }

    /// The commands of its `console` blocks, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let lines = self.lines();
        let mut steps = Vec::new();
        for fence in self.fences().iter().filter(|fence| fence.language == "console") {
            let mut at = fence.lines.start;
            while at < fence.lines.end {
                let command = typed_at(&lines, at);
                let first = at + command.1;
                let is_output = |at: &usize| *at < fence.lines.end && !lines[*at].starts_with("$ ");
                let last = (first..).find(|at| !is_output(at)).unwrap();
                let text = command.0.strip_prefix("$ ").unwrap_or_else(|| {
                    panic!("{}:{}: a console block begins with a command", self.path, at + 1)
                });
                let command = Found { line: at + 1, text: text.to_owned() };
                steps.push(Step { command, output: first..last });
                at = last;
            }
        }
        steps
    }

    /// The commands of its blocks, run or not: whole lines, with comments.
    #[must_use]
    pub fn block_commands(&self) -> Vec<Found> {
        let lines = self.lines();
        let others = self.fences().into_iter().filter(|fence| fence.language != "console");
        let others = others
            .flat_map(|fence| fence.lines)
            .map(|at| Found { line: at + 1, text: typed_at(&lines, at).0 });
        self.steps().into_iter().map(|step| step.command).chain(others).collect()
    }

    /// Its inline code.
    #[must_use]
    pub fn inline_code(&self) -> Vec<Found> {
        let found = self.prose().into_iter().flat_map(|(line, text)| {
            let code: Vec<_> = text.split('`').skip(1).step_by(2).collect();
            code.into_iter().map(move |text| Found { line, text: text.to_owned() })
        });
        found.collect()
    }

    /// The targets of its links.
    #[must_use]
    pub fn links(&self) -> Vec<Found> {
        let found = self.prose().into_iter().flat_map(|(line, text)| {
            let targets: Vec<_> = text.split("](").skip(1).collect();
            let targets = targets.into_iter().filter_map(|rest| rest.split(')').next());
            targets.map(move |text| Found { line, text: text.to_owned() }).collect::<Vec<_>>()
        });
        found.collect()
    }

    /// The anchors of its headings.
    #[must_use]
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose().into_iter().filter(|(_, text)| text.starts_with('#'));
        let name = |text: &str| {
            let text = text.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|part| part.is_alphanumeric() || " -_".contains(*part));
            kept.collect::<String>().replace(' ', "-")
        };
        headings.map(|(_, text)| name(text)).collect()
    }

    /// Its lines outside of blocks, with their numbers.
    fn prose(&self) -> Vec<(usize, &str)> {
        let fences = self.fences();
        let is_fenced = |at: usize| {
            // The fences themselves are excluded, too.
            fences.iter().any(|fence| (fence.lines.start - 1..=fence.lines.end).contains(&at))
        };
        let lines = self.text.lines().enumerate().filter(|(at, _)| !is_fenced(*at));
        lines.map(|(at, line)| (at + 1, line)).collect()
    }
}

/// The command on this line and its continuation lines, and the number of lines.
fn typed_at(lines: &[&str], at: usize) -> (String, usize) {
    let continued = lines[at..].iter().take_while(|line| line.ends_with('\\')).count();
    let parts = lines[at..=at + continued].iter().map(|line| line.trim_end_matches('\\').trim());
    (parts.collect::<Vec<_>>().join(" "), continued + 1)
}
