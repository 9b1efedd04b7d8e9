//! The market once more, from the inputs on Ethereum alone, and what a node tells compared with it.

use eval::Evaluator;
use market::Address;
use rollup::{App, CatchingJudge, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::{Advance, Genesis, Notice, Output, decode_notice};

use crate::{
    error::{Error, Result},
    outputs::{Hash, Outputs, bytes, hash_of, keccak, shown},
};

/// A replay under way.
pub struct Replay {
    app: App<CatchingJudge<Evaluator>>,
    chain_id: u64,
    application: Address,
    /// The next input's number.
    next: u64,
    /// The last input's block.
    block: u64,
    outputs: Outputs,
    /// Each output, with the number of its input.
    made: Vec<(u64, Vec<u8>)>,
    /// The root after each block with inputs.
    roots: Vec<(u64, Hash)>,
}

/// What is known of a replay.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Progress {
    inputs: u64,
    outputs: u64,
    block: u64,
    root: String,
}

/// An output as a node tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Told {
    index: u64,
    input: u64,
    raw: String,
}

/// A claim that Ethereum has accepted.
#[derive(Debug, Deserialize)]
pub(crate) struct Claim {
    last_block: u64,
    root: String,
}

/// What an output says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Meaning {
    Notice(Box<Notice>),
    Voucher { destination: Address, value: String, payload: String },
    Unknown(String),
}

impl Meaning {
    pub(crate) fn of(output: &[u8]) -> Self {
        match Output::decode(output) {
            Some(Output::Notice { payload }) => decode_notice(&payload)
                .map_or_else(|| Self::Unknown(shown(output)), |notice| Self::Notice(notice.into())),
            Some(Output::Voucher { destination, value, payload }) => {
                Self::Voucher { destination, value: value.to_string(), payload: shown(&payload) }
            }
            _ => Self::Unknown(shown(output)),
        }
    }

    fn words(output: &[u8]) -> String {
        serde_json::to_string(&Self::of(output)).unwrap_or_default()
    }
}

fn differs(why: String) -> Error {
    Error::refused("Differs", why)
}

