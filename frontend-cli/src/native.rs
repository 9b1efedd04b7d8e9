//! What the market will say, computed on this computer: the same code, so the same integers.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use blobs::{BlobRef, Encoding, MAX_INFLATED_BYTES};
use eval::{
    Dataset, Evaluator, Model,
    dataset::{CsvRefused, LabelColumn, LabelKind, from_csv},
    report::{self, Report},
};
use market::{
    Address, Asset, Attestation, Command, Context as Caller, Effect, Event, Exam, Exhibit,
    Judge as _, Market, Marks, Metric, Quote, Results, Stage, SubmissionId, Tally, Terms,
    Timestamp, Unfit, Verdict, Work,
};
use wire::{Genesis, RefusalView};

use crate::{
    files::{self, File},
    talk::{Refused, Talk},
};

/// Work between two signs of progress: a fraction of a second.
const STEP: Work = Work(200_000_000);

/// Runs long work beside the asynchronous runtime.
pub async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| anyhow!("the computation crashed: report it"))?
}

/// Reads a model.
///
/// - Errors: `UnfitModel`, naming the node
pub fn model(bytes: &[u8]) -> Result<Model> {
    Ok(Model::from_onnx(bytes).map_err(|why| Refused::new("UnfitModel", why))?)
}

/// Reads a dataset: CSV by its file name, otherwise safetensors.
///
/// - Errors: `UnfitDataset`, naming the row, or line and column
pub fn dataset(file: &File, label: LabelColumn<'_>, kind: LabelKind) -> Result<Dataset> {
    let is_csv =
        file.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if !is_csv {
        let read = Dataset::from_safetensors(&file.bytes);
        return Ok(read.map_err(|why| Refused::new("UnfitDataset", named(&file.path, &why)))?);
    }
    from_csv(file.bytes.as_slice(), label, kind).map_err(|why| match why {
        CsvRefused::Csv(cause) => {
            anyhow!(cause).context(format!("{} cannot be read as CSV", file.path.display()))
        }
        other => Refused::new("UnfitDataset", named(&file.path, &other)).into(),
    })
}

fn named(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{}: {why}", path.display())
}

/// What the labels of a metric are.
#[must_use]
pub const fn label_kind(metric: Metric) -> LabelKind {
    if metric.is_regression() { LabelKind::Targets } else { LabelKind::Classes }
}

/// Evaluates a model on a dataset.
///
/// - Errors: `Unfit` when they do not fit together
pub fn evaluate(talk: &Talk, model: &Model, dataset: &Dataset, metric: Metric) -> Result<Report> {
    let bar = talk.bar("scoring", dataset.rows() as u64);
    let mut progress = |done, _all| bar.set(done as u64);
    let report = report::evaluate(model, dataset, metric, &mut progress);
    Ok(report.map_err(|why| Refused::new("Unfit", why))?)
}

/// What evaluating a model on a dataset takes, and its marks.
///
/// - Errors: `Unfit` when they do not fit together
pub fn examine(model: &File, data: &File, metric: Metric) -> Result<(Work, Marks)> {
    let exam = Exam {
        model: Exhibit { cid: model.blob.cid(), bytes: &model.bytes },
        hold_out: Exhibit { cid: data.blob.cid(), bytes: &data.bytes },
        metric,
        rows: None,
    };
    let mut judge = Evaluator::with_threads(report::cores());
    let (quote, tally) = answer_all(&mut judge, &exam).map_err(|why| Refused::new("Unfit", why))?;
    Ok((quote.work, tally.marks(metric)))
}

fn answer_all(judge: &mut Evaluator, exam: &Exam<'_>) -> Result<(Quote, Tally), Unfit> {
    let quote = judge.quote(exam)?;
    let mut tally = Tally::with_results(quote.classes, exam.metric);
    while tally.rows() < quote.rows {
        judge.answer(exam, &mut tally, Work(u64::MAX))?;
    }
    Ok((quote, tally))
}

