//! `trainer.toml`: what a trainer is, and what it asks for.

use std::path::{Component, Path};

use anyhow::{Result, ensure};
use client::printer::Refused;
use sandbox::Limits;
use serde::{Deserialize, Serialize};

/// The manifest's name in the folder.
pub const MANIFEST: &str = "trainer.toml";

/// What a trainer is, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What its entry is.
    pub kind: TrainerKind,
    /// The file that is run.
    pub entry: String,
    /// What it writes.
    #[serde(default)]
    pub output: OutputKind,
    /// What it asks for.
    #[serde(default)]
    pub asks: Asks,
}

/// What a trainer's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainerKind {
    /// A script for the client's interpreter.
    Python,
    /// A static program for Linux.
    Program,
}

/// What a trainer writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// `weights.safetensors`: weights by name, for the graph of the base model.
    #[default]
    Weights,
    /// `model.onnx`: a whole model.
    Model,
}

impl OutputKind {
    /// The file's name.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Weights => "weights.safetensors",
            Self::Model => "model.onnx",
        }
    }
}

/// What a trainer asks for; what it leaves out is as in [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// Address space of each process, in MiB.
    pub memory_mib: Option<u64>,
    /// Time on a processor, in seconds.
    pub cpu_seconds: Option<u64>,
    /// Time on the clock, in seconds.
    pub wall_seconds: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Files, in MiB.
    pub files_mib: Option<u64>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// - Errors: `UnfitTrainer`
    pub fn read(text: &str) -> Result<Self> {
        let unfit = |why: &dyn std::fmt::Display| {
            Refused::new("UnfitTrainer", format_args!("{MANIFEST}: {why}"))
        };
        let manifest: Self = toml::from_str(text).map_err(|why| unfit(&why.message()))?;
        ensure!(is_plain(&manifest.entry), unfit(&"the entry leads out of the folder"));
        Ok(manifest)
    }

    /// The limits it is run in, within what the client gives.
    ///
    /// - Errors: `AsksTooMuch`, naming the option that gives more
    pub fn limits(&self, given: &Limits) -> Result<Limits> {
        let Asks { memory_mib, cpu_seconds, wall_seconds, processes, files_mib } = self.asks;
        let usual = Limits::default();
        let asked = Limits {
            memory_mib: memory_mib.unwrap_or(usual.memory_mib.min(given.memory_mib)),
            cpu_seconds: cpu_seconds.unwrap_or(usual.cpu_seconds.min(given.cpu_seconds)),
            wall_seconds: wall_seconds.unwrap_or(usual.wall_seconds.min(given.wall_seconds)),
            processes: processes.unwrap_or(usual.processes.min(given.processes)),
            files_mib: files_mib.unwrap_or(usual.files_mib.min(given.files_mib)),
            ..*given
        };
        for (what, asked, given, option) in [
            ("MiB of memory", asked.memory_mib, given.memory_mib, "--max-memory"),
            ("seconds of the processor", asked.cpu_seconds, given.cpu_seconds, "--max-time"),
            ("seconds", asked.wall_seconds, given.wall_seconds, "--max-time"),
            ("processes", asked.processes, given.processes, "--max-processes"),
            ("MiB of files", asked.files_mib, given.files_mib, "--max-files"),
        ] {
            if asked > given {
                let why = format_args!("it asks for {asked} {what}, {option} gives {given}");
                return Err(Refused::new("AsksTooMuch", why).into());
            }
        }
        Ok(asked)
    }
}

/// Whether a path stays in its folder.
pub(super) fn is_plain(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_what_it_asks_for_and_no_more_is_given() {
        let text = "kind = \"python\"\nentry = \"train.py\"\n[asks]\nmemory_mib = 100\n";
        let manifest = Manifest::read(text).unwrap();
        let given = Limits { memory_mib: 200, wall_seconds: 60, ..Limits::default() };
        let limits = manifest.limits(&given).unwrap();
        assert_eq!((limits.memory_mib, limits.wall_seconds), (100, 60));
        let refused = manifest.limits(&Limits { memory_mib: 99, ..given }).unwrap_err();
        assert!(refused.to_string().contains("--max-memory gives 99"), "{refused}");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for text in [
            "",
            "kind = \"shell\"\nentry = \"x\"",
            "kind = \"python\"\nentry = \"../x\"",
            "kind = \"python\"\nentry = \"/x\"",
            "kind = \"python\"\nentry = \"x\"\nnetwork = true",
        ] {
            assert!(Manifest::read(text).is_err(), "{text}");
        }
    }
}
