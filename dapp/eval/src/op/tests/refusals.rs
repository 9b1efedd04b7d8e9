//! The operators' refusals: one row for each reason.

use super::*;

#[test]
fn attributes_that_are_not_supported_are_named() {
    use Attribute::{Float, Integer, Other, Text};
    use NodeRefused as Refused;
    let value = |name: &str| Refused::AttributeValue(name.into());
    let cases: &[(&str, &[Named], NodeRefused)] = &[
        ("Gelu", &[], Refused::UnknownOperator),
        ("Add", &[("axis", Integer(1))], Refused::Attribute("axis".into())),
        ("Gemm", &[("alpha", Float(f32::NAN))], value("alpha")),
        ("Gemm", &[("transB", Integer(2))], value("transB")),
        ("Cast", &[], Refused::AttributeMissing("to".into())),
        ("Concat", &[], Refused::AttributeMissing("axis".into())),
        ("Concat", &[("axis", Other)], value("axis")),
        ("Conv", &[("group", Integer(0))], value("group")),
        ("Conv", &[("auto_pad", Text(b"SOME"))], value("auto_pad")),
        ("Conv", &[("ceil_mode", Integer(1))], Refused::Attribute("ceil_mode".into())),
        ("MaxPool", &[("storage_order", Integer(1))], value("storage_order")),
        ("BatchNormalization", &[("training_mode", Integer(1))], value("training_mode")),
        ("BatchNormalization", &[("spatial", Integer(0))], value("spatial")),
    ];
    for (name, attributes, refused) in cases {
        assert_eq!(operator(name, attributes, 13).err(), Some(*refused), "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn inputs_that_do_not_suit_are_refused() {
    use Attribute::Integer;
    use NodeRefused as Refused;
    let shape = |sizes: &[usize]| Shape::new(sizes).unwrap();
    let dropout = [counting(&[1]), None, whole(&[1])];
    let kernel = [("kernel_shape", integers(&[2, 2]))];
    let wide = [("kernel_shape", integers(&[3, 3])), ("pads", integers(&[3, 0, 0, 0]))];
    let huge = [("kernel_shape", integers(&[1 << 40, 1]))];
    let dilated = [("kernel_shape", integers(&[1, 1])), ("dilations", integers(&[2, 2]))];
    let image = [counting(&[1, 1, 2, 2])];
    let cases: &[(&str, &[Named], &[Given], NodeRefused)] = &[
        ("Relu", &[], &[], Refused::InputCount(0)),
        ("Relu", &[], &[counting(&[1]), counting(&[1])], Refused::InputCount(2)),
        ("Relu", &[], &[None], Refused::InputCount(1)),
        ("Relu", &[], &[whole(&[1])], Refused::NotReal(0)),
        (
            "Add",
            &[],
            &[counting(&[2, 3]), counting(&[2])],
            Refused::shapes(shape(&[2, 3]), shape(&[2])),
        ),
        (
            "MatMul",
            &[],
            &[counting(&[2]), counting(&[2, 1])],
            Refused::shapes(shape(&[2]), shape(&[2, 1])),
        ),
        (
            "MatMul",
            &[],
            &[counting(&[2, 2]), counting(&[1, 2])],
            Refused::shapes(shape(&[2, 2]), shape(&[1, 2])),
        ),
        (
            "Gemm",
            &[],
            &[counting(&[2, 2, 1]), counting(&[1, 2])],
            Refused::shape(shape(&[2, 2, 1])),
        ),
        (
            "Gemm",
            &[],
            &[counting(&[2, 2]), counting(&[2, 1]), counting(&[2, 2])],
            Refused::shapes(shape(&[2, 1]), shape(&[2, 2])),
        ),
        ("Reshape", &[], &[counting(&[4]), counting(&[1])], Refused::NotWhole(1)),
        ("Reshape", &[], &[counting(&[4]), whole(&[3])], Refused::shape(shape(&[4]))),
        ("Reshape", &[], &[counting(&[4]), whole(&[-1, -1])], Refused::shape(shape(&[4]))),
        (
            "Reshape",
            &[],
            &[counting(&[4]), whole(&[i64::MAX, i64::MAX, -1])],
            Refused::shape(shape(&[4])),
        ),
        ("Reshape", &[], &[counting(&[4]), whole(&[1; 7])], Refused::shape(shape(&[4]))),
        (
            "Transpose",
            &[("perm", integers(&[0, 0]))],
            &[counting(&[2, 2])],
            Refused::shape(shape(&[2, 2])),
        ),
        ("Flatten", &[("axis", Integer(3))], &[counting(&[2, 2])], Refused::shape(shape(&[2, 2]))),
        ("Softmax", &[("axis", Integer(2))], &[counting(&[2, 2])], Refused::shape(shape(&[2, 2]))),
        (
            "Concat",
            &[("axis", Integer(1))],
            &[counting(&[2, 2]), counting(&[3, 2])],
            Refused::shapes(shape(&[2, 2]), shape(&[3, 2])),
        ),
        ("Dropout", &[], &dropout, Refused::AttributeValue("training_mode".into())),
        ("MaxPool", &[], &image, Refused::AttributeMissing("kernel_shape".into())),
        (
            "MaxPool",
            &kernel,
            &[counting(&[1, 1, 1, 2, 2])],
            Refused::shape(shape(&[1, 1, 1, 2, 2])),
        ),
        ("MaxPool", &kernel, &[counting(&[1, 1, 1, 2])], Refused::shape(shape(&[1, 1, 1, 2]))),
        ("MaxPool", &wide, &image, Refused::shape(shape(&[1, 1, 2, 2]))),
        ("MaxPool", &huge, &image, Refused::AttributeValue("kernel_shape".into())),
        ("AveragePool", &dilated, &image, Refused::AttributeValue("dilations".into())),
        (
            "Conv",
            &[],
            &[counting(&[1, 3, 2, 2]), counting(&[1, 2, 1, 1])],
            Refused::shapes(shape(&[1, 3, 2, 2]), shape(&[1, 2, 1, 1])),
        ),
        (
            "Conv",
            &[],
            &[counting(&[1, 1, 2, 2]), counting(&[1, 1, 1, 1]), counting(&[2])],
            Refused::shapes(shape(&[1, 1, 1, 1]), shape(&[2])),
        ),
        ("GlobalAveragePool", &[], &[counting(&[2, 2])], Refused::shape(shape(&[2, 2]))),
        (
            "BatchNormalization",
            &[],
            &[counting(&[1, 2]), counting(&[2]), counting(&[2]), counting(&[2]), counting(&[3])],
            Refused::shapes(shape(&[1, 2]), shape(&[3])),
        ),
    ];
    for (name, attributes, inputs, refused) in cases {
        let operator = operator(name, attributes, 13).unwrap();
        assert_eq!(apply(operator.as_ref(), inputs), Err(*refused), "{name}");
    }
}