/// What the machine would find of a model on a hold-out, with the results row by row: by the same
/// limits, on all cores.
pub fn attest(
    judge: &mut Evaluator,
    exam: &Exam<'_>,
    max_work: Work,
) -> (Attestation, Option<Results>) {
    let unfit = (Attestation::UNFIT, None);
    let settings = Genesis::default().settings();
    let prices = &settings.prices;
    let length = u64::try_from(exam.model.bytes.len()).unwrap_or(u64::MAX);
    let fixed = Work(prices.input).plus(prices.verdict(length));
    if fixed.plus(judge.reading(exam)) > settings.input_work {
        return unfit;
    }
    let Ok(quote) = judge.quote(exam) else { return unfit };
    let end = prices.results(exam.metric.is_loss(), quote.rows).plus(prices.blaming());
    let turn = fixed.plus(quote.reading).plus(quote.step).plus(end);
    if quote.work > max_work || turn > settings.input_work {
        return unfit;
    }
    let Ok((_, tally)) = answer_all(judge, exam) else { return unfit };
    let Marks { score, worst_class } = tally.marks(exam.metric);
    let Some(results) = tally.into_results() else { return unfit };
    (Attestation { score, worst_class, results: results.digest() }, Some(results))
}

/// A job's bytes, as the market holds them.
#[derive(Clone, Debug)]
pub struct JobBytes {
    /// The base model.
    pub base: Vec<u8>,
    /// The hold-out.
    pub hold_out: Vec<u8>,
}

/// What the market would say of a model.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal {
    /// What its evaluation takes; nothing when it cannot be evaluated.
    pub quote: Option<Quote>,
    /// What an input may cost in that market.
    pub input_work: Work,
    /// The base model's marks.
    pub base: Marks,
    /// What would become of it.
    pub verdict: Verdict,
}

/// What the market would say of a job's base model.
///
/// - Errors: the market's refusal of the terms; `Unfit` when the job would be cancelled
pub fn rehearse_job(
    talk: &Talk,
    terms: &Terms,
    files: &JobBytes,
    input_work: Work,
) -> Result<(Quote, Marks)> {
    let mut stage = Rehearsing::open(talk, terms, files, input_work)?;
    let quote = stage.quote(terms.base_model, &files.base, files)?;
    Ok((quote, stage.base))
}

/// Plays a submission through the market's own rules: the job is opened, and the model submitted
/// and published, in a market that lives only here.
///
/// What other clients have done to the real job is not known to it.
///
/// - Errors: the market's refusal of the submission itself
pub fn rehearse(
    talk: &Talk,
    terms: &Terms,
    files: &JobBytes,
    (model, bytes): (BlobRef, &[u8]),
    input_work: Work,
) -> Result<Rehearsal> {
    let mut stage = Rehearsing::open(talk, terms, files, input_work)?;
    let quote = stage.quote(model, bytes, files).ok();
    let verdict = stage.submit(talk, model, bytes)?;
    Ok(Rehearsal { quote, input_work, base: stage.base, verdict })
}

const SPONSOR: Address = Address([1; 20]);
const CLIENT: Address = Address([2; 20]);

/// A market with one job in it.
struct Rehearsing {
    market: Market,
    judge: Evaluator,
    terms: Terms,
    now: Timestamp,
    base: Marks,
}

