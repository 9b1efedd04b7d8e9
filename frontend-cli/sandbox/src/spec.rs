//! What is run in the box, within which limits, and what came of it.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// A program, what it is given, and the file it is to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The executable's path in the box.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment, beside the usual few.
    pub environment: Vec<(String, String)>,
    /// Files that are copied into the box, where they cannot be changed.
    pub inputs: Vec<Input>,
    /// Folders and files of this computer to be seen in the box at the same path, read-only: an
    /// interpreter and its libraries.
    pub system: Vec<PathBuf>,
    /// Name of the file to be taken from the folder `/out`.
    pub output: String,
    /// Where that file goes.
    pub output_to: PathBuf,
}

/// A file that is copied into the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its path on this computer.
    pub from: PathBuf,
    /// Its absolute path in the box.
    pub to: PathBuf,
    /// Whether it may be executed.
    pub executable: bool,
}

/// Limits on what a program takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space of each process, and the memory of all of them together, in MiB.
    pub memory_mib: u64,
    /// Time on a processor of each process, in seconds.
    pub cpu_seconds: u64,
    /// Time on the clock, in seconds.
    pub wall_seconds: u64,
    /// Processes and threads at a time.
    pub processes: u64,
    /// All files in the writable folder, in MiB; they are in memory.
    pub files_mib: u64,
    /// Number of them.
    pub files: u64,
    /// Bytes on standard output and standard error together.
    pub said_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: 4_096,
            cpu_seconds: 3_600,
            wall_seconds: 3_600,
            processes: 64,
            files_mib: 512,
            files: 1_024,
            said_bytes: 8 * 1_024 * 1_024,
        }
    }
}

/// What came of a program in the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// The parts of the box, each of which held from before the program started.
    pub held: Vec<String>,
    /// How it ended.
    pub ending: Ending,
    /// Size of the output in bytes, or why it was not taken.
    pub output: Result<u64, OutputRefused>,
    /// The end of what it said on standard error.
    pub said: String,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// By itself, with this exit code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It took longer than allowed.
    Time,
    /// It said more than allowed.
    Said,
    /// Its processes took more memory than allowed, all of them together.
    Memory,
}

/// Reason why a file is not taken from the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputRefused {
    /// The program wrote none.
    Absent,
    /// It is a link, a folder, a pipe or a device, or has a second name.
    NotAFile,
    /// It could not be copied.
    Unreadable,
}

/// A part of the box that this computer does not give; nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The part.
    pub part: String,
    /// What the system said.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, why, remedy } = self;
        write!(out, "the box lacks {part} here ({why}); nothing was run; {remedy}")
    }
}

impl std::error::Error for Missing {}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(out, "it ended with exit code {code}"),
            Self::Signal(9) => out.write_str("it was killed: it took too much memory or time"),
            Self::Signal(24) => out.write_str("it took more time of the processor than allowed"),
            Self::Signal(25) => out.write_str("it wrote a file larger than allowed"),
            Self::Signal(signal) => write!(out, "it was ended by signal {signal}"),
            Self::Time => out.write_str("it took longer than allowed"),
            Self::Said => out.write_str("it said more than allowed"),
            Self::Memory => out.write_str("its processes took more memory than allowed"),
        }
    }
}

impl fmt::Display for OutputRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Absent => "it wrote no output file",
            Self::NotAFile => "its output is no regular file of one name",
            Self::Unreadable => "its output could not be copied",
        })
    }
}