impl Replay {
    /// The market before its first input.
    ///
    /// - `template`: what the application on Ethereum says it was made of; a program's is the hash
    ///   of its genesis file, and a machine's is not checked here
    /// - Errors: `UnfitGenesis`; `Differs` if the application was made of another genesis
    pub(crate) fn begin(
        chain_id: u64,
        application: Address,
        genesis: &[u8],
        template: Option<&str>,
    ) -> Result<Self> {
        let found = shown(&keccak(genesis));
        if let Some(template) = template.filter(|template| *template != found) {
            let why =
                format!("the application was made of {template}, not of this genesis {found}");
            return Err(differs(why));
        }
        let unfit = |why: &dyn std::fmt::Display| Error::refused("UnfitGenesis", why);
        let text = std::str::from_utf8(genesis).map_err(|why| unfit(&why))?;
        let genesis = Genesis::parse(text).map_err(|why| unfit(&why))?;
        Ok(Self {
            app: App::new(genesis, [], CatchingJudge::default()),
            chain_id,
            application,
            next: 0,
            block: 0,
            outputs: Outputs::default(),
            made: Vec::new(),
            roots: Vec::new(),
        })
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            inputs: self.next,
            outputs: self.outputs.count(),
            block: self.block,
            root: shown(&self.outputs.root()),
        }
    }

    /// Processes inputs, exactly as Ethereum's InputBox hashed them.
    ///
    /// - `digest`: the hash of the hashes that the InputBox keeps of them
    /// - Errors: `Differs` if an input is not the next, or not what the InputBox keeps; `Undone` if
    ///   the application fails on one, which only a machine can undo
    pub(crate) fn advance(&mut self, inputs: &[String], digest: Option<&str>) -> Result<Progress> {
        let next = self.next;
        let raw = inputs.iter().enumerate().map(|(at, input)| {
            let number = next + at as u64;
            bytes(input).ok_or_else(|| differs(format!("input {number} is not hexadecimal")))
        });
        let raw = raw.collect::<Result<Vec<_>>>()?;
        let hashes: Vec<u8> = raw.iter().flat_map(|raw| keccak(raw)).collect();
        if digest.is_some_and(|digest| digest != shown(&keccak(&hashes))) {
            let last = next + raw.len().saturating_sub(1) as u64;
            return Err(differs(format!(
                "of inputs {next} to {last} one is not what the InputBox keeps"
            )));
        }
        for raw in raw {
            self.take(&raw)?;
        }
        Ok(self.progress())
    }

    fn take(&mut self, raw: &[u8]) -> Result<()> {
        let number = self.next;
        let advance = Advance::decode(raw)
            .ok_or_else(|| differs(format!("input {number} is not one of the InputBox")))?;
        let context = advance.context;
        let is_ours = (context.chain_id, context.app) == (self.chain_id, self.application);
        if !is_ours || context.input != number || context.block < self.block {
            let why = format!("input {number} is of another market, or not in its place");
            return Err(differs(why));
        }
        let answer = self.app.advance(&advance);
        if answer.status == Status::Reject {
            let why = format!("the application fails on input {number}: `deml audit` undoes it");
            return Err(Error::refused("Undone", why));
        }
        for output in answer.outputs {
            let output = output.encode();
            self.outputs.push(keccak(&output));
            self.made.push((number, output));
        }
        (self.next, self.block) = (number + 1, context.block);
        let root = (context.block, self.outputs.root());
        match self.roots.last_mut() {
            Some(last) if last.0 == context.block => *last = root,
            _ => self.roots.push(root),
        }
        Ok(())
    }

    /// Compares outputs that a node tells with those made here; returns how many hold.
    ///
    /// - Errors: `Differs`, at the first that does not
    pub(crate) fn compare(&self, told: &[Told]) -> Result<usize> {
        for Told { index, input, raw } in told {
            let ours = usize::try_from(*index).ok().and_then(|index| self.made.get(index));
            let Some((of, made)) = ours else {
                return Err(differs(format!(
                    "the node tells of output {index}, which there is not"
                )));
            };
            if of != input {
                let why = format!("output {index} is of input {of}; the node says of {input}");
                return Err(differs(why));
            }
            if bytes(raw).as_ref() != Some(made) {
                let told = bytes(raw).map_or_else(|| raw.clone(), |told| Meaning::words(&told));
                let why = format!(
                    "output {index}, of input {input}, is {}; the node says {told}",
                    Meaning::words(made)
                );
                return Err(differs(why));
            }
        }
        Ok(told.len())
    }

    /// Compares claims that Ethereum has accepted with the roots found here.
    ///
    /// - Errors: `Differs`, at the first that does not hold
    pub(crate) fn check(&self, claims: &[Claim]) -> Result<usize> {
        for Claim { last_block, root } in claims {
            let after = self.roots.partition_point(|(block, _)| block <= last_block);
            let found = match after.checked_sub(1) {
                Some(at) => self.roots[at].1,
                None => Outputs::default().root(),
            };
            if hash_of(root) != Some(found) {
                let why = format!(
                    "the claim for block {last_block} is {root}, the outputs until then have {}",
                    shown(&found)
                );
                return Err(differs(why));
            }
        }
        Ok(claims.len())
    }

    /// Compares what a node showed with the answers of the market here; returns the questions that
    /// are answered otherwise. A list is shown as its items; terms are what a job's name says.
    pub(crate) fn differing(&self, shown: &[(String, Value)]) -> Vec<String> {
        let differs = |(question, told): &&(String, Value)| {
            let answer = wire::answer(self.app.market(), question.as_bytes());
            let ours = serde_json::from_slice(&answer).unwrap_or_default();
            let ours = match ours {
                Value::Object(mut page) if page.contains_key("items") => {
                    page.remove("items").unwrap_or_default()
                }
                ours => ours,
            };
            !holds(&ours, told)
        };
        shown.iter().filter(differs).map(|(question, _)| question.clone()).collect()
    }
}

/// Whether all of an answer but terms is in what was shown.
fn holds(ours: &Value, told: &Value) -> bool {
    match (ours, told) {
        (Value::Array(ours), Value::Array(told)) => {
            ours.len() == told.len() && ours.iter().zip(told).all(|(ours, told)| holds(ours, told))
        }
        (Value::Object(ours), Value::Object(told)) => ours
            .iter()
            .filter(|(name, _)| *name != "terms")
            .all(|(name, ours)| told.get(name).is_some_and(|told| holds(ours, told))),
        _ => ours == told,
    }
}
