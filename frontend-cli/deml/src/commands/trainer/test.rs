//! `deml trainer test`: runs a trainer in the box on a small dataset that comes with this program.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use client::{files, printer::ExitStatus};
use eval::{Dataset, Features, Labels, Shape, train::Options};
use trainer::{
    bounds::Bounds,
    local,
    task::{Isolation, Wanted, Work},
};

use super::given::{Given, trainer};
use crate::{commands::train, config::Config};

/// Rows of the dataset.
const ROWS: usize = 400;
/// A model of one matrix and one bias, whose weights are zero: `x · coefficients + intercepts`.
const BASE: &[u8] = include_bytes!("../../../../trainer/templates/base.onnx");

/// Arguments of `deml trainer test`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml trainer test my-trainer")]
pub struct Test {
    /// Folder of the trainer, or its CID
    pub trainer: String,
    /// What the box gives.
    #[command(flatten)]
    pub given: Given,
}

/// Runs a trainer, and prints what came of it; the model is not kept.
///
/// - Errors: those of [`train::here`]
pub async fn run(config: &Config, test: Test) -> Result<ExitStatus> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data.safetensors");
    files::write(&data, &rows()?.to_safetensors())?;
    let (limits, python) = (test.given.limits(), test.given.python);
    let wanted = Wanted {
        work: Work::Trainer { limits, python, isolation: Isolation::Box },
        trainer: Some(trainer(config, &test.trainer).await?),
        base: BASE.to_vec(),
        data: vec![local::open(&data)?],
        reading: dataset::Options::default(),
        options: Options { epochs: 5, learning_rate: 0.05, ..Options::default() },
        seeds: vec![1],
        bounds: Bounds::default(),
        out: folder.path().join("model.onnx"),
    };
    let mut model = train::here(config.printer, wanted).await?;
    model.file = PathBuf::from(Path::new(&test.trainer).file_name().unwrap_or_default());
    config.printer.answer(&model)?;
    Ok(ExitStatus::Done)
}

/// Points around three corners of a square, and which corner it is.
fn rows() -> Result<Dataset> {
    let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let (mut features, mut classes) = (Vec::new(), Vec::new());
    for row in 0..ROWS {
        let class = row % corners.len();
        // The same points each time: a sequence without a pattern that a line could follow.
        let noise = [row * 7_919 % 101, row * 104_729 % 103];
        for (corner, noise) in corners[class].into_iter().zip(noise) {
            let noise = f32::from(u8::try_from(noise).unwrap_or(0)) / 102.0 - 0.5;
            features.push(corner + 0.8 * noise);
        }
        classes.push(u8::try_from(class).unwrap_or(0));
    }
    let row = Shape::new(&[2]).ok_or_else(|| anyhow::anyhow!("no shape"))?;
    Ok(Dataset::new(row, Features::Real(features), Labels::Classes(classes))?)
}
