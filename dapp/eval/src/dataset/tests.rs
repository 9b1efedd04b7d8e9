//! Datasets from files, hostile ones included.

use super::*;

/// A safetensors file with this header and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&u64::try_from(header.len()).unwrap().to_le_bytes(), header.as_bytes(), data].concat()
}

fn header(x_type: &str, x_shape: &str, x_end: usize, y_type: &str, y_end: usize) -> String {
    format!(
        r#"{{"x":{{"dtype":"{x_type}","shape":{x_shape},"data_offsets":[0,{x_end}]}},"y":{{"dtype":"{y_type}","shape":[2],"data_offsets":[{x_end},{y_end}]}}}}"#
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn files_are_read_or_refused() {
    use DatasetRefused as Refused;
    let reals = |numbers: &[f32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    let good = [reals(&[0.5, 1.5]), vec![0, 1]].concat();
    let scaled = |metadata: &str| {
        file(&header("U8", "[2,1]", 2, "U8", 4).replacen('{', &format!("{{{metadata}"), 1), &[9; 4])
    };
    let cases = [
        ("good", file(&header("F32", "[2,1]", 8, "U8", 10), &good), None),
        ("empty", vec![], Some(Refused::Malformed)),
        ("header too long", (1_u64 << 40).to_le_bytes().to_vec(), Some(Refused::Malformed)),
        (
            "truncated",
            file(&header("F32", "[2,1]", 8, "U8", 10), &good[1..]),
            Some(Refused::Malformed),
        ),
        (
            "no y",
            file(r#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, &[0]),
            Some(Refused::Missing("y".into())),
        ),
        ("x without rows", file(&header("U8", "[]", 1, "U8", 3), &[0; 3]), Some(Refused::Shape)),
        (
            "x with other rows",
            file(&header("F32", "[1,2]", 8, "U8", 10), &good),
            Some(Refused::Shape),
        ),
        ("absurd row", file(&header("U8", "[2,0]", 0, "U8", 2), &[0; 2]), Some(Refused::Shape)),
        (
            "x of i64",
            file(&header("I64", "[2]", 16, "U8", 18), &[0; 18]),
            Some(Refused::Type("x".into())),
        ),
        (
            "y of i32",
            file(&header("F32", "[2]", 8, "I32", 16), &[0; 16]),
            Some(Refused::Type("y".into())),
        ),
        (
            "no scale",
            file(&header("U8", "[2]", 2, "U8", 4), &[0; 4]),
            Some(Refused::Metadata("scale".into())),
        ),
        (
            "infinite scale",
            scaled(r#""__metadata__":{"scale":"inf","offset":"0"},"#),
            Some(Refused::Metadata("scale".into())),
        ),
        (
            "overflowing scale",
            scaled(r#""__metadata__":{"scale":"3e38","offset":"0"},"#),
            Some(Refused::FeatureNotFinite { row: 0 }),
        ),
        (
            "nan",
            file(
                &header("F32", "[2,1]", 8, "U8", 10),
                &[reals(&[0.5, f32::NAN]), vec![0, 1]].concat(),
            ),
            Some(Refused::FeatureNotFinite { row: 1 }),
        ),
        (
            "class too high",
            file(
                &header("F32", "[2]", 8, "I64", 24),
                &[reals(&[0.0; 2]), 0_i64.to_le_bytes().to_vec(), 256_i64.to_le_bytes().to_vec()]
                    .concat(),
            ),
            Some(Refused::Label { row: 1 }),
        ),
        (
            "negative class",
            file(
                &header("F32", "[2]", 8, "I64", 24),
                &[reals(&[0.0; 2]), (-1_i64).to_le_bytes().to_vec(), vec![0; 8]].concat(),
            ),
            Some(Refused::Label { row: 0 }),
        ),
        (
            "infinite target",
            file(&header("F32", "[2]", 8, "F32", 16), &reals(&[0.0, 0.0, 1.0, f32::INFINITY])),
            Some(Refused::Label { row: 1 }),
        ),
    ];
    for (name, bytes, refused) in cases {
        assert_eq!(Dataset::from_safetensors(&bytes).err(), refused, "{name}");
    }
}

#[test]
fn bytes_are_scaled() {
    let features = Features::Bytes { bytes: vec![0, 16, 255, 1], scale: 0.0625, offset: -0.5 };
    let row = Shape::new(&[1, 2]).unwrap();
    let dataset = Dataset::new(row, features, Labels::Classes(vec![4, 0])).unwrap();
    assert_eq!(dataset.classes(), 5);
    assert_eq!(dataset.features(0..1), [-0.5, 0.5]);
    assert_eq!(dataset.features(1..9), [15.4375, -0.4375]);
}

#[test]
fn what_is_written_is_read() {
    let row = Shape::new(&[2]).unwrap();
    let bytes = Features::Bytes { bytes: vec![1, 2, 3, 4], scale: 0.1, offset: -1e-7 };
    let reals = Features::Real(vec![1.0, -0.0, 3.5e-20, 4.0]);
    for (features, labels) in
        [(bytes, Labels::Classes(vec![0, 3])), (reals, Labels::Targets(vec![0.25, -9.0]))]
    {
        let dataset = Dataset::new(row, features, labels).unwrap();
        let file = dataset.to_safetensors();
        assert_eq!(Dataset::from_safetensors(&file).unwrap(), dataset);
        assert_eq!(dataset.to_safetensors(), file);
    }
}

#[test]
fn other_metadata_are_passed_over() {
    let row = Shape::new(&[1]).unwrap();
    let features = Features::Bytes { bytes: vec![1, 2], scale: 0.5, offset: 0.0 };
    let dataset = Dataset::new(row, features, Labels::Classes(vec![0, 1])).unwrap();
    let names = BTreeMap::from([("classes".to_owned(), "[\"a \\\"b\\\"\",\"é\n\"]".to_owned())]);
    let file = dataset.to_safetensors_with(&names);
    assert_eq!(Dataset::from_safetensors(&file).unwrap(), dataset);
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["classes"], names["classes"]);
    assert_eq!(dataset.to_safetensors_with(&BTreeMap::new()), dataset.to_safetensors());
}
