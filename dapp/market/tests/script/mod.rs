//! Plays a script: reads each line, does what it says to a market, and writes the outcome beneath.
//!
//! ```text
//! settings input_work=100        of the deployment; before the first event
//! drive rows                     a blob the deployment carries
//! blob better right=8,7          names bytes; [unixfs] cuts them so, [padded=N] lengthens them
//! at 2000                        the block time from here on
//! randao 7                       what the validators drew for the blocks from here on
//! anne deposits 100 ether        an event: who, what; its outcome is indented beneath it
//! crowd 9 enlists                the same by the accounts c1 to c9; the outcome is the last one's
//! show anne                      a query: accounts, jobs, submissions, blobs, shelf, solvency
//! ```
//!
//! After each event both sides of every asset are equal, and a refused one changed nothing.

mod competition;
mod outcome;
mod terms;

use std::{collections::BTreeMap, str::FromStr};

use blobs::{BlobRef, Digest, Encoding, Opening, Profile, blob_ref};
use market::{
    Address, Amount, Asset, Command, Effect, JobId, Market, Prices, Refusal, Settings,
    SubmissionId, Timestamp, U256, Work,
};
use miniz_oxide::deflate::compress_to_vec;

use crate::judge::WordJudge;

/// What is wrong with a line of a script.
type Reason = String;

/// The script with the outcomes that its events have.
pub(crate) fn play(text: &str) -> Result<String, Reason> {
    let mut stage = Stage::new();
    let mut played = String::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with("  ")) {
        played += &format!("{line}\n");
        let words: Vec<_> = line.split_whitespace().collect();
        let outcome = match words.first() {
            None => Vec::new(),
            Some(word) if word.starts_with('#') => Vec::new(),
            Some(_) => stage.line(&words).map_err(|reason| format!("{}: {reason}", at + 1))?,
        };
        outcome.iter().for_each(|line| played += &format!("    {line}\n"));
    }
    Ok(played)
}

/// A market, the time, and the bytes the script gave names to.
struct Stage {
    settings: Settings,
    drive: Vec<String>,
    /// Made at the first event, when settings and drive are known.
    market: Option<Market>,
    now: Timestamp,
    prev_randao: u8,
    blobs: BTreeMap<String, (BlobRef, Vec<u8>)>,
    /// What opens each sealed blob, by its name.
    openings: BTreeMap<String, Opening>,
    /// And what was committed to with it.
    commitments: BTreeMap<String, Digest>,
    /// The results of what was attested last, in a competition for miners only.
    rows: Vec<u8>,
}

impl Stage {
    fn new() -> Self {
        let settings = Settings {
            allowed_tokens: [address("gold")].into(),
            max_blob_bytes: 1_000_000,
            max_stored_bytes: 4_000_000,
            input_work: Work(1_000_000),
            prices: Prices::default(),
            max_window_seconds: 10_000,
            evaluation_window_seconds: 500,
        };
        let (drive, blobs) = (Vec::new(), BTreeMap::new());
        let (now, prev_randao) = (Timestamp(1_000), 1);
        let (openings, commitments) = (BTreeMap::new(), BTreeMap::new());
        Self {
            settings,
            drive,
            market: None,
            now,
            prev_randao,
            blobs,
            openings,
            commitments,
            rows: Vec::new(),
        }
    }

    fn line(&mut self, words: &[&str]) -> Result<Vec<String>, Reason> {
        match words {
            ["settings", settings @ ..] if self.market.is_none() => self.set(settings)?,
            ["drive", name] if self.market.is_none() => self.drive.push((*name).to_owned()),
            ["blob", name, content @ ..] => self.name_blob(name, content)?,
            ["at", seconds] => self.now = Timestamp(number(seconds)?),
            ["randao", drawn] => self.prev_randao = number(drawn)?,
            ["show", what] => return self.show(what),
            ["repeat", times, event @ ..] => {
                for _ in 1..number::<u32>(times)? {
                    self.act(event)?.map_err(|refusal| refusal.to_string())?;
                }
                return self.event(event);
            }
            ["crowd", accounts, event @ ..] => {
                let accounts = number::<u32>(accounts)?;
                let names = (1..accounts).map(|account| format!("c{account}"));
                for name in names.collect::<Vec<_>>() {
                    let event = [&[name.as_str()], event].concat();
                    self.act(&event)?.map_err(|refusal| refusal.to_string())?;
                }
                let last = format!("c{accounts}");
                return self.event(&[&[last.as_str()], event].concat());
            }
            event => return self.event(event),
        }
        Ok(Vec::new())
    }

