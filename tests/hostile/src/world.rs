//! A small market to be attacked: settings with near limits, models and a hold-out of a few rows,
//! and the commands with which honest people use it.

use std::{cell::Cell, rc::Rc, sync::LazyLock};

use blobs::{BlobRef, Cid, Encoding, Profile, blob_ref};
use eval::{Dataset, Evaluator, Features, Labels, Shape};
use market::{
    Address, Amount, Asset, Command, Exam, Exhibit, JobId, Judge, Likeness, Metric, Prices, Quote,
    Score, Tally, Terms, Timestamp, U256, Unfit, Work,
};
use rollup::App;
use wire::Genesis;

use crate::{contest, onnx_writer as writer};

/// When everything begins.
pub(crate) const NOW: u64 = 1_700_000_000;
/// How long jobs are open.
pub(crate) const WINDOW_SECONDS: u64 = 3_600;
/// What an accepted model earns, in wei or the token's smallest unit.
pub(crate) const REWARD: Amount = Amount(U256([10, 0, 0, 0]));
/// The one allowed token.
pub(crate) const TOKEN: Address = Address([0x70; 20]);
/// Who takes part.
pub(crate) const ACCOUNTS: [Address; 4] =
    [Address([0xa1; 20]), Address([0xb0; 20]), Address([0xc4; 20]), Address([0xd0; 20])];

const ROWS: u8 = 200;

/// The files that are around: base model, hold-out, and what is submitted.
pub(crate) static FILES: LazyLock<Files> = LazyLock::new(Files::make);

/// What an evaluation in this market takes.
static QUOTE: LazyLock<Quote> = LazyLock::new(|| {
    let Files { base, hold_out, .. } = &*FILES;
    Evaluator::new().quote(&exam(base, hold_out)).expect("the base model can be evaluated")
});

fn exam<'a>(model: &'a [u8], hold_out: &'a [u8]) -> Exam<'a> {
    let exhibit = |bytes: &'a [u8]| Exhibit { cid: file(bytes).cid(), bytes };
    Exam {
        model: exhibit(model),
        hold_out: exhibit(hold_out),
        metric: Metric::Accuracy,
        rows: None,
    }
}

pub(crate) struct Files {
    pub(crate) base: Vec<u8>,
    pub(crate) hold_out: Vec<u8>,
    /// Better, best, worse, of answers that are not finite, of huge cost, and no model at all.
    pub(crate) models: [Vec<u8>; 6],
}

impl Files {
    fn make() -> Self {
        let rows = (0..ROWS).map(|row| [f32::from(row % 7) - 3.0, f32::from(row % 5) - 2.0]);
        let labels = rows.clone().map(|[left, right]| u8::from(left + right > 0.0)).collect();
        let features = Features::Real(rows.flatten().collect());
        let row = Shape::new(&[2]).expect("a shape");
        let hold_out = Dataset::new(row, features, Labels::Classes(labels)).expect("a dataset");
        let plane = |left: f32, right: f32| model(&[-left, left, -right, right]);
        let huge = writer::model(&[
            writer::node("MatMul", &["x", "w"], "h", &[]),
            writer::node("MatMul", &["h", "v"], "y", &[]),
            writer::weights("w", &[2, 400], &[0.5; 800]),
            writer::weights("v", &[400, 2], &[0.5; 800]),
            writer::ports(&[-1, 2]),
        ]);
        let models = [
            plane(1.0, 0.0),
            plane(1.0, 1.0),
            plane(-1.0, -1.0),
            plane(f32::MAX, f32::MAX),
            huge,
            b"no model".to_vec(),
        ];
        Self { base: plane(-1.0, 0.5), hold_out: hold_out.to_safetensors(), models }
    }
}

/// A linear model of two classes.
pub(crate) fn model(weights: &[f32; 4]) -> Vec<u8> {
    writer::model(&[
        writer::node("MatMul", &["x", "w"], "y", &[]),
        writer::weights("w", &[2, 2], weights),
        writer::ports(&[-1, 2]),
    ])
}

