//! Cases whose costs are counted and predicted: networks, single operators, products and
//! convolutions of many shapes, full and partial batches, and all metrics.

use anyhow::Result;
use eval::{Dataset, Model};
use market::{Measure, Metric, Output};

use super::{
    net::{self, Net, list, number, real},
    rows,
};

/// An evaluation.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The model's file.
    pub model: Vec<u8>,
    /// The rows; without zeros.
    pub dataset: Dataset,
    /// The metric.
    pub metric: Metric,
}

impl Case {
    /// The metric, of probabilities where the graph does not show what is answered.
    ///
    /// - Errors: the file is not a model
    pub fn measure(&self) -> Result<Measure> {
        let metric = self.metric;
        let is_known = metric.is_regression() || Model::from_onnx(&self.model)?.output().is_some();
        let output = if is_known { Output::FromGraph } else { Output::Probabilities };
        Ok(Measure::new(metric, output))
    }
}

/// Storage type of a case's rows.
#[derive(Clone, Copy)]
enum Stored {
    Bytes,
    Reals,
    Targets,
}

/// All cases.
///
/// - Errors: one of them is wrong
pub fn all() -> Result<Vec<Case>> {
    let groups = [
        networks(),
        products(),
        convolutions(),
        pools(),
        quantised(),
        elements(),
        lists(),
        marks(),
    ];
    groups.into_iter().flatten().map(Spec::case).collect()
}

/// A case in short form: the shape of a row, the number of rows, and the network.
struct Spec {
    name: String,
    row: Vec<i64>,
    rows: usize,
    stored: Stored,
    metric: Metric,
    net: Net,
}

impl Spec {
    fn new(
        name: impl Into<String>,
        row: &[i64],
        rows: usize,
        make: impl FnOnce(Net) -> Net,
    ) -> Self {
        let net = make(Net::new(row));
        let (name, row) = (name.into(), row.to_vec());
        Self { name, row, rows, stored: Stored::Bytes, metric: Metric::Accuracy, net }
    }

    fn stored(self, stored: Stored) -> Self {
        let metric = match stored {
            Stored::Targets => Metric::MeanSquaredError,
            Stored::Bytes | Stored::Reals => self.metric,
        };
        Self { stored, metric, ..self }
    }

    fn case(self) -> Result<Case> {
        let row = self.row.iter().map(|size| Ok(usize::try_from(*size)?));
        let row = row.collect::<Result<Vec<_>>>()?;
        let dataset = match self.stored {
            Stored::Bytes => rows::bytes(&row, self.rows),
            Stored::Reals => rows::reals(&row, self.rows),
            Stored::Targets => rows::targets(&row, self.rows),
        };
        let Self { name, metric, net, .. } = self;
        Ok(Case { name, model: net.file(), dataset: dataset?, metric })
    }
}

/// Whole networks, like those submitted.
fn networks() -> Vec<Spec> {
    let image = [1, 28, 28];
    let mut specs = Vec::new();
    for rows in [1, 32, 64, 100] {
        specs.push(Spec::new(format!("mlp 784-128-10, {rows} rows"), &image, rows, |_| net::mlp()));
        specs.push(Spec::new(format!("cnn 6, 16 channels, {rows} rows"), &image, rows, |_| {
            net::cnn()
        }));
    }
    let perceptron =
        |net: Net| net.dense(30, 16).then("Relu", &[]).dense(16, 2).then("Softmax", &[]);
    specs.push(Spec::new("mlp 30-16-2, 169 rows", &[30], 169, perceptron).stored(Stored::Reals));
    let tanh = |net: Net| net.dense(10, 12).then("Tanh", &[]).dense(12, 1);
    specs.push(Spec::new("mlp 10-12-1, 142 rows", &[10], 142, tanh).stored(Stored::Targets));
    let digits = |net: Net| {
        let padded = [list("pads", &[1, 1, 1, 1])];
        let first = net.conv(&[8, 1, 3, 3], &padded).then("Relu", &[]).pool("MaxPool", 2, 2);
        let second = first.conv(&[16, 8, 3, 3], &padded).then("Relu", &[]).then("Flatten", &[]);
        second.dense(256, 16).then("Relu", &[]).dense(16, 10).then("Softmax", &[])
    };
    specs.push(Spec::new("cnn on 8×8, 100 rows", &[1, 8, 8], 100, digits));
    let deep =
        |net: Net| (0..40).fold(net.dense(64, 32), |net, _| net.dense(32, 32).then("Relu", &[]));
    specs.push(Spec::new("82 layers of 32, 64 rows", &[64], 64, deep));
    specs
}

