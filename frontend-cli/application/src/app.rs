//! The application, run as a process of this computer or in a Cartesi Machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use alloy::primitives::{B256, Bytes};
use anyhow::Result;
use client::chain::Advance;

use super::Notify;
use super::completion::Completion;
use super::emulated::launcher;
use super::machine_app::{Machine, MachineApp};
use super::process::Program;
use super::process_app::ProcessApp;
use super::rollup_server::RequestOutcome;

/// The program or machine that runs as the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dapp {
    /// An executable. One for RISC-V runs through qemu if the processor differs.
    Program(PathBuf),
    /// A stored Cartesi Machine: the folder that `cartesi build` makes.
    Machine(PathBuf),
}

impl From<PathBuf> for Dapp {
    fn from(program: PathBuf) -> Self {
        Self::Program(program)
    }
}

/// A located application and the programs that run it.
pub enum Launch {
    /// An executable and its first arguments.
    Program(PathBuf, Vec<OsString>),
    /// A machine and its emulator.
    Machine(Machine),
}

impl Launch {
    /// Locates all that running `dapp` needs.
    ///
    /// - Errors: it cannot be read, or its emulator is missing
    pub async fn find(dapp: &Dapp) -> Result<Self> {
        Ok(match dapp {
            Dapp::Program(path) => {
                let (program, args) = launcher(path)?;
                Self::Program(program, args)
            }
            Dapp::Machine(image) => Self::Machine(Machine::open(image).await?),
        })
    }

    /// The hash of a machine.
    pub fn machine_hash(&self) -> Option<B256> {
        match self {
            Self::Program(..) => None,
            Self::Machine(machine) => Some(machine.hash),
        }
    }

    /// The application before its first input. `deml` guards a program, which receives `genesis`
    /// and `more`; logs and stored machines go to `folder`.
    pub fn app(
        self,
        deml: &Path,
        genesis: &Path,
        more: &[OsString],
        folder: &Path,
        notify: Notify,
    ) -> Result<App> {
        Ok(match self {
            Self::Program(path, mut args) => {
                args.extend(["--genesis".into(), genesis.into()]);
                args.extend(more.iter().cloned());
                let (deml, log) = (deml.to_owned(), folder.join("dapp.log"));
                let program = Program { deml, path, args, env: Vec::new(), log };
                App::Process(Box::new(ProcessApp::new(program, notify)))
            }
            Self::Machine(machine) => App::Machine(Box::new(MachineApp::new(machine, folder)?)),
        })
    }
}

/// An application in the state after its accepted inputs.
pub enum App {
    /// Inputs are undone by a restart and replay.
    Process(Box<ProcessApp>),
    /// Inputs are undone by returning to the stored machine.
    Machine(Box<MachineApp>),
}

impl App {
    /// Feeds the application its next input.
    ///
    /// - Errors: it cannot be started, or a replay diverges
    pub async fn advance(&mut self, input: &Advance) -> Result<Completion> {
        match self {
            Self::Process(app) => app.advance(input).await,
            Self::Machine(app) => app.advance(input).await,
        }
    }

    /// Inspects the application without changing its state.
    ///
    /// - Errors: it cannot be started, or a replay diverges
    pub async fn inspect(&mut self, payload: Bytes) -> Result<RequestOutcome> {
        match self {
            Self::Process(app) => app.inspect(payload).await,
            Self::Machine(app) => app.inspect(&payload).await,
        }
    }

    /// Makes the application ready for the next request.
    pub async fn revive(&mut self) -> Result<()> {
        match self {
            Self::Process(app) => app.revive().await,
            Self::Machine(_) => Ok(()),
        }
    }

    /// Whether it can take a request at once.
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Process(app) => app.pid().is_some(),
            Self::Machine(_) => true,
        }
    }

    /// The process id, while it runs as a process.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Process(app) => app.pid(),
            Self::Machine(_) => None,
        }
    }

    /// Ends the process, if any.
    pub async fn stop(&mut self) {
        if let Self::Process(app) = self {
            app.stop().await;
        }
    }
}
