//! `deml job evaluate`: advances one evaluation; whoever does is paid for the rows answered.

use std::fmt;

use anyhow::{Result, bail};
use clap::Args;
use client::{
    chain::Sender,
    convert::to_market,
    follow::Processed,
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    quantity::count,
    session::{Session, TransactionCost},
    words,
};
use market::{Award, Command, JobId, Stage, Target, Work};
use serde::Serialize;
use wire::{JobList, JobView, Notice, Query, SubmissionStateView, SubmissionView};

use crate::{
    budget::{Budget, Caps},
    commands::sending::{Calldata, Sending},
    config::Config,
};

/// Arguments of `deml job evaluate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 2 job evaluate 0                    your submission, else what blocks the job
  deml --account 2 job evaluate 0 --submission 3
  deml --account 2 job evaluate 0 --base")]
pub struct Evaluate {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// The evaluation to advance.
    #[command(flatten)]
    pub what: EvaluateWhat,
    /// Limits on sending and paying.
    #[command(flatten)]
    pub caps: Caps,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// The evaluation to advance; by default this account's submission, else what blocks the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
#[group(multiple = false)]
pub struct EvaluateWhat {
    /// The base model, on the dataset that the job opens with
    #[arg(long)]
    pub base: bool,
    /// The base model, on the revealed hold-out
    #[arg(long)]
    pub base_on_hold_out: bool,
    /// The submission of this number
    #[arg(long, value_name = "N")]
    pub submission: Option<u32>,
    /// The model that the account of this submission shows on the board
    #[arg(long, value_name = "N")]
    pub shown: Option<u32>,
}

impl EvaluateWhat {
    /// The named target, if any.
    #[must_use]
    pub fn target(self) -> Option<market::Target> {
        let base = self.base.then_some(market::Target::Base);
        base.or(self.base_on_hold_out.then_some(market::Target::BaseOnHoldOut))
            .or(self.submission.map(market::Target::Submission))
            .or(self.shown.map(market::Target::Shown))
    }
}

/// Reason why advancing an evaluation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "stopped")]
pub enum Stopped {
    /// Nothing is left to do for it.
    Done,
    /// This earlier submission must be decided first.
    EarlierFirst {
        /// Its number.
        submission: u32,
    },
    /// The base model must be evaluated on the hold-out first.
    BaseFirst,
    /// All rewards are paid.
    RewardsPaid,
    /// Advancing requires a free balance.
    Balance {
        /// The market's message.
        message: String,
    },
    /// The limit on inputs or payments is reached.
    CapReached,
    /// The last input did not advance it.
    Stalled,
    /// The machine lags, and the required surcharge exceeds the limit.
    Surcharge {
        /// The market's message.
        message: String,
    },
}

/// Progress of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluated {
    /// The job.
    pub job: JobId,
    /// The job's number, for display.
    pub number: u32,
    /// The evaluated target.
    pub target: Target,
    /// Its next step: rows answered and models compared.
    pub step: u32,
    /// Reason why it ended.
    #[serde(flatten)]
    pub stopped: Stopped,
    /// The market's notices from these inputs.
    pub notices: Vec<Notice>,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    /// The last input that was accepted.
    #[serde(skip)]
    pub last: Option<Processed>,
}

impl fmt::Display for Evaluated {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, step, .. } = self;
        let rows = count((*step).into(), "step");
        writeln!(out, "{}: {rows} done", name(*target))?;
        if let Some(words) = self.stopped.words(self.number, *target) {
            writeln!(out, "  {words}")?;
        }
        write!(out, "  {}", self.spent)
    }
}

impl Evaluated {
    /// Exit status of the command.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        if self.stopped == Stopped::Done { ExitStatus::Done } else { ExitStatus::Refused }
    }
}

