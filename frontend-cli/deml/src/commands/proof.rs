//! `deml proof`: makes and verifies proofs of outputs.

use std::{fmt, path::PathBuf};

use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, ensure};
use auditor::{Audit, Recomputed};
use clap::{Args, Subcommand};
use client::{
    bundle::{Bundle, Meaning, Verified},
    chain::{Chain, Contracts},
    jobs::JobRef,
    node::OutputRecord,
    printer::{ExitStatus, Refused},
    proof::{self, ClaimLookup, ClaimStatus, Wait},
    session::Session,
};
use serde::Serialize;
use wire::{JobKey, Notice};

use crate::{
    commands::audit::{Engine, Replay},
    config::Config,
};

/// Arguments of `deml proof`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  deml proof 7 --out voucher.json
  deml proof 7 --recompute
  deml proof job 0 --out job.json
  deml proof verify job.json --root 0x…

A file holds the outputs, their proofs and the claims they lead to, and is checked without trusting
who made it.")]
pub struct Proof {
    /// Subcommands: proofs of a whole job, verification.
    #[command(subcommand)]
    pub what: Option<ProofWhat>,
    /// The output's index
    #[arg(required = true)]
    pub output: Option<u64>,
    /// Output file and source.
    #[command(flatten)]
    pub make: ProofMake,
}

/// Output file and source of proofs.
#[derive(Clone, Debug, Args)]
pub struct ProofMake {
    /// Write them to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Recompute them from Ethereum, by replaying all inputs, instead of asking the node
    #[arg(long)]
    pub recompute: bool,
    /// Replay engine.
    #[command(flatten)]
    pub engine: Engine,
}

/// Subcommands of `deml proof`.
#[derive(Clone, Debug, Subcommand)]
pub enum ProofWhat {
    /// Prove all outputs that concern a job: notices that name it, vouchers of the same inputs
    Job(ProofJob),
    /// Verify a file of proofs: against a root, or with --rpc-url on Ethereum
    Verify(ProofVerify),
}

/// Arguments of `deml proof job`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml proof job 0 --out job.json")]
pub struct ProofJob {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Output file and source.
    #[command(flatten)]
    pub make: ProofMake,
}

/// Arguments of `deml proof verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml proof verify job.json --root 0x…     without asking anyone
  deml proof verify job.json --rpc-url URL  asks Ethereum whether the roots were accepted")]
pub struct ProofVerify {
    /// The file
    pub file: PathBuf,
    /// An outputs root that is known to be accepted; can be given more than once
    #[arg(long, value_name = "ROOT")]
    pub root: Vec<B256>,
}

/// Makes or verifies proofs.
///
/// - Errors: no such output; a proof does not hold
pub async fn run(config: &Config, proof: Proof) -> Result<ExitStatus> {
    match (proof.what, proof.output) {
        (Some(ProofWhat::Verify(given)), _) => {
            let (rpc_url, app) = (config.given_rpc_url(), config.given_app());
            config.printer.answer(&verify(&given, rpc_url, app).await?)?;
        }
        (Some(ProofWhat::Job(job)), _) => {
            let key = match job.job {
                JobRef::Number(number) => JobKey::Number(number),
                JobRef::Name(name) => JobKey::Name(name),
                prefix @ JobRef::Prefix(_) => {
                    JobKey::Name(config.session()?.job(prefix).await?.job)
                }
            };
            prove(config, Wanted::Job(key), job.make).await?;
        }
        (None, output) => {
            let wanted = Wanted::Output(output.context("which output?")?);
            prove(config, wanted, proof.make).await?;
        }
    }
    Ok(ExitStatus::Done)
}

async fn prove(config: &Config, wanted: Wanted, make: ProofMake) -> Result<()> {
    let session = config.session()?;
    let made = if make.recompute {
        let replay = Replay { engine: make.engine, no_node: true, claim_patience: None };
        let audit = super::audit::prepare(config, session, replay)?;
        from_ethereum(&audit, wanted, make.out).await?
    } else {
        from_node(&session, wanted, make.out).await?
    };
    config.printer.answer(&made)
}

