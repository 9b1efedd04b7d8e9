//! Cases made to cost more than predicted from shapes: zeros in misleading positions, arguments on
//! the longest path through a function. They may cost less, not more.

use anyhow::Result;
use market::Metric;

use super::{
    cases::Case,
    net::{Net, list},
    rows,
};

/// The numbers of the rows that are zero, by index.
type Pattern = (&'static str, fn(usize) -> bool);

const NONE: Pattern = ("no zeros", |_| false);

const ZEROS: [Pattern; 7] = [
    NONE,
    ("every other zero", |index| index % 2 == 0),
    ("two of three zero", |index| index % 3 != 0),
    ("every sixteenth zero", |index| index % 16 == 0),
    ("all but every sixteenth zero", |index| index % 16 != 0),
    ("zeros by a hash, half of all", |index| mixed(index).is_multiple_of(2)),
    ("zeros by a hash, seven of ten", |index| mixed(index) % 10 < 7),
];

/// Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
fn mixed(index: usize) -> usize {
    index.wrapping_mul(0x9e37_79b9) >> 12 & 0xffff
}

/// Every case.
///
/// - Errors: one of them is wrong
pub fn all() -> Result<Vec<Case>> {
    let groups = [products()?, convolutions()?, functions()?];
    Ok(groups.into_iter().flatten().collect())
}

/// A case of this many rows of these sizes, with zeros at the indices selected by `is_zero`.
fn case(
    name: String,
    row: &[usize],
    rows: usize,
    is_zero: impl Fn(usize) -> bool,
    net: impl FnOnce(Net) -> Net,
) -> Result<Case> {
    let sizes = row.iter().map(|size| Ok(i64::try_from(*size)?)).collect::<Result<Vec<_>>>()?;
    let model = net(Net::new(&sizes)).file();
    let dataset = rows::bytes_and_zeros(row, rows, is_zero)?;
    Ok(Case { name, model, dataset, metric: Metric::Accuracy })
}

/// Products with zeros in misleading positions.
fn products() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for columns in [1, 3, 10, 128] {
        for (zeros, is_zero) in ZEROS {
            let name = format!("product [64, 500] · [500, {columns}], {zeros}");
            cases.push(case(name, &[500], 64, is_zero, |net| net.dense(500, columns))?);
        }
        let name = format!("product [64, 500] · [500, {columns}], three rows of four zero");
        let is_zero = |index| index / 500 % 4 != 0;
        cases.push(case(name, &[500], 64, is_zero, |net| net.dense(500, columns))?);
    }
    Ok(cases)
}

/// Convolutions with zeros in misleading positions, separate and fused.
fn convolutions() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let image = [3, 20, 20];
    let pool = |net: Net| net.then("Relu", &[]).pool("MaxPool", 2, 2).then("Flatten", &[]);
    for (kernel, pads) in [(5, 0), (3, 1)] {
        let conv = |net: Net| net.conv(&[6, 3, kernel, kernel], &[list("pads", &[pads; 4])]);
        for (zeros, is_zero) in ZEROS {
            let name = format!("convolution {kernel}×{kernel}, {zeros}");
            let fused = format!("fused {name}");
            cases.push(case(name, &image, 8, is_zero, |net| conv(net).then("Flatten", &[]))?);
            cases.push(case(fused, &image, 8, is_zero, |net| pool(conv(net)))?);
        }
    }
    let name = "fused convolution 5×5, its bias −∞".to_owned();
    cases.push(case(name, &image, 8, NONE.1, |mut net| {
        let (weights, least) = (net.constant(&[6, 3, 5, 5]), net.constant_of(&[6], |_| f32::MIN));
        let net = net.with("Add", &[&least, &least], &[]);
        let bias = net.last();
        pool(net.with("Conv", &["x", &weights, &bias], &[]))
    })?);
    Ok(cases)
}

/// Functions of arguments of all magnitudes.
fn functions() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for operator in ["Relu", "Sigmoid", "Tanh", "Softmax", "LogSoftmax"] {
        for scale in [1e-30, 1e-3, 0.5, -1.0, 4.0, -20.0, 80.0, -1e4, 1e30] {
            let name = format!("{operator} of numbers by {scale:e}");
            cases.push(case(name, &[200], 64, NONE.1, |mut net| {
                let scale = net.constant_of(&[1], |_| scale);
                net.with("Mul", &["x", &scale], &[]).then(operator, &[])
            })?);
        }
    }
    Ok(cases)
}
