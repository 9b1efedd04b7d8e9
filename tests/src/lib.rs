//! Shared by the end-to-end tests: paths of the programs and the real data.

pub mod audit_speed;
pub mod cost;
pub mod faulty;
pub mod liar;
pub mod lying_devnet;
pub mod market;
pub mod pages;
pub mod rivals;

use std::path::{Path, PathBuf};

/// A program of this workspace, built beside the running test.
///
/// - Panics: it was not built; `cargo ci` builds it first
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let found = test.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file());
    match found {
        Some(path) => path,
        None => panic!("{name} is not built: run `cargo build --release --workspace` first"),
    }
}

/// A program of this workspace, built for RISC-V beside the running test's build.
///
/// - Panics: it was not built; `cargo ci` builds it first
#[must_use]
pub fn riscv_program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let folders = test.ancestors().map(|folder| folder.join(cost::counter::TARGET).join("release"));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    match found {
        Some(path) => path,
        None => panic!("{name} is not built for RISC-V: run `cargo riscv` first"),
    }
}

/// A file of the real data.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}
