//! A training from epoch to epoch: the order of rows, what each epoch gave, and the best of them.

use std::ops::ControlFlow;

use super::{
    Checkpoint, Ending, Epoch, Fitting, Options, Progress, TrainRefused, Trained,
    checkpoint::{Saved, digest},
    fitting::{Pass, Round},
};
use crate::{
    dataset::{Dataset, Labels},
    marking::EvaluationRefused,
    onnx,
    random::Random,
};

/// Rows at most whose loss says where a training begins.
const FIRST_ROWS: usize = 1_024;
/// A loss this many times that of the base model, or of guessing, diverges.
const DIVERGING: f32 = 4.0;
/// Rows of an epoch before its loss can be said to diverge.
const DIVERGING_ROWS: usize = 256;

/// A training under way.
pub struct Course<'a> {
    file: &'a [u8],
    dataset: &'a Dataset,
    options: &'a Options,
    fitting: Fitting,
    /// The rows trained on, in the order of the last epoch.
    rows: Vec<usize>,
    /// The rows held back, if any.
    held_back: Option<Dataset>,
    random: Random,
    /// All epochs, the base model first.
    curve: Vec<Epoch>,
    /// Index of the best.
    best: usize,
    best_weights: Vec<Vec<f32>>,
    /// Digest of file, rows and options.
    training: [u8; 32],
}

impl<'a> Course<'a> {
    pub(super) fn new(
        file: &'a [u8],
        dataset: &'a Dataset,
        options: &'a Options,
    ) -> Result<Self, TrainRefused> {
        let mut course = Self::before(file, dataset, options)?;
        let first = &course.rows[..course.rows.len().min(FIRST_ROWS)];
        let loss = course.fitting.loss(dataset, first, options)?;
        let score = course.score()?;
        course.curve.push(Epoch { number: 0, loss, score, rate: 0.0 });
        Ok(course)
    }

    pub(super) fn from_checkpoint(
        file: &'a [u8],
        dataset: &'a Dataset,
        options: &'a Options,
        checkpoint: Checkpoint,
    ) -> Result<Self, TrainRefused> {
        let mut course = Self::before(file, dataset, options)?;
        let Checkpoint { training, curve, best, weights } = checkpoint;
        let best = usize::try_from(best).unwrap_or(usize::MAX);
        let parameters = &mut course.fitting.parameters;
        let is_whole = weights.len() == parameters.len() && best < curve.len();
        if !is_whole || training != course.training {
            return Err(TrainRefused::Checkpoint);
        }
        for (parameter, saved) in parameters.iter_mut().zip(&weights) {
            saved.restore(parameter)?;
        }
        for _ in 1..curve.len() {
            course.random.shuffle(&mut course.rows);
        }
        course.best_weights = weights.into_iter().map(|saved| saved.best).collect();
        (course.curve, course.best) = (curve, best);
        Ok(course)
    }

    /// With the file's weights and no epoch yet.
    fn before(
        file: &'a [u8],
        dataset: &'a Dataset,
        options: &'a Options,
    ) -> Result<Self, TrainRefused> {
        let fitting = Fitting::new(file, dataset, options)?;
        let (random, rows, held_back) = parted(dataset, options);
        if rows.is_empty() {
            return Err(TrainRefused::NoRows);
        }
        let best_weights = fitting.elements();
        let (curve, best) = (Vec::new(), 0);
        Ok(Self {
            file,
            dataset,
            options,
            fitting,
            rows,
            held_back,
            random,
            curve,
            best,
            best_weights,
            training: digest(file, dataset, options),
        })
    }

