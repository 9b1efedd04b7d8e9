//! Rehearsals: the market's own rules are run locally before anything is sent, so the integers are
//! the same.
//!
//! A rehearsal has one job and one submission. It does not know the actions of others: that an
//! earlier model is the same or a copy, that rewards or places are taken, that the machine lags.

use std::collections::BTreeMap;

use blobs::{BlobRef, Cid};
use eval::{Dataset, EvaluationRefused, Evaluator, Model, report};
use market::{
    Address, Amount, Blob, Command, Context, Effect, Evaluation, Evaluators, Event, Job, JobId,
    Judge as _, Market, Quote, Refusal, Scores, Sealing, Settings, Slot, Stage, SubmissionStake,
    SubmittedModel, Target, Terms, Timestamp, Verdict, Work,
};
use wire::RefusalView;

use crate::error::{Error, OrReport as _, Result};

/// More inputs than any evaluation may take.
const MAX_INPUTS: u32 = 2 * market::MAX_INPUTS + 100;

/// Told of rows answered and of all rows, while a model is evaluated.
pub type Progress<'a> = &'a dyn Fn(u64, u64);

/// Available blobs of a job, by CID.
pub type Drive = BTreeMap<Cid, Vec<u8>>;

/// The expected opening of a job.
#[derive(Clone, Copy, Debug)]
pub struct JobRehearsal {
    /// Quote for evaluating the base model on the hold-out.
    pub quote: Quote,
    /// The base model's scores on the hold-out.
    pub base: Scores,
    /// Number of inputs that evaluate it before the job is open.
    pub inputs: u32,
}

/// The expected outcome of a submission.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal {
    /// Quote for its evaluation; `None` if it cannot be evaluated.
    pub quote: Option<Quote>,
    /// The base model's scores.
    pub base: Scores,
    /// The expected verdict.
    pub verdict: Verdict,
    /// The stake moved to escrow.
    pub stake: SubmissionStake,
    /// The part of the stake used up if the client itself advances the evaluation; `None` for a
    /// sealed job, whose hold-out is unknown.
    pub cost: Option<Amount>,
    /// Number of inputs that evaluate it after its bytes.
    pub inputs: u32,
}

/// Rehearses the opening of a job.
///
/// - `hold_out`: the plain dataset that decides
/// - `drive`: every blob of the terms, and the plain hold-out
/// - Errors: the market's refusal of the terms, or of the base model
pub fn rehearse_job(
    progress: Progress<'_>,
    settings: &Settings,
    now: Timestamp,
    terms: &Terms,
    hold_out: BlobRef,
    drive: &Drive,
) -> Result<JobRehearsal> {
    let opening = Play::open(progress, settings, now, *terms, drive)?;
    let inputs = opening.inputs.saturating_sub(1);
    let decided = match terms.sealing {
        Sealing::Open { .. } => opening,
        Sealing::Sealed { .. } => {
            let settings = roomy(settings, terms);
            Play::open(progress, &settings, now, opened(terms, hold_out, terms.offer.rows), drive)?
        }
    };
    let base = decided.job()?.base.scores().or_report("the base model has no scores")?;
    let quote = quote(terms, (terms.offer.base_model.cid(), hold_out.cid()), drive, drive)?;
    Ok(JobRehearsal { quote, base, inputs })
}

/// Rehearses a submission: the job is opened, the model submitted, published, evaluated and
/// decided.
///
/// - `decides`: the dataset to evaluate on: the hold-out, or the public slice while that is sealed
/// - `drive`: the base model and that dataset
/// - Errors: the market's refusal of the submission itself
pub fn rehearse(
    progress: Progress<'_>,
    settings: &Settings,
    terms: &Terms,
    decides: BlobRef,
    drive: &Drive,
    (model, bytes): (BlobRef, &[u8]),
) -> Result<Rehearsal> {
    let published = model.size.saturating_add(terms.sealing.overhead());
    let stake = terms.submission_stake(settings, published).map_err(|why| refused(&why))?;
    let base_quote = quote(terms, (terms.offer.base_model.cid(), decides.cid()), drive, drive)?;
    let played = opened(terms, decides, base_quote.rows);
    let own = Drive::from([(model.cid(), bytes.to_vec())]);
    let quote = quote(terms, (model.cid(), decides.cid()), &own, drive).ok();
    if let Some(quote) = quote.filter(|_| terms.sealing.is_sealed()) {
        check_work(terms, quote)?;
    }
    // The earliest time at which a job with this close can open: it leaves time for all that
    // follows.
    let now = Timestamp(terms.close.0.saturating_sub(settings.max_window_seconds));
    let mut play = Play::open(progress, &roomy(settings, terms), now, played, drive)?;
    let base = play.job()?.base_scores().or_report("the base model has no scores")?;
    let inputs = play.submit(model, bytes)?;
    let submission = play.job()?.submissions.get(&0).or_report("the submission is lost")?;
    let verdict = submission.verdict().or_report("the rehearsal came to no verdict")?;
    let cost = if terms.sealing.is_sealed() { None } else { Some(play.cost(verdict)?) };
    Ok(Rehearsal { quote, base, verdict, stake, cost, inputs })
}

