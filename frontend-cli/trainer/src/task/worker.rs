//! Work on one task, by whoever an engine chose, or here.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use client::{
    files,
    printer::{Refused, one_line},
};
use eval::{
    Dataset,
    train::{self, Options, Progress},
};
use sandbox::{Ending, Input, Limits, Program};
use serde_json::json;

use super::{
    CANCELLED, INPUT, Isolation, SETTINGS, TASK, TRAINER, Task, Work,
    outcome::{self, Attempt},
};
use crate::{
    custom::{folder::Trainer, interpreter::Interpreter, manifest::TrainerKind},
    keeping,
};

/// The checkpoint of a training by this program.
const CHECKPOINT: &str = "checkpoint";
/// The largest file of a task, in bytes.
const BYTES_MAX: u64 = 4 * 1_024 * 1_024 * 1_024;
/// What the description of a pod sets, so that nothing runs unboxed elsewhere.
pub(crate) const IN_POD: &str = "DEML_POD";
/// The name of a pod's node.
pub(crate) const NODE: &str = "DEML_NODE";

/// Works on a task until it has a result; `said` receives what its trainer says.
///
/// `stage` is what runs a stage of the box, see [`sandbox::run`].
///
/// - Errors: this computer may not read the data, or the task's folder cannot be used; what comes
///   of the work itself is in the result
pub fn work(task: &Path, stage: &[String], said: &mut dyn FnMut(&str)) -> Result<()> {
    if outcome::exists(task) {
        return Ok(());
    }
    let text = files::read_within(&task.join(TASK), BYTES_MAX)?;
    let told: Task = serde_json::from_slice(&text).context("this is no task")?;
    let worker = host();
    let mut attempt = Attempt::begin(task, &worker)?;
    if let Err(why) = permitted(&told.workers, &worker) {
        attempt.say(&why.to_string())?;
        return Err(why);
    }
    let ended = perform(task, &told, stage, &mut attempt, said);
    let (held, made) = match ended {
        Ok(held) => (held, Ok(())),
        Err(why) => {
            let failed = |why| Refused::new("WorkerFailed", format_args!("{why:#}"));
            (Vec::new(), Err(why.downcast::<Refused>().unwrap_or_else(failed)))
        }
    };
    attempt.end(&worker, held, made)
}

/// As [`work`], on an engine: ends as soon as the client has given it up.
///
/// - Errors: as [`work`]
pub fn work_for_engine(task: &Path, stage: &[String]) -> Result<()> {
    let cancelled = task.join(CANCELLED);
    ensure!(!cancelled.exists(), "the client has given this task up");
    // The box ends with this process.
    thread::spawn(move || {
        while !cancelled.exists() {
            thread::sleep(Duration::from_millis(500));
        }
        std::process::exit(130);
    });
    work(task, stage, &mut |_| {})
}

/// The name of this computer: that of the engine's node, or its own.
fn host() -> String {
    let given = ["SLURMD_NODENAME", NODE].into_iter().find_map(|name| std::env::var(name).ok());
    let own = || fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    given.unwrap_or_else(own).trim().to_owned()
}

/// Whether this computer may read the data.
fn permitted(workers: &[String], host: &str) -> Result<()> {
    let short = host.split('.').next().unwrap_or_default();
    let is_named = workers.iter().any(|worker| worker == host || worker == short);
    let why = || format!("{host} is not among --workers: nothing of the data was read there");
    ensure!(workers.is_empty() || is_named, why());
    Ok(())
}

/// Does the work; says what held.
fn perform(
    task: &Path,
    told: &Task,
    stage: &[String],
    attempt: &mut Attempt,
    said: &mut dyn FnMut(&str),
) -> Result<Vec<String>> {
    let output = attempt.output();
    let mut unsaid = None;
    let mut say = |line: &str| {
        said(line);
        if let Err(why) = attempt.say(line) {
            unsaid = Some(why);
        }
    };
    let held = match &told.work {
        Work::Own => fit(task, &told.options, &output, &mut say).map(|()| Vec::new()),
        Work::Trainer { limits, python, isolation } => {
            let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
            let trainer = files::read_within(&beside(task).join(TRAINER), BYTES_MAX)?;
            let trainer = Trainer::unpack(&trainer)?;
            trainer.write(&folder.path().join(TRAINER))?;
            let given = Given { task, trainer: &trainer, folder: folder.path(), python, output };
            match isolation {
                Isolation::Box => given.in_box(limits, stage, &mut say),
                Isolation::Pod => given.in_pod(&mut say),
            }
        }
    }?;
    unsaid.map_or(Ok(held), Err)
}

/// The folder of the whole training.
fn beside(task: &Path) -> &Path {
    task.parent().unwrap_or(task)
}

/// What a trainer is run with.
struct Given<'a> {
    task: &'a Path,
    trainer: &'a Trainer,
    /// Its files are in a folder of this one.
    folder: &'a Path,
    python: &'a Path,
    output: PathBuf,
}

