//! The printer of commands: data on stdout, what is said on the way on stderr. Nothing else prints.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints; everything that does so is in this file"
)]

use std::{
    borrow::Cow, collections::BTreeMap, fmt, io::IsTerminal, process::ExitCode, time::Duration,
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use wire::RefusalView;

/// How a command ended, when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// What was asked is done.
    Done,
    /// The market, or a check made before asking it, said no.
    Refused,
}

/// A refusal: the rules say no, and nothing is broken. In the form of the market's own reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refused(pub RefusalView);

impl Refused {
    /// A refusal by a check of this program.
    pub fn new(name: &str, message: impl fmt::Display) -> Self {
        let values = BTreeMap::new();
        Self(RefusalView { refused: name.to_owned(), message: message.to_string(), values })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.0.refused, self.0.message)
    }
}

impl std::error::Error for Refused {}

/// Where a command's words go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer {
    /// Data as JSON.
    pub json: bool,
    /// Says nothing on the way.
    pub quiet: bool,
}

impl Printer {
    /// Gives the command's answer: its data, on stdout.
    ///
    /// - Errors: the answer is no JSON, which is a bug
    pub fn answer<T: Serialize + fmt::Display>(&self, answer: &T) -> Result<()> {
        if self.json {
            println!("{}", escaped(&serde_json::to_string_pretty(answer)?));
        } else {
            println!("{}", plain(&answer.to_string()));
        }
        Ok(())
    }

    /// Gives one of many answers: one line of JSON, or its text.
    ///
    /// - Errors: the answer is no JSON, which is a bug
    pub fn answer_line<T: Serialize + fmt::Display>(&self, answer: &T) -> Result<()> {
        if self.json {
            println!("{}", escaped(&serde_json::to_string(answer)?));
        } else {
            println!("{}", plain(&answer.to_string()));
        }
        Ok(())
    }

    /// Says what happens, on stderr.
    pub fn say(&self, words: impl fmt::Display) {
        if !self.quiet {
            eprintln!("{}", plain(&words.to_string()));
        }
    }

    /// Says what happens, above a bar that goes on.
    pub fn say_above(&self, bar: &Bar, words: impl fmt::Display) {
        bar.bar.suspend(|| self.say(words));
    }

    /// Says a refusal, which is heard even when quiet.
    pub fn say_refused(&self, refused: &Refused) {
        eprintln!("refused: {}", one_line(&refused.to_string()));
    }

    /// Ends a command that failed: says why in one line, and gives its exit code.
    pub fn fail(&self, error: &anyhow::Error) -> ExitCode {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            self.say_refused(refused);
            if self.json
                && let Ok(json) = serde_json::to_string_pretty(refused)
            {
                println!("{}", escaped(&json));
            }
            return ExitStatus::Refused.into();
        }
        eprintln!("error: {}", one_line(&format!("{error:#}")));
        ExitCode::from(2)
    }

    /// A bar over `total` parts of something longer than a moment; lines where there is no
    /// terminal.
    pub fn bar(&self, what: &str, total: u64) -> Bar {
        let bar = self.progress(ProgressBar::new(total), what);
        bar.set_style(style("{msg} [{bar:30}] {pos}/{len} {eta}"));
        Bar { bar }
    }

    /// A sign of life while waiting for something of unknown length.
    pub fn spinner(&self, what: &str) -> Bar {
        let bar = self.progress(ProgressBar::new_spinner(), what);
        bar.set_style(style("{msg} {spinner} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar }
    }

    fn progress(&self, bar: ProgressBar, what: &str) -> ProgressBar {
        let is_shown = std::io::stderr().is_terminal() && !self.quiet;
        if !is_shown {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            self.say(format_args!("{what} …"));
        }
        bar.with_message(one_line(what).into_owned())
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(ending: ExitStatus) -> Self {
        match ending {
            ExitStatus::Done => Self::SUCCESS,
            ExitStatus::Refused => Self::from(1),
        }
    }
}

/// A text without what could command a terminal or deceive its reader: control characters but
/// line feeds, directions of writing, and characters that are not seen.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    without(text, |part| part != '\n' && is_hidden(part))
}

/// The same on one line: a stranger's words cannot begin another.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.contains(['\n', '\t']) {
        let spaced = text.replace(['\n', '\t'], " ");
        return Cow::Owned(without(&spaced, is_hidden).into_owned());
    }
    without(text, is_hidden)
}

fn without(text: &str, unwanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unwanted) {
        return Cow::Borrowed(text);
    }
    // First whole escape sequences, then what is left of broken ones.
    let mut kept = String::new();
    let mut parts = text.chars().peekable();
    while let Some(part) = parts.next() {
        if part == '\u{1b}' && parts.next_if_eq(&'[').is_some() {
            while parts.next_if(|part| matches!(part, ' '..='?')).is_some() {}
            parts.next_if(|part| matches!(part, '@'..='~'));
        } else if !unwanted(part) {
            kept.push(part);
        }
    }
    Cow::Owned(kept)
}

/// JSON with the same characters escaped, which occur in its strings only.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for part in json.chars() {
        if part != '\n' && is_hidden(part) {
            let units = part.encode_utf16(&mut [0; 2]).to_vec();
            escaped.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(part);
        }
    }
    escaped
}

fn is_hidden(part: char) -> bool {
    part.is_control()
        || matches!(
            part,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Progress that is visible on a terminal and disappears when it is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// How many parts are done.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// What is going on now.
    pub fn say(&self, what: impl AsRef<str>) {
        self.bar.set_message(one_line(what.as_ref()).into_owned());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_stranger_says_commands_the_terminal_or_deceives() {
        let cases = [
            ("plain, ünï 漢字\nlines", "plain, ünï 漢字\nlines"),
            ("a\u{1b}[2Jb", "ab"),
            ("a\u{1b}[31;1mb\u{1b}[0m", "ab"),
            ("a\u{1b}]0;title\u{7}b", "a]0;titleb"),
            ("a\u{9b}2Jb\r", "a2Jb"),
            ("pay \u{202e}001\u{202c} to", "pay 001 to"),
            ("\u{2066}x\u{2069}\u{200b}y\u{feff}", "xy"),
            ("\u{1b}[", ""),
        ];
        for (text, shown) in cases {
            assert_eq!(plain(text), shown, "{text:?}");
        }
        assert_eq!(one_line(" a\nb\u{1b}[1A\tc "), "a b c");
    }

    #[test]
    fn json_keeps_its_data_and_shows_none_of_it_raw() {
        let text = "a\u{202e}b\u{9b}c\u{e0041}";
        let json = escaped(&serde_json::to_string_pretty(&[text]).unwrap());
        assert!(json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }
}
