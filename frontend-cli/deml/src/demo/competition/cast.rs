//! The participants, and which of them mine.

use alloy::{primitives::keccak256, signers::local::PrivateKeySigner};
use anyhow::{Context, Result};
use market::JobId;

use crate::{
    budget::Budget,
    commands::mine::{Choice, Miner},
    demo::stage::{Coin, Part, Participant, Stage},
};

/// Names of the participants, and the whole tokens in their wallets.
const CAST: [(&str, u128); 13] = [
    ("sponsor", 2_000),
    ("ada", 300),
    ("ben", 300),
    ("copier", 300),
    ("ada again", 300),
    ("forgetful", 300),
    ("miner 1", 200),
    ("miner 2", 200),
    ("miner 3", 200),
    ("miner 4", 200),
    ("miner 5", 200),
    ("liar 6", 200),
    ("liar 7", 200),
];

/// All participants, with publicly known keys.
pub(super) fn cast() -> Result<Vec<Part>> {
    let part = |(name, tokens)| {
        let secret = keccak256(format!("deml demo: {name}"));
        let key = PrivateKeySigner::from_bytes(&secret).context("a digest is no key")?;
        Ok(Part { name, key, coins: &[Coin::Token], tokens })
    };
    let operator = Part::operator(&[Coin::Token]);
    CAST.into_iter().map(part).chain([operator]).collect()
}

/// The miners that follow the rules.
pub(super) fn miners(stage: &Stage, job: JobId) -> impl Iterator<Item = (&'static str, Miner<'_>)> {
    let honest =
        stage.participants().iter().filter(|participant| participant.name.starts_with("miner"));
    honest.map(move |participant| (participant.name, miner(stage, participant, job)))
}

/// A participant who mines for one job.
pub(super) fn miner<'a>(stage: &'a Stage, participant: &'a Participant, job: JobId) -> Miner<'a> {
    let Participant { sender, vault, .. } = participant;
    let (choice, daily) = (Choice::Named(vec![job]), Budget::default());
    Miner { session: &stage.session, sender, vault, choice, daily }
}

/// The miners that lie.
pub(super) fn liars(stage: &Stage) -> impl Iterator<Item = &Participant> {
    stage.participants().iter().filter(|participant| participant.name.starts_with("liar"))
}
