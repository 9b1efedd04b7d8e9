//! Output of commands: data on stdout, messages on stderr. Nothing else prints.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, ErrorKind, IsTerminal, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use wire::RefusalView;

use words::plain::is_hidden;
pub use words::plain::{one_line, plain};

/// The exit status of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// The command succeeded.
    Done,
    /// The market, or a check before the command was sent, refused.
    Refused,
}

/// A refusal by the rules, not a failure; in the format of the market's own reports.
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
        write!(out, "{}: {}", words::heading(&self.0.refused), words::sentence(&self.0))
    }
}

impl std::error::Error for Refused {}

/// Nobody reads standard output any more, as in `deml watch | head -1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the output any more")]
pub struct Closed;

impl Closed {
    /// The exit code that a shell reports of a program ended by a closed pipe.
    const CODE: u8 = 128 + 13;
}

/// The user ended the command, which has put away what it had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Interrupted {
    /// The exit code that a shell reports of a program ended by Ctrl-C.
    const CODE: u8 = 128 + 2;
}

/// The output settings of a command.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer {
    /// Data as JSON.
    pub json: bool,
    /// Suppress messages.
    pub quiet: bool,
}

impl Printer {
    /// Prints the command's result on stdout; if nobody reads it, the command is done all the same.
    ///
    /// - Errors: it cannot be written, as on a full disk
    pub fn answer<T: Serialize + fmt::Display>(&self, answer: &T) -> Result<()> {
        let text = if self.json {
            escaped(&serde_json::to_string_pretty(answer)?)
        } else {
            plain(&answer.to_string()).into_owned()
        };
        match print(&text) {
            Err(error) if error.is::<Closed>() => Ok(()),
            printed => printed,
        }
    }

    /// Prints one of many results: one line of JSON, or its text.
    ///
    /// - Errors: [`Closed`], which ends the command; it cannot be written
    pub fn answer_line<T: Serialize + fmt::Display>(&self, answer: &T) -> Result<()> {
        if self.json {
            print(&escaped(&serde_json::to_string(answer)?))
        } else {
            print(&plain(&answer.to_string()))
        }
    }

    /// Prints a message on stderr.
    pub fn say(&self, words: impl fmt::Display) {
        if !self.quiet {
            warn(&plain(&words.to_string()));
        }
    }

    /// Prints a message above a progress bar.
    pub fn say_above(&self, bar: &Bar, words: impl fmt::Display) {
        bar.bar.suspend(|| self.say(words));
    }

    /// Prints a refusal, even if quiet.
    pub fn say_refused(&self, refused: &Refused) {
        warn(&format!("refused: {}", one_line(&refused.to_string())));
    }

    /// Reports the error of a failed command in one line; returns its exit code.
    pub fn fail(&self, error: &anyhow::Error) -> ExitCode {
        if error.is::<Closed>() {
            return ExitCode::from(Closed::CODE);
        }
        if error.is::<Interrupted>() {
            warn("interrupted: what was started has been ended");
            return ExitCode::from(Interrupted::CODE);
        }
        if let Some(refused) = error.downcast_ref::<Refused>() {
            self.say_refused(refused);
            if self.json
                && let Ok(json) = serde_json::to_string_pretty(refused)
            {
                // The refusal has been reported; its copy for programs has no other place to go.
                print(&escaped(&json)).ok();
            }
            return ExitStatus::Refused.into();
        }
        warn(&format!("error: {}", one_line(&format!("{error:#}"))));
        ExitCode::from(2)
    }

    /// A progress bar over `total` parts of a longer task; lines if there is no terminal.
    pub fn bar(&self, what: &str, total: u64) -> Bar {
        let bar = self.progress(ProgressBar::new(total), what);
        bar.set_style(style("{msg} [{bar:30}] {pos}/{len} {eta}"));
        Bar { bar }
    }

    /// A spinner for a wait of unknown length.
    pub fn spinner(&self, what: &str) -> Bar {
        let bar = self.progress(ProgressBar::new_spinner(), what);
        bar.set_style(style("{msg} {spinner} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar }
    }

    /// A line that changes while something goes on; hidden if there is no terminal.
    pub fn live(&self, what: &str) -> Bar {
        let bar = self.progress(ProgressBar::new_spinner(), what);
        bar.set_style(style("{wide_msg}"));
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

/// Writes a line to standard output.
///
/// - Errors: [`Closed`], or what the system says
fn print(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        written => written.context("cannot write to standard output"),
    }
}

/// Writes a line to standard error, if anybody reads it.
fn warn(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

/// JSON with the same characters escaped, which occur only in its strings.
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

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A progress bar or spinner on a terminal, removed when dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Sets the number of finished parts.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Whether nobody sees it.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Sets the message.
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
    fn json_keeps_its_data_and_shows_none_of_it_raw() {
        let text = "a\u{202e}b\u{9b}c\u{e0041}";
        let json = escaped(&serde_json::to_string_pretty(&[text]).unwrap());
        assert!(json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }
}
