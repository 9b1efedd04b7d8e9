//! Trainings under way, as this computer keeps them: which engine has which task by which name, and
//! the rows that judge the results. They outlive the command, and this computer's restart.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use client::{files, folders, printer::Refused};
use eval::Dataset;
use serde::{Deserialize, Serialize};

use super::Placement;
use crate::{
    keeping,
    task::{self, judging::Judging},
};

const RECORD: &str = "record.json";
const BASE: &str = "base.onnx";
const HELD_BACK: &str = "held-back.safetensors";
/// The largest file of a record, in bytes.
const BYTES_MAX: u64 = 4 * 1_024 * 1_024 * 1_024;

/// A training under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// The folder that this computer alone sees.
    pub home: PathBuf,
    /// Where it runs.
    pub placement: Placement,
    /// The folder of its tasks.
    pub folder: PathBuf,
    /// What becomes of the results.
    pub judging: Judging,
    /// The job of the market it is for, as it was named.
    pub job: Option<String>,
    /// Its tasks.
    pub tasks: Vec<TaskRecord>,
}

/// A task of a training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Its seed.
    pub seed: u64,
    /// The engine's name of it; `None` if the engine does not have it.
    pub job: Option<String>,
    /// How often it was handed over.
    pub tries: u32,
}

impl Record {
    /// The folder of a task.
    #[must_use]
    pub fn task(&self, number: usize) -> PathBuf {
        self.folder.join(number.to_string())
    }

    /// Keeps what judges the results.
    ///
    /// - Errors: it cannot be written
    pub(super) fn begin(&self, base: &[u8], held_back: &Dataset) -> Result<()> {
        let home = &self.home;
        task::private(home)?;
        files::write_private(&home.join(BASE), base)?;
        files::write_private(&home.join(HELD_BACK), &held_back.to_safetensors())?;
        self.save()
    }

    /// Keeps how far it is.
    ///
    /// - Errors: it cannot be written
    pub(super) fn save(&self) -> Result<()> {
        keeping::replace(&self.home.join(RECORD), &serde_json::to_vec_pretty(self)?)
    }

    /// The base model, and the rows that judge the results.
    ///
    /// - Errors: they are missing or broken
    pub(super) fn judges(&self) -> Result<(Vec<u8>, Dataset)> {
        let home = &self.home;
        let base = files::read_within(&home.join(BASE), BYTES_MAX)?;
        let held_back = files::read_within(&home.join(HELD_BACK), BYTES_MAX)?;
        Ok((base, Dataset::from_safetensors(&held_back)?))
    }

    /// Removes the record; first the data that workers saw, which may be absent already.
    ///
    /// - Errors: a folder cannot be removed
    pub(super) fn forget(&self) -> Result<()> {
        for folder in [&self.folder, &self.home] {
            remove(folder)?;
        }
        Ok(())
    }
}

/// Removes a folder with all that is in it, if it exists.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(why).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The folder of this user's records.
///
/// - Errors: there is no home
pub fn folder() -> Result<PathBuf> {
    Ok(folders::data()?.join("trainings"))
}

/// All trainings under way, by name.
///
/// - Errors: a record cannot be read
pub fn all(folder: &Path) -> Result<Vec<Record>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut records = Vec::new();
    // One that is being begun has no record yet.
    for path in entries.map(|entry| entry.path().join(RECORD)).filter(|path| path.exists()) {
        let text = files::read_within(&path, BYTES_MAX)?;
        let broken = || format!("{} is no record: remove it", path.display());
        records.push(serde_json::from_slice::<Record>(&text).with_context(broken)?);
    }
    records.sort_by(|one, two| one.name.cmp(&two.name));
    Ok(records)
}

/// The training of a name, or the only one.
///
/// - Errors: `NoTraining`
pub fn find(folder: &Path, name: Option<&str>) -> Result<Record> {
    let all = all(folder)?;
    let found = match name {
        Some(name) => all.iter().find(|record| record.name == name),
        None => all.first().filter(|_| all.len() == 1),
    };
    if let Some(record) = found {
        return Ok(record.clone());
    }
    let names = all.iter().map(|record| record.name.as_str()).collect::<Vec<_>>().join(", ");
    let there = if names.is_empty() { "none is under way".to_owned() } else { names };
    let why = match name {
        Some(name) => format!("no training is called {name}: {there}"),
        None => format!("say which training: {there}"),
    };
    Err(Refused::new("NoTraining", why).into())
}
