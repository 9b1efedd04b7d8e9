//! The application as a process of its own, kept in the state after its accepted inputs.
//!
//! A process cannot be rolled back as the machine can. A rejected input, or the death of the
//! process, is undone by restarting the application and replaying the accepted inputs.

use std::time::Duration;

use alloy::primitives::Bytes;
use anyhow::{Result, bail, ensure};
use client::chain::Advance;
use tokio::time::timeout;

use super::Notify;
use super::completion::{Completion, InputStatus};
use super::process::{Guarded, Program};
use super::rollup_server::{Emitted, Request, RequestOutcome, RollupServer};

/// The time for an application to ask for its first request.
const START_WAIT: Duration = Duration::from_secs(60);
/// A node's time limit for an input.
pub(super) const INPUT_WAIT: Duration = Duration::from_secs(180);
/// Attempts per input: one retry, in case the application was killed from outside.
const ATTEMPTS: u32 = 2;

/// One run of the application.
struct Run {
    process: Guarded,
    server: RollupServer,
}

/// Result of a request to one run.
enum Answer {
    Outcome(RequestOutcome),
    /// The process ended, or did not answer in time.
    Died {
        status: InputStatus,
        why: String,
    },
}

/// An accepted input.
#[derive(Clone, Debug)]
struct Accepted {
    input: Advance,
    first_output: u64,
    emitted: Emitted,
}

/// The application, started and restarted as needed.
pub struct ProcessApp {
    program: Program,
    /// The inputs whose replay restores the current state.
    journal: Vec<Accepted>,
    notify: Notify,
    run: Option<Run>,
}

impl ProcessApp {
    /// An application that is not running yet.
    pub(super) fn new(program: Program, notify: Notify) -> Self {
        Self { program, journal: Vec::new(), notify, run: None }
    }

    /// The process id, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.run.as_ref().map(|run| run.process.pid())
    }

    /// Feeds the application its next input.
    ///
    /// - Errors: it cannot be started, or a replay diverges
    pub(super) async fn advance(&mut self, input: &Advance) -> Result<Completion> {
        let (input, index) = (input.clone(), input.index);
        let first_output = self.next_output();
        for _ in 0..ATTEMPTS {
            self.revive().await?;
            match self.ask(Request::Advance { input: input.clone(), first_output }).await {
                Answer::Outcome(RequestOutcome::Accepted(emitted)) => {
                    self.journal.push(Accepted { input, first_output, emitted: emitted.clone() });
                    return Ok(Completion::accepted(emitted));
                }
                Answer::Outcome(RequestOutcome::Rejected(_)) => {
                    self.stop().await;
                    return Ok(Completion::failed(InputStatus::Rejected));
                }
                Answer::Outcome(RequestOutcome::Exception(why)) => {
                    (self.notify)(&format!("the application failed at input {index}: {why}"));
                    self.stop().await;
                    return Ok(Completion::failed(InputStatus::Exception));
                }
                Answer::Died { status, why } => {
                    (self.notify)(&format!("THE APPLICATION DIED at input {index}: {why}"));
                    self.stop().await;
                    if status != InputStatus::MachineHalted {
                        return Ok(Completion::failed(status));
                    }
                }
            }
        }
        Ok(Completion::failed(InputStatus::MachineHalted))
    }

    /// Inspects the application without changing its state.
    ///
    /// - Errors: it cannot be started, or a replay diverges
    pub(super) async fn inspect(&mut self, payload: Bytes) -> Result<RequestOutcome> {
        self.revive().await?;
        match self.ask(Request::Inspect { payload }).await {
            Answer::Outcome(outcome @ RequestOutcome::Exception(_)) => {
                self.stop().await;
                Ok(outcome)
            }
            Answer::Outcome(outcome) => Ok(outcome),
            Answer::Died { why, .. } => {
                (self.notify)(&format!("THE APPLICATION DIED at an inspect request: {why}"));
                self.stop().await;
                Ok(RequestOutcome::Exception(why))
            }
        }
    }

    /// Starts the application if it is not running, and replays the inputs it has accepted.
    pub(super) async fn revive(&mut self) -> Result<()> {
        if let Some(run) = &mut self.run {
            let Some(said) = run.process.has_ended() else { return Ok(()) };
            (self.notify)(&format!("THE APPLICATION DIED while idle: {said}"));
            self.stop().await;
        }
        self.run = Some(self.start().await?);
        if !self.journal.is_empty() {
            (self.notify)(&format!("replaying {} inputs ...", self.journal.len()));
        }
        for Accepted { input, first_output, emitted } in self.journal.clone() {
            let index = input.index;
            match self.ask(Request::Advance { input, first_output }).await {
                Answer::Outcome(RequestOutcome::Accepted(now)) => {
                    ensure!(
                        now == emitted,
                        "the application is not deterministic: replaying input {index} gave \
                         other outputs or reports than before"
                    );
                }
                _ => bail!(
                    "the application is not deterministic: it accepted input {index} once and \
                     did not when it was replayed"
                ),
            }
        }
        Ok(())
    }

    /// The number of the next output.
    fn next_output(&self) -> u64 {
        self.journal.last().map_or(0, |last| last.first_output + last.emitted.outputs.len() as u64)
    }

    /// Ends the process, if any.
    pub(super) async fn stop(&mut self) {
        if let Some(run) = &mut self.run {
            run.process.stop().await;
        }
        self.run = None;
    }

    async fn start(&self) -> Result<Run> {
        let server = RollupServer::start().await?;
        let mut program = self.program.clone();
        program.env.push(("ROLLUP_HTTP_SERVER_URL".to_owned(), server.url().to_owned()));
        let mut process = Guarded::start(&program).await?;
        let path = program.path.display();
        tokio::select! {
            () = server.ready() => Ok(Run { process, server }),
            said = process.ended() => {
                bail!("the application {path} ended before its first request: {said}")
            }
            () = tokio::time::sleep(START_WAIT) => {
                bail!("the application {path} did not ask for a request: is it a rollup application?")
            }
        }
    }

    async fn ask(&mut self, request: Request) -> Answer {
        let Some(run) = &mut self.run else {
            let why = "it is not running".to_owned();
            return Answer::Died { status: InputStatus::MachineHalted, why };
        };
        let Run { process, server } = run;
        let answer = async {
            tokio::select! {
                biased;
                outcome = server.ask(request) => outcome,
                _ = process.ended() => None,
            }
        };
        match timeout(INPUT_WAIT, answer).await {
            Ok(Some(outcome)) => Answer::Outcome(outcome),
            Ok(None) => {
                let why = process.ended().await;
                Answer::Died { status: InputStatus::MachineHalted, why }
            }
            Err(_) => {
                let why = format!("no answer in {} seconds", INPUT_WAIT.as_secs());
                Answer::Died { status: InputStatus::TimeLimitExceeded, why }
            }
        }
    }
}
