//! What the market will say, before anything is sent: the market's own rules are played through on
//! this computer, so the integers are the same.
//!
//! A rehearsal has one job and one submission. It does not know what others have done: that an
//! earlier model is the same or a copy, that rewards or places are taken, that the machine lags.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use blobs::{BlobRef, Cid};
use eval::{Evaluator, report};
use market::{
    Address, Amount, Command, Context, Effect, Evaluators, Event, Evaluation, Blob, Job, JobId,
    Judge as _, Market, Quote, Refusal, Scores, Sealing, Settings, Slot, Stage, SubmissionStake,
    SubmittedModel, Target, Terms, Timestamp, Verdict, Work,
};
use wire::RefusalView;

use crate::{
    delivery,
    talk::{Refused, Talk},
};

/// More inputs than any evaluation may take.
const MAX_INPUTS: u32 = 2 * market::MAX_INPUTS + 100;

/// Bytes of a job's blobs that are at hand, by name.
pub type Drive = BTreeMap<Cid, Vec<u8>>;

/// What the market would say of a job.
#[derive(Clone, Copy, Debug)]
pub struct JobRehearsal {
    /// What evaluating the base model on the hold-out takes.
    pub quote: Quote,
    /// The base model's scores on the hold-out.
    pub base: Scores,
    /// How many inputs go on with evaluating it before the job is open.
    pub inputs: u32,
}

/// What the market would say of a model.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal {
    /// What its evaluation takes; `None` if it cannot be evaluated.
    pub quote: Option<Quote>,
    /// The base model's scores.
    pub base: Scores,
    /// What would become of it.
    pub verdict: Verdict,
    /// What is moved to escrow.
    pub stake: SubmissionStake,
    /// What of the stake is used up when the client itself goes on with the evaluation; `None` for
    /// a sealed job, where the hold-out is not known.
    pub cost: Option<Amount>,
    /// How many inputs go on with its evaluation after its bytes.
    pub inputs: u32,
}

/// Plays the opening of a job.
///
/// - `hold_out`: the plain dataset that decides
/// - `drive`: every blob of the terms, and the plain hold-out
/// - Errors: the market's refusal of the terms, or of the base model
pub fn rehearse_job(
    talk: &Talk,
    settings: &Settings,
    now: Timestamp,
    terms: &Terms,
    hold_out: BlobRef,
    drive: &Drive,
) -> Result<JobRehearsal> {
    let opening = Play::open(talk, settings, now, *terms, drive)?;
    let inputs = opening.inputs.saturating_sub(1);
    let decided = match terms.sealing {
        Sealing::Open { .. } => opening,
        Sealing::Sealed { .. } => {
            let settings = roomy(settings, terms);
            Play::open(talk, &settings, now, opened(terms, hold_out, terms.offer.rows), drive)?
        }
    };
    let base = decided.job()?.base.scores().context("the base model has no scores: report it")?;
    let quote = quote(terms, (terms.offer.base_model.cid(), hold_out.cid()), drive, drive)?;
    Ok(JobRehearsal { quote, base, inputs })
}

/// Plays a submission: the job is opened, the model submitted and published, evaluated, decided.
///
/// - `decides`: the dataset to evaluate on: the hold-out, or the public slice while that is sealed
/// - `drive`: the base model and that dataset
/// - Errors: the market's refusal of the submission itself
pub fn rehearse(
    talk: &Talk,
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
    // As early as a job with this close can open: there is time for all that follows.
    let now = Timestamp(terms.close.0.saturating_sub(settings.max_window_seconds));
    let mut play = Play::open(talk, &roomy(settings, terms), now, played, drive)?;
    let base = play.job()?.base_scores().context("the base model has no scores: report it")?;
    let inputs = play.submit(model, bytes)?;
    let submission = play.job()?.submissions.get(&0).context("the submission is lost")?;
    let verdict = submission.verdict().context("the rehearsal came to no verdict: report it")?;
    let cost = if terms.sealing.is_sealed() { None } else { Some(play.cost(verdict)?) };
    Ok(Rehearsal { quote, base, verdict, stake, cost, inputs })
}

/// The same job with nothing sealed, evaluated by the machine on this dataset.
const fn opened(terms: &Terms, decides: BlobRef, rows: u32) -> Terms {
    let mut opened = *terms;
    if opened.sealing.is_sealed() {
        opened.sealing = Sealing::Open { hold_out: decides };
        opened.evaluators = Evaluators::Machine;
        opened.offer.rows = rows;
    }
    opened
}

/// The deployment's settings, with room for evaluations that are beyond the machine where miners
/// do them.
fn roomy(settings: &Settings, terms: &Terms) -> Settings {
    let mut roomy = settings.clone();
    if terms.sample_rows().is_some() {
        roomy.input_work = Work(u64::MAX / 4);
    }
    roomy
}

