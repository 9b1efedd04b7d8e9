//! Parts of the dearest steps, at their largest: opening a ciphertext, the exact test, naming
//! results, and comparing weights.

use std::hint::black_box;

use blobs::Digest;
use eval::Evaluator;
use market::{Exhibit, Judge, Metric, Prices, Results, separated};

use crate::{
    Files, Result,
    competition::{SPONSOR, sealed},
    counted, say,
    stage::named,
};

/// As in the market's words: five in a hundred.
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
            alike(name, &files.read(name)?)?;
        }
    }
    Ok(())
}

fn opening(bytes: usize) -> Result<()> {
    let plain = vec![7; bytes];
    let (sealed, ciphertext, opening) = sealed(SPONSOR, &plain);
    let opened = counted(|| opening.open(sealed.commitment, black_box(&ciphertext).to_vec()))?;
    let at_most = Prices::COUNTED.opening(ciphertext.len() as u64);
    let what = format!("part: opening a ciphertext of {} KiB", bytes >> 10);
    say(&what, ciphertext.len(), opened?.len() / bytes, at_most.0);
    Ok(())
}

/// Two models of which each is better on every second row, the first on some more.
fn comparing(metric: Metric, rows: u32) -> Result<()> {
    let of = |place: u32| {
        let is_better = |row: u32| (row % 2 == place) || (place == 0 && row < 60);
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

/// A model beside itself, both trained from itself: what is done depends on its form alone.
fn alike(name: &str, model: &[u8]) -> Result<()> {
    let mut judge = Evaluator::new();
    let exhibit = Exhibit { cid: named(model).cid(), bytes: model };
    let at_most = judge.comparing([model.len(); 3]);
    let likeness = counted(|| judge.alike(exhibit, exhibit, exhibit))?;
    likeness.map_err(|unfit| format!("{name}: {unfit}"))?;
    say(&format!("part: comparing weights, {name}"), model.len(), 0, at_most.0);
    Ok(())
}
