//! Rates at which independent models are taken for copies, and at which copies are recognised, from
//! which the limits of [`Similarity`] are chosen. Prints tables in Markdown.
//!
//! ```text
//! cargo build --release --locked --workspace --bins --examples
//! target/release/examples/copies [MODELS]
//! ```
//!
//! From each base model MODELS models are trained, each with its own seed, learning rate and number
//! of epochs, on one half of the rows or on the other; all pairs are compared. Then each is copied:
//! its graph rewritten, its neurons changed, with noise, with further training.

#![expect(clippy::unwrap_used, reason = "it ends at the first fault")]

use std::{error::Error, fs, ops::ControlFlow, path::PathBuf};

use blobs::{Cid, Codec, Digest};
use clouds::Clouds;
use eval::{
    Dataset, Evaluator, Features, Labels, Model, report,
    train::{Disguise, Options, Progress, disguise, train},
};
use market::{Blob, Comparison, Judge, Metric, Similarity};

#[path = "../tests/it/clouds.rs"]
mod clouds;
#[path = "../tests/it/onnx.rs"]
#[expect(dead_code, reason = "tests write more kinds of files")]
mod onnx;
#[path = "../tests/it/rewrites.rs"]
mod rewrites;

/// Base models, the files of rows (one per half, or one that is divided), and the hold-out.
const BASES: [(&str, &[&str], &str); 7] = [
    ("digits/torch-base", &["digits/client-a", "digits/client-b"], "digits/holdout"),
    ("digits/keras-base", &["digits/client-a", "digits/client-b"], "digits/holdout"),
    ("digits/sklearn-base", &["digits/client-a", "digits/client-b"], "digits/holdout"),
    ("health/torch-base", &["health/client-b"], "health/holdout"),
    ("health/sklearn-base", &["health/client-b"], "health/holdout"),
    ("diabetes/sklearn-base", &["diabetes/client-b"], "diabetes/holdout"),
    ("images/cnn", &["images/holdout"], "images/holdout"),
];

/// Clouds that a small network learns to separate without an error.
const CLOUDS: [Clouds; 4] = [
    Clouds { numbers: 2, classes: 3, width: 0.15 },
    Clouds { numbers: 8, classes: 4, width: 0.3 },
    Clouds { numbers: 20, classes: 2, width: 0.5 },
    Clouds { numbers: 20, classes: 5, width: 0.4 },
];

/// Rows in each half of the clouds.
const CLOUD_ROWS: usize = 300;

/// Neurons of the base model's hidden layer, and of the networks that others bring.
const NEURONS: [usize; 2] = [16, 24];

/// Confidence level of the bounds.
const CONFIDENCE: f64 = 0.95;

/// Norms of the noise, relative to the distance from the base model.
const NOISE: [f64; 4] = [0.01, 0.02, 0.05, 0.1];

/// Further training: epochs and learning rate.
const FURTHER: [(u32, f32); 4] = [(1, 0.0001), (1, 0.0005), (5, 0.0005), (1, 0.002)];

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A count out of a total.
#[derive(Clone, Copy, Default)]
struct Share {
    found: u32,
    of: u32,
}

/// A base model with the rows it is trained on, to train and compare models from it.
struct Course {
    base: Vec<u8>,
    halves: [Dataset; 2],
    hold_out: Dataset,
    hold_out_file: Vec<u8>,
    /// Factor of the training's length.
    patience: u32,
}

/// A model and the half of the rows it was trained on.
struct Trained {
    half: usize,
    file: Vec<u8>,
    is_perfect: bool,
}

/// Shares by name, in order of appearance.
#[derive(Default)]
struct Table(Vec<(String, [Share; 2])>);

