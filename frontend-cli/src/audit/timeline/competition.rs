//! What happened in competitions, in words.

use wire::Notice;

use super::{money, title};
use crate::quantity::percent;

pub(super) fn words(notice: &Notice) -> String {
    match notice {
        Notice::CompetitionOpened { job, sponsor, terms } => {
            let (title, prize) = (title(&terms.title), money(terms.asset, terms.prize));
            format!(
                "competition {job} {title:?} opens: {sponsor} offers {prize} for the best model"
            )
        }
        Notice::Entered { job, entry, entrant, .. } => {
            format!("{entrant} enters sealed model {entry} for competition {job}")
        }
        Notice::ModelShown { job, entry, .. } => {
            format!("entry {entry} of competition {job} shows a model on the public slice")
        }
        Notice::BoardMoved { job, entry, score, .. } => {
            format!("the board of competition {job} has entry {entry} with {}", percent(*score))
        }
        Notice::ShowRefused { job, entry, reason, .. } => {
            format!("the board of competition {job} does not move for entry {entry}: {reason}")
        }
        Notice::Enlisted { miner, .. } => format!("{miner} offers to evaluate"),
        Notice::Retired { miner } => format!("{miner} evaluates no more"),
        Notice::SeatsDrawn { job, miners, .. } => {
            format!("competition {job} closes and draws {} miners", miners.len())
        }
        Notice::ModelRevealed { job, entry, .. } => {
            format!("entry {entry} of competition {job} is revealed")
        }
        Notice::HoldOutRevealed { job, .. } => {
            format!("the hold-out of competition {job} is revealed")
        }
        Notice::HoldOutReady { job, base_score, .. } => {
            let base = percent(*base_score);
            format!("the base model of competition {job} earns {base} on the hold-out")
        }
        Notice::Attested { job, page, miner, .. } => {
            format!("{miner} commits to its attestations of page {page} of competition {job}")
        }
        Notice::Unveiled { job, page, miner } => {
            format!("{miner} unveils its attestations of page {page} of competition {job}")
        }
        Notice::Objected { job, entry, objector } => {
            format!("{objector} doubts what miners say of entry {entry} of competition {job}")
        }
        Notice::EntryScored { job, entry, attestation, by_machine, .. } => {
            let whose = if *by_machine { "the machine finds" } else { "miners agree" };
            let score = percent(attestation.attestation().score);
            format!("{whose} that entry {entry} of competition {job} earns {score}")
        }
        Notice::EntryRefused { job, entry, reason, .. } => {
            format!("entry {entry} of competition {job} is out: {reason}")
        }
        Notice::Compared { job, first, other, first_better, other_better, separated } => {
            let verdict = if *separated { "told apart" } else { "not told apart" };
            format!(
                "entries {first} and {other} of competition {job} are {verdict}: \
                 {first_better} rows against {other_better}"
            )
        }
        Notice::Forfeited { job, account, bond, reason } => {
            format!("{account} loses a bond of {bond} units in competition {job}: {reason}")
        }
        Notice::Decided { job, outcome, winners, .. } => {
            format!("competition {job} is decided: {outcome}, winners {winners:?}")
        }
        Notice::Paid { job, to, share, amount, bond } => {
            format!("competition {job} owes {to} {amount} units ({share}) and a bond of {bond}")
        }
        other => format!("{other:?}"),
    }
}
