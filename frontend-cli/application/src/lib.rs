//! Running the application: the market's program, as a process of this computer behind a rollup
//! server, or in a Cartesi Machine.
//!
//! - `app`: either, given inputs one by one; `completion`: the outcome of one
//! - `process_app`, `rollup_server`, `process`, `guard`, `emulated`: a program that asks for its
//!   inputs over HTTP, cannot outlive this one, and may be for another processor
//! - `machine_app`, `machine`, `emulator`: a stored machine, and the runs of its emulator
//! - `replay`: the same inputs once more, through any of them

mod app;
mod completion;
mod emulated;
mod emulator;
pub mod guard;
mod machine;
mod machine_app;
pub mod process;
mod process_app;
pub mod replay;
mod rollup_server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

pub use self::app::{App, Dapp, Launch};
pub use self::completion::{Completion, InputStatus};
pub use self::emulated::launcher;
pub use self::rollup_server::{Emitted, RequestOutcome};

/// A callback for one line of progress.
pub type Notify = Arc<dyn Fn(&str) + Send + Sync>;

/// The executable `name` in the folder of the running program, or above it for cargo's tests.
///
/// - Errors: not found
pub fn beside_this_program(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot find the running program")?;
    let folders = this.ancestors().skip(1).take(2);
    let candidates = folders.map(|folder: &Path| folder.join(name));
    let found = candidates.into_iter().find(|path| path.is_file());
    found.with_context(|| {
        let folder = this.parent().unwrap_or(&this).display();
        format!("there is no {name} in {folder}: build it there, or say where it is")
    })
}
