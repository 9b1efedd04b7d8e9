//! Parquet, written by the libraries that people use: `../fixtures/parquet.py` made them.

use super::*;

const SNAPPY: &[u8] = include_bytes!("../fixtures/snappy.parquet");
const PAGES: &[u8] = include_bytes!("../fixtures/pages.parquet");
const NULLS: &[u8] = include_bytes!("../fixtures/nulls.parquet");
const ZSTD: &[u8] = include_bytes!("../fixtures/zstd.parquet");
const NESTED: &[u8] = include_bytes!("../fixtures/nested.parquet");

#[test]
fn tables_are_read_whatever_their_pages() {
    let read = assert_table(&file("snappy.parquet", SNAPPY), &Options::default());
    assert_eq!(read.description.label, "`label`");
    let read = assert_table(&file("pages.parquet", PAGES), &Options::default());
    assert_eq!(read.classes, ["no", "yes"]);
    assert_eq!(
        read.description.notes,
        ["column 5 (`__index_level_0__`) left out: it is an index without a name"]
    );
}

#[test]
fn missing_values_times_and_truth_are_seen() {
    let nulls = file("nulls.parquet", NULLS);
    assert_refused(
        &nulls,
        &Options::default(),
        &["column 5 (`when`): text is not a feature", "--drop when"],
    );
    assert_refused(
        &nulls,
        &options("label", "when", ""),
        &["row 3, column 2 (`b`): the value is missing"],
    );
    let zero = Options { impute: Some(dataset::Impute::Zero), ..options("label", "when", "") };
    let read = reads(&nulls, &zero);
    assert_eq!(read.dataset.features(2..3)[1..], [0.0, features(2)[2], 1.0]);
}

#[test]
fn what_is_not_read_says_what_to_write_instead() {
    assert_refused(&file("zstd.parquet", ZSTD), &Options::default(), &["Zstandard", "snappy"]);
    assert_refused(&file("nested.parquet", NESTED), &Options::default(), &["`c` is nested"]);
}

#[test]
fn damaged_files_are_refused_and_never_panic() {
    let mut refused = 0;
    let mut count = |bytes: Vec<u8>| {
        let read = read(&file("damaged.parquet", bytes), &Options::default());
        refused += usize::from(read.is_err());
    };
    for bytes in [SNAPPY, PAGES, NULLS] {
        for at in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x55;
            count(damaged);
            if at % 16 == 0 {
                count(bytes[..at].to_vec());
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
}