/// Matrix products of many shapes.
fn products() -> Vec<Spec> {
    let shapes = [
        [1, 784, 128],
        [2, 300, 40],
        [7, 100, 33],
        [13, 64, 24],
        [64, 30, 16],
        [64, 256, 10],
        [64, 1_000, 10],
        [64, 64, 64],
        [63, 256, 256],
        [64, 512, 3],
        [64, 2_000, 1],
        [1, 3_000, 5],
        [5, 16, 500],
        [64, 4, 200],
    ];
    let mut specs: Vec<_> = shapes
        .into_iter()
        .map(|[rows, inner, columns]| {
            let count = usize::try_from(rows).unwrap_or(1);
            let name = format!("product [{rows}, {inner}] · [{inner}, {columns}]");
            Spec::new(name, &[inner], count, |net| net.dense(inner, columns))
        })
        .collect();
    specs.push(Spec::new("product, weights not transposed", &[400], 64, |mut net| {
        let weights = net.constant(&[400, 80]);
        net.with("MatMul", &["x", &weights], &[])
    }));
    specs.push(Spec::new("product, scaled", &[200], 64, |mut net| {
        let (weights, bias) = (net.constant(&[200, 50]), net.constant(&[50]));
        net.with("Gemm", &["x", &weights, &bias], &[real("alpha", 0.5), real("beta", 2.0)])
    }));
    specs.push(Spec::new("products of matrices with one", &[20, 30], 32, |mut net| {
        let weights = net.constant(&[30, 40]);
        net.with("MatMul", &["x", &weights], &[]).then("Flatten", &[])
    }));
    specs.push(Spec::new("products of matrices with matrices", &[24, 30], 32, |net| {
        let turned = net.then("Transpose", &[list("perm", &[0, 2, 1])]);
        turned.with("MatMul", &["x", "v1"], &[]).then("Flatten", &[])
    }));
    specs
}

/// Convolutions of many shapes: row, weights, attributes.
fn convolutions() -> Vec<Spec> {
    let conv = |name: &str, row: &[i64], rows: usize, sizes: &[i64], attributes: &[Vec<u8>]| {
        let name = format!("convolution {name}");
        Spec::new(name, row, rows, |net| net.conv(sizes, attributes).then("Flatten", &[]))
    };
    let padded = |by: i64| list("pads", &[by; 4]);
    vec![
        conv("5×5, 1 to 6", &[1, 28, 28], 8, &[6, 1, 5, 5], &[]),
        conv("5×5, 6 to 16", &[6, 12, 12], 8, &[16, 6, 5, 5], &[]),
        conv("5×5, 3 to 1", &[3, 20, 20], 8, &[1, 3, 5, 5], &[]),
        conv("3×3, padded", &[8, 16, 16], 8, &[8, 8, 3, 3], &[padded(1)]),
        conv("3×3, 4 to 7", &[4, 15, 13], 8, &[7, 4, 3, 3], &[]),
        conv("3×3 on 8×8", &[1, 8, 8], 64, &[8, 1, 3, 3], &[padded(1)]),
        conv(
            "3×3, stride 2",
            &[8, 17, 17],
            8,
            &[12, 8, 3, 3],
            &[padded(1), list("strides", &[2, 2])],
        ),
        conv("3×3, dilated", &[4, 16, 16], 8, &[6, 4, 3, 3], &[list("dilations", &[2, 2])]),
        conv(
            "3×3, by channel",
            &[12, 16, 16],
            8,
            &[12, 1, 3, 3],
            &[padded(1), number("group", 12)],
        ),
        conv("3×3, two groups", &[8, 14, 14], 8, &[12, 4, 3, 3], &[number("group", 2)]),
        conv("1×1", &[16, 10, 10], 8, &[24, 16, 1, 1], &[]),
        conv(
            "7×7, stride 2",
            &[3, 32, 32],
            2,
            &[12, 3, 7, 7],
            &[padded(3), list("strides", &[2, 2])],
        ),
        conv("4×4", &[3, 18, 18], 4, &[10, 3, 4, 4], &[]),
        conv("1×3", &[6, 9, 30], 8, &[10, 6, 1, 3], &[]),
        conv("5×1", &[6, 30, 9], 8, &[10, 6, 5, 1], &[]),
        conv("3×3 on 4×4", &[32, 4, 4], 16, &[32, 32, 3, 3], &[]),
        conv("of series by 3", &[4, 200], 8, &[8, 4, 3], &[list("pads", &[1, 1])]),
        conv("of series by 16, stride 4", &[2, 256], 8, &[8, 2, 16], &[list("strides", &[4])]),
    ]
}