/// Why a model cannot be evaluated on a dataset, in more words than the market's verdict has;
/// `None` if it can.
#[must_use]
pub fn explain(terms: &Terms, model: &[u8], dataset: &[u8]) -> Option<String> {
    let understood = Model::from_onnx(model).map_err(EvaluationRefused::from).and_then(|model| {
        eval::understand(&model, &Dataset::from_safetensors(dataset)?, terms.offer.measure())
    });
    understood.err().map(|why| why.to_string())
}

/// The same job unsealed, evaluated by the machine on this dataset.
const fn opened(terms: &Terms, decides: BlobRef, rows: u32) -> Terms {
    let mut opened = *terms;
    if opened.sealing.is_sealed() {
        opened.sealing = Sealing::Open { hold_out: decides };
        opened.evaluators = Evaluators::Machine;
        opened.offer.rows = rows;
    }
    opened
}

/// The deployment's settings, without the machine's limits on evaluations that miners perform.
fn roomy(settings: &Settings, terms: &Terms) -> Settings {
    let mut roomy = settings.clone();
    if terms.sample_rows().is_some() {
        roomy.input_work = Work(u64::MAX / 4);
    }
    roomy
}

/// Refuses a model that takes too long for a hold-out that is still sealed, assuming that all rows
/// take as long.
fn check_work(terms: &Terms, quote: Quote) -> Result<()> {
    let Quote { rows, work, reading, .. } = quote;
    let each = work.minus(reading).0 / u64::from(rows.max(1));
    let found = reading.plus(Work(each).times(terms.offer.rows.into()));
    let maximum = terms.offer.max_work;
    if found > maximum {
        let reason = market::ModelRefusal::TooMuchWork { maximum, found };
        return Err(Error::Refused((&reason).into()));
    }
    Ok(())
}

fn quote(
    terms: &Terms,
    (model, dataset): (Cid, Cid),
    models: &Drive,
    datasets: &Drive,
) -> Result<Quote> {
    let find = |drive: &'_ Drive, cid: Cid| -> Result<Vec<u8>> {
        drive.get(&cid).cloned().or_report("a file of the job is not at hand")
    };
    let (model_bytes, dataset_bytes) = (find(models, model)?, find(datasets, dataset)?);
    let evaluation = Evaluation {
        model: Blob { cid: model, bytes: &model_bytes },
        hold_out: Blob { cid: dataset, bytes: &dataset_bytes },
        measure: terms.offer.measure(),
        rows: None,
    };
    Evaluator::new().quote(&evaluation).map_err(|why| Error::refused("EvaluationError", why))
}

const JOB: JobId = JobId([1; 32]);
const SPONSOR: Address = Address([1; 20]);
const CLIENT: Address = Address([2; 20]);

/// A market with one job in it.
struct Play<'a> {
    progress: Progress<'a>,
    market: Market,
    judge: Evaluator,
    at: Timestamp,
    inputs: u32,
    /// Earnings of the client's own inputs.
    earned: Amount,
    /// Their cost to the client beyond the stake.
    borne: Amount,
    /// Payments from the job to the client.
    paid: Amount,
}

impl<'a> Play<'a> {
    /// Opens a job, and advances it until it takes submissions.
    fn open(
        progress: Progress<'a>,
        settings: &Settings,
        now: Timestamp,
        terms: Terms,
        drive: &Drive,
    ) -> Result<Self> {
        let blobs = drive.iter().map(|(cid, bytes)| (*cid, bytes.clone()));
        let mut play = Self {
            progress,
            market: Market::new(settings.clone(), blobs),
            judge: Evaluator::with_threads(report::cores()),
            at: now,
            inputs: 0,
            earned: Amount::ZERO,
            borne: Amount::ZERO,
            paid: Amount::ZERO,
        };
        let stake = terms.sponsor_stake(settings, now, 0).and_then(|stake| stake.total());
        let stake = (terms.asset, stake.map_err(|why| refused(&why))?);
        let command = Command::OpenJob { job: JOB, salt: [0; 32], terms: Box::new(terms) };
        play.send(SPONSOR, Some(stake), command)?.map_err(|why| refused(&why))?;
        while play.job()?.stage == Stage::Announced {
            play.evaluate(Target::Base)?;
        }
        match play.job()?.cancelled_for {
            None => Ok(play),
            Some(reason) => Err(Error::Refused((&reason).into())),
        }
    }

