//! Commands as calldata of `IDeml`'s functions; strict, so that each command has one encoding.

use blobs::MAX_PAYLOAD_BYTES;
use ethabi::Token;
use market::{Command, JobId, Work};

use crate::{
    abi::{
        Arguments, asset, attestation, blob, competition_terms, deml, digest, encoding, sealed,
        terms, uint,
    },
    refused::InputRefused,
};

/// The most data a `publish` of one input can carry: what is left of the longest payload after the
/// selector, four words of arguments and the data's length, in whole words.
pub const MAX_CHUNK_BYTES: usize = (MAX_PAYLOAD_BYTES - 4 - 5 * 32) / 32 * 32;

/// The command that calldata stands for.
///
/// - Errors: the first reason why the bytes are not exactly the encoding of a command
pub fn decode_command(calldata: &[u8]) -> Result<Command, InputRefused> {
    let (function, mut arguments) = deml().decode_call(calldata)?;
    let command = match function {
        "openJob" => Command::OpenJob(Box::new(arguments.terms()?)),
        "cancelJob" => Command::CancelJob { job: arguments.job()? },
        "publish" => Command::Publish {
            digest: arguments.digest()?,
            offset: arguments.uint("offset")?,
            encoding: arguments.encoding()?,
            data: arguments.bytes()?,
        },
        "submit" => Command::Submit {
            job: arguments.job()?,
            model: arguments.blob()?,
            data: arguments.blob()?,
        },
        "evaluate" => {
            Command::Evaluate { job: arguments.job()?, work: Work(arguments.uint("work")?) }
        }
        "settle" => Command::Settle { job: arguments.job()? },
        "withdraw" => Command::Withdraw { asset: arguments.asset()?, amount: arguments.amount()? },
        _ => decode_competition(function, &mut arguments)?,
    };
    if encode_command(&command) == calldata {
        Ok(command)
    } else {
        Err(InputRefused::NotCanonical { function })
    }
}

/// The commands of competitions.
fn decode_competition(
    function: &'static str,
    arguments: &mut Arguments,
) -> Result<Command, InputRefused> {
    if function == "retire" {
        return Ok(Command::Retire);
    }
    let job = arguments.job()?;
    Ok(match function {
        "openCompetition" => {
            Command::OpenCompetition { job, terms: Box::new(arguments.competition_terms()?) }
        }
        "enter" => Command::Enter { job, model: arguments.sealed()? },
        "show" => Command::Show { job, model: arguments.blob()? },
        "enlist" => Command::Enlist { job: (job != EVERY_JOB).then_some(job) },
        "reveal" => Command::Reveal {
            job,
            key: arguments.word()?,
            salt: arguments.word()?,
            plaintext: arguments.blob()?,
        },
        "attest" => {
            Command::Attest { job, page: arguments.uint("page")?, commitment: arguments.digest()? }
        }
        "unveil" => Command::Unveil {
            job,
            page: arguments.uint("page")?,
            attestations: arguments.attestations()?,
            results: arguments.bytes()?,
            salt: arguments.word()?,
        },
        "object" => Command::Object { job, entry: arguments.uint("entry")? },
        // A function the interface has and this list has not; a test keeps them alike.
        _ => return Err(InputRefused::Malformed { function }),
    })
}

/// How a miner that is for all competitions writes which one it is for.
pub(crate) const EVERY_JOB: JobId = JobId(u32::MAX);

/// The calldata of a command.
#[must_use]
pub fn encode_command(command: &Command) -> Vec<u8> {
    let (function, arguments) = match command {
        Command::OpenJob(offer) => ("openJob", vec![terms(offer)]),
        Command::OpenCompetition { job, terms } => {
            ("openCompetition", vec![uint(job.0), competition_terms(terms)])
        }
        Command::Enter { job, model } => ("enter", vec![uint(job.0), sealed(model)]),
        Command::Show { job, model } => ("show", vec![uint(job.0), blob(*model)]),
        Command::Enlist { job } => ("enlist", vec![uint(job.unwrap_or(EVERY_JOB).0)]),
        Command::Retire => ("retire", Vec::new()),
        Command::Reveal { job, key, salt, plaintext } => {
            ("reveal", vec![uint(job.0), word(key), word(salt), blob(*plaintext)])
        }
        Command::Attest { job, page, commitment } => {
            ("attest", vec![uint(job.0), uint(*page), digest(*commitment)])
        }
        Command::Unveil { job, page, attestations, results, salt } => {
            let attestations = Token::Array(attestations.iter().map(attestation).collect());
            let results = Token::Bytes(results.clone());
            ("unveil", vec![uint(job.0), uint(*page), attestations, results, word(salt)])
        }
        Command::Object { job, entry } => ("object", vec![uint(job.0), uint(*entry)]),
        Command::CancelJob { job } => ("cancelJob", vec![uint(job.0)]),
        Command::Publish { digest: root, offset, encoding: written, data } => {
            let head = vec![digest(*root), uint(*offset), encoding(*written)];
            return deml().call_with_bytes("publish", head, data);
        }
        Command::Submit { job, model, data } => {
            ("submit", vec![uint(job.0), blob(*model), blob(*data)])
        }
        Command::Evaluate { job, work } => ("evaluate", vec![uint(job.0), uint(work.0)]),
        Command::Settle { job } => ("settle", vec![uint(job.0)]),
        Command::Withdraw { asset: of, amount } => ("withdraw", vec![asset(*of), uint(amount.0)]),
    };
    deml().call(function, &arguments)
}

fn word(bytes: &[u8; 32]) -> Token {
    Token::FixedBytes(bytes.to_vec())
}