/// Newly made proofs.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// The proofs, in the file format.
    #[serde(flatten)]
    pub bundle: Bundle,
    /// Outputs that are not proven yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<u64>,
    #[serde(skip)]
    verified: Verified,
    #[serde(skip)]
    file: Option<PathBuf>,
}

impl fmt::Display for Made {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.verified)?;
        for index in &self.waiting {
            write!(out, "\noutput {index} is not proven yet")?;
        }
        match &self.file {
            Some(file) => write!(out, "\nin {}", file.display()),
            None => Ok(()),
        }
    }
}

/// Selection of outputs to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One output.
    Output(u64),
    /// All that concern a job: notices that name it, and vouchers of the same inputs.
    Job(JobKey),
}

/// A search through all outputs in order, which learns a numbered job's name when it opens.
struct Search {
    wanted: Wanted,
    job: Option<B256>,
}

impl Search {
    fn new(wanted: Wanted) -> Self {
        let job = match wanted {
            Wanted::Job(JobKey::Name(job)) => Some(job.0.into()),
            Wanted::Job(JobKey::Number(_)) | Wanted::Output(_) => None,
        };
        Self { wanted, job }
    }

    /// The indices of an input's wanted outputs, of which `first` is the first.
    fn among(&mut self, first: u64, outputs: &[Bytes]) -> Vec<u64> {
        let numbered = (first..).zip(outputs);
        let key = match self.wanted {
            Wanted::Output(wanted) => {
                return numbered.map(|of| of.0).filter(|index| *index == wanted).collect();
            }
            Wanted::Job(key) => key,
        };
        let meant: Vec<_> = numbered.map(|(index, output)| (index, Meaning::of(output))).collect();
        if let JobKey::Number(wanted) = key {
            let opens = |meaning: &Meaning| match meaning {
                Meaning::Notice(notice) => {
                    matches!(**notice, Notice::JobOpened { number, .. } if number == wanted)
                }
                _ => false,
            };
            let opened = meant.iter().find(|(_, meaning)| opens(meaning));
            self.job = self.job.or_else(|| opened?.1.job());
        }
        let names_it = |meaning: &Meaning| self.job.is_some() && meaning.job() == self.job;
        let is_concerned = meant.iter().any(|(_, meaning)| names_it(meaning));
        let is_wanted = |meaning: &Meaning| match meaning {
            Meaning::Payment(_) | Meaning::Call(_) => is_concerned,
            Meaning::Notice(_) | Meaning::Unknown(_) => names_it(meaning),
        };
        meant.iter().filter(|(_, meaning)| is_wanted(meaning)).map(|of| of.0).collect()
    }
}

impl Wanted {
    /// The error if none is proven.
    fn lacking(self, waiting: Option<(u64, Option<Wait>)>) -> anyhow::Error {
        let refused = match (waiting, self) {
            (Some((index, Some(wait))), _) => {
                let why = format_args!("output {index} is not proven yet: {wait}");
                Refused::new("TooEarly", why)
            }
            (Some((index, None)), _) => {
                let why = format_args!("no accepted claim proves output {index} yet");
                Refused::new("TooEarly", why)
            }
            (None, Self::Output(index)) => {
                Refused::new("NotFound", format_args!("there is no output {index}"))
            }
            (None, Self::Job(job)) => {
                let why = format_args!("no output of the market concerns job {job}");
                Refused::new("NotFound", why)
            }
        };
        refused.into()
    }
}

