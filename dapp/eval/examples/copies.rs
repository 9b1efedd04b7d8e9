//! How often independently trained models are taken for copies, and how often copies are: what the
//! limit for copies is chosen by.
//!
//! ```text
//! cargo build --release --locked --workspace --bins --examples
//! target/release/examples/likeness [MODELS]
//! ```
//!
//! From each base model of the fixtures that training improves, MODELS models are trained, each
//! with its own seed, lengths of steps and of training, on one half of the rows or on the other;
//! all pairs are compared. Then each is copied in disguise, with noise, and with further training.

use std::{error::Error, fs, ops::ControlFlow, path::PathBuf};

use blobs::{Cid, Codec};
use eval::{
    Dataset, Evaluator, Features, Labels,
    train::{Disguise, Epoch, Optimiser, Options, disguise, train},
};
use market::{Exhibit, Judge, Likeness, Metric};

/// Base models, and the files of rows: of both halves, or one that is divided.
const BASES: [(&str, &[&str]); 7] = [
    ("digits/torch-base", &["digits/client-a", "digits/client-b"]),
    ("digits/keras-base", &["digits/client-a", "digits/client-b"]),
    ("digits/sklearn-base", &["digits/client-a", "digits/client-b"]),
    ("health/torch-base", &["health/client-b"]),
    ("health/sklearn-base", &["health/client-b"]),
    ("diabetes/sklearn-base", &["diabetes/client-b"]),
    ("images/cnn", &["images/holdout"]),
];

/// How sure the bounds are.
const CONFIDENCE: f64 = 0.95;

/// After so many models the same half of the rows, length of steps and of training come again.
const WAYS: usize = 12;

/// Lengths of noise, in parts of the way from the base model.
const NOISE: [f64; 4] = [0.01, 0.02, 0.05, 0.1];

/// Further training: epochs, and the length of a step.
const FURTHER: [(u32, f32); 4] = [(1, 0.0001), (1, 0.0005), (5, 0.0005), (1, 0.002)];

type Outcome<T> = Result<T, Box<dyn Error>>;

/// So many of so many.
#[derive(Clone, Copy, Default)]
struct Share {
    found: u32,
    of: u32,
}

#[expect(clippy::print_stdout, reason = "a program that prints a table")]
fn main() -> Outcome<()> {
    let models = std::env::args().nth(1).map_or(Ok(36), |models| models.parse())?;
    let limit = f64::from(Likeness::COPY.0) / 10_000.0;
    println!("One of a pair is taken for a copy when they are at most {limit} % apart, of the");
    println!("longer way from the base model. {models} models from each base model; the nearest");
    println!("and the median pair in per cent, and how many pairs are taken for copies.\n");
    // Of all pairs, and of those of which no two share a model.
    let mut pairs = [[Share::default(); 2]; 2];
    let mut copies: Vec<(String, Share)> = Vec::new();
    for (base, shards) in BASES {
        let file = read(&format!("{base}.onnx"))?;
        let halves = halves(shards)?;
        let trained = trained(&file, &halves, models)?;
        println!("{base}");
        for (is_other, name) in [(0, "same rows"), (1, "other rows")] {
            let (mut found, mut apart) = (Vec::new(), Vec::new());
            for (place, (shard, first)) in trained.iter().enumerate() {
                for (before, (other, second)) in trained[..place].iter().enumerate() {
                    if usize::from(shard != other) != is_other {
                        continue;
                    }
                    let likeness = alike(&file, first, second)?;
                    found.push(likeness);
                    // Each with the next that was trained in the same way.
                    let (each, step) = [(2 * WAYS, WAYS), (2, 1)][is_other];
                    if place == before + step && before % each < step {
                        apart.push(likeness);
                    }
                }
            }
            for (all, more) in pairs[is_other].iter_mut().zip([&found, &apart]) {
                all.add(share(more));
            }
            let shown = said(share(&found));
            println!("  {name:10}  {}, {shown}", spread(&mut found));
        }
        for (name, found) in copied(&file, &halves, &trained)? {
            let share = share(&found);
            match copies.iter_mut().find(|(other, _)| *other == name) {
                Some((_, all)) => all.add(share),
                None => copies.push((name, share)),
            }
        }
    }
    for (name, [all, apart]) in [("same rows", pairs[0]), ("other rows", pairs[1])] {
        println!("\nTaken for copies of all pairs trained on {name}: {}; with 95 %", said(all));
        println!("confidence fewer than {:.2} % of such pairs, were they", 100.0 * at_most(all));
        println!("independent. Of those that share no model: {}; fewer than", said(apart));
        println!("{:.2} %.", 100.0 * at_most(apart));
    }
    println!("\nCopies that are taken for copies:");
    for (name, share) in copies {
        println!("  {name:47} {}", said(share));
    }
    Ok(())
}

/// The rows of either half.
fn halves(shards: &[&str]) -> Outcome<[Dataset; 2]> {
    let dataset = |shard: &str| {
        Ok::<_, Box<dyn Error>>(Dataset::from_safetensors(&read(&format!("{shard}.safetensors"))?)?)
    };
    match shards {
        [one, other] => Ok([dataset(one)?, dataset(other)?]),
        _ => {
            let all = dataset(shards.first().ok_or("no rows")?)?;
            Ok([every_second(&all, 0)?, every_second(&all, 1)?])
        }
    }
}

