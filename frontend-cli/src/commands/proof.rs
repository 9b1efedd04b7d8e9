//! Proofs of outputs, made for others and checked of others.

use std::{fmt, path::PathBuf};

use alloy::primitives::Address;
use anyhow::{Result, ensure};
use market::JobId;
use serde::Serialize;

use crate::{
    args,
    bundle::{Bundle, Meaning, Verified},
    chain::{Chain, Contracts},
    node::OutputRecord,
    proof::{self, Standing, Standings, Wait},
    session::Session,
    talk::Refused,
};

/// Proofs that were made.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// The proofs, as a file holds them.
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

/// Proves one output.
///
/// - Errors: `TooEarly` before its claim is accepted
pub async fn of_output(session: &Session, index: u64, file: Option<PathBuf>) -> Result<Made> {
    let record = session.node.output(index).await?;
    let epoch = match Standings::new(session).of(&record).await? {
        Standing::Claimed(epoch) => epoch,
        Standing::Waiting(wait) => return Err(too_early(index, wait)),
    };
    let proven = vec![proof::validated(&session.node, &session.chain, index, &epoch).await?];
    let application = session.application();
    let bundle = Bundle::new(session.chain.chain_id().await?, application, None, proven);
    made(session, bundle, Vec::new(), file).await
}

/// Proves all outputs that concern a job, as far as they are claimed.
///
/// - Errors: `NotFound`; `TooEarly` when none is claimed yet
pub async fn of_job(session: &Session, job: JobId, file: Option<PathBuf>) -> Result<Made> {
    let (mut proven, mut waiting) = (Vec::new(), Vec::new());
    let mut standings = Standings::new(session);
    for record in records_of(session, job).await? {
        match standings.of(&record).await? {
            Standing::Claimed(epoch) => proven.push(proof::of_node(record, &epoch)?),
            Standing::Waiting(wait) => waiting.push((record.index, wait)),
        }
    }
    match (proven.as_slice(), waiting.first()) {
        ([], Some((index, wait))) => return Err(too_early(*index, *wait)),
        ([], None) => {
            let why = format_args!("no output of the market concerns job {}", job.0);
            return Err(Refused::new("NotFound", why).into());
        }
        _ => {}
    }
    let application = session.application();
    let bundle = Bundle::new(session.chain.chain_id().await?, application, Some(job.0), proven);
    made(session, bundle, waiting.into_iter().map(|(index, _)| index).collect(), file).await
}

/// The notices that name a job, and the vouchers of the same inputs.
async fn records_of(session: &Session, job: JobId) -> Result<Vec<OutputRecord>> {
    let mut found = Vec::new();
    let mut of_input: Vec<OutputRecord> = Vec::new();
    let mut pages = session.node.outputs();
    while let Some(page) = pages.next().await? {
        for record in page {
            if of_input.last().is_some_and(|last| last.input_index != record.input_index) {
                keep_concerned(&mut of_input, job, &mut found);
            }
            of_input.push(record);
        }
    }
    keep_concerned(&mut of_input, job, &mut found);
    Ok(found)
}

fn keep_concerned(of_input: &mut Vec<OutputRecord>, job: JobId, found: &mut Vec<OutputRecord>) {
    let meant = |record: &OutputRecord| Meaning::of(&record.raw_data);
    let names_it = |record: &OutputRecord| meant(record).job() == Some(job.0);
    let is_concerned = of_input.iter().any(names_it);
    let is_voucher = |record: &OutputRecord| {
        matches!(meant(record), Meaning::Payment(_) | Meaning::Call(_)) && is_concerned
    };
    found.extend(of_input.drain(..).filter(|record| names_it(record) || is_voucher(record)));
}

/// Checks what was made as anyone would, and writes it.
async fn made(
    session: &Session,
    bundle: Bundle,
    waiting: Vec<u64>,
    file: Option<PathBuf>,
) -> Result<Made> {
    let verified = bundle.confirm(&session.chain, bundle.verify(&[])?).await?;
    if let Some(file) = &file {
        bundle.write(file)?;
    }
    Ok(Made { bundle, waiting, verified, file })
}

fn too_early(index: u64, wait: Wait) -> anyhow::Error {
    Refused::new("TooEarly", format_args!("output {index} is not proven yet: {wait}")).into()
}

/// Checks a file of proofs, and with an endpoint of Ethereum that its roots were accepted.
///
/// - Errors: what does not hold; it is of another application than the one that is named
pub async fn verify(
    verify: &args::ProofVerify,
    rpc_url: Option<&str>,
    app: Option<Address>,
) -> Result<Verified> {
    let bundle = Bundle::read(&verify.file)?;
    let of = bundle.application;
    ensure!(app.is_none_or(|app| app == of), "the file is about another application: {of}");
    let verified = bundle.verify(&verify.root)?;
    match rpc_url {
        Some(url) => bundle.confirm(&Chain::connect(url, Contracts::V2_2_0)?, verified).await,
        None => Ok(verified),
    }
}
