//! The bits of every operator and every answer: the same on every computer, in every build, on one
//! thread and many. The test fails if a kernel is chosen by the processor, or a function is
//! implemented differently.
//!
//! `UPDATE_EXPECT=1` rewrites `bits.txt`. The example `bits` prints the same lines.

use std::{collections::BTreeSet, fs, num::NonZeroUsize, path::PathBuf};

use blobs::Digest;
use eval::{
    Dataset, Model, report,
    trace::{Bits, bits_of, trace},
};
use market::Metric;

use crate::{cases, measure, models, read};

#[test]
fn bits_are_the_same_everywhere() {
    let found = cases::lines();
    let expected = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bits.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, &found).unwrap();
    }
    let expected = fs::read_to_string(expected).unwrap_or_default();
    let other = found.lines().filter(|line| !expected.contains(line)).collect::<Vec<_>>();
    assert!(found == expected, "these differ from bits.txt:\n{}", other.join("\n"));
    let names = found.lines().filter_map(|line| line.split_once(' ')).map(|(_, name)| name);
    assert_eq!(names.collect::<BTreeSet<_>>().len(), found.lines().count(), "a name twice");
}

#[test]
fn cases_are_written_for_others() {
    let folder = std::env::temp_dir().join(format!("deml-cases-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    cases::write(&folder).unwrap();
    let files = fs::read_dir(&folder).unwrap().count();
    fs::remove_dir_all(&folder).unwrap();
    let bits = include_str!("../bits.txt");
    assert_eq!(files, 2 * bits.lines().count());
}

#[test]
fn threads_change_no_bit() {
    for (model, data) in models() {
        let file = Model::from_onnx(&read(&model)).unwrap();
        let dataset = Dataset::from_safetensors(&read(&data)).unwrap();
        let metric =
            if dataset.classes() == 0 { Metric::MeanSquaredError } else { Metric::LogLoss };
        let report = |threads| {
            let threads = NonZeroUsize::new(threads).unwrap();
            report::evaluate_on(threads, &file, &dataset, measure(&file, metric), &mut |_, _| {})
                .unwrap()
        };
        let (one, four) = (report(1), report(4));
        let bits = |answers: &[f32]| answers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&one.answers), bits(&four.answers), "{model}");
        assert_eq!(one, four, "{model}");
    }
}

#[test]
fn a_trace_shows_what_each_node_made() {
    let model = Model::from_onnx(&read("digits/torch-base.onnx")).unwrap();
    let dataset = Dataset::from_safetensors(&read("digits/holdout.safetensors")).unwrap();
    let rows = dataset.features(0..dataset.rows());
    let nodes = report::summary(&model).nodes;
    let mut made = vec![Vec::new(); nodes.len()];
    let answers = trace(&model, &rows, &mut |node| {
        assert_eq!(node.first_row % model.batch_rows(), 0);
        assert_eq!(node.shape.elements(), node.elements.len());
        made[node.place].extend(node.elements.iter().flat_map(|x| x.to_bits().to_le_bytes()));
    });
    let report = report::evaluate(&model, &dataset, Metric::Accuracy, &mut |_, _| {}).unwrap();
    assert_eq!(answers.unwrap(), report.answers);

    let bits = Bits::of(&model, &rows).unwrap();
    assert_eq!(bits.layers.len(), nodes.iter().filter(|node| node.output.is_some()).count());
    for layer in &bits.layers {
        let index = nodes.iter().position(|node| node.node == layer.node).unwrap();
        assert_eq!(nodes[index].output, Some(layer.output));
        assert_eq!(layer.digest, Digest::of(&made[index]), "{}", layer.node);
    }
    assert_eq!(bits.layers.last().unwrap().digest, bits.answers);
    // An incomplete row is left out.
    assert_eq!(
        Bits::of(&model, &rows[..rows.len() - 1]),
        Bits::of(&model, &rows[..rows.len() - 64])
    );
}

#[test]
fn every_nan_counts_as_one() {
    let nans = [f32::NAN, -f32::NAN, f32::from_bits(0xffa5_5a5a), f32::from_bits(0x7f80_0001)];
    assert_eq!(nans.map(bits_of), [0x7fc0_0000; 4]);
    assert_eq!([-0.0, f32::INFINITY].map(bits_of), [0x8000_0000, 0x7f80_0000]);
}