impl Given<'_> {
    fn in_box(
        self,
        limits: &Limits,
        stage: &[String],
        say: &mut dyn FnMut(&str),
    ) -> Result<Vec<String>> {
        let program = self.boxed()?;
        let stage = stage.iter().map(String::as_str).collect::<Vec<_>>();
        let ran = sandbox::run(&stage, &program, limits, say).map_err(unboxed)?;
        let words = last_words(&ran.said);
        if ran.ending != Ending::Exit(0) {
            let why = format_args!("{}{words}; nothing of it is kept", ran.ending);
            return Err(Refused::new("TrainerFailed", why).into());
        }
        if let Err(why) = ran.output {
            let why = format_args!("{why} at /out/{}{words}", program.output);
            return Err(Refused::new("NoOutput", why).into());
        }
        Ok(ran.held)
    }

    /// The contract's files, and where they lie in the box.
    fn boxed(&self) -> Result<Program> {
        let manifest = &self.trainer.manifest;
        let input = beside(self.task).join(INPUT);
        let file = |from, to, executable| Input { from, to, executable };
        let mut inputs = vec![file(self.task.join(SETTINGS), "/in/settings.json".into(), false)];
        for name in ["base.onnx", "weights.safetensors", "data.safetensors"] {
            inputs.push(file(input.join(name), Path::new("/in").join(name), false));
        }
        for path in self.trainer.paths() {
            let from = self.folder.join(TRAINER).join(path);
            inputs.push(file(from, Path::new("/trainer").join(path), path == manifest.entry));
        }
        let entry = Path::new("/trainer").join(&manifest.entry);
        let output = manifest.output.file().to_owned();
        let contract = ["/in".to_owned(), format!("/out/{output}")];
        let (executable, arguments, system) = match manifest.kind {
            TrainerKind::Program => (entry, contract.to_vec(), Vec::new()),
            TrainerKind::Python => {
                let Interpreter { program, system } = Interpreter::find(self.python)?;
                let script = ["-B".to_owned(), "-s".to_owned(), entry.display().to_string()];
                (program, [&script[..], &contract].concat(), system)
            }
        };
        let environment = vec![("PYTHONUNBUFFERED".to_owned(), "1".to_owned())];
        let output_to = self.output.clone();
        Ok(Program { executable, arguments, environment, inputs, system, output, output_to })
    }

    /// The same contract without a box, where the pod is one.
    fn in_pod(self, say: &mut dyn FnMut(&str)) -> Result<Vec<String>> {
        let is_pod = std::env::var_os(IN_POD).is_some();
        ensure!(is_pod, "this is no pod made by `deml train --on k8s`: nothing was run");
        let manifest = &self.trainer.manifest;
        let input = self.folder.join(INPUT);
        fs::create_dir(&input)?;
        for name in ["base.onnx", "weights.safetensors", "data.safetensors"] {
            fs::copy(beside(self.task).join(INPUT).join(name), input.join(name))?;
        }
        fs::copy(self.task.join(SETTINGS), input.join(SETTINGS))?;
        let entry = self.folder.join(TRAINER).join(&manifest.entry);
        let output = self.folder.join(manifest.output.file());
        let mut command = match manifest.kind {
            TrainerKind::Program => Command::new(&entry),
            TrainerKind::Python => Command::new(self.python),
        };
        if manifest.kind == TrainerKind::Python {
            command.args(["-B", "-s"]).arg(&entry);
        }
        command.arg(&input).arg(&output).env_clear().env("PYTHONUNBUFFERED", "1");
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the trainer")?;
        let lines = BufReader::new(child.stdout.take().context("no output")?);
        lines.lines().map_while(Result::ok).for_each(|line| say(&line));
        let status = child.wait()?;
        if !status.success() {
            let why = format_args!("it ended with {status}; nothing of it is kept");
            return Err(Refused::new("TrainerFailed", why).into());
        }
        let found = fs::symlink_metadata(&output).is_ok_and(|found| found.is_file());
        if !found {
            return Err(Refused::new("NoOutput", "it wrote no regular file as its output").into());
        }
        fs::copy(&output, &self.output)?;
        let held = "the pod: no user, no capability, no token, read-only root, the runtime's \
                    seccomp filter; no network if the cluster enforces its network policies";
        Ok(vec![held.to_owned()])
    }
}

/// What was said last on standard error.
fn last_words(said: &str) -> String {
    match one_line(said.trim()) {
        said if said.is_empty() => String::new(),
        said => format!("; it said: {said}"),
    }
}

/// A missing part of the box is a refusal: nothing ran.
fn unboxed(why: anyhow::Error) -> anyhow::Error {
    match why.downcast::<sandbox::Missing>() {
        Ok(missing) => Refused::new("NoBox", missing).into(),
        Err(other) => other,
    }
}

/// Trains by this program, from the checkpoint on if a worker before has left one.
fn fit(task: &Path, options: &Options, output: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    let input = beside(task).join(INPUT);
    let base = files::read_within(&input.join("base.onnx"), BYTES_MAX)?;
    let rows = files::read_within(&input.join("data.safetensors"), BYTES_MAX)?;
    let rows = Dataset::from_safetensors(&rows);
    let rows = rows.map_err(|why| Refused::new("UnfitDataset", why))?;
    let kept = task.join(CHECKPOINT);
    let mut unkept = None;
    let mut progress = |progress: Progress<'_>| {
        if let Progress::Epoch(epoch, course) = progress {
            let score = f64::from(epoch.score.0) / 1e6;
            let (number, loss) = (epoch.number, f64::from(epoch.loss));
            let line = json!({
                "epoch": number, "epochs": options.epochs, "loss": loss, "score": score
            });
            say(&line.to_string());
            let bytes = keeping::bytes_of(course);
            unkept = bytes.and_then(|bytes| keeping::replace(&kept, &bytes)).err();
        }
        if unkept.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let checkpoint = keeping::read_checkpoint(&kept).ok();
    let trained = match checkpoint {
        Some(checkpoint) => train::resume(&base, &rows, options, checkpoint, &mut progress),
        None => train::train(&base, &rows, options, &mut progress),
    };
    let trained = trained.map_err(|why| Refused::new("Untrainable", why))?;
    unkept.map_or(Ok(()), Err)?;
    keeping::replace(output, &trained.onnx)
}
