//! A HyperQueue cluster on this computer: a server and two workers, each a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use client::printer::Printer;

const PACKAGE: &str = "hyperqueue==0.27.0";
const SCRIPT: &str = include_str!("cluster.py");
const NEEDS: &str = "the demo of trainers needs Python 3.9 or newer with venv, and its package \
                     hyperqueue: on Debian `apt-get install python3-venv`";

/// A running cluster, which ends when this is dropped.
pub(super) struct Cluster {
    pub(super) server: PathBuf,
    processes: Vec<Child>,
}

impl Cluster {
    /// The interpreter of an environment with HyperQueue's package, which is made if need be.
    ///
    /// - Errors: there is no Python, or no registry of packages
    pub(super) fn environment(printer: &Printer) -> Result<PathBuf> {
        let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => std::env::home_dir().context("there is no home folder")?.join(".cache"),
        };
        let folder = cache.join("deml").join(PACKAGE.replace("==", "-"));
        let python = folder.join("bin/python");
        if python.exists() {
            return Ok(python);
        }
        printer.say("installing HyperQueue's package, once");
        let parent = folder.parent().unwrap_or(&folder);
        fs::create_dir_all(parent)?;
        let partial = tempfile::tempdir_in(parent)?;
        let run = |command: &mut Command| -> Result<()> {
            let done = command.output().context(NEEDS)?;
            let said = String::from_utf8_lossy(&done.stderr);
            let last = said.trim().lines().last().unwrap_or_default().to_owned();
            ensure!(done.status.success(), "{NEEDS} ({last})");
            Ok(())
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(partial.path()))?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE];
        run(Command::new(partial.path().join("bin/python")).args(install))?;
        // Whole or not at all; if another was quicker, its is as good.
        let moved = fs::rename(partial.path(), &folder);
        ensure!(moved.is_ok() || python.exists(), "cannot make {}", folder.display());
        Ok(python)
    }

    /// Starts the server and two workers, whose files are in this folder.
    ///
    /// - Errors: one of them does not start
    pub(super) fn start(python: &Path, folder: &Path) -> Result<Self> {
        let server = folder.join("server");
        let mut cluster = Self { server: server.clone(), processes: Vec::new() };
        cluster.run(python, &["server".as_ref(), &server])?;
        for name in ["worker-1", "worker-2"] {
            cluster.run(python, &["worker".as_ref(), &folder.join(name), &server])?;
        }
        Ok(cluster)
    }

    fn run(&mut self, python: &Path, arguments: &[&Path]) -> Result<()> {
        for folder in arguments.iter().skip(1).take(1) {
            fs::create_dir_all(folder)?;
        }
        let child = Command::new(python)
            .args(["-c", SCRIPT])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start HyperQueue")?;
        self.processes.push(child);
        let output = self.processes.last_mut().and_then(|child| child.stdout.take());
        let lines = BufReader::new(output.context("no output")?).lines();
        let is_up = lines.map_while(Result::ok).any(|line| line == "up");
        ensure!(is_up, "HyperQueue does not start");
        Ok(())
    }

    /// Kills the worker that has this process among its children; says whether it had one.
    pub(super) fn kill_worker_of(&mut self, process: u32) -> Result<bool> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let parent = parent.and_then(|parent| parent.trim().parse::<u32>().ok());
        let worker = self.processes.iter_mut().find(|child| Some(child.id()) == parent);
        let Some(worker) = worker else { return Ok(false) };
        worker.kill()?;
        worker.wait()?;
        Ok(true)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // It may have ended by itself.
            drop(child.kill().and_then(|()| child.wait()));
        }
    }
}
