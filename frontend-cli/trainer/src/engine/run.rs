//! The course of a training on an engine: handed over, followed, fetched, judged.

use std::{
    fmt, fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use client::{
    printer::{Interrupted, Printer, Refused},
    vault,
};
use serde::Serialize;

use super::{
    Engine, On, Placement, State, kubernetes,
    records::{Record, TaskRecord, remove},
};
use crate::{
    keeping,
    task::{
        CANCELLED, INPUT, Isolation, TRAINER, Wanted, Work,
        judging::JudgedModel,
        outcome::{self, Follower, TaskOutcome},
    },
};

/// How often an engine is asked.
const PAUSE: Duration = Duration::from_millis(500);
/// How often in a row an ended task may lack its result, as a shared folder may be late.
const GRACE: u32 = 6;
/// How often a task is handed over if its worker is lost and the engine gives it up.
const TRIES: u32 = 3;

/// How far a training is.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Its engine.
    pub on: &'static str,
    /// Its tasks.
    pub tasks: Vec<TaskStatus>,
}

/// How far a task is.
#[derive(Clone, Debug, Serialize)]
pub struct TaskStatus {
    /// Its seed.
    pub seed: u64,
    /// The engine's name of it.
    pub job: Option<String>,
    /// What the engine says; `None` if it is unreachable.
    pub state: Option<State>,
    /// Whether there is a result to fetch.
    pub has_result: bool,
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} on {}", self.name, self.on)?;
        for TaskStatus { seed, job, state, has_result } in &self.tasks {
            let job = job.as_deref().unwrap_or("not handed over");
            let state = match (has_result, state) {
                (true, _) => "has its result".to_owned(),
                (false, Some(state)) => state.to_string(),
                (false, None) => "unknown: the engine cannot be reached".to_owned(),
            };
            write!(out, "\n  seed {seed:<3} {job}: {state}")?;
        }
        Ok(())
    }
}

/// Hands a training to an engine; from then on its record is kept, in this folder.
///
/// - Errors: `NoWorkers`, `NoRows`, `AsksTooMuch`; the engine takes no task
pub fn launch(
    printer: &Printer,
    mut wanted: Wanted,
    placement: Placement,
    job: Option<String>,
    records: &Path,
) -> Result<Record> {
    placement.check()?;
    keeping::try_writing(&wanted.out)?;
    wanted.out = kubernetes::absolute(&wanted.out)?;
    let (rows, held_back) = wanted.parted(printer)?;
    if let (Work::Trainer { isolation, .. }, On::K8s(_)) = (&mut wanted.work, &placement.on) {
        *isolation = Isolation::Pod;
    }
    let name = format!("deml-{}", hex(&vault::random()));
    let shared = match &placement.shared {
        Some(shared) => kubernetes::absolute(shared)?,
        None => client::folders::data()?.join("tasks"),
    };
    let folder = shared.join(&name);
    let tasks = wanted.seeds.iter().map(|seed| TaskRecord { seed: *seed, job: None, tries: 0 });
    let (tasks, judging) = (tasks.collect(), wanted.judging());
    let home = records.join(&name);
    let mut record = Record { name, home, placement, folder, judging, job, tasks };
    record.begin(&wanted.base, &held_back)?;
    let handed = wanted
        .write(&record.folder, &rows, &record.placement.workers)
        .and_then(|()| submit_all(printer, &mut record));
    if let Err(why) = handed {
        // What was handed over before is given up, and nothing of the data stays.
        cancel(&record)?;
        return Err(why);
    }
    Ok(record)
}

fn submit_all(printer: &Printer, record: &mut Record) -> Result<()> {
    let engine = record.placement.engine();
    for number in 0..record.tasks.len() {
        submit(&*engine, record, number)?;
    }
    let (name, on) = (&record.name, record.placement.on.name());
    let jobs = record.tasks.iter().filter_map(|task| task.job.as_deref()).collect::<Vec<_>>();
    printer.say(format_args!("{name} is on {on} as {}", jobs.join(", ")));
    Ok(())
}

fn submit(engine: &dyn Engine, record: &mut Record, number: usize) -> Result<()> {
    let (task, name) = (record.task(number), format!("{}-{number}", record.name));
    let job = engine.submit(&task, &name)?;
    if let Some(task) = record.tasks.get_mut(number) {
        task.job = Some(job);
        task.tries += 1;
    }
    record.save()
}

