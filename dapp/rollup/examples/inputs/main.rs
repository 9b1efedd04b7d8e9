//! Inputs counted by `cargo cost inputs`: whole ones, from a request's JSON to the bodies to post,
//! and parts of the most expensive steps at their largest.
//!
//! Jobs are run from opening to end. Before and after each input or part a line goes to stderr,
//! which triggers the counter; a JSON object for each goes to stdout, with its name and the largest
//! cost according to the market's meter.
//!
//! ```text
//! inputs FOLDER INPUT_WORK
//! ```
//!
//! FOLDER has the models and datasets under the names they are read by.

#![expect(clippy::print_stdout, reason = "what was done is what this program is for")]

mod jobs;
mod parts;
mod plan;
mod stage;

use std::{error::Error, fs, io::Write as _, path::PathBuf};

use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, input_work] = arguments.as_slice() else {
        return Err("inputs FOLDER INPUT_WORK".into());
    };
    let files = Files(folder.into());
    jobs::open(&files, input_work.parse()?)?;
    jobs::attested(&files)?;
    jobs::sampled(&files)?;
    parts::count(&files)
}

/// The folder of input files.
struct Files(PathBuf);

impl Files {
    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.0.join(name);
        fs::read(&path).map_err(|fault| format!("{}: {fault}", path.display()).into())
    }
}

/// Runs `what` between two marks.
fn counted<T>(what: impl FnOnce() -> T) -> std::io::Result<T> {
    mark()?;
    let done = what();
    mark()?;
    Ok(done)
}

/// Tells the counter that something begins or ends.
fn mark() -> std::io::Result<()> {
    std::io::stderr().write_all(b"\n")
}

/// Prints what ran between the last two marks.
fn say(what: &str, bytes: usize, outputs: usize, at_most: u64) {
    let line = json!({ "input": what, "bytes": bytes, "outputs": outputs, "at_most": at_most });
    println!("{line}");
}
