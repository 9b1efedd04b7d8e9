//! How far independently trained models are apart, and how far copies are: what the limit for
//! copies is chosen by.
//!
//! ```text
//! cargo run --release --example likeness -- [MODELS]
//! ```
//!
//! From each base model of the fixtures that training improves, MODELS models are trained, each
//! with its own seed, on the rows of one client, the other, or a random half of both; all pairs are
//! compared. Then each is copied in disguise, with noise of growing length.

use std::{error::Error, fs, ops::ControlFlow, path::PathBuf};

use blobs::{Cid, Codec};
use eval::{
    Dataset, Evaluator,
    train::{Disguise, Epoch, Optimiser, Options, disguise, train},
};
use market::{Exhibit, Judge, Likeness, Metric};

const BASES: [&str; 6] = [
    "digits/torch-base",
    "digits/keras-base",
    "digits/sklearn-base",
    "health/torch-base",
    "health/sklearn-base",
    "images/cnn",
];

const NOISE: [f64; 6] = [0.0, 0.05, 0.1, 0.2, 0.25, 0.3];

#[expect(clippy::print_stdout, reason = "a program that prints a table")]
fn main() -> Result<(), Box<dyn Error>> {
    let models = std::env::args().nth(1).map_or(Ok(12), |models| models.parse())?;
    println!(
        "Apart, in per cent of the way from the base model: the nearest and the median pair of"
    );
    println!(
        "models trained on the same and on other rows, with the pairs nearer than 10, 15, 20 and"
    );
    println!("20 % of all; and the farthest copy with noise of so many per cent.\n");
    for base in BASES {
        let file = read(&format!("{base}.onnx"))?;
        let trained = trained(base, &file, models)?;
        let mut pairs = [Vec::new(), Vec::new()];
        for (place, (shard, first)) in trained.iter().enumerate() {
            for (other, second) in &trained[..place] {
                pairs[usize::from(shard != other)].push(alike(&file, first, second)?);
            }
        }
        let [same, other] = pairs.map(shown);
        println!("{base}\n  same rows   {same}\n  other rows  {other}");
        print!("  copies     ");
        for noise in NOISE {
            let mut copies = Vec::new();
            for (seed, (_, model)) in (0..).zip(&trained) {
                let how = Disguise { reorder: true, rescale: true, noise, seed };
                copies.push(alike(&file, model, &disguise(&file, model, &how)?)?);
            }
            let farthest = copies.iter().max().map_or(0, |likeness| likeness.0);
            print!(" {:.0}: {:.1}", noise * 100.0, f64::from(farthest) / 10_000.0);
        }
        println!();
    }
    Ok(())
}

/// Which shard of the rows a model has seen, and the model.
type Trained = (u64, Vec<u8>);

/// Models trained from a base model.
fn trained(base: &str, file: &[u8], models: u64) -> Result<Vec<Trained>, Box<dyn Error>> {
    let (folder, _) = base.split_once('/').ok_or("a folder and a name")?;
    let shards = match folder {
        "images" => vec![format!("{folder}/holdout.safetensors")],
        "digits" => ["a", "b"].map(|shard| format!("{folder}/client-{shard}.safetensors")).to_vec(),
        _ => vec![format!("{folder}/client-b.safetensors")],
    };
    let mut trained = Vec::new();
    for seed in 0..models {
        let shard = seed % u64::try_from(shards.len())?;
        let path = &shards[usize::try_from(shard)?];
        let dataset = Dataset::from_safetensors(&read(path)?)?;
        let options = Options {
            optimiser: Optimiser::Adam,
            learning_rate: [0.002, 0.01][usize::try_from(seed / 2 % 2)?],
            epochs: [2, 8, 30][usize::try_from(seed / 4 % 3)?],
            batch_rows: 32,
            seed,
            held_back_percent: 10,
            metric: Metric::Accuracy,
        };
        let go_on = &mut |_: Epoch| ControlFlow::Continue(());
        trained.push((shard, train(file, &dataset, &options, go_on)?.onnx));
    }
    Ok(trained)
}

/// The smallest and the median, in per cent, and how many are below the limits tried.
fn shown(mut pairs: Vec<Likeness>) -> String {
    pairs.sort_unstable();
    let (Some(nearest), Some(median)) = (pairs.first(), pairs.get(pairs.len() / 2)) else {
        return "-".to_owned();
    };
    let below = |limit: u32| pairs.iter().filter(|found| found.0 < limit * 10_000).count();
    let [nearest, median] = [nearest, median].map(|found| f64::from(found.0) / 10_000.0);
    let below = [10, 12, 15, 20].map(below);
    format!("{nearest:.1} {median:.1}, {below:?} of {}", pairs.len())
}

fn alike(base: &[u8], first: &[u8], second: &[u8]) -> Result<Likeness, Box<dyn Error>> {
    let exhibit = |bytes| Exhibit { cid: Cid::of_block(Codec::Raw, bytes), bytes };
    Evaluator::new()
        .alike(exhibit(base), exhibit(first), exhibit(second))
        .map_err(|unfit| unfit.to_string().into())
}

fn read(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    fs::read(folder.join(path)).map_err(|fault| format!("{path}: {fault}").into())
}