fn every_second(all: &Dataset, first: usize) -> Outcome<Dataset> {
    fn chosen<T: Copy>(list: &[T], first: usize, each: usize) -> Vec<T> {
        list.chunks(each).skip(first).step_by(2).flatten().copied().collect()
    }
    let each = all.row().elements();
    let features = match all.stored() {
        Features::Bytes { bytes, scale, offset } => {
            let bytes = chosen(bytes, first, each);
            Features::Bytes { bytes, scale: *scale, offset: *offset }
        }
        Features::Real(numbers) => Features::Real(chosen(numbers, first, each)),
    };
    let labels = match all.labels() {
        Labels::Classes(classes) => Labels::Classes(chosen(classes, first, 1)),
        Labels::Targets(targets) => Labels::Targets(chosen(targets, first, 1)),
    };
    Ok(Dataset::new(all.row(), features, labels)?)
}

/// Which half of the rows a model has seen, and the model.
type Trained = (usize, Vec<u8>);

/// Models trained from a base model.
fn trained(file: &[u8], halves: &[Dataset; 2], models: usize) -> Outcome<Vec<Trained>> {
    let one = |place: usize| {
        let (shard, more) = (place % 2, place / 2);
        let (rate, epochs) = ([0.002, 0.01][more % 2], [2, 8, 30][more / 2 % 3]);
        Ok((shard, further(file, &halves[shard], place as u64, rate, epochs)?))
    };
    (0..models).map(one).collect()
}

/// A model trained from another.
fn further(file: &[u8], rows: &Dataset, seed: u64, rate: f32, epochs: u32) -> Outcome<Vec<u8>> {
    let is_regression = matches!(rows.labels(), Labels::Targets(_));
    let options = Options {
        optimiser: Optimiser::Adam,
        learning_rate: rate,
        epochs,
        batch_rows: 32,
        seed,
        held_back_percent: 10,
        metric: if is_regression { Metric::MeanSquaredError } else { Metric::Accuracy },
    };
    let go_on = &mut |_: Epoch| ControlFlow::Continue(());
    Ok(train(file, rows, &options, go_on)?.onnx)
}

/// How like their originals copies are, by what was done to them; only where it does anything.
fn copied(
    base: &[u8],
    halves: &[Dataset; 2],
    trained: &[Trained],
) -> Outcome<Vec<(String, Vec<Likeness>)>> {
    let none = Disguise::default();
    let all = Disguise { reorder: true, rescale: true, turn: true, ..none };
    let mut ways = vec![
        ("neurons in another order".to_owned(), Disguise { reorder: true, ..none }),
        ("neurons of other sizes".to_owned(), Disguise { rescale: true, ..none }),
        ("neurons with other signs".to_owned(), Disguise { turn: true, ..none }),
        ("all of these".to_owned(), all),
    ];
    for noise in NOISE {
        let name = format!("all of these, noise of {:.0} %", noise * 100.0);
        ways.push((name, Disguise { noise, ..all }));
    }
    let mut found = Vec::new();
    for (name, how) in ways {
        let mut likenesses = Vec::new();
        for (seed, (_, model)) in (0..).zip(trained) {
            let copy = disguise(base, model, &Disguise { seed, ..how })?;
            if copy != *model {
                likenesses.push(alike(base, model, &copy)?);
            }
        }
        found.push((name, likenesses));
    }
    for (epochs, rate) in FURTHER {
        let mut likenesses = Vec::new();
        for (seed, (shard, model)) in (1_000..).zip(trained) {
            let copy = disguise(base, model, &Disguise { seed, ..all })?;
            let copy = further(&copy, &halves[*shard], seed, rate, epochs)?;
            likenesses.push(alike(base, model, &copy)?);
        }
        let name = format!("all of these, epochs more: {epochs}, in steps of {rate}");
        found.push((name, likenesses));
    }
    Ok(found)
}

impl Share {
    fn add(&mut self, other: Self) {
        self.found += other.found;
        self.of += other.of;
    }
}

fn share(likenesses: &[Likeness]) -> Share {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let copies = likenesses.iter().filter(|likeness| likeness.is_copy()).count();
    Share { found: count(copies), of: count(likenesses.len()) }
}

fn said(Share { found, of }: Share) -> String {
    format!("{found} of {of}")
}

/// The smallest and the median, in per cent.
fn spread(pairs: &mut [Likeness]) -> String {
    pairs.sort_unstable();
    let (Some(nearest), Some(median)) = (pairs.first(), pairs.get(pairs.len() / 2)) else {
        return "-".to_owned();
    };
    let [nearest, median] = [nearest, median].map(|found| f64::from(found.0) / 10_000.0);
    format!("{nearest:.1} {median:.1}")
}

/// The largest share of all that is not too unlikely to have been found so rarely.
///
/// - Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case
///   of the binomial" (1934), one-sided
fn at_most(Share { found, of }: Share) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if as_few(found, of, middle) > 1.0 - CONFIDENCE {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// How likely it is that of so many no more than these are found.
fn as_few(found: u32, of: u32, share: f64) -> f64 {
    let odds = share / (1.0 - share);
    let mut term = f64::from(of) * (-share).ln_1p();
    let mut sum = term.exp();
    for place in 0..found {
        term += (f64::from(of - place) / f64::from(place + 1) * odds).ln();
        sum += term.exp();
    }
    sum
}

fn alike(base: &[u8], first: &[u8], second: &[u8]) -> Outcome<Likeness> {
    let exhibit = |bytes| Exhibit { cid: Cid::of_block(Codec::Raw, bytes), bytes };
    Evaluator::new()
        .alike(exhibit(base), exhibit(first), exhibit(second))
        .map_err(|unfit| unfit.to_string().into())
}

fn read(path: &str) -> Outcome<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    fs::read(folder.join(path)).map_err(|fault| format!("{path}: {fault}").into())
}
