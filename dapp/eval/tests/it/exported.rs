//! Graphs as exporters write them: several outputs, dead parts, shapes computed from shapes,
//! functions, branches, other element types, fixed batches.

use eval::{Model, ModelRefused, trace::trace};

use crate::onnx::{
    bytes, float_attribute, initializer, integer, integer_attribute, model, node, port, ports,
    tensor, weights, whole,
};

/// Answers to rows of two numbers.
fn answers(file: &[u8], rows: &[f32]) -> Vec<f32> {
    let model = Model::from_onnx(file).unwrap();
    trace(&model, rows, &mut |_| {}).unwrap()
}

const ROWS: [f32; 6] = [1.0, -2.0, 3.0, 4.0, -5.0, 6.0];

fn relu() -> Vec<u8> {
    node("Relu", &["x"], "y", &[])
}

/// A graph with these imports.
fn importing(parts: &[Vec<u8>], imports: &[(&str, i64)]) -> Vec<u8> {
    let import = |(domain, version): &(&str, i64)| {
        bytes(8, &[bytes(1, domain.as_bytes()), integer(2, *version)].concat())
    };
    let imports = imports.iter().flat_map(import).collect::<Vec<_>>();
    [integer(1, 10), bytes(7, &parts.concat()), imports].concat()
}

/// A node of another domain.
fn node_in(domain: &str, operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| bytes(1, input.as_bytes())).collect::<Vec<_>>();
    let fields = [
        inputs,
        bytes(2, output.as_bytes()),
        bytes(4, operator.as_bytes()),
        bytes(7, domain.as_bytes()),
    ];
    bytes(1, &fields.concat())
}

#[test]
fn imports_are_taken_as_exporters_write_them() {
    let parts = [relu(), ports(&[-1, 2])];
    let expected = [1.0, 0.0, 3.0, 4.0, 0.0, 6.0];
    for imports in [
        &[("", 17), ("", 17)][..],
        &[("ai.onnx", 17)],
        &[("", 27), ("com.microsoft", 1)],
        &[("ai.onnx.ml", 1)],
    ] {
        assert_eq!(answers(&importing(&parts, imports), &ROWS), expected, "{imports:?}");
    }
}

#[test]
fn probabilities_are_taken_before_labels() {
    let file = model(&[
        node("ArgMax", &["x"], "label", &[integer_attribute("axis", 1)]),
        node("Softmax", &["x"], "p", &[]),
        port(11, "x", 1, &[-1, 2]),
        port(12, "label", 7, &[-1, 1]),
        port(12, "p", 1, &[-1, 2]),
    ]);
    let sums = answers(&file, &ROWS);
    assert_eq!(sums.len(), 6);
    assert!((sums[0] + sums[1] - 1.0).abs() < 1e-6);
}

#[test]
fn labels_alone_are_numbers() {
    let attributes = [integer_attribute("axis", 1), integer_attribute("keepdims", 0)];
    let file = model(&[
        node("ArgMax", &["x"], "y", &attributes),
        port(11, "x", 1, &[-1, 2]),
        port(12, "y", 7, &[-1]),
    ]);
    assert_eq!(answers(&file, &ROWS), [0.0, 1.0, 1.0]);
}

#[test]
fn what_the_output_does_not_need_is_ignored() {
    let text = [integer(1, 1), integer(2, 8), bytes(6, b"a text")].concat();
    let file = model(&[
        node("Unheard", &["x"], "dead", &[]),
        relu(),
        initializer("unused", &text),
        initializer("half", &tensor(&[2], 10, &[0; 4])),
        whole("long", &[7; 512]),
        ports(&[-1, 2]),
    ]);
    assert_eq!(answers(&file, &ROWS), [1.0, 0.0, 3.0, 4.0, 0.0, 6.0]);
}

#[test]
fn shapes_are_computed_from_shapes() {
    let file = model(&[
        node("Shape", &["x"], "s", &[]),
        node("Gather", &["s", "zero"], "rows", &[]),
        node("Unsqueeze", &["rows", "zeros"], "r", &[]),
        node("Concat", &["r", "rest"], "to", &[integer_attribute("axis", 0)]),
        node("Reshape", &["x", "to"], "y", &[]),
        initializer("zero", &tensor(&[], 7, &[0; 8])),
        whole("zeros", &[0]),
        whole("rest", &[-1]),
        ports(&[-1, 2, 1]),
    ]);
    assert_eq!(answers(&file, &ROWS), ROWS);
}

