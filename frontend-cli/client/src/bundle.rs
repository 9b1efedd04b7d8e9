//! Bundles: files of proofs that anyone can check, with this program or another.
//!
//! JSON: `format` is [`FORMAT`], then the `chain_id` and the `application` of the outputs;
//! `job`, the name of the job that all of them concern; `outputs`, each with `index`, `output`
//! bytes and 63 `siblings` from the leaf up; and the `claims` that cover them. A leaf is the
//! keccak-256 of the output, a node that of its children, the left one first.
//!
//! The `claims` in a file are unverified: hashes prove that an output is under a root, and only
//! Ethereum proves that the root was accepted.

use std::{collections::BTreeMap, fmt, path::Path};

use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wire::Notice;

use crate::{
    chain::{Chain, Output, Reverted},
    files,
    payment::Payment,
    printer::Refused,
    proof::{Claim, Proof, Proven},
    quantity::money,
};

/// The `format` of a bundle.
pub const FORMAT: &str = "deml-proof-2";

/// The largest bundle, in bytes.
const BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Proofs of an application's outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Its format: [`FORMAT`].
    pub format: String,
    /// The chain of the application.
    pub chain_id: u64,
    /// The application.
    pub application: Address,
    /// The name of the job that all of these concern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<B256>,
    /// The stated claims, unverified.
    pub claims: Vec<Claim>,
    /// The outputs, in order.
    pub outputs: Vec<Proof>,
}

impl Bundle {
    /// A bundle of outputs, given in order.
    #[must_use]
    pub fn new(
        chain_id: u64,
        application: Address,
        job: Option<B256>,
        proven: Vec<Proven>,
    ) -> Self {
        let mut claims: Vec<Claim> = Vec::new();
        for Proven { claim, .. } in &proven {
            if !claims.contains(claim) {
                claims.push(*claim);
            }
        }
        let outputs = proven.into_iter().map(|proven| proven.proof).collect();
        Self { format: FORMAT.to_owned(), chain_id, application, job, claims, outputs }
    }

    /// Reads a bundle without verifying it.
    ///
    /// - Errors: not a bundle, or too large
    pub fn read(path: &Path) -> Result<Self> {
        let file = files::read_within(path, BYTES_MAX as u64)?;
        let cannot = || format!("{} is no bundle of proofs", path.display());
        let bundle: Self = serde_json::from_slice(&file).with_context(cannot)?;
        ensure!(bundle.format == FORMAT, "{} is not of the form {FORMAT}", path.display());
        Ok(bundle)
    }

    /// Writes the bundle.
    ///
    /// - Errors: it would be too large to read back
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        ensure!(
            text.len() <= BYTES_MAX,
            "{} outputs are too many for one file: prove them one by one",
            self.outputs.len()
        );
        files::write(path, &text)
    }

    /// Checks all that can be checked offline.
    ///
    /// - Errors: `NotProven`: a proof is invalid, or leads to a root outside `roots` (or the
    ///   file's claims); or a notice is about another job than the file states
    pub fn verify(&self, roots: &[B256]) -> Result<Verified> {
        if self.outputs.is_empty() {
            return Err(not_proven("there is no output"));
        }
        let mut outputs: Vec<Checked> = Vec::new();
        for proof in &self.outputs {
            let checked = self.check(proof, roots)?;
            if outputs.last().is_some_and(|last| last.index >= checked.index) {
                return Err(not_proven(format_args!("output {} is not in order", checked.index)));
            }
            outputs.push(checked);
        }
        let basis = if roots.is_empty() { Basis::Stated } else { Basis::Given };
        let Self { chain_id, application, job, .. } = *self;
        Ok(Verified { chain_id, application, job, basis, claims: self.claims.clone(), outputs })
    }

    /// Checks that the outputs are of this chain.
    ///
    /// - Errors: `NotProven`: another chain
    pub async fn check_chain(&self, chain: &Chain) -> Result<()> {
        let (found, wanted) = (chain.chain_id().await?, self.chain_id);
        if found != wanted {
            return Err(not_proven(format_args!("it is about chain {wanted}, this is {found}")));
        }
        Ok(())
    }

    fn check(&self, proof: &Proof, roots: &[B256]) -> Result<Checked> {
        let index = proof.index;
        let outputs_root = proof.root().map_err(not_proven)?;
        let is_claimed = match roots {
            [] => self.claims.iter().any(|claim| claim.outputs_root == outputs_root),
            roots => roots.contains(&outputs_root),
        };
        if !is_claimed {
            let why = format_args!("output {index} leads to another root: {outputs_root}");
            return Err(not_proven(why));
        }
        let meaning = Meaning::of(&proof.output);
        match (self.job, meaning.job()) {
            (Some(job), Some(other)) if other != job => {
                let why = format_args!("output {index} concerns job {other} instead of {job}");
                Err(not_proven(why))
            }
            _ => Ok(Checked { index, outputs_root, meaning }),
        }
    }

    /// Checks on Ethereum what [`Bundle::verify`] left open: that its roots were accepted.
    ///
    /// - Errors: `NotProven`: another chain, a root that was not accepted, or a claim that is not
    ///   in its transaction
    pub async fn confirm(&self, chain: &Chain, mut verified: Verified) -> Result<Verified> {
        self.check_chain(chain).await?;
        let mut by_root = BTreeMap::new();
        for (proof, checked) in self.outputs.iter().zip(&verified.outputs) {
            by_root.entry(checked.outputs_root).or_insert(proof);
        }
        for (root, proof) in by_root {
            if let Err(error) = proof.validate(chain, self.application).await {
                return Err(match error.downcast_ref::<Reverted>() {
                    Some(why) => not_proven(format_args!("Ethereum does not accept {root}: {why}")),
                    None => error,
                });
            }
        }
        for claim in &self.claims {
            let Some(transaction) = claim.transaction else { continue };
            let accepted = chain.claims_in(transaction, self.application).await?;
            let Claim { last_block, outputs_root, .. } = claim;
            if !accepted.contains(&(*last_block, *outputs_root)) {
                return Err(not_proven(format_args!(
                    "transaction {transaction} does not claim {outputs_root} for block {last_block}"
                )));
            }
        }
        verified.basis = Basis::Accepted;
        Ok(verified)
    }
}