/// Pools.
fn pools() -> Vec<Spec> {
    let pool = |name: &str, row: &[i64], operator: &str, attributes: &[Vec<u8>]| {
        Spec::new(name, row, 16, |net| net.then(operator, attributes).then("Flatten", &[]))
    };
    let window = |kernel: i64, stride: i64| {
        [list("kernel_shape", &[kernel; 2]), list("strides", &[stride; 2])]
    };
    let around =
        |kernel: i64, stride: i64| [&window(kernel, stride)[..], &[list("pads", &[1; 4])]].concat();
    vec![
        pool("greatest of 2×2", &[6, 24, 24], "MaxPool", &window(2, 2)),
        pool("greatest of 3×3, padded", &[6, 20, 20], "MaxPool", &around(3, 2)),
        pool("greatest of 3×3", &[8, 12, 12], "MaxPool", &window(3, 1)),
        pool("mean of 2×2", &[6, 24, 24], "AveragePool", &window(2, 2)),
        pool("mean of 3×3, padded", &[6, 20, 20], "AveragePool", &around(3, 2)),
        pool("mean of channels", &[16, 14, 14], "GlobalAveragePool", &[]),
    ]
}

/// Networks of bytes, whose products are integers.
fn quantised() -> Vec<Spec> {
    vec![
        Spec::new("bytes, 784-128-10, 16 rows", &[1, 28, 28], 16, |net| {
            let first = net.then("Flatten", &[]).quantised().dense_of_bytes(784, 128);
            first.dense_of_bytes(128, 10).dequantised()
        }),
        Spec::new("bytes, cnn 6, 16 channels, 4 rows", &[1, 28, 28], 4, |net| {
            let first = net.quantised().conv_of_bytes(&[6, 1, 5, 5]).pool("MaxPool", 2, 2);
            let second = first.conv_of_bytes(&[16, 6, 5, 5]).pool("MaxPool", 2, 2);
            second.then("Flatten", &[]).dense_of_bytes(256, 10).dequantised()
        }),
    ]
}

