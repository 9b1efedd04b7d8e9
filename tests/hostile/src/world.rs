//! A small market under attack: settings with low limits, and models and a hold-out of a few
//! rows.

use std::{cell::Cell, rc::Rc, sync::LazyLock};

use blobs::{ChunkRefused, Cid};
use eval::{Dataset, Evaluator, Features, Labels, Shape};
use market::{
    Address, Amount, Asset, AssetPrices, Blob, Comparison, Delta, Evaluation, EvaluationError,
    Judge, Metric, MetricAccumulator, Prices, Quote, Settings, Similarity, Windows, Work,
};
use rollup::App;
use scenarios::{ALICE, BOB, TOKEN, file};
use wire::Genesis;

use crate::onnx_writer as writer;

/// Seconds that jobs are open.
pub(crate) const WINDOW_SECONDS: u64 = 3_600;
/// Length of each later window in seconds, which is also the minimum.
pub(crate) const SECONDS: u32 = 600;
/// The participants.
pub(crate) const ACCOUNTS: [Address; 4] = [ALICE, BOB, Address([0xc4; 20]), Address([0xd0; 20])];

/// The operator, who receives a part of the price of work.
const OPERATOR: Address = Address([0x09; 20]);
pub(crate) const ROWS: u8 = 200;

/// The available files: base model, hold-out, and submissions.
pub(crate) static FILES: LazyLock<Files> = LazyLock::new(Files::make);

/// The cost of an evaluation in this market.
pub(crate) static QUOTE: LazyLock<Quote> = LazyLock::new(|| {
    let Files { base, hold_out, .. } = &*FILES;
    Evaluator::new().quote(&evaluation(base, hold_out)).expect("the base model can be evaluated")
});

fn evaluation<'a>(model: &'a [u8], hold_out: &'a [u8]) -> Evaluation<'a> {
    let blob = |bytes: &'a [u8]| Blob { cid: file(bytes).cid(), bytes };
    Evaluation {
        model: blob(model),
        hold_out: blob(hold_out),
        measure: Metric::Accuracy.into(),
        rows: None,
    }
}

pub(crate) struct Files {
    pub(crate) base: Vec<u8>,
    pub(crate) hold_out: Vec<u8>,
    /// Better, best, worse, with non-finite answers, of large cost, invalid, and the best again
    /// with an additional unknown field.
    pub(crate) models: [Vec<u8>; 7],
}

impl Files {
    fn make() -> Self {
        let rows = (0..ROWS).map(|row| [f32::from(row % 7) - 3.0, f32::from(row % 5) - 2.0]);
        let labels = rows.clone().map(|[left, right]| u8::from(left + right > 0.0)).collect();
        let features = Features::Real(rows.flatten().collect());
        let row = Shape::new(&[2]).expect("a shape");
        let hold_out = Dataset::new(row, features, Labels::Classes(labels)).expect("a dataset");
        let plane = |left: f32, right: f32| model(&[-left, left, -right, right]);
        let large = writer::model(&[
            writer::node("MatMul", &["x", "w"], "h", &[]),
            writer::node("MatMul", &["h", "v"], "y", &[]),
            writer::weights("w", &[2, 200], &[0.5; 400]),
            writer::weights("v", &[200, 2], &[0.5; 400]),
            writer::ports(&[-1, 2]),
        ]);
        let again = [plane(1.0, 1.0), writer::bytes(99, b"again")].concat();
        let models = [
            plane(1.0, 0.0),
            plane(1.0, 1.0),
            plane(-1.0, -1.0),
            plane(f32::MAX, f32::MAX),
            large,
            b"no model".to_vec(),
            again,
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

/// Settings with low limits: a few jobs fill the store, an evaluation takes some inputs.
pub(crate) fn genesis() -> Genesis {
    let seconds = u64::from(SECONDS);
    let prices = AssetPrices {
        account_minimum: Amount::new(3),
        work: Amount::new(100),
        rent: Amount::new(1_000),
        place_bond: Amount::new(1),
    };
    let settings = Settings {
        assets: [Asset::Ether, Asset::Erc20(TOKEN)].map(|asset| (asset, prices)).into(),
        operator: OPERATOR,
        max_blob_bytes: 16_384,
        max_stored_bytes: 1 << 20,
        max_balances: 8,
        input_work: input_work(),
        windows: Windows {
            delivery_seconds: seconds,
            reveal_seconds: seconds,
            attest_seconds: seconds,
            evaluation_seconds: seconds,
        },
        ..Genesis::default().settings
    };
    Genesis { settings, ..Genesis::default() }
}

/// Work for what cannot wait, or for reading a model and two of its steps.
fn input_work() -> Work {
    let Files { base, hold_out, .. } = &*FILES;
    let turn = Evaluator::new().reading(&evaluation(base, hold_out));
    let turn = turn.plus(Prices::COUNTED.ending).plus(QUOTE.step).plus(QUOTE.step);
    Genesis::least_input_work(&Prices::COUNTED).plus(turn)
}

/// An empty application, or one with base model and hold-out on its drive; and the work of its
/// judge since the last reset.
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

/// The real judge, with its work counted. It does not catch panics, as tests look for them.
#[derive(Default)]
pub(crate) struct Metered {
    judge: Evaluator,
    worked: Rc<Cell<Work>>,
}

impl Metered {
    fn add(&self, work: Work) {
        self.worked.set(self.worked.get().plus(work));
    }
}

impl Judge for Metered {
    fn rebuild(&self, delta: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused> {
        self.judge.rebuild(delta)
    }

    fn reading(&self, evaluation: &Evaluation<'_>) -> Work {
        self.judge.reading(evaluation)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        self.judge.quote(evaluation)
    }

    fn answer(
        &mut self,
        evaluation: &Evaluation<'_>,
        accumulator: &mut MetricAccumulator,
        budget: Work,
    ) -> Result<Work, EvaluationError> {
        let work = self.judge.answer(evaluation, accumulator, budget)?;
        self.add(work);
        Ok(work)
    }

    fn reading_comparison(&self, comparison: &Comparison<'_>) -> Work {
        self.judge.reading_comparison(comparison)
    }

    fn quote_comparison(&mut self, comparison: &Comparison<'_>) -> Result<Work, EvaluationError> {
        self.judge.quote_comparison(comparison)
    }

    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError> {
        let probes = self.judge.quote_comparison(comparison)?;
        self.add(self.judge.reading_comparison(comparison).plus(probes));
        self.judge.compare(comparison)
    }
}
