//! Commands as calldata of `IDeml`'s functions; strict, so that each command has one encoding.

use blobs::MAX_PAYLOAD_BYTES;
use market::{Command, Work};

use crate::{
    abi::{asset, blob, deml, digest, encoding, terms, uint},
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
        // A function the interface has and this list has not; a test keeps them alike.
        _ => return Err(InputRefused::Malformed { function }),
    };
    if encode_command(&command) == calldata {
        Ok(command)
    } else {
        Err(InputRefused::NotCanonical { function })
    }
}

/// The calldata of a command.
#[must_use]
pub fn encode_command(command: &Command) -> Vec<u8> {
    let (function, arguments) = match command {
        Command::OpenJob(offer) => ("openJob", vec![terms(offer)]),
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
