//! The curve of a training: a table for programs and a picture for people.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Result;
use client::quantity::percent;
use eval::train::Epoch;

use crate::keeping;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 56.0;

/// The table's path and the picture's.
fn paths(path: &Path) -> [PathBuf; 2] {
    let is_ours = |extension: &&std::ffi::OsStr| *extension == "csv" || *extension == "svg";
    let stem = match path.extension().filter(is_ours) {
        Some(_) => path.with_extension(""),
        None => path.to_owned(),
    };
    ["csv", "svg"].map(|extension| {
        let mut path = stem.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    })
}

/// Makes sure that both files can be written.
///
/// - Errors: one of them cannot
pub(crate) fn try_writing(path: &Path) -> Result<()> {
    paths(path).iter().try_for_each(|path| keeping::try_writing(path))
}

/// Writes both files; returns their paths.
///
/// - Errors: one of them cannot be written
pub(crate) fn write(path: &Path, curve: &[Epoch], held_back: bool) -> Result<Vec<PathBuf>> {
    let paths = paths(path);
    for (path, text) in paths.iter().zip([table(curve), picture(curve, held_back)]) {
        keeping::replace(path, text.as_bytes())?;
    }
    Ok(paths.into())
}

/// One line for each epoch, the base model first; scores in parts per million.
fn table(curve: &[Epoch]) -> String {
    let line = |Epoch { number, loss, score, rate }: &Epoch| {
        format!("{number},{loss},{},{rate}\n", score.0)
    };
    let lines = curve.iter().map(line).collect::<String>();
    format!("epoch,loss,score_ppm,learning_rate\n{lines}")
}

/// Loss and score over the epochs, each with its own scale.
fn picture(curve: &[Epoch], held_back: bool) -> String {
    let losses = curve.iter().map(|epoch| f64::from(epoch.loss)).collect::<Vec<_>>();
    let scores = curve.iter().map(|epoch| f64::from(epoch.score.0)).collect::<Vec<_>>();
    let rows = if held_back { "held back" } else { "trained on" };
    let base = curve.first().map(|base| percent(base.score)).unwrap_or_default();
    let last = curve.last().map_or(0, |last| last.number);
    let (right, bottom) = (WIDTH - MARGIN, HEIGHT - MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <path d=\"M{MARGIN} {MARGIN}V{bottom}H{right}V{MARGIN}\" fill=\"none\" stroke=\"gray\"/>\n"
    );
    for (numbers, colour, side, name) in [
        (&losses, "#b2182b", MARGIN, "loss".to_owned()),
        (&scores, "#2166ac", right, format!("score on rows {rows} (base model {base})")),
    ] {
        svg.push_str(&line(numbers, colour));
        let (low, high) = range(numbers);
        let (anchor, label) = if side < WIDTH / 2.0 { ("end", -6.0) } else { ("start", 6.0) };
        for (height, number) in [(bottom, low), (MARGIN + 4.0, high)] {
            let shown = if side < WIDTH / 2.0 {
                format!("{number:.4}")
            } else {
                format!("{:.2}%", number / 10_000.0)
            };
            let x = side + label;
            push(&mut svg, &format!("x=\"{x}\" y=\"{height}\" text-anchor=\"{anchor}\""), &shown);
        }
        let at = if side < WIDTH / 2.0 { "start" } else { "end" };
        let place = format!("x=\"{side}\" y=\"28\" fill=\"{colour}\" text-anchor=\"{at}\"");
        push(&mut svg, &place, &name);
    }
    let (middle, below) = (WIDTH / 2.0, HEIGHT - 24.0);
    let place = format!("x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\"");
    push(&mut svg, &place, &format!("epochs 0 to {last}"));
    svg.push_str("</svg>\n");
    svg
}

fn push(svg: &mut String, place: &str, text: &str) {
    svg.push_str("<text ");
    svg.push_str(place);
    svg.push('>');
    svg.push_str(text);
    svg.push_str("</text>\n");
}

fn line(numbers: &[f64], colour: &str) -> String {
    let (low, high) = range(numbers);
    let mut points = String::new();
    for (index, number) in numbers.iter().enumerate().filter(|(_, number)| number.is_finite()) {
        let along = share(index, numbers.len());
        let up = if high > low { (number - low) / (high - low) } else { 0.5 };
        let x = MARGIN + along * (WIDTH - 2.0 * MARGIN);
        let y = HEIGHT - MARGIN - up * (HEIGHT - 2.0 * MARGIN);
        let written = write!(points, "{x:.1},{y:.1} ");
        debug_assert!(written.is_ok(), "a string takes all that is written");
    }
    let points = points.trim_end();
    format!(
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n"
    )
}

fn share(index: usize, count: usize) -> f64 {
    let exact = |number| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    exact(index) / exact(count.saturating_sub(1).max(1))
}

/// The least and the greatest of the finite numbers.
fn range(numbers: &[f64]) -> (f64, f64) {
    let finite = || numbers.iter().copied().filter(|number| number.is_finite());
    (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use market::Score;

    use super::*;

    #[test]
    fn a_curve_is_a_table_and_a_picture() {
        let epoch = |number: u32, loss, score| {
            let rate = if number == 0 { 0.0 } else { 0.5 };
            Epoch { number, loss, score: Score(score), rate }
        };
        let curve = [epoch(0, 2.5, 500_000), epoch(1, 1.25, 750_000)];
        let folder = tempfile::tempdir().unwrap();
        for name in ["curve", "curve.csv", "curve.svg"] {
            let written = write(&folder.path().join(name), &curve, true).unwrap();
            assert_eq!(written, ["curve.csv", "curve.svg"].map(|name| folder.path().join(name)));
        }
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let expected = "epoch,loss,score_ppm,learning_rate\n0,2.5,500000,0\n1,1.25,750000,0.5\n";
        assert_eq!(read("curve.csv"), expected);
        let svg = read("curve.svg");
        assert!(svg.contains("points=\"56.0,56.0 584.0,264.0\""), "{svg}");
        assert!(svg.contains("base model 50.000 %") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