impl Stopped {
    /// Advice on the next step; `None` if nothing is left to do.
    #[must_use]
    pub fn words(&self, job: u32, target: Target) -> Option<String> {
        let next = option(target);
        Some(match self {
            Self::Done => return None,
            Self::EarlierFirst { submission } => format!(
                "submission {submission} is decided first: once its bytes are here, `deml job \
                 evaluate {job} --submission {submission}` goes on with it; you pay the gas, and \
                 are paid for each row"
            ),
            Self::BaseFirst => {
                format!("the base model comes first: `deml job evaluate {job} --base-on-hold-out`")
            }
            Self::RewardsPaid => {
                format!("all rewards are paid: `deml job settle {job}` returns the stake")
            }
            Self::Balance { message } => {
                format!("reading the files again {message}: `deml deposit` it, and go on")
            }
            Self::CapReached => format!(
                "stopped at --max-inputs or --max-cost: `deml job evaluate {job} {next}` goes on"
            ),
            Self::Stalled => "stopped: the last input did not advance it".to_owned(),
            Self::Surcharge { message } => {
                format!("{message}: wait, or allow it with --max-surcharge")
            }
        })
    }
}

/// The target in words.
pub(crate) fn name(target: Target) -> String {
    match target {
        Target::Base => "the base model".to_owned(),
        Target::BaseOnHoldOut => "the base model on the hold-out".to_owned(),
        Target::Submission(number) => format!("submission {number}"),
        Target::Shown(number) => format!("the model shown by submission {number}"),
    }
}

/// The target's flag of `deml job evaluate`.
fn option(target: Target) -> String {
    match target {
        Target::Base => "--base".to_owned(),
        Target::BaseOnHoldOut => "--base-on-hold-out".to_owned(),
        Target::Submission(number) => format!("--submission {number}"),
        Target::Shown(number) => format!("--shown {number}"),
    }
}

/// Advances the requested evaluation, or the one this account waits for.
pub async fn run(config: &Config, evaluate: Evaluate) -> Result<ExitStatus> {
    let session = config.session()?;
    let view = session.job(&evaluate.job).await?;
    let named = evaluate.what.target();
    let account = config.account(&session).await;
    let target = match (named, account) {
        (Some(target), _) => target,
        (None, account) => waited_for(&session, &view, to_market(account?)).await?,
    };
    let budget = &mut Budget::new(&session, &evaluate.caps, view.terms.asset).await?;
    if evaluate.sending.calldata {
        let from = step(&session, view.job, target).await?.unwrap_or(0);
        let command = command(view.job, target, from, budget);
        return Calldata::inputs([&command]).answer(&config.printer);
    }
    let sender = config.sender(&session).await?;
    let (session, sender, job) = (&session, &sender, view.job);
    // Without a named target, an account waits for its own submission, and advances what blocks it.
    let evaluated = match named {
        Some(target) => carry_on(session, sender, job, target, budget).await?,
        None => carry_on_with_earlier(session, sender, job, target, budget).await?,
    };
    config.printer.answer(&evaluated)?;
    Ok(evaluated.exit_status())
}

/// Advances an evaluation, and earlier submissions that must be decided first.
///
/// - Errors: as for [`carry_on`]
pub async fn carry_on_with_earlier(
    session: &Session,
    sender: &Sender,
    job: JobId,
    target: Target,
    budget: &mut Budget,
) -> Result<Evaluated> {
    let mut all = carry_on(session, sender, job, target, budget).await?;
    while let Stopped::EarlierFirst { submission } = all.stopped {
        let earlier = Target::Submission(submission);
        let done = carry_on(session, sender, job, earlier, budget).await?;
        let is_over = done.stopped == Stopped::Done;
        // A submission whose bytes are still awaited cannot be advanced.
        if is_over && done.spent.inputs.is_empty() {
            break;
        }
        all.absorb(done);
        if !is_over {
            break;
        }
        all.absorb(carry_on(session, sender, job, target, budget).await?);
    }
    Ok(all)
}