    /// Runs the epochs that are left.
    pub(super) fn run(
        mut self,
        progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Trained, TrainRefused> {
        let mut ending = Ending::Completed;
        let mut goes_on = progress(Progress::Begun(self.last())).is_continue();
        while goes_on && self.last().number < self.options.epochs {
            if self.is_out_of_patience() {
                ending = Ending::NoBetter;
                break;
            }
            match self.epoch(progress)? {
                Pass::Whole { .. } => {
                    goes_on = progress(Progress::Epoch(self.last(), &self)).is_continue();
                }
                Pass::Stopped => goes_on = false,
                Pass::Diverged => {
                    ending = Ending::Diverged { epoch: self.last().number + 1 };
                    break;
                }
            }
        }
        if !goes_on {
            ending = Ending::Stopped;
        }
        Ok(Trained { onnx: self.best_file()?, best: self.best(), curve: self.curve, ending })
    }

    /// Runs an epoch and, if it came to its end, judges it.
    fn epoch(
        &mut self,
        progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Pass, TrainRefused> {
        self.random.shuffle(&mut self.rows);
        let epoch = self.last().number;
        let (number, all, limit) = (epoch + 1, self.rows.len(), self.greatest_loss());
        let mut done = |done, loss| {
            let diverges = loss > limit && done >= DIVERGING_ROWS.min(all);
            progress(Progress::Rows { epoch: number, done, all, loss, diverges })
        };
        let round = Round { rows: &self.rows, epoch };
        let pass = self.fitting.epoch(self.dataset, round, self.options, &mut done)?;
        if let Pass::Whole { loss, rate } = pass {
            let score = self.score()?;
            self.curve.push(Epoch { number, loss, score, rate });
            let to_match = if self.held_back.is_some() { self.best } else { 0 };
            if score >= self.curve[to_match].score {
                self.best = self.curve.len() - 1;
                self.best_weights = self.fitting.elements();
            }
        }
        Ok(pass)
    }

    fn score(&mut self) -> Result<market::Score, TrainRefused> {
        let watched = self.held_back.as_ref().unwrap_or(self.dataset);
        self.fitting.score(watched, self.options.measure())
    }

    fn is_out_of_patience(&self) -> bool {
        let Some(patience) = self.options.patience else { return false };
        let highest = self.curve.iter().map(|epoch| epoch.score).max();
        // An equal score is no better one: it counts from the first that had it.
        let first = self.curve.iter().position(|epoch| Some(epoch.score) == highest);
        let waited = self.curve.len() - 1 - first.unwrap_or(0);
        waited >= usize::try_from(patience).unwrap_or(usize::MAX)
    }

    /// A loss that no training which goes well has.
    fn greatest_loss(&self) -> f32 {
        let guessing = match self.dataset.labels() {
            Labels::Classes(_) => f32::from(self.dataset.classes()).ln(),
            Labels::Targets(targets) => variance(targets),
        };
        DIVERGING * guessing.max(self.curve[0].loss)
    }

    fn last(&self) -> Epoch {
        self.curve[self.curve.len() - 1]
    }

    /// The best epoch so far; zero for the base model.
    #[must_use]
    pub fn best(&self) -> Epoch {
        self.curve[self.best]
    }

    /// The given file with the best weights so far.
    ///
    /// - Errors: never for a file that was read
    pub fn best_file(&self) -> Result<Vec<u8>, TrainRefused> {
        if self.best == 0 {
            return Ok(self.file.to_vec());
        }
        let weights = self.fitting.parameters.iter().zip(&self.best_weights);
        let weights = weights
            .map(|(parameter, elements)| (parameter.place, (parameter.shape, elements.clone())));
        let file = onnx::with_weights(self.file, &weights.collect());
        Ok(file.map_err(EvaluationRefused::from)?)
    }

    /// All that is needed to go on from here.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let parameters = self.fitting.parameters.iter().zip(&self.best_weights);
        Checkpoint {
            training: self.training,
            curve: self.curve.clone(),
            best: u32::try_from(self.best).unwrap_or(u32::MAX),
            weights: parameters.map(|(parameter, best)| Saved::of(parameter, best)).collect(),
        }
    }
}

/// The sequence that orders rows from then on, the rows to train on, and those held back.
pub(super) fn parted(
    dataset: &Dataset,
    options: &Options,
) -> (Random, Vec<usize>, Option<Dataset>) {
    let mut random = Random::new(options.seed);
    let mut rows = (0..dataset.rows()).collect::<Vec<_>>();
    random.shuffle(&mut rows);
    let held_back = rows.len() * usize::from(options.held_back_percent.min(100)) / 100;
    let held_back = rows.split_off(rows.len() - held_back);
    let held_back = (!held_back.is_empty()).then(|| dataset.subset(&held_back));
    (random, rows, held_back)
}

/// The mean square of the distance from the mean.
fn variance(numbers: &[f32]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "an order of magnitude is wanted")]
    let mean = |list: &mut dyn Iterator<Item = f32>| list.sum::<f32>() / numbers.len() as f32;
    let middle = mean(&mut numbers.iter().copied());
    mean(&mut numbers.iter().map(|number| (number - middle).powi(2)))
}
