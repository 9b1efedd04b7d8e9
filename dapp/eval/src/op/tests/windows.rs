//! Every accepted window runs and gives the inferred shape, which `apply` checks.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..<_>::default() })]
    #[test]
    fn inferred_shapes_are_those_made(
        image in prop::array::uniform2(1_usize..9),
        kernel in prop::array::uniform2(1_i64..5),
        strides in prop::array::uniform2(1_i64..4),
        dilations in prop::array::uniform2(1_i64..3),
        pads in prop::array::uniform4(0_i64..4),
        same in 0..4_usize,
        ceil in 0_i64..2,
        count in 0_i64..2,
    ) {
        let auto = [&b"NOTSET"[..], b"VALID", b"SAME_UPPER", b"SAME_LOWER"][same];
        let common = [
            ("strides", integers(&strides)),
            ("pads", integers(&pads)),
            ("auto_pad", Attribute::Text(auto)),
        ];
        let kernel_shape = ("kernel_shape", integers(&kernel));
        let dilations = ("dilations", integers(&dilations));
        let ceil = ("ceil_mode", Attribute::Integer(ceil));
        let count = ("count_include_pad", Attribute::Integer(count));
        let image = counting(&[2, 2, image[0], image[1]]);
        let [height, width] = kernel.map(|size| usize::try_from(size).unwrap());
        let weights = counting(&[3, 2, height, width]);
        for (name, more, inputs) in [
            ("Conv", vec![dilations.clone()], vec![image.clone(), weights]),
            ("MaxPool", vec![kernel_shape.clone(), dilations, ceil.clone()], vec![image.clone()]),
            ("AveragePool", vec![kernel_shape, ceil, count], vec![image]),
        ] {
            let operator = operator(name, &[&common[..], &more].concat(), 13).unwrap();
            if let Ok((shape, elements)) = apply(operator.as_ref(), &inputs) {
                prop_assert_eq!(elements.len(), shape.elements());
            }
        }
    }
}
