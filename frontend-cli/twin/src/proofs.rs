//! Bundles of proofs, checked against the roots that Ethereum has accepted.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    outputs::{bytes, hash_of, root_of, shown},
    replay::Meaning,
};

/// The `format` of a bundle, as `deml proof` writes it.
const FORMAT: &str = "deml-proof-2";

/// The parts of a bundle that are checked.
#[derive(Debug, Deserialize)]
struct Bundle {
    format: String,
    chain_id: u64,
    application: String,
    outputs: Vec<Proof>,
}

#[derive(Debug, Deserialize)]
struct Proof {
    index: u64,
    output: String,
    siblings: Vec<String>,
}

/// An output whose proof holds.
#[derive(Debug, Serialize)]
pub(crate) struct Proven {
    index: u64,
    root: String,
    meaning: Meaning,
}

/// Checks all proofs of a bundle for an application.
///
/// - Errors: `NotProven`, and what is wrong
pub(crate) fn prove(
    bundle: &[u8],
    chain_id: u64,
    application: &str,
    accepted: &[String],
) -> Result<Vec<Proven>> {
    let not_proven = |why: String| Error::refused("NotProven", why);
    let bundle: Bundle = serde_json::from_slice(bundle)
        .map_err(|_| not_proven("this is no bundle of proofs".to_owned()))?;
    if bundle.format != FORMAT {
        return Err(not_proven(format!("this is not of the form {FORMAT}")));
    }
    let is_here = bundle.application.eq_ignore_ascii_case(application);
    if bundle.chain_id != chain_id || !is_here {
        let (chain, other) = (bundle.chain_id, &bundle.application);
        return Err(not_proven(format!("it is about {other} on chain {chain}, another market")));
    }
    if bundle.outputs.is_empty() {
        return Err(not_proven("there is no output".to_owned()));
    }
    let proven = bundle.outputs.into_iter().map(|Proof { index, output, siblings }| {
        let broken = || not_proven(format!("the proof of output {index} is broken"));
        let output = bytes(&output).ok_or_else(broken)?;
        let siblings = siblings.iter().map(|hash| hash_of(hash)).collect::<Option<Vec<_>>>();
        let root = root_of(&output, index, &siblings.ok_or_else(broken)?).ok_or_else(broken)?;
        let root = shown(&root);
        if !accepted.contains(&root) {
            let why = format!("output {index} leads to {root}, which Ethereum has not accepted");
            return Err(not_proven(why));
        }
        Ok(Proven { index, root, meaning: Meaning::of(&output) })
    });
    proven.collect()
}
