//! Hostile models: each is refused for its own reason, and none panics or exhausts memory.

use std::slice::from_ref;

use eval::{
    ConstantRefused, Cost, Dataset, Features, Label, Labels, Model, ModelRefused, NodeId,
    NodeRefused, Part, Shape, Sizes, limits, report,
};
use market::{Metric, Work};
use proptest::prelude::*;

use crate::{
    measure, models,
    onnx::{
        bytes, float, initializer, integer, integer_attribute, integers_attribute, model, model_at,
        node, port, ports, tensor, weights, whole,
    },
    read,
};

/// `Relu` from `x` to `y`.
fn relu() -> Vec<u8> {
    node("Relu", &["x"], "y", &[])
}

fn shape(sizes: &[usize]) -> Sizes {
    Shape::new(sizes).unwrap().into()
}

/// The refusal of the node at this index.
fn at(index: u32, operator: &str, reason: NodeRefused) -> ModelRefused {
    let name = Label::from(format!("the {operator}").as_str());
    ModelRefused::Node { node: NodeId { index, operator: operator.into(), name }, reason }
}

fn constant(name: &str, reason: ConstantRefused) -> ModelRefused {
    ModelRefused::Constant { name: name.into(), reason }
}

fn check(cases: &[(&str, Vec<u8>, ModelRefused)]) {
    for (name, file, refused) in cases {
        assert_eq!(Model::from_onnx(file).err(), Some(*refused), "{name}");
    }
}

#[test]
fn honest_files_are_read() {
    for (name, file) in [
        ("a free batch", model(&[relu(), ports(&[-1, 2])])),
        ("an absent batch", model(&[relu(), ports(&[0, 2])])),
        ("single rows", model(&[relu(), ports(&[1, 2])])),
        ("rows of one number", model(&[relu(), ports(&[-1])])),
        (
            "weights listed as inputs",
            model(&[
                node("Add", &["x", "w"], "y", &[]),
                weights("w", &[2], &[1.0, 2.0]),
                port(11, "w", 1, &[2]),
                ports(&[-1, 2]),
            ]),
        ),
        ("all kinds of operators", structure()),
        (
            "an import of no use",
            [
                model(&[relu(), ports(&[-1, 2])]),
                bytes(8, &[bytes(1, b"ai.onnx.ml"), integer(2, 1)].concat()),
            ]
            .concat(),
        ),
    ] {
        assert_eq!(Model::from_onnx(&file).err(), None, "{name}");
    }
}

