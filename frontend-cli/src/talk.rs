//! How commands speak: data on stdout, talk on stderr. The only place that prints.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints; everything that does so is in this file"
)]

use std::{collections::BTreeMap, fmt, io::IsTerminal, process::ExitCode, time::Duration};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use wire::RefusalView;

/// How a command ended, when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
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
pub struct Talk {
    /// Data as JSON.
    pub json: bool,
    /// No talk.
    pub quiet: bool,
}

impl Talk {
    /// Gives the command's answer: its data, on stdout.
    ///
    /// - Errors: the answer is no JSON, which is a bug
    pub fn answer<T: Serialize + fmt::Display>(&self, answer: &T) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(answer)?);
        } else {
            println!("{answer}");
        }
        Ok(())
    }

    /// Gives one of many answers: one line of JSON, or its text.
    ///
    /// - Errors: the answer is no JSON, which is a bug
    pub fn answer_line<T: Serialize + fmt::Display>(&self, answer: &T) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(answer)?);
        } else {
            println!("{answer}");
        }
        Ok(())
    }

    /// Says what happens, on stderr.
    pub fn say(&self, words: impl fmt::Display) {
        if !self.quiet {
            eprintln!("{words}");
        }
    }

    /// Says what happens, above a bar that goes on.
    pub fn say_above(&self, bar: &Bar, words: impl fmt::Display) {
        bar.bar.suspend(|| self.say(words));
    }

    /// Says a refusal, which is heard even when quiet.
    pub fn say_refused(&self, refused: &Refused) {
        eprintln!("refused: {refused}");
    }

    /// Ends a command that failed: says why in one line, and gives its exit code.
    pub fn fail(&self, error: &anyhow::Error) -> ExitCode {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            self.say_refused(refused);
            if self.json
                && let Ok(json) = serde_json::to_string_pretty(refused)
            {
                println!("{json}");
            }
            return Ending::Refused.into();
        }
        eprintln!("error: {error:#}");
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
        bar.with_message(what.to_owned())
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Done => Self::SUCCESS,
            Ending::Refused => Self::from(1),
        }
    }
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
    pub fn say(&self, what: impl Into<std::borrow::Cow<'static, str>>) {
        self.bar.set_message(what);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
