//! Other engines on the same work: the program in `rivals/`, built on first use.

pub mod race;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use eval::{Dataset, Model, report};
use market::Metric;
use serde::Deserialize;

use crate::cost::{
    counter::{self, Counter, TARGET},
    nets::Given,
};

/// The engines counted as RISC-V.
pub const COUNTED: [&str; 3] = ["burn-ndarray", "burn-flex", "loop"];

/// The program with the rivals.
#[derive(Debug)]
pub struct Rivals {
    program: PathBuf,
}

/// Output of a rival.
#[derive(Debug, Deserialize)]
struct Answered {
    /// Its time in seconds.
    seconds: f64,
    /// The class of each row.
    classes: Vec<u16>,
}

impl Rivals {
    /// Builds them for RISC-V, to be counted.
    ///
    /// - Errors: they cannot be built
    pub fn as_riscv() -> Result<Self> {
        Self::build(&["--target", TARGET], Path::new(TARGET))
    }

    /// Builds them for this computer.
    ///
    /// - Errors: they cannot be built
    pub fn natively() -> Result<Self> {
        Self::build(&[], Path::new(""))
    }

    #[expect(clippy::print_stderr, reason = "tells a person what takes so long")]
    fn build(target: &[&str], built: &Path) -> Result<Self> {
        let folder = counter::target_folder()?.join("rivals");
        let program = folder.join(built).join("release/rivals");
        if !program.exists() {
            eprintln!("building tests/rivals: two backends of burn, and tract; this takes minutes");
        }
        let mut build = Command::new("cargo");
        build.args(["build", "--release", "--locked", "--quiet"]).args(target);
        build.arg("--target-dir").arg(&folder);
        build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals"));
        ensure!(build.status()?.success(), "cannot build tests/rivals");
        Ok(Self { program })
    }

    /// The instructions of an engine to answer a batch, and to find the classes.
    ///
    /// - Errors: the engine fails, or its classes differ from ours
    pub fn count(&self, counter: &Counter, engine: &str, given: Given<'_>) -> Result<u64> {
        let arguments = arguments(engine, given);
        let (parts, said) = counter.run(&self.program, &arguments)?;
        agree(engine, &serde_json::from_slice(&said)?, &classes(given)?)?;
        parts.first().copied().context("the rival made no marks")
    }

    /// The seconds of an engine to answer all rows in batches of this size.
    ///
    /// - Errors: the engine fails, or its classes differ from these
    fn time(&self, engine: &str, given: Given<'_>, classes: &[u16]) -> Result<f64> {
        let output = Command::new(&self.program).args(arguments(engine, given)).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{engine} failed: {}", said.trim());
        let answered = serde_json::from_slice(&output.stdout)?;
        agree(engine, &answered, classes)?;
        Ok(answered.seconds)
    }
}

fn arguments(engine: &str, Given { net, rows, batch }: Given<'_>) -> Vec<OsString> {
    let batch = batch.to_string();
    let pairs = [
        ["--engine".as_ref(), engine.as_ref()],
        ["--net".as_ref(), net.as_os_str()],
        ["--rows".as_ref(), rows.as_os_str()],
        ["--batch".as_ref(), batch.as_ref()],
    ];
    pairs.concat().into_iter().map(ToOwned::to_owned).collect()
}

/// The classes that our engine returns.
fn classes(given: Given<'_>) -> Result<Vec<u16>> {
    let model = Model::from_onnx(&fs::read(given.net)?)?;
    let rows = Dataset::from_safetensors(&fs::read(given.rows)?)?;
    let report = report::evaluate(&model, &rows, Metric::Accuracy, &mut |_, _| {})?;
    Ok(report.predicted().collect())
}

/// - Errors: the classes of a rival differ, so it has done other work
fn agree(engine: &str, answered: &Answered, ours: &[u16]) -> Result<()> {
    ensure!(answered.classes.len() == ours.len(), "{engine} has not answered each row");
    let others = answered.classes.iter().zip(ours).filter(|(theirs, ours)| theirs != ours).count();
    ensure!(others == 0, "{engine} answers {others} of {} rows otherwise", ours.len());
    Ok(())
}