#[test]
fn inputs_and_weights_of_f64_are_cast() {
    let double = [2.0_f64, 0.5].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let file = model(&[
        node("Mul", &["x", "w"], "y", &[]),
        initializer("w", &tensor(&[2], 11, &double)),
        port(11, "x", 11, &[-1, 2]),
        port(12, "y", 11, &[-1, 2]),
    ]);
    assert_eq!(answers(&file, &ROWS), [2.0, -1.0, 6.0, 2.0, -10.0, 3.0]);
    let file = model(&[
        node("Cast", &["w"], "f", &[integer_attribute("to", 1)]),
        node("Mul", &["x", "f"], "y", &[]),
        initializer("w", &tensor(&[2], 11, &double)),
        ports(&[-1, 2]),
    ]);
    assert_eq!(answers(&file, &ROWS), [2.0, -1.0, 6.0, 2.0, -10.0, 3.0]);
}

#[test]
fn batches_that_the_file_fixes_are_filled() {
    let file = model(&[relu(), ports(&[2, 2])]);
    assert_eq!(Model::from_onnx(&file).unwrap().batch_rows(), 2);
    assert_eq!(answers(&file, &ROWS), [1.0, 0.0, 3.0, 4.0, 0.0, 6.0]);
}

#[test]
fn functions_are_put_in_place() {
    let body = node("LeakyRelu", &["in"], "out", &[bytes(5, &reference())]);
    let function = [
        bytes(1, b"Bend"),
        bytes(4, b"in"),
        bytes(5, b"out"),
        bytes(6, b"slope"),
        // The node's field has another number in a function.
        bytes(7, &body[2..]),
        bytes(9, &integer(2, 17)),
        bytes(10, b"my"),
    ];
    let call = {
        let attribute = float_attribute("slope", 0.5);
        let node = node_in("my", "Bend", &["x"], "y");
        bytes(1, &[&node[2..], &attribute].concat())
    };
    let parts = [call, ports(&[-1, 2])];
    let file = importing(&parts, &[("", 17), ("my", 1)]);
    let file = [file, bytes(25, &function.concat())].concat();
    assert_eq!(answers(&file, &ROWS), [1.0, -1.0, 3.0, 4.0, -2.5, 6.0]);
}

/// The attribute `alpha`, which is the call's `slope`.
fn reference() -> Vec<u8> {
    [bytes(1, b"alpha"), integer(20, 1), bytes(21, b"slope")].concat()
}

#[test]
fn functions_that_call_each_other_without_end_are_refused() {
    let call = node_in("my", "Loop", &["in"], "out");
    let function = [
        bytes(1, b"Loop"),
        bytes(4, b"in"),
        bytes(5, b"out"),
        bytes(7, &call[2..]),
        bytes(9, &integer(2, 17)),
        bytes(10, b"my"),
    ];
    let parts = [node_in("my", "Loop", &["x"], "y"), ports(&[-1, 2])];
    let file = importing(&parts, &[("", 17), ("my", 1)]);
    let file = [file, bytes(25, &function.concat())].concat();
    assert!(matches!(Model::from_onnx(&file), Err(ModelRefused::TooMany { .. })));
}

#[test]
fn branches_whose_condition_is_known_are_put_in_place() {
    let branch = |operator: &str, name: &str| {
        let graph = [node(operator, &["x"], "b", &[]), port(12, "b", 1, &[-1, 2])].concat();
        bytes(5, &[bytes(1, name.as_bytes()), bytes(6, &graph), integer(20, 5)].concat())
    };
    let branches = [branch("Relu", "then_branch"), branch("Neg", "else_branch")];
    for (flag, expected) in [(1, [1.0, 0.0]), (0, [-1.0, 2.0])] {
        let file = model(&[
            node("If", &["c"], "y", &branches),
            initializer("c", &tensor(&[], 9, &[flag])),
            ports(&[-1, 2]),
        ]);
        assert_eq!(answers(&file, &ROWS)[..2], expected);
    }
}

#[test]
fn infinite_constants_are_for_operators_that_take_them() {
    let file = model(&[
        node("Max", &["x", "w"], "y", &[]),
        weights("w", &[1], &[f32::NEG_INFINITY]),
        ports(&[-1, 2]),
    ]);
    assert_eq!(answers(&file, &ROWS), ROWS);
}

