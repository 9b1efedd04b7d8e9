//! Files as people export them: read right, or refused with a sentence that says what to do.
//!
//! The files are made by the tests, from a table of which every number is known.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod arrays;
mod checks;
mod columnar;
mod images;
mod text;

use std::path::Path;

use dataset::{LabelKind, Options, Source, Understood, read};
use eval::Labels;

/// Rows of the table.
const ROWS: u8 = 24;

/// The features of a row: decimals, large, small and negative.
fn features(row: u8) -> [f32; 3] {
    let number = f32::from(row);
    [number / 8.0 - 1.5, number * number * 100.5 - 7.0, -1.0 / (number + 3.0)]
}

/// The class of a row.
const fn class(row: u8) -> u8 {
    row % 3 % 2
}

/// A file with this name and text.
fn file(name: &str, text: impl AsRef<[u8]>) -> Source {
    Source::from_bytes(Path::new(name), text.as_ref().to_vec()).unwrap()
}

/// Rows of text: the header, and each row with a label made of its class.
fn table(header: &str, separator: &str, label: impl Fn(u8) -> String) -> String {
    let row = |row: u8| {
        let [a, b, c] = features(row);
        [a.to_string(), b.to_string(), c.to_string(), label(class(row))].join(separator)
    };
    let rows = (0..ROWS).map(|at| row(at) + "\n").collect::<String>();
    if header.is_empty() { rows } else { format!("{header}\n{rows}") }
}

fn plain(class: u8) -> String {
    class.to_string()
}

fn reads(source: &Source, options: &Options) -> Understood {
    read(source, options).unwrap_or_else(|why| panic!("{}: {why}", source.path.display()))
}

/// Reads the table from a file, and checks every number.
fn assert_table(source: &Source, options: &Options) -> Understood {
    let read = reads(source, options);
    let all: Vec<f32> = (0..ROWS).flat_map(features).collect();
    let name = source.path.display();
    assert_eq!(read.dataset.features(0..usize::from(ROWS)), all, "{name}");
    let labels = match options.kind {
        LabelKind::Classes => Labels::Classes((0..ROWS).map(class).collect()),
        LabelKind::Targets => Labels::Targets((0..ROWS).map(|row| class(row).into()).collect()),
    };
    assert_eq!(read.dataset.labels(), &labels, "{name}");
    read
}

/// The sentence of a refusal, which contains these parts.
fn assert_refused(source: &Source, options: &Options, parts: &[&str]) {
    let why = read(source, options).expect_err(&source.path.to_string_lossy()).to_string();
    for part in parts {
        assert!(why.contains(part), "{}: {why:?} lacks {part:?}", source.path.display());
    }
}

/// Options that state the label, columns to drop and the classes.
fn options(label: &str, drop: &str, classes: &str) -> Options {
    let list =
        |text: &str| text.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
    Options {
        label: Some(label.to_owned()).filter(|label| !label.is_empty()),
        drop: list(drop),
        classes: list(classes),
        ..Options::default()
    }
}

#[test]
fn the_committed_tables_are_read_whole() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let health = Source::open(&fixtures.join("health/client-a.csv")).unwrap();
    let said = reads(&health, &Options::default()).description.to_string();
    let expected =
        "190 rows, 30 features, label `label` (2 classes: 0, 1), header: yes; text with commas";
    assert_eq!(said, expected);
    let diabetes = Source::open(&fixtures.join("diabetes/client-a.csv")).unwrap();
    let targets = Options { kind: LabelKind::Targets, ..Options::default() };
    let read = reads(&diabetes, &targets);
    assert_eq!(read.dataset.row().elements(), 10);
    assert_refused(&diabetes, &Options::default(), &["--regression"]);
}
