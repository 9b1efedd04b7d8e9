//! Commands as calldata of `IDeml`'s functions; strict, so that each command has one encoding.

use blobs::{Chunk, Digest, MAX_PAYLOAD_BYTES, split};
use ethabi::Token;
use market::{Address, Command, Context, JobId, Slot, SubmittedModel, Terms};

use crate::{
    abi::{Arguments, deml, tokens},
    refused::InputRefused,
};

/// Maximum data that a `publish` of one input can carry: the longest payload less the selector,
/// five words of arguments and the data's length, in whole words.
pub const MAX_CHUNK_BYTES: usize = (MAX_PAYLOAD_BYTES - 4 - 6 * 32) / 32 * 32;

/// Domain separator at the start of every job's name, zero-padded.
const JOB_DOMAIN: [u8; 32] = *b"DeML job 1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A job's name: the sha2-256 of `abi.encode` of a domain, chain, application, sponsor, salt and
/// terms, in Solidity's types. Whoever names a job consents to its terms.
#[must_use]
pub fn job_name(
    chain_id: u64,
    app: Address,
    sponsor: Address,
    salt: [u8; 32],
    terms: &Terms,
) -> JobId {
    let fields = tokens!(&JOB_DOMAIN, &chain_id, &app, &sponsor, &salt, terms);
    JobId(Digest::of(&ethabi::encode(&fields)).0)
}

/// Decodes calldata into a command; the context determines the name of a job that it opens.
///
/// - Errors: the first reason why the bytes are not the canonical encoding of a command
pub fn decode_command(context: &Context, calldata: &[u8]) -> Result<Command, InputRefused> {
    let (function, mut arguments) = deml().decode_call(calldata)?;
    let command = read(context, function, &mut arguments)?;
    if encode_command(&command) == calldata {
        Ok(command)
    } else {
        Err(InputRefused::NotCanonical { function })
    }
}

/// The calldata of a command.
#[must_use]
pub fn encode_command(command: &Command) -> Vec<u8> {
    let (function, arguments) = write(command);
    deml().call(function, arguments)
}

/// The `publish` commands for the bytes of a blob after the first `received`; `None` if it is
/// shorter.
#[must_use]
pub fn publishing(job: JobId, slot: Slot, bytes: &[u8], received: u64) -> Option<Vec<Command>> {
    let rest = bytes.get(usize::try_from(received).ok()?..)?;
    let chunks = split(rest, MAX_CHUNK_BYTES).into_iter();
    let commands = chunks.map(|Chunk { offset, encoding, data }| {
        let offset = received.saturating_add(offset);
        Command::Publish { job, slot, offset, encoding, data }
    });
    Some(commands.collect())
}

/// Declares the functions whose arguments are a command's fields, in the order of the interface,
/// except for the two commands with an encoding of their own.
macro_rules! commands {
    ($($function:literal $command:ident { $($argument:ident),* })*) => {
        fn write(command: &Command) -> (&'static str, Vec<Token>) {
            match command {
                Command::OpenJob { job: _, salt, terms } => ("openJob", tokens!(salt, terms)),
                Command::Submit { job, model: SubmittedModel::Open { model, data } } => {
                    ("submit", tokens!(job, model, data))
                }
                Command::Submit { job, model: SubmittedModel::Sealed(model) } => {
                    ("submitSealed", tokens!(job, model))
                }
                $(Command::$command { $($argument),* } => ($function, tokens!($($argument),*)),)*
            }
        }

        fn read(
            context: &Context,
            function: &'static str,
            arguments: &mut Arguments,
        ) -> Result<Command, InputRefused> {
            Ok(match function {
                "openJob" => {
                    let (salt, terms) = (arguments.take("salt")?, arguments.take("terms")?);
                    let Context { chain_id, app, sender, .. } = *context;
                    let job = job_name(chain_id, app, sender, salt, &terms);
                    Command::OpenJob { job, salt, terms: Box::new(terms) }
                }
                "submit" => {
                    let job = arguments.take("job")?;
                    let (model, data) = (arguments.take("model")?, arguments.take("data")?);
                    Command::Submit { job, model: SubmittedModel::Open { model, data } }
                }
                "submitSealed" => {
                    let (job, model) = (arguments.take("job")?, arguments.take("model")?);
                    Command::Submit { job, model: SubmittedModel::Sealed(model) }
                }
                $($function => Command::$command {
                    $($argument: arguments.take(stringify!($argument))?),*
                },)*
                // A function of the interface that is missing here; a test keeps them in sync.
                _ => return Err(InputRefused::Malformed { function }),
            })
        }
    };
}

commands! {
    "cancelJob" CancelJob { job }
    "publish" Publish { job, slot, offset, encoding, data }
    "show" Show { job, model }
    "enlist" Enlist { job }
    "reveal" Reveal { job, key, salt, plaintext }
    "attest" Attest { job, page, commitment }
    "revealAttestation" RevealAttestation { job, page, attestations, results, salt }
    "evaluate" Evaluate { job, target, from, work, max_surcharge }
    "settle" Settle { job }
    "publishMessageKey" PublishMessageKey { key }
    "sendMessage" SendMessage { job, submission, sequence, ciphertext }
    "withdraw" Withdraw { asset, amount }
}