#[expect(clippy::print_stdout, reason = "a program that prints tables")]
fn main() -> Outcome<()> {
    let models = std::env::args().nth(1).map_or(Ok(16), |models| models.parse())?;
    let (mut honest, mut copies) = (Table::default(), Table::default());
    for (base, shards, hold_out) in BASES {
        let course = Course {
            base: read(&format!("{base}.onnx"))?,
            halves: halves(shards)?,
            hold_out: dataset(hold_out)?,
            hold_out_file: read(&format!("{hold_out}.safetensors"))?,
            patience: 1,
        };
        let trained = course.trained(models)?;
        course.compare_pairs(&trained, &mut honest)?;
        course.copy(&trained, &mut copies)?;
    }
    for clouds in CLOUDS {
        let hold_out = clouds.rows(200, 3);
        let course = Course {
            base: clouds.network(NEURONS[0], 1),
            halves: [1, 2].map(|seed| clouds.rows(CLOUD_ROWS, seed)),
            hold_out_file: hold_out.to_safetensors(),
            hold_out,
            patience: 2,
        };
        let mut trained = course.trained(models)?;
        course.copy(&trained, &mut copies)?;
        trained.retain(|model| model.is_perfect);
        course.compare_pairs(&trained, &mut honest)?;
        for seed in 0..u64::try_from(models)? {
            let own = clouds.network(NEURONS[1], 100 + seed);
            let half = usize::from(seed % 2 == 1);
            let own = course.further(&own, half, seed, 0.01, 60)?;
            if !course.is_perfect(&own)? {
                continue;
            }
            for (index, model) in trained.iter().enumerate() {
                let similarity = course.similarity(&model.file, &own)?;
                let is_alone = index as u64 == seed;
                let name = course.named("networks of different forms");
                honest.add(&name, similarity, is_alone);
            }
        }
    }
    println!(
        "| pairs trained independently | taken for copies | bound | of pairs that share no \
              model | bound |\n| --- | --- | --- | --- | --- |"
    );
    for (name, [all, apart]) in honest.0 {
        let [bound, bound_apart] = [all, apart].map(|share| 100.0 * share.at_most());
        let (all, apart) = (all.said(), apart.said());
        println!("| {name} | {all} | {bound:.2} % | {apart} | {bound_apart:.1} % |");
    }
    println!("\n| copies | taken for copies | missed at most |\n| --- | --- | --- |");
    for (name, [all, _]) in copies.0 {
        let missed = Share { found: all.of - all.found, ..all };
        println!("| {name} | {} | {:.1} % |", all.said(), 100.0 * missed.at_most());
    }
    Ok(())
}

impl Course {
    /// Models trained from the base model.
    fn trained(&self, models: usize) -> Outcome<Vec<Trained>> {
        let one = |index: usize| {
            let (half, way) = (index % 2, index / 2);
            let (rate, epochs) = ([0.002, 0.01][way % 2], [4, 30][way / 2 % 2]);
            let epochs = epochs * self.patience;
            let file = self.further(&self.base, half, index as u64, rate, epochs)?;
            Ok(Trained { half, is_perfect: self.is_perfect(&file)?, file })
        };
        (0..models).map(one).collect()
    }

    /// A model trained from another.
    fn further(
        &self,
        file: &[u8],
        half: usize,
        seed: u64,
        rate: f32,
        epochs: u32,
    ) -> Outcome<Vec<u8>> {
        let options = Options {
            learning_rate: rate,
            epochs,
            seed,
            held_back_percent: 10,
            metric: self.metric(),
            ..Options::default()
        };
        let go_on = &mut |_: Progress<'_>| ControlFlow::Continue(());
        Ok(train(file, &self.halves[half], &options, go_on)?.onnx)
    }

    /// The name of a group of pairs.
    fn named(&self, what: &str) -> String {
        match (self.patience, self.hold_out.row().elements()) {
            (1, _) => format!("fixtures, {what}"),
            (_, 2) => format!("both right on every row of two numbers, {what}"),
            _ => format!("both right on every row of 8 or 20 numbers, {what}"),
        }
    }

    fn metric(&self) -> Metric {
        if self.hold_out.classes() == 0 { Metric::MeanSquaredError } else { Metric::Accuracy }
    }

    fn is_perfect(&self, file: &[u8]) -> Outcome<bool> {
        let model = Model::from_onnx(file)?;
        let report = report::evaluate(&model, &self.hold_out, self.metric(), &mut |_, _| {})?;
        Ok(report.scores.score.0 == 1_000_000)
    }

    fn similarity(&self, first: &[u8], second: &[u8]) -> Outcome<Similarity> {
        let blob = |bytes| Blob { cid: Cid::of_block(Codec::Raw, bytes), bytes };
        let comparison = Comparison {
            base: blob(&self.base),
            first: blob(first),
            second: blob(second),
            hold_out: blob(&self.hold_out_file),
            measure: self.metric().into(),
            seed: Digest::of(second),
        };
        Evaluator::new().compare(&comparison).map_err(|unfit| unfit.to_string().into())
    }

