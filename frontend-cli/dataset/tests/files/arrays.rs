//! NumPy's files and safetensors.

use std::io::{Cursor, Write as _};

use half::f16;

use super::*;

/// An array as NumPy writes it.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        archive
            .start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn all_features() -> impl Iterator<Item = f32> {
    (0..ROWS).flat_map(features)
}

fn x() -> Vec<u8> {
    npy("<f4", "(24, 3)", &all_features().flat_map(f32::to_le_bytes).collect::<Vec<_>>())
}

fn y() -> Vec<u8> {
    npy(
        "<i8",
        "(24,)",
        &(0..ROWS).flat_map(|row| i64::from(class(row)).to_le_bytes()).collect::<Vec<_>>(),
    )
}

#[test]
fn a_matrix_is_a_table_without_names() {
    let row = |row: u8| [&features(row)[..], &[class(row).into()]].concat();
    let data: Vec<_> =
        (0..ROWS).flat_map(row).flat_map(|number| f64::from(number).to_le_bytes()).collect();
    assert_table(&file("all.npy", npy("<f8", "(24, 4)", &data)), &Options::default());
    assert_refused(&file("y.npy", y()), &Options::default(), &["--label FILE.npy"]);
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("y.npy");
    std::fs::write(&labels, y()).unwrap();
    assert_table(&file("x.npy", x()), &options(labels.to_str().unwrap(), "", ""));
}

#[test]
fn archives_of_arrays_are_read_by_their_names() {
    assert_table(&file("named.npz", npz(&[("X", x()), ("y", y())])), &Options::default());
    assert_table(&file("unnamed.npz", npz(&[("arr_0", x()), ("arr_1", y())])), &Options::default());
    let four = npz(&[
        ("x_train", npy("<f4", "(1, 3)", &[0; 12])),
        ("y_train", npy("|u1", "(1,)", &[0])),
        ("x_test", x()),
        ("y_test", y()),
    ]);
    assert_refused(&file("four.npz", &four), &Options::default(), &["--label", "y_test"]);
    let read = assert_table(&file("four.npz", &four), &options("y_test", "", ""));
    assert_eq!(read.description.notes.len(), 2);
    let short = npz(&[("x", x()), ("y", npy("|u1", "(2,)", &[0, 1]))]);
    assert_refused(&file("short.npz", short), &Options::default(), &["\"x\" has 24 rows"]);
    let hot: Vec<u8> = (0..ROWS).flat_map(|row| [1 - class(row), class(row)]).collect();
    assert_table(
        &file("hot.npz", npz(&[("x", x()), ("y", npy("|u1", "(24, 2)", &hot))])),
        &Options::default(),
    );
    let words: Vec<u8> =
        (0..ROWS).flat_map(|row| [[b'a' + class(row), 0, 0, 0]].concat()).collect();
    let read = assert_table(
        &file("words.npz", npz(&[("x", x()), ("y", npy("<U1", "(24,)", &words))])),
        &Options::default(),
    );
    assert_eq!(read.classes, ["a", "b"]);
    let image = npz(&[
        ("x", npy("|u1", "(2, 2, 2)", &[0, 1, 2, 3, 4, 5, 6, 255])),
        ("y", npy("|u1", "(2,)", &[0, 1])),
    ]);
    let read = reads(&file("images.npz", image), &Options::default());
    assert_eq!(read.dataset.row().sizes(), [2, 2]);
    assert_eq!(read.dataset.features(1..2), [4.0, 5.0, 6.0, 255.0]);
}

#[test]
fn safetensors_of_every_type_are_read() {
    let container = |x_type: &str, x: &[u8], y_type: &str, y: &[u8]| {
        let header = format!(
            r#"{{"labels":{{"dtype":"{y_type}","shape":[24],"data_offsets":[0,{0}]}},"features":{{"dtype":"{x_type}","shape":[24,3],"data_offsets":[{0},{1}]}}}}"#,
            y.len(),
            y.len() + x.len()
        );
        [&u64::try_from(header.len()).unwrap().to_le_bytes(), header.as_bytes(), y, x].concat()
    };
    let doubles: Vec<u8> =
        all_features().flat_map(|number| f64::from(number).to_le_bytes()).collect();
    let labels =
        |each: &dyn Fn(u8) -> Vec<u8>| (0..ROWS).map(class).flat_map(each).collect::<Vec<_>>();
    let wide = labels(&|class| i32::from(class).to_le_bytes().to_vec());
    assert_table(&file("f64", container("F64", &doubles, "I32", &wide)), &Options::default());
    let floats: Vec<u8> = all_features().flat_map(f32::to_le_bytes).collect();
    let truth = labels(&|class| vec![class]);
    assert_table(&file("f32", container("F32", &floats, "BOOL", &truth)), &Options::default());
    let halves: Vec<u8> =
        all_features().flat_map(|number| f16::from_f32(number).to_le_bytes()).collect();
    let read = reads(&file("f16", container("F16", &halves, "U8", &truth)), &Options::default());
    let rounded: Vec<f32> = all_features().map(|number| f16::from_f32(number).to_f32()).collect();
    assert_eq!(read.dataset.features(0..24), rounded);
}

#[test]
fn missing_features_of_arrays_are_named_by_row() {
    let numbers: Vec<f32> = all_features()
        .enumerate()
        .map(|(at, number)| if at == 4 { f32::NAN } else { number })
        .collect();
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let holed = file("holed.npz", npz(&[("x", npy("<f4", "(24, 3)", &data)), ("y", y())]));
    assert_refused(&holed, &Options::default(), &["row 2, column 2 (`x`): the value is missing"]);
    let zero = Options { impute: Some(dataset::Impute::Zero), ..Options::default() };
    assert_eq!(reads(&holed, &zero).dataset.features(1..2)[1], 0.0);
}