    fn set(&mut self, settings: &[&str]) -> Result<(), Reason> {
        for setting in settings {
            let (name, value) = setting.split_once('=').ok_or("a setting has no value")?;
            match name {
                "max_blob_bytes" => self.settings.max_blob_bytes = number(value)?,
                "max_stored_bytes" => self.settings.max_stored_bytes = number(value)?,
                "opened_byte" => self.settings.prices.opened_byte = number(value)?,
                "input_work" => self.settings.input_work = Work(number(value)?),
                _ => return Err(format!("no setting {name}")),
            }
        }
        Ok(())
    }

    fn name_blob(&mut self, name: &str, mut content: &[&str]) -> Result<(), Reason> {
        let (mut profile, mut padded) = (Profile::Kubo, 0_usize);
        while let [option, rest @ ..] = content
            && let Some(option) = option.strip_prefix('[')
        {
            content = rest;
            match option.trim_end_matches(']').split_once('=') {
                None if option == "unixfs]" => profile = Profile::UnixfsV1,
                Some(("padded", bytes)) => padded = number(bytes)?,
                _ => return Err(format!("no option [{option}")),
            }
        }
        let mut bytes = content.join(" ").into_bytes();
        // Words that mean nothing, and do not compress too well to be taken.
        let padding = (0_u32..).flat_map(|n| format!(" #{n:x}").into_bytes());
        bytes.extend(padding.take(padded.saturating_sub(bytes.len())));
        self.blobs.insert(name.to_owned(), (blob_ref(&bytes, profile), bytes));
        Ok(())
    }

    fn blob(&self, name: &str) -> Result<&(BlobRef, Vec<u8>), Reason> {
        self.blobs.get(name).ok_or_else(|| format!("no blob {name}"))
    }

    fn market(&mut self) -> Result<&mut Market, Reason> {
        if self.market.is_none() {
            let drive = self.drive.iter().map(|name| self.blob(name));
            let drive = drive.map(|blob| blob.map(|(blob, bytes)| (blob.cid(), bytes.clone())));
            let drive: Vec<_> = drive.collect::<Result<_, _>>()?;
            self.market = Some(Market::new(self.settings.clone(), drive));
        }
        self.market.as_mut().ok_or_else(|| "no market".to_owned())
    }

    fn job(&mut self, name: &str) -> Result<JobId, Reason> {
        let market = self.market()?;
        let all = (0..market.job_count()).map(JobId);
        let found = all.into_iter().find(|id| outcome::title(market, *id) == name);
        match (found, name.strip_prefix('#')) {
            (Some(id), _) => Ok(id),
            (None, Some(id)) => Ok(JobId(number(id)?)),
            (None, None) => Err(format!("no job {name}")),
        }
    }

    /// Does what an event says, and checks what holds whatever it says.
    fn event(&mut self, words: &[&str]) -> Result<Vec<String>, Reason> {
        let before = self.market()?.clone();
        let result = self.act(words)?;
        let market = self.market.as_ref().ok_or("no market")?;
        assert!(market.ledger().solvency().all(|(_, solvency)| solvency.holds()), "{words:?}");
        assert!(
            result.is_ok() || *market == before,
            "{words:?} was refused and changed the market"
        );
        let names = outcome::Names { market, blobs: &self.blobs };
        Ok(match result {
            Ok(effects) if effects.is_empty() => vec!["ok".to_owned()],
            Ok(effects) => effects.iter().map(|effect| names.effect(effect)).collect(),
            Err(refusal) => vec![names.refused(refusal.name(), &refusal.values())],
        })
    }

    fn act(&mut self, words: &[&str]) -> Result<Result<Vec<Effect>, Refusal>, Reason> {
        let [who, words @ ..] = words else { return Err("nobody acts".to_owned()) };
        let sender = address(who);
        if let ["deposits", units, of] = words {
            let (asset, amount) = (asset(of), amount(units)?);
            return Ok(self.market()?.deposit(sender, asset, amount).map(|()| Vec::new()));
        }
        let command = match self.competition_command(who, words)? {
            Some(command) => command,
            None => self.command(words)?,
        };
        let context = self.context(sender);
        Ok(self.market()?.apply(&context, command, &mut WordJudge))
    }

