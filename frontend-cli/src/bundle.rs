//! Bundles: files of proofs that anyone can check, with this program or another.
//!
//! JSON: `format` is [`FORMAT`], then the `chain_id` and the `application` whose outputs these are;
//! `job`, when they are all that concern one; `outputs`, each with `index`, `output` bytes and 63
//! `siblings` from the leaf up; and the `claims` they lead to. A leaf is the keccak-256 of the
//! output, a node that of its children, the left one first.
//!
//! What a file says of claims is only said: hashes prove that an output is under a root, and
//! Ethereum that the root was accepted.

use std::{collections::BTreeMap, fmt, path::Path};

use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wire::Notice;

use crate::{
    chain::{Chain, Output},
    files,
    payment::Payment,
    proof::{Claim, Proof, Proven},
};

/// What a bundle calls its form.
pub const FORMAT: &str = "deml-proof-1";

/// The largest bundle, in bytes.
const BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Proofs of an application's outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Its form: [`FORMAT`].
    pub format: String,
    /// The chain the application is on.
    pub chain_id: u64,
    /// The application.
    pub application: Address,
    /// The job that all of these concern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u32>,
    /// What is said to have been claimed.
    pub claims: Vec<Claim>,
    /// The outputs, in order.
    pub outputs: Vec<Proof>,
}

impl Bundle {
    /// A bundle of outputs, in order.
    #[must_use]
    pub fn new(chain_id: u64, application: Address, job: Option<u32>, proven: Vec<Proven>) -> Self {
        let mut claims: Vec<Claim> = Vec::new();
        for Proven { claim, .. } in &proven {
            if !claims.contains(claim) {
                claims.push(*claim);
            }
        }
        let outputs = proven.into_iter().map(|proven| proven.proof).collect();
        Self { format: FORMAT.to_owned(), chain_id, application, job, claims, outputs }
    }

    /// Reads a bundle; nothing in it is believed yet.
    ///
    /// - Errors: no bundle, or too large
    pub fn read(path: &Path) -> Result<Self> {
        let file = files::read_within(path, BYTES_MAX as u64)?;
        let cannot = || format!("{} is no bundle of proofs", path.display());
        let bundle: Self = serde_json::from_slice(&file).with_context(cannot)?;
        ensure!(bundle.format == FORMAT, "{} is not of the form {FORMAT}", path.display());
        Ok(bundle)
    }

    /// Writes the bundle.
    ///
    /// - Errors: it would be too large to be read again
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        ensure!(
            text.len() <= BYTES_MAX,
            "{} outputs are too many for one file: prove them one by one",
            self.outputs.len()
        );
        files::write(path, &text)
    }

    /// Checks what can be checked without asking anyone.
    ///
    /// - Errors: a proof that is none, leads to another root than one of `roots` (or of the
    ///   file's claims), or a notice of another job than the file names
    pub fn verify(&self, roots: &[B256]) -> Result<Verified> {
        ensure!(!self.outputs.is_empty(), "the bundle holds no output");
        let mut outputs = Vec::new();
        for proof in &self.outputs {
            let (index, root) = (proof.index, proof.root()?);
            let is_first = outputs.last().is_none_or(|last: &Checked| last.index < index);
            ensure!(is_first, "the bundle's outputs are not in order at output {index}");
            let is_claimed = match roots {
                [] => self.claims.iter().any(|claim| claim.outputs_root == root),
                roots => roots.contains(&root),
            };
            ensure!(is_claimed, "output {index} leads to the root {root}, which is another");
            let meaning = Meaning::of(&proof.output);
            if let (Some(job), Some(other)) = (self.job, meaning.job()) {
                ensure!(other == job, "output {index} concerns job {other} instead of {job}");
            }
            outputs.push(Checked { index, outputs_root: root, meaning });
        }
        let basis = if roots.is_empty() { Basis::Stated } else { Basis::Given };
        let Self { chain_id, application, job, .. } = *self;
        Ok(Verified { chain_id, application, job, basis, claims: self.claims.clone(), outputs })
    }

    /// Checks on Ethereum what [`Bundle::verify`] left open: that its roots were accepted.
    ///
    /// - Errors: another chain, a root that was not, a claim that is not in its transaction
    pub async fn confirm(&self, chain: &Chain, mut verified: Verified) -> Result<Verified> {
        let (found, wanted) = (chain.chain_id().await?, self.chain_id);
        ensure!(found == wanted, "the bundle is about chain {wanted}, and this is chain {found}");
        let mut by_root = BTreeMap::new();
        for (proof, checked) in self.outputs.iter().zip(&verified.outputs) {
            by_root.entry(checked.outputs_root).or_insert(proof);
        }
        for (root, proof) in by_root {
            let accepted = proof.validate(chain, self.application).await;
            accepted.with_context(|| format!("the root {root} is none L1 has accepted"))?;
        }
        for claim in &self.claims {
            let Some(transaction) = claim.transaction else { continue };
            let accepted = chain.claims_in(transaction, self.application).await?;
            ensure!(
                accepted.contains(&(claim.last_block, claim.outputs_root)),
                "transaction {transaction} does not claim {} up to block {}",
                claim.outputs_root,
                claim.last_block
            );
        }
        verified.basis = Basis::Accepted;
        Ok(verified)
    }
}

/// What an output says, read from its bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Something happened.
    Notice(Notice),
    /// Money.
    Payment(Payment),
    /// Another call to a contract.
    Call(Address),
    /// Nothing this program knows.
    Unknown(Bytes),
}

impl Meaning {
    /// What these bytes say.
    #[must_use]
    pub fn of(output: &Bytes) -> Self {
        let decoded = Output::decode(output);
        let payment = decoded.as_ref().and_then(Payment::of);
        let other = || Self::Unknown(output.clone());
        match (decoded, payment) {
            (_, Some(payment)) => Self::Payment(payment),
            (Some(Output::Notice { payload }), None) => {
                Notice::decode(&payload).map_or_else(other, Self::Notice)
            }
            (Some(voucher), None) => voucher.destination().map_or_else(other, Self::Call),
            (None, None) => other(),
        }
    }

    /// The job a notice names.
    #[must_use]
    pub fn job(&self) -> Option<u32> {
        let Self::Notice(notice) = self else { return None };
        // Each kind of notice that concerns a job calls it so.
        let job = serde_json::to_value(notice).ok()?["job"].as_u64()?;
        u32::try_from(job).ok()
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
                write!(out, "pays {amount} units of {asset} to {to}")
            }
            Self::Call(contract) => write!(out, "calls {contract}"),
            Self::Unknown(bytes) => write!(out, "{} unknown bytes", bytes.len()),
        }
    }
}

/// What a root's acceptance rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Ethereum.
    Accepted,
    /// The root that was given to compare with.
    Given,
    /// Only the file's word.
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
    pub job: Option<u32>,
    /// Why its roots count.
    pub basis: Basis,
    /// What the file says was claimed.
    pub claims: Vec<Claim>,
    /// What is proven.
    pub outputs: Vec<Checked>,
}

/// An output that is proven.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its number.
    pub index: u64,
    /// The root it is under.
    pub outputs_root: B256,
    /// What it says.
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