impl Evaluated {
    /// Replaces this by the next evaluation of the same job, adding up their costs.
    pub fn absorb(&mut self, next: Self) {
        let Self { target, step, stopped, notices, spent, last, .. } = next;
        (self.target, self.step, self.stopped) = (target, step, stopped);
        self.notices.extend(notices);
        self.spent.absorb(spent);
        self.last = last.or(self.last.take());
    }
}

/// The evaluation an account waits for: the base model, its own submission, the model it shows, or
/// one in progress.
///
/// - Errors: `NothingPending`
async fn waited_for(session: &Session, view: &JobView, account: market::Address) -> Result<Target> {
    if view.stage == Stage::Announced {
        return Ok(Target::Base);
    }
    if is_base_due(view) {
        return Ok(Target::BaseOnHoldOut);
    }
    let all: Vec<SubmissionView> =
        session.all(|paging| Query::List(view.job.into(), JobList::Submissions, paging)).await?;
    let waits = |one: &&SubmissionView| one.state == SubmissionStateView::Whole;
    let own = all.iter().filter(|one| one.client == account);
    if let Some(own) = own.clone().find(waits) {
        return Ok(Target::Submission(own.submission));
    }
    if let Some(own) = own.clone().find(|own| own.showing.is_some()) {
        return Ok(Target::Shown(own.submission));
    }
    let under_way = view.evaluations.first().map(|evaluation| evaluation.target);
    let first = all.iter().find(waits).map(|one| Target::Submission(one.submission));
    under_way.or(first).ok_or_else(|| {
        let why = format_args!("no evaluation of job {} waits", view.number);
        Refused::new("NothingPending", why).into()
    })
}

/// Whether the base model is yet to be evaluated on a revealed hold-out.
fn is_base_due(view: &JobView) -> bool {
    let is_known = view.hold_out.is_some() && view.terms.sealing.is_sealed();
    is_known && view.base_on_hold_out.is_none() && view.stage.is_live()
}

/// The command that advances an evaluation.
const fn command(job: JobId, target: Target, from: u32, budget: &Budget) -> Command {
    let (work, max_surcharge) = (Work(u64::MAX), budget.surcharge);
    Command::Evaluate { job, target, from, work, max_surcharge }
}

/// The next step of an evaluation; `None` if nothing is left to do for it.
pub async fn step(session: &Session, job: JobId, target: Target) -> Result<Option<u32>> {
    let view = session.job(job).await?;
    let under_way = view.evaluations.iter().find(|evaluation| evaluation.target == target);
    let step = under_way.map_or(0, |evaluation| evaluation.step);
    let waits = |does: bool| Ok(does.then_some(step));
    match target {
        Target::Base => waits(view.stage == Stage::Announced),
        Target::BaseOnHoldOut => waits(is_base_due(&view)),
        Target::Submission(number) => {
            let one = submission(session, job, number).await?;
            // A prize needs only the rows; rewards need comparisons afterwards.
            let is_over = matches!(view.terms.award, Award::Prize { .. }) && one.scores.is_some();
            let waits = one.state == SubmissionStateView::Whole && !is_over;
            Ok(waits.then_some(one.step))
        }
        Target::Shown(number) => waits(submission(session, job, number).await?.showing.is_some()),
    }
}

/// One submission.
pub async fn submission(session: &Session, job: JobId, number: u32) -> Result<SubmissionView> {
    let view: SubmissionView = session.ask(&Query::Submission(job.into(), number)).await?;
    if view.submission != number {
        bail!("the node answers with submission {} instead of {number}", view.submission);
    }
    Ok(view)
}

/// The newest submission of an account to a job.
pub async fn submission_of(
    session: &Session,
    job: JobId,
    account: market::Address,
) -> Result<Option<SubmissionView>> {
    let all: Vec<SubmissionView> =
        session.all(|paging| Query::List(job.into(), JobList::Submissions, paging)).await?;
    Ok(all.into_iter().rfind(|one| one.client == account))
}