/// Operators on single elements, and those that only move them.
fn elements() -> Vec<Spec> {
    let row = [40, 50];
    let flat = |net: Net| net.then("Flatten", &[]);
    let with = |operator: &str, sizes: &[i64]| {
        Spec::new(format!("{operator} of {sizes:?}"), &row, 16, |mut net| {
            let constant = net.constant(sizes);
            flat(net.with(operator, &["x", &constant], &[]))
        })
    };
    let then = |operator: &str, attributes: &[Vec<u8>]| {
        Spec::new(operator, &row, 16, |net| flat(net.then(operator, attributes)))
    };
    vec![
        with("Add", &[50]),
        with("Sub", &[40, 50]),
        with("Mul", &[1]),
        with("Div", &[40, 1]),
        Spec::new("Sub from a list", &row, 16, |mut net| {
            let constant = net.constant(&[50]);
            flat(net.with("Sub", &[&constant, "x"], &[]))
        }),
        Spec::new("Add of itself", &row, 64, |net| flat(net.with("Add", &["x", "x"], &[]))),
        then("Relu", &[]),
        Spec::new("Relu of images", &[16, 24, 24], 16, |net| flat(net.then("Relu", &[]))),
        then("Sigmoid", &[]),
        then("Tanh", &[]),
        Spec::new("Concat of channels", &[8, 10, 10], 16, |net| {
            flat(net.with("Concat", &["x", "x", "x"], &[number("axis", 1)]))
        }),
        Spec::new("Concat of columns", &[40, 20], 16, |net| {
            flat(net.with("Concat", &["x", "x"], &[number("axis", 2)]))
        }),
        then("Transpose", &[list("perm", &[0, 2, 1])]),
        Spec::new("Transpose of channels", &[14, 14, 8], 16, |net| {
            flat(net.then("Transpose", &[list("perm", &[0, 3, 1, 2])]))
        }),
        Spec::new("BatchNormalization", &[12, 16, 16], 16, |mut net| {
            let list = [(); 4].map(|()| net.constant(&[12]));
            let inputs = ["x", &list[0], &list[1], &list[2], &list[3]];
            flat(net.with("BatchNormalization", &inputs, &[]))
        }),
        Spec::new("Reshape", &[40, 50], 64, |mut net| {
            let sizes = net.whole(&[-1, 2_000]);
            net.with("Reshape", &["x", &sizes], &[])
        }),
        Spec::new("100 nodes that do nothing", &[8], 64, |net| {
            (0..100).fold(net, |net, _| net.then("Identity", &[]))
        }),
        Spec::new("60 sums of single elements", &[1], 64, |net| {
            (0..60).fold(net, |net, _| {
                let last = net.last();
                net.with("Add", &["x", &last], &[])
            })
        }),
    ]
}

/// Softmaxes.
fn lists() -> Vec<Spec> {
    let axis = |axis: i64| [number("axis", axis)];
    vec![
        Spec::new("Softmax of 10", &[10], 640, |net| net.then("Softmax", &axis(1))),
        Spec::new("Softmax of 200", &[200], 64, |net| net.then("Softmax", &axis(-1))),
        Spec::new("Softmax of channels", &[8, 64], 32, |net| {
            net.then("Softmax", &axis(1)).then("Flatten", &[])
        }),
        Spec::new("LogSoftmax of 10", &[10], 640, |net| net.then("LogSoftmax", &axis(1))),
        Spec::new("LogSoftmax of 100", &[100], 64, |net| net.then("LogSoftmax", &axis(1))),
    ]
}

/// Metrics, and files of many rows.
fn marks() -> Vec<Spec> {
    let same = |net: Net| net.then("Identity", &[]);
    let log_loss = |spec: Spec| Spec { metric: Metric::LogLoss, ..spec };
    vec![
        Spec::new("2 answers, 2,000 rows", &[2], 2_000, same),
        Spec::new("100 answers, 640 rows", &[100], 640, same).stored(Stored::Reals),
        Spec::new("1,000 bytes, 200 rows", &[1_000], 200, |net| net.dense(1_000, 1)),
        Spec::new("1,000 reals, 200 rows", &[1_000], 200, |net| net.dense(1_000, 1))
            .stored(Stored::Reals),
        Spec::new("squared errors of 2,000 rows", &[1], 2_000, same).stored(Stored::Targets),
        log_loss(Spec::new("log loss of 2 answers", &[2], 1_000, same)),
        log_loss(Spec::new("log loss of 30 answers", &[30], 640, same)),
    ]
}