/// Says before a sealed hold-out is known that a model takes too long for it, if all rows take as
/// long.
fn check_work(terms: &Terms, quote: Quote) -> Result<(), Refused> {
    let Quote { rows, work, reading, .. } = quote;
    let each = work.minus(reading).0 / u64::from(rows.max(1));
    let found = reading.plus(Work(each).times(terms.offer.rows.into()));
    let maximum = terms.offer.max_work;
    if found > maximum {
        let reason = market::ModelRefusal::TooMuchWork { maximum, found };
        return Err(Refused((&reason).into()));
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
        drive.get(&cid).cloned().with_context(|| format!("{cid} is not at hand"))
    };
    let (model_bytes, dataset_bytes) = (find(models, model)?, find(datasets, dataset)?);
    let evaluation = Evaluation {
        model: Blob { cid: model, bytes: &model_bytes },
        hold_out: Blob { cid: dataset, bytes: &dataset_bytes },
        metric: terms.offer.metric,
        rows: None,
    };
    Ok(Evaluator::new().quote(&evaluation).map_err(|why| Refused::new("EvaluationError", why))?)
}

const JOB: JobId = JobId([1; 32]);
const SPONSOR: Address = Address([1; 20]);
const CLIENT: Address = Address([2; 20]);

/// A market with one job in it.
struct Play<'a> {
    talk: &'a Talk,
    market: Market,
    judge: Evaluator,
    at: Timestamp,
    inputs: u32,
    /// What the client's own inputs earned.
    earned: Amount,
    /// What they cost it beside the stake.
    borne: Amount,
    /// What was paid to the client out of the job.
    paid: Amount,
}

impl<'a> Play<'a> {
    /// Opens a job, and brings it to where it takes submissions.
    fn open(
        talk: &'a Talk,
        settings: &Settings,
        now: Timestamp,
        terms: Terms,
        drive: &Drive,
    ) -> Result<Self> {
        let blobs = drive.iter().map(|(cid, bytes)| (*cid, bytes.clone()));
        let mut play = Self {
            talk,
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
            Some(reason) => Err(Refused((&reason).into()).into()),
        }
    }

    /// Submits a model, and goes on until it is decided; how many inputs that took after the
    /// model's bytes.
    fn submit(&mut self, model: BlobRef, bytes: &[u8]) -> Result<u32> {
        let terms = self.job()?.terms;
        let stake = terms.submission_stake(self.market.settings(), model.size);
        let stake = stake.and_then(|stake| stake.total()).map_err(|why| refused(&why))?;
        let submitted = SubmittedModel::Open { model, data: model };
        let command = Command::Submit { job: JOB, model: submitted };
        let sent = self.send(CLIENT, Some((terms.asset, stake)), command)?;
        sent.map_err(|why| refused(&why))?;
        for command in delivery::chunks_from(JOB, Slot::Submission, bytes, 0)? {
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

    /// What the client is short of afterwards, beside a reward.
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
        let given = given.context("the amounts exceed 256 bits")?;
        let back = self.paid.checked_add(self.earned).context("the amounts exceed 256 bits")?;
        given.checked_sub(back).context("the rehearsal pays more than there is: report it")
    }

    fn job(&self) -> Result<&Job> {
        self.market.job(JOB).context("the rehearsal lost its job: report it")
    }

    fn evaluate(&mut self, target: Target) -> Result<()> {
        let job = self.job()?;
        let evaluated = match target {
            Target::Submission(number) => job.submissions.get(&number).map(|one| &one.evaluated),
            Target::Base | Target::BaseOnHoldOut | Target::Shown(_) => Some(&job.base),
        };
        let from = evaluated.map_or(0, market::Evaluated::step);
        if let Some((rows, all)) = evaluated.and_then(market::Evaluated::progress) {
            self.talk.bar("scoring", all.into()).set(rows.into());
        }
        let (work, max_surcharge) = (Work(u64::MAX), Amount::ZERO);
        let command = Command::Evaluate { job: JOB, target, from, work, max_surcharge };
        // Whoever goes on may have to bear that files are read again.
        let (asset, settings) = (job.terms.asset, self.market.settings());
        let balance = settings.work_price(asset, settings.input_work);
        let balance = (asset, balance.map_err(|why| refused(&why))?);
        self.send(CLIENT, Some(balance), command)?.map_err(|why| refused(&why))
    }

    /// Lets the time pass that has to.
    fn settle(&mut self) -> Result<()> {
        match self.send(CLIENT, None, Command::Settle { job: JOB })? {
            Err(Refusal::NothingToDo { until, .. } | Refusal::NotYet { opens: until, .. }) => {
                self.at = self.at.max(until);
                Ok(())
            }
            sent => sent.map_err(|why| refused(&why)),
        }
    }

    /// Sends one input, as long after the last as a machine takes for that.
    fn send(
        &mut self,
        sender: Address,
        deposit: Option<(market::Asset, Amount)>,
        command: Command,
    ) -> Result<Result<(), Refusal>> {
        self.inputs += 1;
        if self.inputs > MAX_INPUTS {
            bail!("the rehearsal comes to no end: report it");
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
        let add = |sum: &mut Amount, more: Amount| {
            *sum = sum.checked_add(more).context("the amounts exceed 256 bits")?;
            anyhow::Ok(())
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

fn refused(why: &Refusal) -> anyhow::Error {
    Refused(RefusalView::from(why)).into()
}
