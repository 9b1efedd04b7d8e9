//! `deml trainer new`: writes a working example of a trainer.

use std::{fmt, fs, path::PathBuf};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use client::{files, printer::ExitStatus};
use serde::Serialize;
use trainer::custom::manifest::MANIFEST;

use crate::config::Config;

macro_rules! template {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../../trainer/templates/", $path)))
    };
}

const PYTHON: &[(&str, &str)] = &[
    template!("python/trainer.toml"),
    template!("python/train.py"),
    template!("python/requirements.txt"),
];
const RUST: &[(&str, &str)] = &[
    template!("rust/trainer.toml"),
    template!("rust/Cargo.toml"),
    template!("rust/.cargo/config.toml"),
    template!("rust/src/main.rs"),
];

/// A language of trainers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// A script for the client's interpreter
    Python,
    /// A static program for Linux
    Rust,
}

/// Arguments of `deml trainer new`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml trainer new python my-trainer
  deml trainer test my-trainer")]
pub struct New {
    /// Its language
    pub language: Language,
    /// Folder to make
    pub folder: PathBuf,
}

/// A trainer that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    /// Its folder.
    pub folder: PathBuf,
    /// Its files.
    pub files: Vec<String>,
    /// What to do next.
    pub next: String,
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {}", self.folder.display(), self.files.join(", "))?;
        write!(out, "  try it with `{}`", self.next)
    }
}

/// Writes the example.
///
/// - Errors: there is a trainer already, or the folder cannot be written
pub fn run(config: &Config, new: &New) -> Result<ExitStatus> {
    let folder = new.folder.display();
    ensure!(!new.folder.join(MANIFEST).exists(), "{folder} has a trainer: name another folder");
    let test = format!("deml trainer test {folder}");
    let (template, next) = match new.language {
        Language::Python => (PYTHON, test),
        Language::Rust => (RUST, format!("(cd {folder} && cargo build --release) && {test}")),
    };
    let mut written = Vec::new();
    for (path, text) in template {
        let path = path.split_once('/').map_or(*path, |(_, path)| path);
        let to = new.folder.join(path);
        fs::create_dir_all(to.parent().unwrap_or(&new.folder))?;
        files::write(&to, text.as_bytes())?;
        written.push(path.to_owned());
    }
    config.printer.answer(&Written { folder: new.folder.clone(), files: written, next })?;
    Ok(ExitStatus::Done)
}
