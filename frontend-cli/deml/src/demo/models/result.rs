//! The demo's result: as JSON for programs, as tables for people.

use std::fmt;

use blobs::Cid;
use client::{printer::Refused, quantity::percent};
use market::Score;
use serde::Serialize;
use trainer::task::judging::JudgedModel;

use crate::demo;

/// Results of the demo of trainers.
#[derive(Debug, Serialize)]
pub struct Played {
    /// Results of any demo.
    #[serde(flatten)]
    pub common: demo::Played,
    /// The trainer that the job names.
    pub trainer: Cid,
    /// What the clients trained with it.
    pub trainings: Vec<Trained>,
    /// What became of a trainer that sends data away.
    pub caught: Caught,
}

/// A training of a client.
#[derive(Debug, Serialize)]
pub struct Trained {
    /// The client.
    pub client: &'static str,
    /// Where it trained.
    pub on: &'static str,
    /// Number of workers that were lost meanwhile.
    pub workers_killed: u32,
    /// Time it took.
    pub milliseconds: u128,
    /// What came of it.
    pub judged: JudgedModel,
}

/// A trainer that tried to send data away.
#[derive(Debug, Serialize)]
pub struct Caught {
    /// The client that ran it.
    pub client: &'static str,
    /// What the client was told.
    pub refused: Refused,
    /// Connections to where the data were to go.
    pub connections: u32,
    /// Models that the client submitted.
    pub submissions: u32,
}

impl AsMut<demo::Played> for Played {
    fn as_mut(&mut self) -> &mut demo::Played {
        &mut self.common
    }
}

impl fmt::Display for Played {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.common.fmt_people(out)?;
        writeln!(out, "\ntrainer {}", self.trainer)?;
        for trained in &self.trainings {
            let Trained { client, on, workers_killed, milliseconds, .. } = trained;
            let (score, parts) =
                (percent(Score(trained.judged.validation)), trained.judged.held.len());
            writeln!(
                out,
                "{client:<11} on {on:<13} {score} on rows held back, {workers_killed} workers \
                 killed, {parts} parts of the box held, {milliseconds} ms"
            )?;
        }
        let Caught { client, refused, .. } = &self.caught;
        writeln!(out, "{client:<11} caught: {refused}; nothing arrived, nothing was submitted")?;
        self.common.fmt_end(out)
    }
}