/// Sends inputs until an evaluation is over, the budget is used up, or an input does not advance
/// it.
///
/// - Errors: the market's refusal, unless nothing is left to do
pub async fn carry_on(
    session: &Session,
    sender: &Sender,
    job: JobId,
    target: Target,
    budget: &mut Budget,
) -> Result<Evaluated> {
    let number = session.job(job).await?.number;
    let (step, stopped, notices, spent) =
        (0, Stopped::Done, Vec::new(), TransactionCost::default());
    let mut evaluated =
        Evaluated { job, number, target, step, stopped, notices, spent, last: None };
    let mut next = self::step(session, job, target).await?;
    let mut bar = None;
    while let Some(from) = next {
        evaluated.step = from;
        if !budget.allows_one(session).await? {
            evaluated.stopped = Stopped::CapReached;
            break;
        }
        let bar = bar.get_or_insert_with(|| session.printer.spinner(&name(target).to_string()));
        bar.say(format!("{}: step {from}", name(target)));
        let sent = session.send(sender, &command(job, target, from, budget)).await?;
        let mut cost = TransactionCost::default();
        cost.add(&sent);
        budget.note(&cost);
        evaluated.spent.absorb(cost);
        let processed = session.follow(&sent).await?;
        next = match processed.refusals.first() {
            None => {
                evaluated.notices.extend(processed.notices.iter().cloned());
                evaluated.last = Some(processed);
                self::step(session, job, target).await?
            }
            Some(refused) => match refused_step(refused) {
                Ok(expected) => Some(expected),
                Err(Some(stopped)) => {
                    evaluated.stopped = stopped;
                    break;
                }
                Err(None) => return Err(refused.clone().into()),
            },
        };
        // A node may misreport progress: continue only if the step increases.
        if let Some(step) = next.filter(|step| *step <= from) {
            (evaluated.step, evaluated.stopped) = (step, Stopped::Stalled);
            break;
        }
    }
    Ok(evaluated)
}

/// The step that the market expects instead, or the reason why nothing more is sent; `None` for any
/// other refusal.
fn refused_step(refused: &Refused) -> Result<u32, Option<Stopped>> {
    let value = |name: &str| refused.0.values.get(name).and_then(|value| value.parse().ok());
    let message = || words::sentence(&refused.0).into_owned();
    match refused.0.refused.as_str() {
        "StaleStep" => value("expected").ok_or(None),
        "AlreadyEvaluated" => Err(Some(Stopped::Done)),
        "NoRewardLeft" => Err(Some(Stopped::RewardsPaid)),
        "InsufficientBalance" => Err(Some(Stopped::Balance { message: message() })),
        "BaseFirst" => Err(Some(Stopped::BaseFirst)),
        "EarlierFirst" => {
            Err(value("submission").map(|submission| Stopped::EarlierFirst { submission }))
        }
        "SurchargeTooSmall" => Err(Some(Stopped::Surcharge { message: message() })),
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn only_a_later_step_is_gone_on_from() {
        let refused = |name: &str, values: &[(&str, &str)]| {
            let mut refused = Refused::new(name, "why");
            let values = values.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            refused.0.values = values.collect::<BTreeMap<_, _>>();
            refused_step(&refused)
        };
        let message = "why".to_owned();
        assert_eq!(refused("StaleStep", &[("expected", "7"), ("found", "3")]), Ok(7));
        assert_eq!(refused("StaleStep", &[]), Err(None));
        assert_eq!(refused("AlreadyEvaluated", &[]), Err(Some(Stopped::Done)));
        let earlier = Stopped::EarlierFirst { submission: 2 };
        assert_eq!(refused("EarlierFirst", &[("submission", "2")]), Err(Some(earlier)));
        assert_eq!(refused("SurchargeTooSmall", &[]), Err(Some(Stopped::Surcharge { message })));
        assert_eq!(refused("UnknownTarget", &[]), Err(None));
    }
}
