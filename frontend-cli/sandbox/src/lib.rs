//! A box for a stranger's program: no network of any kind, its input read-only, one writable folder
//! in memory, no other files, processes, devices or environment, and limits on all it takes.
//!
//! Root is not needed. The box is made of namespaces, a root file system of its own, Landlock,
//! seccomp and resource limits, each of which must hold before the program starts: what is missing
//! is named with its remedy, and then nothing runs. As nothing here is `unsafe`, no code runs
//! between fork and exec: this program executes itself twice, and confines itself in between.
//!
//! ```text
//! run (outside)            enter (new namespaces)        confine (first process of its own)
//!   starts enter ────────►   unshares, waits
//!   maps the users ──────►   builds the root, starts ──►   changes the root, drops all, executes
//!   reads what is said       waits, takes the output       the program
//! ```

#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod run;
mod spec;
#[cfg(target_os = "linux")]
mod stage;

#[cfg(target_os = "linux")]
pub use run::run;
#[cfg(target_os = "linux")]
pub use stage::stage;

pub use spec::{Ending, Input, Limits, Missing, OutputRefused, Program, Ran};

/// Runs a program in the box; there is none on this system.
///
/// - Errors: always
#[cfg(not(target_os = "linux"))]
pub fn run(_: &[&str], _: &Program, _: &Limits, _: &mut dyn FnMut(&str)) -> anyhow::Result<Ran> {
    anyhow::bail!("the box needs Linux 5.13 or newer: run this there, or in a virtual machine")
}

/// A stage of the box; there is none on this system.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn stage(_: &str, _: &std::path::Path) -> std::process::ExitCode {
    std::process::ExitCode::from(2)
}
