//! Questions and answers in bytes: the same natively and in WebAssembly.
//!
//! A question is four bytes with the length of a JSON object, little-endian, that object, and the
//! files that it lengths in `files`. An answer is a JSON object, with the field `ok`, or with
//! `error` and `refused`.

use std::cell::RefCell;

use blobs::Digest;
use drafts::TermsDraft;
use market::{Address, Measure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, to_value};

use crate::{
    correspondence::{Draft, Letter, Mailbox},
    entry::{Entry, Seal, Sealed},
    error::{Error, Result},
    explorer::Explorer,
    files::{self, JobFile},
    inspection,
    opening::OpeningFiles,
    proofs,
    replay::{Claim, Replay, Told},
    sponsor::{Begun, Desk},
};

/// A question; its files are named in their order.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Question {
    /// What is this model? Files: the model.
    Inspect,
    /// How good is it? Files: the model, and a dataset.
    Score { measure: Measure },
    /// Which bits do its nodes give? Files: the model, and a dataset.
    Bits,
    /// Which digest have the bits of all its nodes? Files: the model, and rows of any f32,
    /// little-endian.
    Digest,
    /// Are these bytes a file of a job? Files: the job's entry, the bytes, and for a trainer the
    /// base model.
    Verify { file: JobFile },
    /// What is in a dataset of a job? It is kept, to be looked through. Files: the job's entry, and
    /// the dataset.
    Explore { file: JobFile },
    /// Which rows has it?
    Rows { from: usize, limit: usize, column: usize },
    /// How do they look?
    Pictures { from: usize, limit: usize },
    /// What would come of it in a job? Files: the job's entry, its base model, the dataset that
    /// decides, and the model.
    Outlook,
    /// Which transactions submit it? Files: the job's entry, and the model.
    Submit { seal: Option<Seal> },
    /// Which transaction carries its evaluation on? Files: the job's entry.
    Evaluate,
    /// Which transaction moves the job on? Files: the job's entry.
    Settle,
    /// Which transaction reveals it? Files: the job's entry.
    Reveal { sealed: Vec<Sealed> },
    /// What would come of a sponsor's draft? Files: the market, the base model, the hold-out, and
    /// the public slice if there is one.
    Plan { draft: Value },
    /// What is the name of the job that is begun? Files: the market, and the hold-out.
    Name { begun: Begun },
    /// Which transactions open it, or go on with it? Files: as for a plan.
    Open { begun: Begun },
    /// What can or must its sponsor do now? Files: the market.
    Duties { sealed: Vec<Sealed> },
    /// Which key does this secret have?
    MessageKey { mailbox: Mailbox, secret: Digest },
    /// Which transaction sends this message?
    SealMessage { mailbox: Mailbox, draft: Draft },
    /// What do these messages say?
    OpenMessages { mailbox: Mailbox, secrets: Vec<Digest>, letters: Vec<Letter> },
    /// Begins a replay. Files: the genesis.
    Begin { chain_id: u64, application: Address, template: Option<String> },
    /// The next inputs.
    Advance { inputs: Vec<String>, digest: Option<String> },
    /// Outputs as the node tells them.
    Compare { outputs: Vec<Told> },
    /// Claims that Ethereum has accepted.
    Claims { claims: Vec<Claim> },
    /// Which of these answers differ?
    Differing { shown: Vec<(String, Value)> },
    /// Do these proofs hold? Files: the bundle.
    Prove { chain_id: u64, application: String, accepted: Vec<String> },
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(flatten)]
    question: Question,
    /// Lengths of the files.
    #[serde(default)]
    files: Vec<usize>,
}

thread_local! {
    static EXPLORER: RefCell<Option<Explorer>> = const { RefCell::new(None) };
    static REPLAY: RefCell<Option<Replay>> = const { RefCell::new(None) };
}

/// A question about some files, in bytes.
#[must_use]
pub fn framed(question: &Value, files: &[&[u8]]) -> Vec<u8> {
    let mut header = question.clone();
    header["files"] = files.iter().map(|file| file.len()).collect();
    let header = header.to_string();
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&length, header.as_bytes()]
        .into_iter()
        .chain(files.iter().copied())
        .collect::<Vec<_>>()
        .concat()
}