fn not_proven(why: impl fmt::Display) -> anyhow::Error {
    Refused::new("NotProven", why).into()
}

/// The meaning of an output, decoded from its bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// An event.
    Notice(Box<Notice>),
    /// A payment.
    Payment(Payment),
    /// Another call to a contract.
    Call(Address),
    /// Bytes in an unknown format.
    Unknown(Bytes),
}

impl Meaning {
    /// Decodes the bytes of an output.
    #[must_use]
    pub fn of(output: &Bytes) -> Self {
        let decoded = Output::decode(output);
        let payment = decoded.as_ref().and_then(Payment::of);
        let other = || Self::Unknown(output.clone());
        match (decoded, payment) {
            (_, Some(payment)) => Self::Payment(payment),
            (Some(Output::Notice { payload }), None) => wire::decode_notice(&payload)
                .map_or_else(other, |notice| Self::Notice(notice.into())),
            (Some(voucher), None) => voucher.destination().map_or_else(other, Self::Call),
            (None, None) => other(),
        }
    }

    /// The job that a notice concerns.
    #[must_use]
    pub fn job(&self) -> Option<B256> {
        let Self::Notice(notice) = self else { return None };
        // Every kind of notice that concerns a job names it in this field.
        serde_json::to_value(notice).ok()?["job"].as_str()?.parse().ok()
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notice(notice) => {
                let json = serde_json::to_string(notice).map_err(|_| fmt::Error)?;
                write!(out, "notice {json}")
            }
            Self::Payment(Payment { to, asset, amount }) => {
                write!(out, "pays {} to {to}", money(*asset, *amount))
            }
            Self::Call(contract) => write!(out, "calls {contract}"),
            Self::Unknown(bytes) => write!(out, "{} unknown bytes", bytes.len()),
        }
    }
}

/// The reason to accept a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Ethereum accepted it.
    Accepted,
    /// It equals the root that was given to compare with.
    Given,
    /// Only the file states it.
    Stated,
}

/// A bundle whose proofs hold.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// The chain.
    pub chain_id: u64,
    /// The application.
    pub application: Address,
    /// The job.
    pub job: Option<B256>,
    /// The reason to accept its roots.
    pub basis: Basis,
    /// The claims that the file states.
    pub claims: Vec<Claim>,
    /// The proven outputs.
    pub outputs: Vec<Checked>,
}

/// A proven output.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its number.
    pub index: u64,
    /// The root it is under.
    pub outputs_root: B256,
    /// Its meaning.
    pub meaning: Meaning,
}

impl fmt::Display for Verified {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { application, chain_id, .. } = self;
        write!(out, "proven of application {application} on chain {chain_id}:")?;
        for output in &self.outputs {
            write!(out, "\n  output {}: {}", output.index, output.meaning)?;
        }
        for claim in &self.claims {
            write!(out, "\nup to block {}: root {}", claim.last_block, claim.outputs_root)?;
            if let Some(transaction) = claim.transaction {
                write!(out, ", claimed by {transaction}")?;
            }
        }
        out.write_str(match self.basis {
            Basis::Accepted => "\nEthereum has accepted every root",
            Basis::Given => "\neach is under a root that was given",
            Basis::Stated => {
                "\nthat these roots were accepted is only the file's word: compare them, say \
                 --root, or ask Ethereum with --rpc-url"
            }
        })
    }
}
