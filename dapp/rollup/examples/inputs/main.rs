//! What `cargo cost inputs` counts: whole inputs, from a request's JSON to what is to be posted,
//! and parts of the most expensive steps at their largest.
//!
//! Jobs are held from their opening to their end. Before and after each input or part a line goes
//! to stderr, where the counter looks; a JSON object for each goes to stdout, with what it is and
//! what the market's own meter says it costs at most.
//!
//! ```text
//! inputs FOLDER INPUT_WORK
//! ```
//!
//! FOLDER holds the models and datasets by the names they are asked for.

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

/// The files that are read.
struct Files(PathBuf);

impl Files {
    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.0.join(name);
        fs::read(&path).map_err(|fault| format!("{}: {fault}", path.display()).into())
    }
}

/// Has something done between two marks.
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

/// Says what was done between the last two marks.
fn say(what: &str, bytes: usize, outputs: usize, at_most: u64) {
    let line = json!({ "input": what, "bytes": bytes, "outputs": outputs, "at_most": at_most });
    println!("{line}");
}