/// Answers a question.
#[must_use]
pub fn ask(question: &[u8]) -> Vec<u8> {
    let answer = match answered(question) {
        Ok(answer) => json!({ "ok": answer }),
        Err(Error::Refused(why)) => {
            json!({ "error": drafts::words::sentence(&why), "refused": why.refused })
        }
        // A command's flags are fields on the page.
        Err(Error::Unclear(why)) => {
            json!({ "error": why.replace(" --", " "), "refused": "Unclear" })
        }
        Err(error @ Error::Broken(_)) => json!({ "error": error.to_string() }),
    };
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn answered(question: &[u8]) -> Result<Value> {
    let malformed = || Error::refused("Malformed", "this is no question");
    let (length, rest) = question.split_first_chunk().ok_or_else(malformed)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| malformed())?;
    let (header, mut rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
    let Asked { question, files: lengths } = serde_json::from_slice(header)
        .map_err(|why| Error::refused("Malformed", format_args!("no question: {why}")))?;
    let mut files: Vec<&[u8]> = Vec::new();
    for length in lengths {
        let (file, others) = rest.split_at_checked(length).ok_or_else(malformed)?;
        files.push(file);
        rest = others;
    }
    question.answer(&files)
}

impl Question {
    fn answer(self, files: &[&[u8]]) -> Result<Value> {
        match self {
            Self::Inspect => shown(inspection::inspect(only(files)?)?),
            Self::Score { measure } => {
                let [model, rows] = all(files)?;
                shown(inspection::score(model, rows, measure)?)
            }
            Self::Bits => {
                let [model, rows] = all(files)?;
                shown(inspection::bits(model, rows)?)
            }
            Self::Digest => {
                let [model, rows] = all(files)?;
                shown(inspection::digest(model, rows)?)
            }
            Self::Verify { file } => verify(file, files),
            Self::Explore { file } => explore(file, files),
            Self::Rows { from, limit, column } => {
                exploring(|explorer| shown(explorer.rows(from, limit, column)?))
            }
            Self::Pictures { from, limit } => {
                exploring(|explorer| shown(explorer.pictures(from, limit)?))
            }
            Self::Outlook => {
                let [entry, base, dataset, model] = all(files)?;
                shown(read(entry)?.outlook([base, dataset], model)?)
            }
            Self::Submit { seal } => {
                let [entry, model] = all(files)?;
                shown(read(entry)?.submit(model, seal)?)
            }
            Self::Evaluate => shown(read(only(files)?)?.evaluate()?),
            Self::Settle => shown(read(only(files)?)?.settle()),
            Self::Reveal { sealed } => shown(read(only(files)?)?.reveal(&sealed)?),
            Self::Plan { draft } => {
                let (desk, files) = opening(files)?;
                let unread = |why: serde_json::Error| Error::Unclear(why.to_string());
                let draft: TermsDraft = serde_json::from_value(draft).map_err(unread)?;
                shown(desk.plan(&draft, &files)?)
            }
            Self::Name { begun } => {
                let [desk, hold_out] = all(files)?;
                shown(read_desk(desk)?.name(&begun, hold_out)?)
            }
            Self::Open { begun } => {
                let (desk, files) = opening(files)?;
                shown(desk.open(&begun, &files)?)
            }
            Self::Duties { sealed } => shown(read_desk(only(files)?)?.duties(&sealed)?),
            Self::MessageKey { mailbox, secret } => shown(mailbox.key(secret)),
            Self::SealMessage { mailbox, draft } => shown(mailbox.seal(&draft)?),
            Self::OpenMessages { mailbox, secrets, letters } => {
                shown(mailbox.open(&secrets, &letters))
            }
            Self::Begin { chain_id, application, template } => {
                let genesis = only(files)?;
                let replay = Replay::begin(chain_id, application, genesis, template.as_deref())?;
                let progress = shown(replay.progress());
                REPLAY.set(Some(replay));
                progress
            }
            Self::Advance { inputs, digest } => {
                replaying(|replay| shown(replay.advance(&inputs, digest.as_deref())?))
            }
            Self::Compare { outputs } => replaying(|replay| shown(replay.compare(&outputs)?)),
            Self::Claims { claims } => replaying(|replay| shown(replay.check(&claims)?)),
            Self::Differing { shown: told } => replaying(|replay| shown(replay.differing(&told))),
            Self::Prove { chain_id, application, accepted } => {
                shown(proofs::prove(only(files)?, chain_id, &application, &accepted)?)
            }
        }
    }
}

fn verify(file: JobFile, files: &[&[u8]]) -> Result<Value> {
    let [entry, bytes, more @ ..] = files else { return Err(malformed(files.len())) };
    let Entry { job, .. } = read(entry)?.named()?;
    shown(files::verify(&job, file, bytes, more.first().copied())?)
}

fn explore(file: JobFile, files: &[&[u8]]) -> Result<Value> {
    let [entry, bytes] = all(files)?;
    let Entry { job, .. } = read(entry)?.named()?;
    let verified = files::verify(&job, file, bytes, None)?;
    let explorer = Explorer::open(bytes)?;
    let answer = json!({ "verified": verified, "overview": explorer.overview() });
    EXPLORER.set(Some(explorer));
    Ok(answer)
}

fn exploring(answer: impl FnOnce(&Explorer) -> Result<Value>) -> Result<Value> {
    EXPLORER.with_borrow(|explorer| match explorer {
        Some(explorer) => answer(explorer),
        None => Err(Error::refused("NotBegun", "no dataset was opened")),
    })
}

fn replaying(answer: impl FnOnce(&mut Replay) -> Result<Value>) -> Result<Value> {
    REPLAY.with_borrow_mut(|replay| match replay {
        Some(replay) => answer(replay),
        None => Err(Error::refused("NotBegun", "no replay was begun")),
    })
}

fn shown(answer: impl Serialize) -> Result<Value> {
    to_value(answer).map_err(|why| Error::Broken(why.to_string()))
}

fn read(entry: &[u8]) -> Result<Entry> {
    serde_json::from_slice(entry)
        .map_err(|why| Error::refused("Malformed", format_args!("no entry of a job: {why}")))
}

fn read_desk(desk: &[u8]) -> Result<Desk> {
    serde_json::from_slice(desk)
        .map_err(|why| Error::refused("Malformed", format_args!("no market: {why}")))
}

/// A market, and a sponsor's files.
fn opening<'a>(files: &[&'a [u8]]) -> Result<(Desk, OpeningFiles<'a>)> {
    let (files, public_slice) = match *files {
        [desk, base, hold_out, slice] => ([desk, base, hold_out], Some(slice)),
        _ => (all(files)?, None),
    };
    let [desk, base, hold_out] = files;
    Ok((read_desk(desk)?, OpeningFiles { base, hold_out, public_slice }))
}

fn all<'a, const N: usize>(files: &[&'a [u8]]) -> Result<[&'a [u8]; N]> {
    files.try_into().map_err(|_| malformed(files.len()))
}

fn malformed(files: usize) -> Error {
    Error::refused("Malformed", format_args!("this is not asked about {files} files"))
}

fn only<'a>(files: &[&'a [u8]]) -> Result<&'a [u8]> {
    all(files).map(|[file]| file)
}