/// A graph inside of a node.
fn body(parts: &[Vec<u8>]) -> Vec<u8> {
    bytes(5, &[bytes(1, b"body"), bytes(6, &parts.concat()), integer(20, 5)].concat())
}

/// A `Loop` that adds the input to itself this many times.
fn looping(times: i64) -> Vec<u8> {
    let parts = [
        node("Add", &["sum", "x"], "next", &[]),
        node("Identity", &["on"], "still", &[]),
        port(11, "time", 7, &[]),
        port(11, "on", 9, &[]),
        port(11, "sum", 1, &[-1, 2]),
        port(12, "still", 9, &[]),
        port(12, "next", 1, &[-1, 2]),
    ];
    model(&[
        node("Loop", &["times", "", "x"], "y", &[body(&parts)]),
        whole("times", &[times]),
        ports(&[-1, 2]),
    ])
}

#[test]
fn loops_run_as_often_as_is_known() {
    assert_eq!(answers(&looping(2), &ROWS), ROWS.map(|x| 3.0 * x));
    assert_eq!(answers(&looping(0), &ROWS), ROWS);
    let refused = Model::from_onnx(&looping(i64::MAX));
    assert!(matches!(refused, Err(ModelRefused::TooMany { .. })), "{:?}", refused.err());
}

#[test]
fn scans_go_through_a_list() {
    let parts = [
        node("Add", &["sum", "each"], "next", &[]),
        node("Sub", &["next", "x"], "seen", &[]),
        port(11, "sum", 1, &[-1, 2]),
        port(11, "each", 1, &[2]),
        port(12, "next", 1, &[-1, 2]),
        port(12, "seen", 1, &[-1, 2]),
    ];
    let file = model(&[
        node("Scan", &["x", "list"], "y", &[body(&parts), integer_attribute("num_scan_inputs", 1)]),
        weights("list", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ports(&[-1, 2]),
    ]);
    assert_eq!(answers(&file, &ROWS), [10.0, 10.0, 12.0, 16.0, 4.0, 18.0]);
}

#[test]
fn all_obstacles_are_found_at_once() {
    let file = model(&[
        node("Unheard", &["x"], "a", &[]),
        node("Relu", &["a"], "b", &[]),
        node("Softmax", &["x"], "c", &[integer_attribute("axis", 7)]),
        node("Concat", &["b", "c", "d"], "y", &[integer_attribute("axis", 1)]),
        node("Other", &["x"], "d", &[]),
        ports(&[-1, 2]),
    ]);
    let found = eval::obstacles(&file).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(found.len() >= 2, "{found:?}");
    assert!(found[0].contains("Unheard"), "{found:?}");
    assert!(eval::obstacles(&looping(1)).is_empty());
}

#[cfg(feature = "train")]
#[test]
fn packing_leaves_out_what_is_not_needed() {
    let beside = [
        integer(1, 2),
        integer(2, 1),
        bytes(8, b"far"),
        bytes(13, &[bytes(1, b"location"), bytes(2, b"file.data")].concat()),
        bytes(13, &[bytes(1, b"offset"), bytes(2, b"4")].concat()),
        integer(14, 1),
    ];
    let file = model(&[
        node("Mul", &["x", "far"], "a", &[]),
        node("Mul", &["a", "near"], "b", &[]),
        node("Add", &["b", "same"], "y", &[]),
        node("Unheard", &["x"], "dead", &[]),
        bytes(5, &beside.concat()),
        weights("near", &[2], &[2.0, 3.0]),
        weights("same", &[2], &[2.0, 3.0]),
        weights("unused", &[2], &[7.0, 7.0]),
        bytes(10, b"a long story about this graph"),
        ports(&[-1, 2]),
    ]);
    let mut seen = Vec::new();
    let packed = Model::pack(&file, &mut |data| {
        seen.push(data.clone());
        Some([1.0_f32, 0.5].iter().flat_map(|x| x.to_le_bytes()).collect())
    });
    let packed = packed.unwrap();
    assert_eq!((seen[0].path.as_str(), seen[0].offset, seen.len()), ("file.data", 4, 1));
    assert!(packed.len() + 100 < file.len(), "{} {}", packed.len(), file.len());
    assert_eq!(answers(&packed, &ROWS)[..2], [4.0, 0.0]);
    assert_eq!(Model::pack(&packed, &mut |_| None).unwrap(), packed);
}