    /// Submits a model, and advances it until it is decided; returns the number of inputs after the
    /// model's bytes.
    fn submit(&mut self, model: BlobRef, bytes: &[u8]) -> Result<u32> {
        let terms = self.job()?.terms;
        let stake = terms.submission_stake(self.market.settings(), model.size);
        let stake = stake.and_then(|stake| stake.total()).map_err(|why| refused(&why))?;
        let submitted = SubmittedModel::Open { model, data: model };
        let command = Command::Submit { job: JOB, model: submitted };
        let sent = self.send(CLIENT, Some((terms.asset, stake)), command)?;
        sent.map_err(|why| refused(&why))?;
        for command in wire::publishing(JOB, Slot::Submission, bytes, 0).into_iter().flatten() {
            self.send(CLIENT, None, command)?.map_err(|why| refused(&why))?;
        }
        let delivered = self.inputs;
        let mut evaluated = self.inputs;
        while let Some(submission) = self.job()?.submissions.get(&0)
            && submission.verdict().is_none()
        {
            if submission.evaluated.is_over() {
                self.settle()?;
            } else {
                self.evaluate(Target::Submission(0))?;
                evaluated = self.inputs;
            }
        }
        Ok(evaluated.saturating_sub(delivered))
    }

    /// The client's net loss afterwards, not counting a reward.
    fn cost(&self, verdict: Verdict) -> Result<Amount> {
        let terms = &self.job()?.terms;
        let reward = match terms.award {
            market::Award::Rewards { reward, .. } => reward,
            market::Award::Prize { prize, .. } => prize,
        };
        let reward = if verdict.is_accepted() { reward } else { Amount::ZERO };
        let published = self.job()?.submissions.get(&0).map(|one| one.submitted.published().size);
        let stake = terms.submission_stake(self.market.settings(), published.unwrap_or(0));
        let given = stake.and_then(|stake| stake.total()).map_err(|why| refused(&why))?;
        let given = [reward, self.borne].into_iter().try_fold(given, Amount::checked_add);
        let given = given.or_report("the amounts exceed 256 bits")?;
        let back = self.paid.checked_add(self.earned).or_report("the amounts exceed 256 bits")?;
        given.checked_sub(back).or_report("the rehearsal pays more than there is")
    }

    fn job(&self) -> Result<&Job> {
        self.market.job(JOB).or_report("the rehearsal lost its job")
    }

    fn evaluate(&mut self, target: Target) -> Result<()> {
        let job = self.job()?;
        let evaluated = match target {
            Target::Submission(number) => job.submissions.get(&number).map(|one| &one.evaluated),
            Target::Base | Target::BaseOnHoldOut | Target::Shown(_) => Some(&job.base),
        };
        let from = evaluated.map_or(0, market::Evaluated::step);
        if let Some((rows, all)) = evaluated.and_then(market::Evaluated::progress) {
            (self.progress)(rows.into(), all.into());
        }
        let (work, max_surcharge) = (Work(u64::MAX), Amount::ZERO);
        let command = Command::Evaluate { job: JOB, target, from, work, max_surcharge };
        // Whoever advances an evaluation may have to pay for reading the files again.
        let (asset, settings) = (job.terms.asset, self.market.settings());
        let balance = settings.work_price(asset, settings.input_work);
        let balance = (asset, balance.map_err(|why| refused(&why))?);
        self.send(CLIENT, Some(balance), command)?.map_err(|why| refused(&why))
    }

    /// Settles, or advances the time until that is possible.
    fn settle(&mut self) -> Result<()> {
        match self.send(CLIENT, None, Command::Settle { job: JOB })? {
            Err(Refusal::NothingToDo { until, .. } | Refusal::NotYet { opens: until, .. }) => {
                self.at = self.at.max(until);
                Ok(())
            }
            sent => sent.map_err(|why| refused(&why)),
        }
    }

    /// Sends one input, after the time a machine takes for the previous one.
    fn send(
        &mut self,
        sender: Address,
        deposit: Option<(market::Asset, Amount)>,
        command: Command,
    ) -> Result<Result<(), Refusal>> {
        self.inputs += 1;
        if self.inputs > MAX_INPUTS {
            return Err(Error::Broken("the rehearsal comes to no end".to_owned()));
        }
        self.at = self.at.after(self.market.lag_seconds().saturating_add(1));
        let payload_bytes = wire::encode_command(&command).len() as u64;
        let context = Context { sender, block_time: self.at, payload_bytes, ..Context::default() };
        self.market.begin(&context);
        let mut effects = Vec::new();
        if let Some((asset, amount)) = deposit {
            effects.extend(self.market.deposit(sender, asset, amount));
        }
        let done = self.market.apply(&context, command, &mut self.judge);
        let done = done.map(|more| effects.extend(more));
        effects.extend(self.market.finish(effects.len()));
        self.note(&effects)?;
        Ok(done)
    }

    fn note(&mut self, effects: &[Effect]) -> Result<()> {
        let own = Target::Submission(0);
        let add = |sum: &mut Amount, more: Amount| -> Result<()> {
            *sum = sum.checked_add(more).or_report("the amounts exceed 256 bits")?;
            Ok(())
        };
        for effect in effects {
            match *effect {
                Effect::Event(Event::Paid { to: CLIENT, amount, .. }) => {
                    add(&mut self.paid, amount)?;
                }
                Effect::Event(Event::WorkPaid {
                    worker: CLIENT,
                    earned,
                    surcharge,
                    target,
                    ..
                }) if target == own => {
                    add(&mut self.earned, earned)?;
                    add(&mut self.borne, surcharge)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn refused(why: &Refusal) -> Error {
    Error::Refused(RefusalView::from(why))
}
