//! `deml model pack`: puts a model into one file, without what its evaluation does not need, or
//! rounds its change from a base model, or its weights.

use std::{
    fmt,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result};
use blobs::Cid;
use clap::Args;
use client::{
    files::{self, PROFILE},
    printer::{ExitStatus, Refused},
};
use eval::{Beside, Model, limits::MODEL_BYTES, trace::trace};
use serde::Serialize;
use trainer::local;

use super::{
    delta::{self, Delta},
    int8,
    scoring::Scoring,
};
use crate::config::Config;

/// Arguments of `deml model pack`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml model pack exported.onnx --out model.onnx
  deml model pack better.onnx --delta --base base.onnx --hold-out holdout.safetensors
  deml model pack better.onnx --int8 --hold-out holdout.safetensors --out small.onnx

With --delta the model is the base model's file with other weights: each is a few steps from the
base model's, the steps as long as the score allows, and `deml submit` sends them alone.")]
pub struct Pack {
    /// ONNX file; data that it names in its folder is read too
    pub file: PathBuf,
    /// Output file [default with --delta: NAME.delta.onnx beside the file]
    #[arg(long, value_name = "FILE", required_unless_present = "delta")]
    pub out: Option<PathBuf>,
    /// Write the weights as signed bytes, a quarter of the length, which changes answers a little
    #[arg(long, conflicts_with = "delta")]
    pub int8: bool,
    /// Options for deltas.
    #[command(flatten)]
    pub delta: Delta,
    /// Options for scoring.
    #[command(flatten)]
    pub scoring: Scoring,
}

/// A packed model.
#[derive(Clone, Debug, Serialize)]
pub struct Packed {
    /// Its CID.
    pub cid: Cid,
    /// Bytes of the file as exported, and of the data beside it.
    pub before: u64,
    /// Bytes of the packed file.
    pub bytes: u64,
    /// Calldata gas of the bytes before.
    pub gas_before: u64,
    /// Calldata gas of the packed file.
    pub gas: u64,
    /// Whether both answer rows with the same bits; what needs data beside it answers nothing.
    pub is_compared: bool,
    /// Path of the file.
    pub file: PathBuf,
}

/// Rows that both files answer, to compare the bits.
const ROWS: usize = 16;

/// Packs a model and prints what it takes before and after.
///
/// - Errors: `UnfitModel`; the data beside it cannot be read; a file cannot be written
pub fn run(config: &Config, pack: Pack) -> Result<ExitStatus> {
    let (printer, Pack { file, out, int8, delta, scoring }) = (&config.printer, pack);
    if delta.delta {
        printer.answer(&delta::pack(printer, (&file, out), (&delta, &scoring))?)?;
        return Ok(ExitStatus::Done);
    }
    let out = out.context("where to? say --out FILE")?;
    if int8 {
        printer.answer(&int8::pack(printer, (&file, out), &scoring)?)?;
    } else {
        printer.answer(&self::pack(&file, out)?)?;
    }
    Ok(ExitStatus::Done)
}

impl fmt::Display for Packed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, before, bytes, gas_before, gas, is_compared, file } = self;
        writeln!(out, "{}: {cid}", file.display())?;
        writeln!(out, "  {before} bytes became {bytes}, and the gas of the bytes alone")?;
        write!(out, "  {gas_before}, now {gas}")?;
        if *is_compared {
            out.write_str("; it answers as before, bit for bit")?;
        }
        Ok(())
    }
}

/// Packs a model into a file.
fn pack(path: &Path, out: PathBuf) -> Result<Packed> {
    let file = files::read(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut beside = Vec::new();
    let packed = Model::pack(&file.bytes, &mut |data| {
        let bytes = read(folder, data)?;
        beside.extend_from_slice(&bytes);
        Some(bytes)
    });
    let packed = packed.map_err(|why| Refused::new("UnfitModel", why))?;
    let model = local::model(&packed)?;
    // What lies in another file cannot be evaluated before it is packed.
    let is_compared = beside.is_empty();
    if is_compared {
        expect_same(&local::model(&file.bytes)?, &model)?;
    }
    files::write(&out, &packed)?;
    let whole = [file.bytes, beside].concat();
    let blob = blobs::blob_ref(&packed, PROFILE);
    Ok(Packed {
        cid: blob.cid(),
        before: whole.len() as u64,
        bytes: blob.size,
        gas_before: gas(&whole),
        gas: gas(&packed),
        is_compared,
        file: out,
    })
}

/// Calldata gas of some bytes: 40 for each, 10 if it is zero.
///
/// - Source: EIP-7623, the floor that calldata of large inputs is charged at
fn gas(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| if *byte == 0 { 10 } else { 40 }).sum()
}

/// Data beside a file, in its folder or one inside; `None` if it cannot be read.
fn read(folder: &Path, data: &Beside) -> Option<Vec<u8>> {
    let path = Path::new(&data.path);
    if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return None;
    }
    let mut file = File::open(folder.join(path)).ok()?;
    file.seek(SeekFrom::Start(data.offset)).ok()?;
    let most = u64::try_from(MODEL_BYTES).ok()?;
    let mut bytes = Vec::new();
    file.take(data.length.unwrap_or(most).min(most)).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Compares the answers to some rows.
///
/// - Errors: they differ, which is a fault of this program
fn expect_same(before: &Model, after: &Model) -> Result<()> {
    let count = ROWS * before.row().elements();
    let row = |index: usize| {
        let number = u16::try_from(index.wrapping_mul(7_919) % 1_021).unwrap_or(0);
        f32::from(number) / 512.0 - 1.0
    };
    let rows = (0..count).map(row).collect::<Vec<_>>();
    let answers = |model: &Model| trace(model, &rows, &mut |_| {});
    let bits = |model: &Model| {
        let answers = answers(model).map_err(|why| Refused::new("UnfitModel", why))?;
        Ok::<_, Refused>(answers.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    anyhow::ensure!(bits(before)? == bits(after)?, "the packed model answers otherwise: report it");
    Ok(())
}
