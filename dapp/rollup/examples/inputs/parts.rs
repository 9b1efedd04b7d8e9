//! Parts of the most expensive steps, at their largest: decrypting a ciphertext, the exact test,
//! hashing results, and comparing models.

use std::hint::black_box;

use blobs::Digest;
use eval::{Evaluator, Model};
use market::{Blob, Comparison, Judge, Metric, Prices, Results, separated};
use scenarios::{Secret, context, file, seal};

use crate::{Files, Result, counted, plan::SPONSOR, say};

/// The usual significance: five in a hundred.
const SIGNIFICANCE_PPM: u32 = 50_000;

pub(crate) fn count(files: &Files) -> Result<()> {
    for bytes in [1 << 16, 1 << 20, 4 << 20] {
        opening(bytes)?;
    }
    for rows in [10_000, 100_000] {
        for metric in [Metric::Accuracy, Metric::LogLoss] {
            comparing(metric, rows)?;
        }
    }
    for name in files.read("alike.txt")?.split(|byte| *byte == b'\n') {
        let name = str::from_utf8(name)?;
        if !name.is_empty() {
            similarity(name, &files.read(name)?)?;
        }
    }
    Ok(())
}

fn opening(bytes: usize) -> Result<()> {
    let plain = vec![7; bytes];
    let Secret { sealed, ciphertext, opening } = seal(&context(SPONSOR), [0; 32], &plain);
    let opened = counted(|| opening.open(sealed.commitment, black_box(&ciphertext).to_vec()))?;
    let at_most = Prices::COUNTED.opening(ciphertext.len() as u64);
    let what = format!("part: opening a ciphertext of {} KiB", bytes >> 10);
    say(&what, ciphertext.len(), opened?.len() / bytes, at_most.0);
    Ok(())
}

/// Two models, each better on every second row, the first on some more.
fn comparing(metric: Metric, rows: u32) -> Result<()> {
    let of = |index: u32| {
        let is_better = |row: u32| (row % 2 == index) || (index == 0 && row < 60);
        let bytes: Vec<u8> = if metric.is_loss() {
            (0..rows).flat_map(|row| u64::from(!is_better(row)).to_be_bytes()).collect()
        } else {
            let bit = |row: u32| u8::from(row < rows && is_better(row)) << (row % 8);
            (0..rows.div_ceil(8)).map(|byte| (byte * 8..byte * 8 + 8).map(bit).sum()).collect()
        };
        Results::from_bytes(metric, rows, &bytes).ok_or("no such results")
    };
    let (first, other) = (of(0)?, of(1)?);
    let test = || {
        let (better, worse) = black_box(&first).against(&other).unwrap_or_default();
        separated(better, worse, SIGNIFICANCE_PPM)
    };
    black_box(counted(test)?);
    let kind = if metric.is_loss() { "losses" } else { "right answers" };
    let what = format!("part: comparing {kind} of {rows} rows");
    say(&what, first.to_bytes().len(), 0, Prices::COUNTED.comparing(rows).0);
    let digest: Digest = counted(|| black_box(&first).digest())?;
    black_box(digest);
    let what = format!("part: naming {kind} of {rows} rows");
    say(&what, first.to_bytes().len(), 0, Prices::COUNTED.results(metric.is_loss(), rows).0);
    Ok(())
}

/// Compares a model with itself; the work depends on its architecture alone.
fn similarity(name: &str, model: &[u8]) -> Result<()> {
    let mut judge = Evaluator::new();
    let read = Model::from_onnx(model)?;
    let (rows, answers) = (rows_for(&read), read.answers());
    let blob = |bytes| Blob { cid: file(bytes).cid(), bytes };
    let [model, hold_out] = [blob(model), blob(&rows)];
    let metric = if answers == 1 { Metric::MeanSquaredError } else { Metric::Accuracy };
    let (measure, seed) = (metric.into(), Digest([7; 32]));
    let comparison =
        Comparison { base: model, first: model, second: model, hold_out, measure, seed };
    let reading = judge.reading_comparison(&comparison);
    let unfit = |unfit| format!("{name}: {unfit}");
    let probes = judge.quote_comparison(&comparison).map_err(unfit)?;
    counted(|| judge.compare(&comparison))?.map_err(unfit)?;
    let what = format!("part: comparing models, {name}");
    say(&what, model.bytes.len(), 0, reading.plus(probes).0);
    Ok(())
}

/// A dataset of rows in the model's shape, with classes if it is a classifier.
fn rows_for(model: &Model) -> Vec<u8> {
    const ROWS: usize = 64;
    let (row, is_regression) = (model.row(), model.answers() == 1);
    let features = row.elements() * ROWS;
    let sizes: Vec<String> = row.sizes().iter().map(ToString::to_string).collect();
    let shape = [&[ROWS.to_string()][..], &sizes].concat().join(",");
    let labels = if is_regression { ROWS * 4 } else { ROWS };
    let (kind, end) = (if is_regression { "F32" } else { "U8" }, features + labels);
    let header = format!(
        r#"{{"__metadata__":{{"scale":"0.5","offset":"0"}},"x":{{"dtype":"U8","shape":[{shape}],"data_offsets":[0,{features}]}},"y":{{"dtype":"{kind}","shape":[{ROWS}],"data_offsets":[{features},{end}]}}}}"#
    );
    let x = (0..=255).cycle().take(features);
    let y = (0..2).cycle().take(labels).map(|class| if is_regression { 0 } else { class });
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &x.chain(y).collect::<Vec<_>>()].concat()
}