#[test]
fn files_are_refused() {
    use ModelRefused as Refused;
    let graph = [relu(), ports(&[-1, 2])].concat();
    let good = model(from_ref(&graph));
    let too_many = |part, limit| Refused::TooMany { part, limit };
    let imports = |imports: &[Vec<u8>]| [bytes(7, &graph), imports.concat()].concat();
    let large = vec![0; limits::MODEL_BYTES + 1];
    let domains = (0..17_u8).map(|domain| bytes(8, &bytes(1, &[b'a' + domain])));
    let domains = domains.collect::<Vec<_>>();
    check(&[
        ("nothing", vec![], Refused::Opset { version: 0 }),
        ("no graph", bytes(8, &integer(2, 17)), Refused::Malformed(Part::Model)),
        (
            "too large",
            large,
            Refused::TooLarge { bytes: limits::MODEL_BYTES + 1, limit: limits::MODEL_BYTES },
        ),
        ("not protobuf", b"\xff\xff\xff".to_vec(), Refused::Malformed(Part::Model)),
        ("cut off", good[..good.len() - 1].to_vec(), Refused::Malformed(Part::Model)),
        ("a group", [good.clone(), vec![0x1b]].concat(), Refused::Malformed(Part::Model)),
        ("two graphs", [good.clone(), bytes(7, &graph)].concat(), Refused::Malformed(Part::Model)),
        ("training", [good, bytes(20, b"")].concat(), Refused::Unsupported(Part::TrainingInfo)),
        ("no opset", imports(&[]), Refused::Opset { version: 0 }),
        ("an old opset", model_at(6, from_ref(&graph)), Refused::Opset { version: 6 }),
        ("a future opset", model_at(29, from_ref(&graph)), Refused::Opset { version: 29 }),
        (
            "two opsets",
            imports(&[bytes(8, &integer(2, 17)), bytes(8, &integer(2, 18))]),
            Refused::Malformed(Part::OpsetImport),
        ),
        ("opsets without end", imports(&domains), too_many(Part::OpsetImport, 16)),
        ("nodes without end", model(&vec![bytes(1, b""); 1_025]), too_many(Part::Nodes, 1_024)),
        (
            "weights without end",
            model(&vec![weights("", &[], &[0.0]); 1_025]),
            too_many(Part::Initializers, 1_024),
        ),
        ("inputs without end", model(&vec![bytes(11, b""); 1_153]), too_many(Part::Ports, 1_152)),
        ("sparse weights", model(&[bytes(15, b"")]), Refused::Unsupported(Part::SparseTensors)),
        (
            "a node's inputs without end",
            model(&[node("Concat", &["x"; 513], "y", &[])]),
            too_many(Part::NodeInputs, 512),
        ),
        (
            "attributes without end",
            model(&[node("Relu", &["x"], "y", &vec![bytes(5, b""); 49])]),
            too_many(Part::Attributes, 48),
        ),
        (
            "a list without end",
            model(&[node(
                "Relu",
                &["x"],
                "y",
                &[integers_attribute("a", &vec![1; (1 << 20) + 1])],
            )]),
            too_many(Part::ListElements, 1 << 20),
        ),
        (
            "a branch that depends on the rows",
            model(&[node("If", &["x"], "y", &[bytes(5, &bytes(6, b""))]), ports(&[-1, 2])]),
            at(0, "If", NodeRefused::Condition),
        ),
        (
            "a string that is an integer",
            model(&[bytes(1, &integer(4, 1))]),
            Refused::Malformed(Part::Node),
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn graphs_are_refused() {
    use ModelRefused as Refused;
    use NodeRefused as Reason;
    let domain = bytes(7, b"com.example");
    let undefined = |name: &str| Reason::UndefinedInput(name.into());
    let ports = ports(&[-1, 2]);
    check(&[
        (
            "an unknown operator",
            model(&[node("Unheard", &["x"], "y", &[]), ports.clone()]),
            at(0, "Unheard", Reason::UnknownOperator),
        ),
        (
            "a custom operator",
            model(&[node("Relu", &["x"], "y", &[domain]), ports.clone()]),
            at(0, "Relu", Reason::Domain("com.example".into())),
        ),
        (
            "a dangling edge",
            model(&[node("Relu", &["z"], "y", &[]), ports.clone()]),
            at(0, "Relu", undefined("z")),
        ),
        (
            "a loop",
            model(&[node("Relu", &["y"], "y", &[]), ports.clone()]),
            at(0, "Relu", undefined("y")),
        ),
        (
            "a cycle",
            model(&[
                node("Add", &["x", "b"], "a", &[]),
                node("Relu", &["a"], "b", &[]),
                node("Relu", &["b"], "y", &[]),
                ports.clone(),
            ]),
            at(0, "Add", undefined("b")),
        ),
        (
            "a mask that is used",
            model(&[
                bytes(
                    1,
                    &[bytes(1, b"x"), bytes(2, b"d"), bytes(2, b"m"), bytes(4, b"Dropout")]
                        .concat(),
                ),
                node("Relu", &["m"], "y", &[]),
                ports.clone(),
            ]),
            at(1, "Relu", Reason::NotReal(0)),
        ),
        (
            "an output made twice",
            model(&[relu(), relu(), ports.clone()]),
            at(1, "Relu", Reason::OutputTwice("y".into())),
        ),
        (
            "an output that is the input",
            model(&[node("Relu", &["x"], "x", &[]), ports.clone()]),
            Refused::Output("y".into()),
        ),
        (
            "no output",
            model(&[node("Relu", &["x"], "", &[]), ports.clone()]),
            at(0, "Relu", Reason::NoOutput),
        ),
        (
            "an empty constant",
            model(&[node("Constant", &[], "y", &[]), ports.clone()]),
            at(0, "Constant", Reason::AttributeMissing("value".into())),
        ),
        (
            "a weight given twice",
            model(&[relu(), weights("w", &[], &[0.0]), weights("w", &[], &[0.0]), ports.clone()]),
            Refused::NameTwice("w".into()),
        ),
        (
            "a weight without name",
            model(&[relu(), weights("", &[], &[0.0]), ports.clone()]),
            Refused::NameTwice("".into()),
        ),
        ("no ports", model(&[relu()]), Refused::Ports { inputs: 0, outputs: 0 }),
        (
            "two inputs",
            model(&[relu(), port(11, "z", 1, &[-1]), ports.clone()]),
            Refused::Ports { inputs: 2, outputs: 1 },
        ),
        (
            "an output that nothing makes",
            model(&[node("Relu", &["x"], "z", &[]), ports]),
            Refused::Output("y".into()),
        ),
    ]);
}

#[test]
fn shapes_are_refused() {
    use ModelRefused as Refused;
    use NodeRefused as Reason;
    let input = |element, sizes: &[i64]| {
        model(&[relu(), port(11, "x", element, sizes), port(12, "y", 1, &[])])
    };
    let refused = Refused::Input("x".into());
    let reshape = |to: &[i64]| {
        model(&[node("Reshape", &["x", "s"], "y", &[]), whole("s", to), ports(&[-1, 2])])
    };
    let product = |rows: usize, columns: usize| {
        let sizes = [rows, columns].map(|size| i64::try_from(size).unwrap());
        model(&[
            node("MatMul", &["x", "w"], "h", &[]),
            node("Relu", &["h"], "y", &[]),
            weights("w", &sizes, &vec![0.5; rows * columns]),
            ports(&[-1, 1]),
        ])
    };
    let product_of_many = model(&[node("MatMul", &["x", "x"], "y", &[]), ports(&[-1, 2, 2])]);
    check(&[
        ("an input of text", input(8, &[-1, 2]), refused),
        ("an input without shape", input(1, &[]), refused),
        ("a second free size", input(1, &[-1, -1]), refused),
        ("a batch that is too large", input(1, &[257, 2]), refused),
        ("an absurd size", input(1, &[-1, 1 << 60]), refused),
        ("sizes whose product overflows", input(1, &[-1, 1 << 24, 1 << 24, 1 << 24]), refused),
        ("more dimensions than there can be", input(1, &[-1, 1, 1, 1, 1, 1, 1]), refused),
        (
            "an input as large as there can be",
            input(1, &[-1, 1 << 23]),
            Refused::Memory { rows: 1, bytes: 4 << 25, limit: 32 << 20 },
        ),
        ("more elements than there can be", input(1, &[1, 1 << 24]), refused),
        ("an output of three dimensions", product_of_many, Refused::Output("".into())),
        (
            "a shape for one row only",
            reshape(&[1, 2]),
            at(0, "Reshape", Reason::Shape(shape(&[64, 2]))),
        ),
        ("rows made into numbers", reshape(&[1, -1]), Refused::Output("".into())),
        (
            "a shape that comes from data",
            model(&[node("Reshape", &["x", "x"], "y", &[]), ports(&[-1, 2])]),
            at(0, "Reshape", Reason::NotWhole(1)),
        ),
        (
            "whole numbers as answers",
            model(&[relu(), whole("w", &[1]), port(11, "x", 1, &[-1, 2]), port(12, "w", 7, &[])]),
            Refused::Output("".into()),
        ),
        (
            "factors that do not fit",
            product(2, 1),
            at(0, "MatMul", Reason::Shapes(shape(&[1, 1]), shape(&[2, 1]))),
        ),
        (
            "a huge product",
            product(1, 4_000_000),
            Refused::Memory { rows: 1, bytes: 64_000_000, limit: 32 << 20 },
        ),
    ]);
}

#[test]
fn weights_are_refused() {
    use ConstantRefused as Reason;
    let add = || node("Add", &["x", "w"], "y", &[]);
    let with = |initializer: Vec<u8>| model(&[add(), initializer, ports(&[-1, 2])]);
    let raw = |sizes: &[i64], data_type, raw: &[u8]| {
        with(initializer("w", &tensor(sizes, data_type, raw)))
    };
    let external = [tensor(&[1], 1, &[]), integer(14, 1)].concat();
    let floats = [integer(1, 2), integer(2, 1), float(4, 1.0), float(4, f32::NAN)].concat();
    let value = bytes(5, &tensor(&[2], 1, &[0; 4]));
    let attribute = bytes(5, &[bytes(1, b"value"), value, integer(20, 4)].concat());
    check(&[
        (
            "not a number",
            with(weights("w", &[2], &[0.0, f32::NAN])),
            constant("w", Reason::NotFinite(1)),
        ),
        (
            "infinite",
            with(weights("w", &[1], &[f32::NEG_INFINITY])),
            constant("w", Reason::NotFinite(0)),
        ),
        (
            "not a number, the long way",
            with(initializer("w", &floats)),
            constant("w", Reason::NotFinite(1)),
        ),
        ("text", raw(&[1], 8, &[]), constant("w", Reason::DataType(8))),
        ("too few", raw(&[2], 1, &[0; 4]), constant("w", Reason::Length)),
        ("too many", raw(&[], 1, &[0; 8]), constant("w", Reason::Length)),
        ("not whole", raw(&[1], 7, &[0; 9]), constant("w", Reason::Length)),
        ("none", raw(&[0], 1, &[]), at(0, "Add", NodeRefused::Shape(Sizes::from(&[0][..])))),
        ("a negative size", raw(&[-1], 1, &[]), constant("w", Reason::Shape)),
        ("a promise of much", raw(&[1 << 22], 1, &[]), constant("w", Reason::Length)),
        ("a promise of too much", raw(&[i64::MAX, i64::MAX], 1, &[]), constant("w", Reason::Shape)),
        ("many flags", raw(&[1], 9, &[0; 1 << 20]), constant("w", Reason::Length)),
        ("in another file", with(initializer("w", &external)), constant("w", Reason::External)),
        (
            "in a node",
            model(&[node("Constant", &[], "w", &[attribute]), add(), ports(&[-1, 2])]),
            at(0, "Constant", NodeRefused::Constant(Reason::Length)),
        ),
        (
            "sizes without end",
            raw(&[1; 9], 1, &[]),
            ModelRefused::TooMany { part: Part::Dimensions, limit: 8 },
        ),
    ]);
}

#[test]
fn a_row_that_costs_too_much_is_refused() {
    let attributes =
        [integers_attribute("pads", &[255, 255, 256, 256]), integer_attribute("group", 1)];
    let file = model(&[
        node("Conv", &["x", "w"], "c", &attributes),
        node("Flatten", &["c"], "y", &[]),
        weights("w", &[1, 1, 512, 512], &[0.5; 512 * 512]),
        ports(&[-1, 1, 512, 1_024]),
    ]);
    check(&[("a convolution", file, ModelRefused::CostLimitExceeded { limit: 1 << 36 })]);
}

/// A model with as many operators and attributes, and as few weights, as is reasonable.
fn structure() -> Vec<u8> {
    let kernel = [
        integers_attribute("kernel_shape", &[2, 2]),
        integers_attribute("strides", &[1, 1]),
        integers_attribute("pads", &[1, 0, 0, 1]),
    ];
    let axis = |axis| [integer_attribute("axis", axis)];
    model(&[
        node("Transpose", &["x"], "t", &[integers_attribute("perm", &[0, 3, 1, 2])]),
        node("Conv", &["t", "w"], "c", &kernel),
        node("BatchNormalization", &["c", "v", "v", "v", "v"], "b", &[]),
        node("MaxPool", &["b"], "m", &kernel),
        node("AveragePool", &["b"], "a", &kernel),
        node("Concat", &["m", "a"], "d", &axis(1)),
        node("Reshape", &["d", "s"], "e", &[]),
        node("Gemm", &["e", "g", "v"], "h", &[integer_attribute("transB", 0)]),
        node("Add", &["h", "v"], "i", &[]),
        node("Softmax", &["i"], "y", &axis(-1)),
        weights("w", &[2, 1, 2, 2], &[0.5; 8]),
        weights("v", &[2], &[0.5; 2]),
        weights("g", &[16, 2], &[0.5; 32]),
        whole("s", &[-1, 16]),
        ports(&[-1, 2, 2, 1]),
    ])
}

/// Whether it is cheap enough to run thousands of times.
fn is_cheap(cost: Cost) -> bool {
    cost.work() < Work(10_000_000)
}

/// The peak memory of this process, in bytes.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Models with bytes changed anywhere: refused or run, without a panic or a cost in memory.
    #[test]
    fn changed_models_do_no_harm(
        which in 0_usize..28,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        // Half of the cases use a model that is all structure, with hardly a weight.
        let mut file = models().get(which).map_or_else(structure, |(model, _)| read(model));
        for (offset, byte) in changes {
            let offset = offset.index(file.len());
            file[offset] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        if let Ok(model) = Model::from_onnx(&file) && model.cost(3).is_ok_and(is_cheap) {
            let features = Features::Real(vec![0.5; 3 * model.row().elements()]);
            let labels = Labels::Classes(vec![0, 1, 0]);
            let dataset = Dataset::new(model.row(), features, labels).unwrap();
            let measure = measure(&model, Metric::LogLoss);
            report::evaluate(&model, &dataset, measure, &mut |_, _| {}).ok();
        }
        prop_assert!(peak_memory() < 512 << 20);
    }

    /// Real datasets with bytes changed anywhere.
    #[test]
    fn changed_datasets_do_no_harm(
        which in 0_usize..3,
        changes in prop::collection::vec((0_usize..400, any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let folder = ["diabetes", "digits", "health"][which];
        let mut file = read(&format!("{folder}/holdout.safetensors"));
        for (offset, byte) in changes {
            // The header, and a few features.
            file[offset] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        if let Ok(dataset) = Dataset::from_safetensors(&file) {
            prop_assert!(dataset.rows() * dataset.row().elements() <= file.len());
        }
        prop_assert!(peak_memory() < 512 << 20);
    }
}
