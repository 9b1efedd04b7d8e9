//! A trainer for models of one matrix and one bias, by gradient descent; it needs no library.
//!
//! Run as `train INPUT OUTPUT`: the folder INPUT has the files of the contract, OUTPUT is to be
//! written. Nothing else of the computer is there: no network, no other files.

use std::{collections::BTreeMap, env, fs, process::ExitCode};

type Failure = Box<dyn std::error::Error>;

/// A tensor of a safetensors file.
struct Tensor {
    kind: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn main() -> ExitCode {
    match train() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(1)
        }
    }
}

fn train() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let (input, output) = arguments.next().zip(arguments.next()).ok_or("train INPUT OUTPUT")?;
    let settings = fs::read_to_string(format!("{input}/settings.json"))?;
    let setting = |name| number_after(&settings, name).ok_or(format!("no setting {name}"));
    let (width, count) = (setting("features")? as usize, setting("classes")? as usize);
    let (epochs, rate) = (setting("epochs")? as usize, setting("learning_rate")? as f32);
    let weights = read(&format!("{input}/weights.safetensors"))?;
    let data = read(&format!("{input}/data.safetensors"))?;
    let (x, y) = data.get("x").zip(data.get("y")).ok_or("no rows")?;
    if x.kind != "F32" || y.kind != "U8" || count < 2 {
        return Err("this example reads rows of f32, and classes".into());
    }
    let (rows, labels) = (floats(&x.bytes), &y.bytes);
    let named = |shape: &[usize]| weights.iter().find(|(_, tensor)| tensor.shape == shape);
    let matrix = named(&[width, count]).ok_or("no matrix of features and classes")?;
    let bias = named(&[count]).or(named(&[1, count])).ok_or("no bias of classes")?;
    let (mut matrix_of, mut bias_of) = (floats(&matrix.1.bytes), floats(&bias.1.bytes));
    for epoch in 1..=epochs {
        let mut loss = 0.0;
        for (row, label) in rows.chunks_exact(width).zip(labels) {
            let mut chances = bias_of.clone();
            for (feature, weights) in row.iter().zip(matrix_of.chunks_exact(count)) {
                chances.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += feature * weight);
            }
            let top = chances.iter().copied().fold(f32::MIN, f32::max);
            chances.iter_mut().for_each(|logit| *logit = (*logit - top).exp());
            let sum = chances.iter().sum::<f32>();
            chances.iter_mut().for_each(|power| *power /= sum);
            let label = usize::from(*label);
            loss -= chances[label].max(1e-9).ln();
            chances[label] -= 1.0;
            for (feature, weights) in row.iter().zip(matrix_of.chunks_exact_mut(count)) {
                let moved = weights.iter_mut().zip(&chances);
                moved.for_each(|(weight, step)| *weight -= rate * feature * step);
            }
            bias_of.iter_mut().zip(&chances).for_each(|(bias, step)| *bias -= rate * step);
        }
        let loss = loss / labels.len() as f32;
        println!("{{\"epoch\":{epoch},\"epochs\":{epochs},\"loss\":{loss}}}");
    }
    write(&output, &[(matrix, matrix_of), (bias, bias_of)])
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let number = |part: &[u8]| f32::from_le_bytes([part[0], part[1], part[2], part[3]]);
    bytes.chunks_exact(4).map(number).collect()
}

/// The number after a name in JSON that our client wrote.
fn number_after(json: &str, name: &str) -> Option<f64> {
    let rest = json.split_once(&format!("\"{name}\":"))?.1;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

/// The tensors of a file, whose header is JSON of a known form.
fn read(path: &str) -> Result<BTreeMap<String, Tensor>, Failure> {
    let bytes = fs::read(path)?;
    let (size, rest) = bytes.split_first_chunk::<8>().ok_or("no header")?;
    let (header, data) = rest.split_at(usize::try_from(u64::from_le_bytes(*size))?);
    let mut tensors = BTreeMap::new();
    for entry in std::str::from_utf8(header)?.split("},").filter(|part| part.contains("dtype")) {
        let name = entry.trim_start_matches('{').split('"').nth(1).ok_or("no name")?;
        let kind = entry.split("\"dtype\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let list = |name: &str| -> Option<Vec<usize>> {
            let rest = entry.split_once(&format!("\"{name}\":["))?.1;
            let numbers = rest.split(']').next()?.split(',').filter(|part| !part.is_empty());
            numbers.map(|number| number.trim().parse().ok()).collect()
        };
        let (shape, place) = list("shape").zip(list("data_offsets")).ok_or("no shape")?;
        let bytes = data.get(place[0]..place[1]).ok_or("no data")?.to_vec();
        let kind = kind.ok_or("no type")?.to_owned();
        tensors.insert(name.to_owned(), Tensor { kind, shape, bytes });
    }
    Ok(tensors)
}

fn write(path: &str, tensors: &[((&String, &Tensor), Vec<f32>)]) -> Result<(), Failure> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for ((name, tensor), numbers) in tensors {
        let start = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let (shape, end) = (&tensor.shape, data.len());
        entries.push(format!(
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    let size = u64::try_from(header.len())?.to_le_bytes();
    Ok(fs::write(path, [&size[..], header.as_bytes(), &data].concat())?)
}
