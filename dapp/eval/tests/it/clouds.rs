//! Clouds of points, one per class, and a network that learns to separate them without an error.

#![expect(clippy::cast_possible_truncation, reason = "classes are few, and features single")]

use eval::{Dataset, Features, Labels, Shape};

use crate::onnx::{model, node, ports, weights};

/// The number of clouds, their dimensions and their width.
#[derive(Clone, Copy)]
pub(crate) struct Clouds {
    /// Numbers per row.
    pub(crate) numbers: usize,
    /// Classes, one cloud each.
    pub(crate) classes: usize,
    /// Standard deviation of each number from the centre of its cloud.
    pub(crate) width: f64,
}

impl Clouds {
    /// This many rows, drawn with a seed.
    pub(crate) fn rows(self, rows: usize, seed: u64) -> Dataset {
        let Self { numbers, classes, width } = self;
        let mut bell = bell((numbers * 1_000 + classes) as u64);
        let middles = (0..classes * numbers).map(|_| bell()).collect::<Vec<_>>();
        let mut bell = self::bell(seed);
        let labels = (0..rows).map(|row| (row % classes) as u8).collect::<Vec<_>>();
        let middles =
            labels.iter().flat_map(|class| &middles[usize::from(*class) * numbers..][..numbers]);
        let features = middles.map(|middle| (middle + width * bell()) as f32).collect();
        let row = Shape::new(&[numbers]).unwrap();
        Dataset::new(row, Features::Real(features), Labels::Classes(labels)).unwrap()
    }

    /// A network with one hidden layer of ReLUs, whose weights are drawn with a seed.
    pub(crate) fn network(self, neurons: usize, seed: u64) -> Vec<u8> {
        let mut bell = bell(seed);
        let mut drawn = |name: &str, sizes: [usize; 2]| {
            let size = (2.0 / sizes[0] as f64).sqrt();
            let elements = (0..sizes[0] * sizes[1]).map(|_| (bell() * size) as f32);
            weights(name, &sizes.map(|size| size as i64), &elements.collect::<Vec<_>>())
        };
        model(&[
            node("Gemm", &["x", "w1", "b1"], "h", &[]),
            node("Relu", &["h"], "a", &[]),
            node("Gemm", &["a", "w2", "b2"], "y", &[]),
            drawn("w1", [self.numbers, neurons]),
            weights("b1", &[neurons as i64], &vec![0.1; neurons]),
            drawn("w2", [neurons, self.classes]),
            weights("b2", &[self.classes as i64], &vec![0.0; self.classes]),
            ports(&[-1, self.numbers as i64]),
        ])
    }
}

/// Approximately normal numbers of mean 0 and standard deviation 1, drawn with a seed.
fn bell(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    // SplitMix64; the sum of twelve numbers from zero to one has standard deviation 1.
    let mut part = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    move || (0..12).map(|_| part()).sum::<f64>() - 6.0
}
