//! Replaying: feeding an application the inputs another one has processed, to see whether it
//! returns the same. An application is a function of its inputs, so two of the same code must
//! agree: native or for RISC-V, on any computer.

use std::ffi::OsString;
use std::path::Path;

use alloy::primitives::{B256, Bytes};
use anyhow::{Context, Result};
use client::chain::Advance;

use crate::{App, Completion, Dapp, Launch, Notify, beside_this_program};

/// An application outside a devnet, given its inputs one by one.
pub struct Replay {
    app: App,
}

impl Replay {
    /// The application before its first input, running and asking for it.
    ///
    /// - `genesis`: the genesis file of a program; a machine has its own inside
    /// - `more`: further arguments of a program
    /// - `folder`: exists; receives logs, and machines while they are needed
    /// - Errors: it cannot be started, or there is no `deml` executable beside the running one
    pub async fn start(
        dapp: &Dapp,
        genesis: &Path,
        more: &[OsString],
        folder: &Path,
        notify: Notify,
    ) -> Result<Self> {
        Self::launch(Launch::find(dapp).await?, genesis, more, folder, notify).await
    }

    async fn launch(
        launch: Launch,
        genesis: &Path,
        more: &[OsString],
        folder: &Path,
        notify: Notify,
    ) -> Result<Self> {
        let deml = beside_this_program("deml")?;
        let mut app = launch.app(&deml, genesis, more, folder, notify)?;
        app.revive().await?;
        Ok(Self { app })
    }

    /// Feeds the application its next input.
    ///
    /// - Errors: it cannot be run
    pub async fn advance(&mut self, input: &Advance) -> Result<Completion> {
        self.app.advance(input).await
    }

    /// Ends the application.
    pub async fn stop(mut self) {
        self.app.stop().await;
    }
}

/// The hash of a machine, which its application on Ethereum must state.
///
/// - Errors: not a machine, or unreadable
pub async fn machine_hash(dapp: &Dapp) -> Result<B256> {
    Launch::find(dapp).await?.machine_hash().context("only a machine has a hash")
}

/// The outcomes of `inputs`, which are all inputs since genesis.
///
/// - Errors: the application cannot be run
pub async fn replay(
    dapp: &Dapp,
    genesis: &Path,
    folder: &Path,
    notify: Notify,
    inputs: &[Advance],
) -> Result<Vec<Completion>> {
    let launch = match Launch::find(dapp).await? {
        Launch::Machine(machine) => return machine.replay(inputs).await,
        program @ Launch::Program(..) => program,
    };
    let mut replay = Replay::launch(launch, genesis, &[], folder, notify).await?;
    let mut completions = Vec::new();
    for input in inputs {
        let completion = replay.advance(input).await;
        completions
            .push(completion.with_context(|| format!("cannot replay input {}", input.index))?);
    }
    replay.stop().await;
    Ok(completions)
}

/// The first difference between two histories of the same inputs, in words.
#[must_use]
pub fn difference(before: &[Completion], after: &[Completion]) -> Option<String> {
    let pairs = before.iter().zip(after);
    let different = (0_u64..).zip(pairs).find_map(|(index, (before, after))| {
        let kinds = [
            ("output", &before.outputs, &after.outputs),
            ("report", &before.reports, &after.reports),
        ];
        if before.status != after.status {
            return Some(format!("input {index} is {:?} and {:?}", before.status, after.status));
        }
        kinds.into_iter().find_map(|(kind, before, after)| {
            Some(format!("input {index}: {}", different(kind, before, after)?))
        })
    });
    different.or_else(|| {
        let (before, after) = (before.len(), after.len());
        (before != after).then(|| format!("{before} inputs were processed, and {after}"))
    })
}

fn different(kind: &str, before: &[Bytes], after: &[Bytes]) -> Option<String> {
    let position = before.iter().zip(after).position(|(before, after)| before != after);
    match position {
        Some(at) => Some(format!("{kind} {at} is {} and {}", before[at], after[at])),
        None if before.len() == after.len() => None,
        None => Some(format!("{} {kind}s, and {}", before.len(), after.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InputStatus;

    fn accepted(outputs: &[&'static str], reports: &[&'static str]) -> Completion {
        let bytes = |texts: &[&'static str]| texts.iter().map(|&text| text.into()).collect();
        Completion {
            status: InputStatus::Accepted,
            outputs: bytes(outputs),
            reports: bytes(reports),
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let before = [accepted(&["a"], &[]), accepted(&["b", "c"], &["r"])];
        assert_eq!(difference(&before, &before.clone()), None);
        let other = |second| [before[0].clone(), second];
        let rejected =
            Completion { status: InputStatus::Rejected, outputs: Vec::new(), reports: Vec::new() };
        for (after, words) in [
            (accepted(&["b", "d"], &["r"]), "input 1: output 1 is 0x63 and 0x64"),
            (accepted(&["b"], &["r"]), "input 1: 2 outputs, and 1"),
            (accepted(&["b", "c"], &["s"]), "input 1: report 0 is 0x72 and 0x73"),
            (rejected, "input 1 is Accepted and Rejected"),
        ] {
            assert_eq!(difference(&before, &other(after)).unwrap(), words);
        }
        let words = difference(&before, &before[..1]).unwrap();
        assert_eq!(words, "2 inputs were processed, and 1");
    }
}
