//! The commands of competitions, by the names of their arguments.

use market::{Attestation, Command, CompetitionTerms, SealedBlob, Tied, Unmet};
use serde_json::{Value, json};
use wire::Text as _;

use crate::vectors::{address, blob_values, hexadecimal};

fn sealed_values(model: &SealedBlob) -> Value {
    let ciphertext = blob_values(model.ciphertext);
    json!({ "commitment": model.commitment.to_string(), "ciphertext": ciphertext })
}

pub(crate) fn attestation_values(attestation: &Attestation) -> Value {
    json!({
        "score": attestation.score.to_string(),
        "worstClass": attestation.worst_class.to_string(),
        "results": attestation.results.to_string(),
    })
}

fn terms_values(terms: &CompetitionTerms) -> Value {
    let tied = if terms.tied == Tied::Equal { "0" } else { "1" };
    let unmet = if terms.unmet == Unmet::Return { "0" } else { "1" };
    json!({
        "title": hexadecimal(&terms.title),
        "asset": address(&terms.asset),
        "prize": terms.prize.write(),
        "minersPool": terms.miners_pool.write(),
        "buyIn": terms.buy_in.write(),
        "entrantBond": terms.entrant_bond.write(),
        "minerBond": terms.miner_bond.write(),
        "miners": terms.miners.to_string(),
        "close": terms.close.to_string(),
        "revealSeconds": terms.reveal_seconds.to_string(),
        "attestSeconds": terms.attest_seconds.to_string(),
        "quota": terms.quota.to_string(),
        "ladderStep": terms.ladder_step.to_string(),
        "metric": (terms.metric as u8).to_string(),
        "minScore": terms.min_score.to_string(),
        "minGain": terms.min_gain.to_string(),
        "minWorstClass": terms.min_worst_class.to_string(),
        "significance": terms.significance.to_string(),
        "tied": tied,
        "unmet": unmet,
        "maxModelBytes": terms.max_model_bytes.to_string(),
        "maxWork": terms.max_work.to_string(),
        "minersOnly": terms.miners_only,
        "sampleRows": terms.sample_rows.to_string(),
        "baseModel": blob_values(terms.base_model),
        "publicSlice": blob_values(terms.public_slice),
        "holdOut": sealed_values(&terms.hold_out),
    })
}

/// A command's function and arguments, named as in Solidity.
pub(crate) fn values(command: &Command) -> (&'static str, Value) {
    match command {
        Command::OpenCompetition { job, terms } => {
            ("openCompetition", json!({ "job": job.to_string(), "terms": terms_values(terms) }))
        }
        Command::Enter { job, model } => {
            ("enter", json!({ "job": job.to_string(), "model": sealed_values(model) }))
        }
        Command::Show { job, model } => {
            ("show", json!({ "job": job.to_string(), "model": blob_values(*model) }))
        }
        Command::Enlist { job } => {
            let job = job.map_or(u32::MAX, |job| job.0);
            ("enlist", json!({ "job": job.to_string() }))
        }
        Command::Retire => ("retire", json!({})),
        Command::Reveal { job, key, salt, plaintext } => {
            let values = json!({
                "job": job.to_string(),
                "key": hexadecimal(key),
                "salt": hexadecimal(salt),
                "plaintext": blob_values(*plaintext),
            });
            ("reveal", values)
        }
        Command::Attest { job, page, commitment } => {
            let values = json!({
                "job": job.to_string(),
                "page": page.to_string(),
                "commitment": commitment.to_string(),
            });
            ("attest", values)
        }
        Command::Unveil { job, page, attestations, results, salt } => {
            let values = json!({
                "job": job.to_string(),
                "page": page.to_string(),
                "count": attestations.len().to_string(),
                "attestations": attestations.iter().map(attestation_values).collect::<Vec<_>>(),
                "results": hexadecimal(results),
                "salt": hexadecimal(salt),
            });
            ("unveil", values)
        }
        Command::Object { job, entry } => {
            ("object", json!({ "job": job.to_string(), "entry": entry.to_string() }))
        }
        other => panic!("no command of competitions: {other:?}"),
    }
}