/// A file's reference.
pub(crate) fn file(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

/// Settings whose limits are near: a few files fill the shelf, an evaluation takes some inputs.
pub(crate) fn genesis() -> Genesis {
    Genesis {
        allowed_tokens: [TOKEN].into(),
        max_blob_bytes: 16_384,
        max_stored_bytes: 32_768,
        input_work: input_work().0,
        evaluation_window_seconds: WINDOW_SECONDS,
        ..Genesis::default()
    }
}

/// Room for what cannot wait, or for a model being read and two of its steps.
fn input_work() -> Work {
    let (prices, Files { base, hold_out, .. }) = (Prices::COUNTED, &*FILES);
    let exam = exam(base, hold_out);
    let turn = Evaluator::new().reading(&exam).plus(prices.verdict(base.len() as u64));
    let turn = turn.plus(QUOTE.step).plus(QUOTE.step);
    Genesis::least_input_work().plus(turn)
}

/// An application with nothing in it, or with base model and hold-out on its drive; and what its
/// judge has worked since it was last asked.
pub(crate) fn app(with_drive: bool) -> (App<Metered>, Rc<Cell<Work>>) {
    let Files { base, hold_out, .. } = &*FILES;
    let drive: Vec<(Cid, Vec<u8>)> = [base, hold_out]
        .into_iter()
        .filter(|_| with_drive)
        .map(|bytes| (file(bytes).cid(), bytes.clone()))
        .collect();
    let judge = Metered::default();
    let worked = Rc::clone(&judge.worked);
    (App::new(genesis(), drive, judge), worked)
}

/// How many commands there are to choose from.
pub(crate) const COMMANDS: u8 = 13;

/// A command as someone honest would send it; `choice` picks the job and the model.
pub(crate) fn command(kind: u8, choice: u8) -> Command {
    let Files { base, hold_out, models } = &*FILES;
    let job = JobId(u32::from(choice & 3));
    let model = &models[usize::from(choice >> 2) % models.len()];
    let token = choice & 0x80 != 0;
    let asset = if token { Asset::Erc20(TOKEN) } else { Asset::Ether };
    match kind % COMMANDS {
        0 => Command::OpenJob(Box::new(terms(asset, choice))),
        1 => publish(base),
        2 => publish(hold_out),
        3 => Command::Submit { job, model: file(model), data: file(b"own rows") },
        4 => publish(model),
        5 => Command::Evaluate { job, work: Work(u64::MAX) },
        6 => Command::Settle { job },
        7 => Command::CancelJob { job },
        9..=12 => contest::command(kind % COMMANDS - 9, choice, job),
        _ => Command::Withdraw { asset, amount: Amount::new(u128::from(choice & 0x7f)) },
    }
}

pub(crate) fn terms(asset: Asset, choice: u8) -> Terms {
    Terms {
        title: [0; 32],
        asset,
        reward: REWARD,
        rewards: 1 + u32::from(choice & 1),
        deadline: Timestamp(NOW + WINDOW_SECONDS),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        max_model_bytes: 8_192,
        max_work: Work(QUOTE.work.0.saturating_mul(100)),
        base_model: file(&FILES.base),
        hold_out: file(&FILES.hold_out),
    }
}

/// The first and only chunk of a file.
pub(crate) fn publish(bytes: &[u8]) -> Command {
    let (digest, data) = (file(bytes).digest, bytes.to_vec());
    Command::Publish { digest, offset: 0, encoding: Encoding::Plain, data }
}

/// The real judge, its work counted. It catches no panic: a panic is what is looked for.
#[derive(Default)]
pub(crate) struct Metered {
    judge: Evaluator,
    worked: Rc<Cell<Work>>,
}

impl Judge for Metered {
    fn reading(&self, exam: &Exam<'_>) -> Work {
        self.judge.reading(exam)
    }

    fn quote(&mut self, exam: &Exam<'_>) -> Result<Quote, Unfit> {
        self.judge.quote(exam)
    }

    fn answer(&mut self, exam: &Exam<'_>, tally: &mut Tally, budget: Work) -> Result<Work, Unfit> {
        let work = self.judge.answer(exam, tally, budget)?;
        self.worked.set(self.worked.get().plus(work));
        Ok(work)
    }

    fn comparing(&self, lengths: [usize; 3]) -> Work {
        self.judge.comparing(lengths)
    }

    fn alike(
        &mut self,
        base: Exhibit<'_>,
        first: Exhibit<'_>,
        second: Exhibit<'_>,
    ) -> Result<Likeness, Unfit> {
        self.worked.set(
            self.worked
                .get()
                .plus(self.comparing([base, first, second].map(|model| model.bytes.len()))),
        );
        self.judge.alike(base, first, second)
    }
}