impl Rehearsing {
    fn open(talk: &Talk, terms: &Terms, files: &JobBytes, input_work: Work) -> Result<Self> {
        // The deployment's limits on bytes are not known here; the terms' own are checked.
        let (max_blob_bytes, max_stored_bytes) = (u64::MAX, u64::MAX);
        let input_work = input_work.0;
        let mut genesis =
            Genesis { max_blob_bytes, max_stored_bytes, input_work, ..Genesis::default() };
        if let Asset::Erc20(token) = terms.asset {
            genesis.allowed_tokens.insert(token);
        }
        let drive = [
            (terms.base_model.cid(), files.base.clone()),
            (terms.hold_out.cid(), files.hold_out.clone()),
        ];
        let market = Market::new(genesis.settings(), drive);
        // The last moment at which a submission is taken.
        let now = Timestamp(terms.deadline.0.saturating_sub(1));
        let base = Marks { score: market::Score(0), worst_class: market::Score(0) };
        let mut stage = Self {
            market,
            judge: Evaluator::with_threads(report::cores()),
            terms: *terms,
            now,
            base,
        };
        let escrow = terms.reward.checked_times(terms.rewards);
        let escrow = escrow.context("the rewards exceed 256 bits")?;
        stage.market.deposit(SPONSOR, terms.asset, escrow).map_err(|why| refused(&why))?;
        let mut effects = stage.apply(SPONSOR, Command::OpenJob(Box::new(*terms)))?;
        effects.extend(stage.finish(talk)?);
        for effect in effects {
            match effect {
                Effect::Event(Event::JobReady { base, .. }) => stage.base = base,
                Effect::Event(Event::JobCancelled { reason: Some(why), .. }) => {
                    return Err(Refused(RefusalView::from(&why)).into());
                }
                _ => {}
            }
        }
        Ok(stage)
    }

    fn apply(&mut self, sender: Address, command: Command) -> Result<Vec<Effect>> {
        let caller = Caller { sender, now: self.now, ..Caller::default() };
        let effects = self.market.apply(&caller, command, &mut self.judge);
        effects.map_err(|why| refused(&why))
    }

    /// Goes on until nothing is pending.
    fn finish(&mut self, talk: &Talk) -> Result<Vec<Effect>> {
        let job = market::JobId(0);
        let mut effects = Vec::new();
        let mut bar = None;
        loop {
            let view = self.market.job(job).context("the rehearsal lost its job: report it")?;
            if view.pending() == 0 || view.stage == Stage::Cancelled {
                return Ok(effects);
            }
            let (done, rows) = view.progress().unwrap_or((0, 1));
            bar.get_or_insert_with(|| talk.bar("scoring", rows.into())).set(done.into());
            effects.extend(self.apply(CLIENT, Command::Evaluate { job, work: STEP })?);
        }
    }

    fn quote(&mut self, model: BlobRef, bytes: &[u8], files: &JobBytes) -> Result<Quote> {
        let exam = Exam {
            model: Exhibit { cid: model.cid(), bytes },
            hold_out: Exhibit { cid: self.terms.hold_out.cid(), bytes: &files.hold_out },
            metric: self.terms.metric,
            rows: None,
        };
        Ok(self.judge.quote(&exam).map_err(|why| Refused::new("Unfit", why))?)
    }

    fn submit(&mut self, talk: &Talk, model: BlobRef, bytes: &[u8]) -> Result<Verdict> {
        let data = self.terms.hold_out;
        let job = market::JobId(0);
        self.apply(CLIENT, Command::Submit { job, model, data })?;
        let mut effects = Vec::new();
        let mut offset = 0;
        for chunk in bytes.chunks(MAX_INFLATED_BYTES) {
            let (digest, encoding, data) = (model.digest, Encoding::Plain, chunk.to_vec());
            effects
                .extend(self.apply(CLIENT, Command::Publish { digest, offset, encoding, data })?);
            offset += chunk.len() as u64;
        }
        effects.extend(self.finish(talk)?);
        let first = SubmissionId { job, index: 0 };
        let verdict = effects.into_iter().find_map(|effect| match effect {
            Effect::Event(Event::ModelJudged { submission, verdict, .. })
                if submission == first =>
            {
                Some(verdict)
            }
            _ => None,
        });
        let Some(verdict) = verdict else { bail!("the rehearsal came to no verdict: report it") };
        Ok(verdict)
    }
}

fn refused(why: &market::Refusal) -> anyhow::Error {
    Refused(RefusalView::from(why)).into()
}

/// The blob of a model that is written to a file.
#[must_use]
pub fn blob_of(bytes: &[u8]) -> BlobRef {
    blobs::blob_ref(bytes, files::PROFILE)
}