    fn compare_pairs(&self, trained: &[Trained], honest: &mut Table) -> Outcome<()> {
        let mut used = vec![[false; 2]; trained.len()];
        for (index, second) in trained.iter().enumerate() {
            for (before, first) in trained[..index].iter().enumerate() {
                let is_same = first.half == second.half;
                let rows = if is_same { "the very same rows" } else { "different rows" };
                let name = self.named(rows);
                let kind = usize::from(is_same);
                let is_alone = !used[index][kind] && !used[before][kind];
                if is_alone {
                    (used[index][kind], used[before][kind]) = (true, true);
                }
                honest.add(&name, self.similarity(&first.file, &second.file)?, is_alone);
            }
        }
        Ok(())
    }

    /// Copies each model in all ways, and counts the copies that are recognised.
    fn copy(&self, trained: &[Trained], copies: &mut Table) -> Outcome<()> {
        let none = Disguise::default();
        let all = Disguise { reorder: true, rescale: true, turn: true, ..none };
        let rewrites = |file: &[u8]| rewrites::rewrites(file, self.hold_out.classes() == 0);
        for (seed, Trained { half, file, .. }) in (0..).zip(trained) {
            let mut add = |name: &str, copy: &[u8]| {
                self.similarity(file, copy).map(|similarity| copies.add(name, similarity, false))
            };
            for (name, copy) in rewrites(file) {
                add(name, &copy)?;
            }
            let how = Disguise { seed, ..all };
            add("neurons of other order, sizes and signs", &disguise(&self.base, file, &how)?)?;
            for noise in NOISE {
                let copy = disguise(&self.base, file, &Disguise { noise, ..how })?;
                let name = format!("the same, noise of {:.0} %", noise * 100.0);
                add(&name, &copy)?;
                for (rewrite, copy) in rewrites(&copy) {
                    if rewrite == rewrites::IDLE || rewrite == rewrites::BIASES {
                        add(&format!("{name}, {rewrite}"), &copy)?;
                    }
                }
            }
            for (epochs, rate) in FURTHER {
                let copy = disguise(&self.base, file, &how)?;
                let copy = self.further(&copy, *half, 1_000 + seed, rate, epochs)?;
                let name = format!("epochs more: {epochs}, in steps of {rate}");
                add(&name, &copy)?;
                for (rewrite, copy) in rewrites(&copy) {
                    if rewrite == rewrites::IDLE {
                        add(&format!("{name}, {rewrite}"), &copy)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Table {
    fn add(&mut self, name: &str, similarity: Similarity, is_alone: bool) {
        let index = self.0.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), Default::default()));
            self.0.len() - 1
        });
        let counted = if is_alone { 2 } else { 1 };
        for share in &mut self.0[index].1[..counted] {
            share.found += u32::from(similarity.is_copy());
            share.of += 1;
        }
    }
}

impl Share {
    fn said(self) -> String {
        format!("{} of {}", self.found, self.of)
    }

    /// Upper confidence bound on the true share, given the share found.
    ///
    /// - Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the
    ///   case of the binomial" (1934), one-sided
    fn at_most(self) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.as_few(middle) > 1.0 - CONFIDENCE {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// Probability of finding no more than this many of so many.
    fn as_few(self, share: f64) -> f64 {
        let Self { found, of } = self;
        let odds = share / (1.0 - share);
        let mut term = f64::from(of) * (-share).ln_1p();
        let mut sum = term.exp();
        for index in 0..found {
            term += (f64::from(of - index) / f64::from(index + 1) * odds).ln();
            sum += term.exp();
        }
        sum
    }
}

/// The rows of each half.
fn halves(shards: &[&str]) -> Outcome<[Dataset; 2]> {
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

fn dataset(path: &str) -> Outcome<Dataset> {
    Ok(Dataset::from_safetensors(&read(&format!("{path}.safetensors"))?)?)
}

fn read(path: &str) -> Outcome<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    fs::read(folder.join(path)).map_err(|fault| format!("{path}: {fault}").into())
}