/// Follows a training until all its tasks have a result, judges them, and writes the best model;
/// then nothing of it is kept. `stop` leaves it to the engine.
///
/// - Errors: `Interrupted`; the engine is unreachable; those of the tasks, and `NotBetter`
pub fn follow(printer: &Printer, mut record: Record, stop: &AtomicBool) -> Result<JudgedModel> {
    let engine = record.placement.engine();
    let mut followers = record.tasks.iter().map(|_| Task::default()).collect::<Vec<_>>();
    while followers.iter().any(|task| task.outcome.is_none()) {
        for (number, task) in followers.iter_mut().enumerate() {
            if task.outcome.is_none() {
                task.look(printer, &*engine, &mut record, number)?;
            }
        }
        if stop.load(Ordering::Relaxed) {
            let name = &record.name;
            printer.say(format_args!(
                "{name} goes on; `deml train follow {name}` fetches it, `deml train cancel {name}` \
                 ends it"
            ));
            return Err(Interrupted.into());
        }
        thread::sleep(PAUSE);
    }
    let seeds = record.tasks.iter().map(|task| task.seed);
    let outcomes = seeds.zip(followers.into_iter().filter_map(|task| task.outcome)).collect();
    let (base, held_back) = record.judges()?;
    let judged = record.judging.judge(&base, &held_back, outcomes);
    // A model that cannot be written now may be written later; a refusal stays one.
    if judged.as_ref().err().is_none_or(|why| why.is::<Refused>()) {
        record.forget()?;
    }
    judged
}

/// A task that is followed.
#[derive(Default)]
struct Task {
    follower: Follower,
    /// How often in a row it had ended without a result.
    misses: u32,
    outcome: Option<TaskOutcome>,
}

impl Task {
    fn look(
        &mut self,
        printer: &Printer,
        engine: &dyn Engine,
        record: &mut Record,
        number: usize,
    ) -> Result<()> {
        let folder = record.task(number);
        let Some(TaskRecord { seed, job, tries }) = record.tasks.get(number).cloned() else {
            return Ok(());
        };
        let name = if record.tasks.len() > 1 { format!("seed {seed}") } else { "it".to_owned() };
        self.follower.show(printer, &folder, &name);
        if let Some(job) = &job {
            engine.fetch(job, &folder)?;
        }
        if let Some(outcome) = outcome::read(&folder)? {
            self.follower.show(printer, &folder, &name);
            self.outcome = Some(outcome);
            return Ok(());
        }
        let state = job.as_ref().map_or(Ok(State::Ended), |job| engine.follow(job))?;
        self.misses = if state == State::Ended { self.misses + 1 } else { 0 };
        if self.misses < GRACE {
            return Ok(());
        }
        self.misses = 0;
        if tries < TRIES {
            printer.say(format_args!("{name}: its worker is lost; it is handed over again"));
            return submit(engine, record, number);
        }
        let errors = fs::read_to_string(folder.join("errors")).unwrap_or_default();
        let said = errors.trim().lines().last().map(|line| format!(": {line}")).unwrap_or_default();
        let why = format!("{TRIES} times its worker ended without a result{said}");
        let (worker, held) = (record.placement.on.name().to_owned(), Vec::new());
        let made = Err(Refused::new("WorkerLost", why));
        self.outcome = Some(TaskOutcome { worker, held, made, bytes: Vec::new() });
        Ok(())
    }
}

/// How far a training is.
#[must_use]
pub fn status(record: &Record) -> Status {
    let engine = record.placement.engine();
    let tasks = record.tasks.iter().enumerate().map(|(number, task)| TaskStatus {
        seed: task.seed,
        job: task.job.clone(),
        state: task.job.as_ref().and_then(|job| engine.follow(job).ok()),
        has_result: outcome::exists(&record.task(number)),
    });
    let (name, on, tasks) = (record.name.clone(), record.placement.on.name(), tasks.collect());
    Status { name, on, tasks }
}

/// Ends a training, and removes the data that its workers saw. Where the engine cannot take a task
/// back, its folder stays with nothing but the word that it is given up.
///
/// - Errors: the engine is unreachable, or a folder cannot be removed
pub fn cancel(record: &Record) -> Result<()> {
    let engine = record.placement.engine();
    let mut is_over = true;
    for (number, task) in record.tasks.iter().enumerate() {
        let folder = record.task(number);
        if folder.exists() {
            fs::write(folder.join(CANCELLED), "").context("the task cannot be given up")?;
        }
        if let Some(job) = &task.job {
            engine.cancel(job)?;
            is_over &= ends(&*engine, job)?;
        }
    }
    if is_over {
        return record.forget();
    }
    remove(&record.folder.join(INPUT))?;
    let trainer = record.folder.join(TRAINER);
    if trainer.exists() { Ok(fs::remove_file(trainer)?) } else { Ok(()) }
}

/// Waits for a task to end, for some seconds.
fn ends(engine: &dyn Engine, job: &str) -> Result<bool> {
    for _ in 0..10 {
        if engine.follow(job)? == State::Ended {
            return Ok(true);
        }
        thread::sleep(PAUSE);
    }
    Ok(false)
}

/// The first digits of a secret, as a name that nobody else takes.
fn hex(secret: &[u8]) -> String {
    secret.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