    fn command(&mut self, words: &[&str]) -> Result<Command, Reason> {
        Ok(match words {
            ["opens", title, terms @ ..] => Command::OpenJob(Box::new(self.terms(title, terms)?)),
            ["cancels", job] => Command::CancelJob { job: self.job(job)? },
            ["publishes", blob, options @ ..] => self.chunk(blob, options)?,
            ["submits", model, "to", job] => {
                let model = self.blob(model)?.0;
                Command::Submit { job: self.job(job)?, model, data: blob_ref(b"", Profile::Kubo) }
            }
            ["evaluates", job] => Command::Evaluate { job: self.job(job)?, work: Work(u64::MAX) },
            ["evaluates", job, "work", work] => {
                Command::Evaluate { job: self.job(job)?, work: Work(number(work)?) }
            }
            ["settles", job] => Command::Settle { job: self.job(job)? },
            ["withdraws", units, of] => {
                Command::Withdraw { asset: asset(of), amount: amount(units)? }
            }
            _ => return Err(format!("{words:?} says nothing to do")),
        })
    }

    /// All bytes of a blob, unless the options say `from=`, `to=`, `bytes=` of another blob,
    /// `deflated`.
    fn chunk(&self, name: &str, options: &[&str]) -> Result<Command, Reason> {
        let (blob, bytes) = self.blob(name)?;
        let (mut bytes, mut encoding) = (bytes, Encoding::Plain);
        let (mut from, mut to) = (0_usize, None);
        for option in options {
            match option.split_once('=') {
                Some(("from", byte)) => from = number(byte)?,
                Some(("to", byte)) => to = Some(number(byte)?),
                Some(("bytes", other)) => bytes = &self.blob(other)?.1,
                None if *option == "deflated" => encoding = Encoding::Deflate,
                _ => return Err(format!("no option {option}")),
            }
        }
        let range = from..to.unwrap_or(bytes.len());
        let plain = bytes.get(range).ok_or("no such bytes")?;
        let data = match encoding {
            Encoding::Plain => plain.to_vec(),
            Encoding::Deflate => compress_to_vec(plain, 6),
        };
        Ok(Command::Publish { digest: blob.digest, offset: from as u64, encoding, data })
    }

    fn show(&mut self, what: &str) -> Result<Vec<String>, Reason> {
        let job = what.split('/').next().and_then(|job| self.job(job).ok());
        self.market()?;
        let market = self.market.as_ref().ok_or("no market")?;
        let names = outcome::Names { market, blobs: &self.blobs };
        let lines = match (what, job, what.split_once('/')) {
            ("shelf", ..) => vec![format!("stored {} bytes", market.shelf().stored())],
            ("solvency", ..) => names.solvency(),
            (_, Some(job), None) => names.job(job),
            (_, Some(job), Some((_, "board"))) => names.board(job),
            (_, Some(job), Some((_, "ranking"))) => names.ranking(job),
            (_, Some(job), Some((_, "seats"))) => names.seats(job),
            (_, Some(job), Some((_, index))) => {
                names.submission(SubmissionId { job, index: number(index)? })
            }
            _ => match self.blobs.get(what) {
                Some((blob, _)) => names.blob_states(*blob),
                None => names.balances(address(what)),
            },
        };
        Ok(if lines.is_empty() { vec!["nothing".to_owned()] } else { lines })
    }
}

/// An account's or token's address is its name, zero-padded.
fn address(name: &str) -> Address {
    let mut bytes = [0; 20];
    bytes.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte = letter);
    Address(bytes)
}

fn asset(name: &str) -> Asset {
    if name == "ether" { Asset::Ether } else { Asset::Erc20(address(name)) }
}

/// `max` is the largest there is.
fn amount(text: &str) -> Result<Amount, Reason> {
    let largest = (text == "max").then_some(Amount(U256::MAX));
    largest.map_or_else(|| U256::from_dec_str(text).map(Amount).map_err(|e| e.to_string()), Ok)
}

fn number<N: FromStr>(text: &str) -> Result<N, Reason> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