/// Proves outputs, as far as they are claimed, with the node's proofs.
///
/// - Errors: `NotFound`; `TooEarly` when none is claimed yet
pub async fn from_node(session: &Session, wanted: Wanted, file: Option<PathBuf>) -> Result<Made> {
    let (mut proven, mut waiting) = (Vec::new(), Vec::new());
    let mut standings = ClaimLookup::new(session);
    let mut search = Search::new(wanted);
    let records = match wanted {
        Wanted::Output(index) => vec![session.node.output(index).await?],
        Wanted::Job(_) => records_of(session, &mut search).await?,
    };
    for record in records {
        match standings.of(&record).await? {
            ClaimStatus::Claimed(epoch) => proven.push(proof::of_node(record, &epoch)?),
            ClaimStatus::Waiting(wait) => waiting.push((record.index, wait)),
        }
    }
    if proven.is_empty() {
        let first = waiting.first().map(|(index, wait)| (*index, Some(*wait)));
        return Err(wanted.lacking(first));
    }
    let waiting = waiting.into_iter().map(|(index, _)| index).collect();
    let (application, found) = (session.application(), Recomputed { proven, waiting });
    made(&session.chain, application, search.job, found, file).await
}

/// Proves outputs, as far as they are claimed, from Ethereum alone.
///
/// - Errors: `NotFound`; `TooEarly` when none is claimed yet
pub async fn from_ethereum(audit: &Audit, wanted: Wanted, file: Option<PathBuf>) -> Result<Made> {
    let mut search = Search::new(wanted);
    let found = audit.prove(|first, outputs| search.among(first, outputs)).await?;
    if found.proven.is_empty() {
        return Err(wanted.lacking(found.waiting.first().map(|index| (*index, None))));
    }
    made(&audit.chain, audit.application, search.job, found, file).await
}

/// The node's records of the wanted outputs.
async fn records_of(session: &Session, search: &mut Search) -> Result<Vec<OutputRecord>> {
    let mut found = Vec::new();
    let mut of_input: Vec<OutputRecord> = Vec::new();
    let mut keep = |of_input: &mut Vec<OutputRecord>| {
        let Some(first) = of_input.first().map(|record| record.index) else { return };
        let outputs: Vec<Bytes> = of_input.iter().map(|record| record.raw_data.clone()).collect();
        let indices = search.among(first, &outputs);
        found.extend(of_input.drain(..).filter(|record| indices.contains(&record.index)));
    };
    let mut pages = session.node.outputs();
    while let Some(page) = pages.next().await? {
        for record in page {
            if of_input.last().is_some_and(|last| last.input_index != record.input_index) {
                keep(&mut of_input);
            }
            of_input.push(record);
        }
    }
    keep(&mut of_input);
    Ok(found)
}

/// Verifies the proofs as anyone would, and writes them.
async fn made(
    chain: &Chain,
    application: Address,
    job: Option<B256>,
    Recomputed { proven, waiting }: Recomputed,
    file: Option<PathBuf>,
) -> Result<Made> {
    let bundle = Bundle::new(chain.chain_id().await?, application, job, proven);
    let verified = bundle.confirm(chain, bundle.verify(&[])?).await?;
    if let Some(file) = &file {
        bundle.write(file)?;
    }
    Ok(Made { bundle, waiting, verified, file })
}

/// Verifies a file of proofs, and with an Ethereum endpoint that its roots were accepted.
///
/// - Errors: an invalid proof; it is of another application than the given one
pub async fn verify(
    verify: &ProofVerify,
    rpc_url: Option<&str>,
    app: Option<Address>,
) -> Result<Verified> {
    let bundle = Bundle::read(&verify.file)?;
    let of = bundle.application;
    ensure!(app.is_none_or(|app| app == of), "the file is about another application: {of}");
    let verified = bundle.verify(&verify.root)?;
    let Some(url) = rpc_url else { return Ok(verified) };
    let chain = Chain::connect(url, Contracts::default())?;
    bundle.check_chain(&chain).await?;
    // The application says of which line it is: the reader need not know.
    bundle.confirm(&chain.of_application(of).await?, verified).await
}
