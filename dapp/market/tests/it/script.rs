//! Plays a script: executes each line on a market, and writes the outcome beneath.
//!
//! ```text
//! settings input_work=100        of the deployment; before the first event
//! drive rows                     a blob of the deployment's drive
//! usual                          the blobs and balances of most scripts
//! blob better right=8,7          names bytes; [unixfs] sets the profile, [padded=N] the length,
//!                                [delta=N] a delta that keeps N bytes of the base model
//! at 2000                        the block time from here on
//! randao 7                       `prevRandao` of the blocks from here on
//! anne deposits 100 ether        an event: who, what; its outcome is indented beneath it.
//!                                [and …] a command sent with the deposit
//! crowd 9 enlists for cup        the same by the accounts c1 to c9; shows the last outcome
//! repeat 9 anne …                the same nine times; shows the last outcome
//! show anne                      a query: accounts, jobs, cup/0, cup/board, cup/seats, cup/blobs,
//!                                clock, store, solvency
//! ```
//!
//! The commands are in `acts`. After each input both sides of every asset must be equal, and a
//! refused command must have changed nothing.

mod acts;
mod outcome;
mod terms;

use std::{collections::BTreeMap, str::FromStr};

use blobs::{BlobRef, Profile, blob_ref};
use market::{
    Address, Amount, Asset, Effect, JobId, Market, Refusal, Settings, Timestamp, U256, Work,
};
use scenarios::Secret;

use crate::world::{World, settings};

/// An error in a line of a script.
type Reason = String;

/// Blobs and balances of most scripts. The hold-out is `rows`, or `hidden` in sealed jobs.
const USUAL: &str = "blob rows rows=10,10
blob hidden rows=20,20
blob slice rows=10,10 #slice
blob base right=5,5
blob good right=7,7
blob better right=8,7
blob best right=10,9
blob fair right=12,12
blob top right=19,19
blob junk nonsense
anne deposits 10000 ether
bob deposits 1000 ether
carol deposits 1000 ether
dave deposits 1000 ether
max deposits 1000 ether
mia deposits 1000 ether
moe deposits 1000 ether
mel deposits 1000 ether";

/// The script with the current outcomes of its events.
pub(crate) fn play(text: &str) -> String {
    let mut stage = Stage::new();
    let mut played = String::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with("  ")) {
        played += &format!("{line}\n");
        let nonsense = |reason| vec![format!("line {} makes no sense: {reason}", at + 1)];
        let outcome = stage.line(line).unwrap_or_else(nonsense);
        outcome.iter().for_each(|line| played += &format!("    {line}\n"));
    }
    played
}

/// A market, and the blobs and jobs named by the script.
pub(crate) struct Stage {
    settings: Settings,
    drive: Vec<String>,
    /// Created at the first event, when settings and drive are known.
    world: Option<World>,
    blobs: BTreeMap<String, (BlobRef, Vec<u8>)>,
    /// Sealed blobs, by the names of their ciphertexts.
    secrets: BTreeMap<String, Secret>,
    jobs: BTreeMap<String, JobId>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let mut settings = settings();
        settings.assets.insert(asset("gold"), settings.asset(Asset::Ether));
        Self {
            settings,
            drive: Vec::new(),
            world: None,
            blobs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            jobs: BTreeMap::new(),
        }
    }

    /// Plays lines, none of which may be refused; returns their outcomes.
    pub(crate) fn play(&mut self, text: &str) -> Vec<String> {
        let all: Vec<_> = text.lines().flat_map(|line| self.line(line).unwrap()).collect();
        let refused = all.iter().find(|line| line.starts_with("refused"));
        assert!(refused.is_none(), "{refused:?} in {all:#?}");
        all
    }

    /// Plays a line that must be refused, for a reason with this prefix.
    pub(crate) fn refused(&mut self, line: &str, reason: &str) {
        let outcome = self.line(line).unwrap();
        let last = outcome.last().map_or("", String::as_str);
        assert!(last.starts_with(&format!("refused {reason}")), "{line}: {outcome:?}");
    }

    pub(crate) fn market(&self) -> &Market {
        &self.world.as_ref().unwrap().market
    }

    /// Names a job.
    pub(crate) fn call(&mut self, title: &str, job: JobId) {
        self.jobs.insert(title.to_owned(), job);
    }

    /// Balance and payments of an account, less its deposits.
    pub(crate) fn earned(&self, who: &str) -> i128 {
        self.world.as_ref().unwrap().earned(address(who), Asset::Ether)
    }

    /// Plays a line; returns its outcome.
    pub(crate) fn line(&mut self, line: &str) -> Result<Vec<String>, Reason> {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            [word, ..] if word.starts_with('#') => {}
            ["settings", settings @ ..] if self.world.is_none() => self.set(settings)?,
            ["drive", name] if self.world.is_none() => self.drive.push((*name).to_owned()),
            ["blob", name, content @ ..] => self.name_blob(name, content)?,
            ["at", seconds] => self.world()?.block_time = Timestamp(number(seconds)?),
            ["randao", drawn] => self.world()?.prev_randao = [number(drawn)?; 32],
            ["usual"] => {
                for line in USUAL.lines() {
                    self.line(line)?;
                }
            }
            ["show", what] => {
                let what = (*what).to_owned();
                self.world()?;
                return self.show(&what);
            }
            ["repeat", times, event @ ..] => {
                for _ in 1..number::<u32>(times)? {
                    self.act(event)?.1.map_err(|refusal| refusal.to_string())?;
                }
                return self.event(event);
            }
            ["crowd", accounts, event @ ..] => {
                let accounts = number::<u32>(accounts)?;
                for account in 1..accounts {
                    let name = format!("c{account}");
                    let outcome = self.act(&[&[name.as_str()], event].concat())?.1;
                    outcome.map_err(|refusal| format!("{name}: {refusal}"))?;
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
            let of = &mut self.settings;
            match name {
                "operator_ppm" => of.operator_ppm = number(value)?,
                "max_blob_bytes" => of.max_blob_bytes = number(value)?,
                "max_stored_bytes" => of.max_stored_bytes = number(value)?,
                "max_balances" => of.max_balances = number(value)?,
                "input_work" => of.input_work = Work(number(value)?),
                "opened_byte" => of.prices.opened_byte = Work(number(value)?),
                "ending" => of.prices.ending = Work(number(value)?),
                "input" => of.prices.input = Work(number(value)?),
                "payload_byte" => of.prices.payload_byte = Work(number(value)?),
                "output" => of.prices.output = Work(number(value)?),
                "float" => of.speed.float = number(value)?,
                "integer" => of.speed.integer = number(value)?,
                "mining" => of.speed.mining = number(value)?,
                "surcharge_lag" => of.surcharge_lag_seconds = number(value)?,
                "evaluation_seconds" => of.windows.evaluation_seconds = number(value)?,
                "minimum" | "work" | "rent" | "place_bond" => {
                    for prices in of.assets.values_mut() {
                        match name {
                            "minimum" => prices.account_minimum = amount(value)?,
                            "work" => prices.work = amount(value)?,
                            "rent" => prices.rent = amount(value)?,
                            _ => prices.place_bond = amount(value)?,
                        }
                    }
                }
                _ => return Err(format!("no setting {name}")),
            }
        }
        Ok(())
    }

    fn name_blob(&mut self, name: &str, mut content: &[&str]) -> Result<(), Reason> {
        let (mut profile, mut padded, mut kept) = (Profile::Kubo, 0_usize, None);
        while let [option, rest @ ..] = content
            && let Some(option) = option.strip_prefix('[')
        {
            content = rest;
            match option.trim_end_matches(']').split_once('=') {
                None if option == "unixfs]" => profile = Profile::UnixfsV1,
                Some(("padded", bytes)) => padded = number(bytes)?,
                Some(("delta", bytes)) => kept = Some(number(bytes)?),
                _ => return Err(format!("no option [{option}")),
            }
        }
        let mut bytes = content.join(" ").into_bytes();
        // Meaningless words, whose compression ratio is within the limit.
        let padding = (0_u32..).flat_map(|n| format!(" #{n:x}").into_bytes());
        bytes.extend(padding.take(padded.saturating_sub(bytes.len())));
        if let Some(kept) = kept {
            bytes = crate::judge::delta(&bytes, kept);
        }
        self.blobs.insert(name.to_owned(), (blob_ref(&bytes, profile), bytes));
        Ok(())
    }

    fn blob(&self, name: &str) -> Result<&(BlobRef, Vec<u8>), Reason> {
        self.blobs.get(name).ok_or_else(|| format!("no blob {name}"))
    }

    fn world(&mut self) -> Result<&mut World, Reason> {
        if self.world.is_none() {
            let drive = self.drive.iter().map(|name| self.blob(name));
            let drive = drive.map(|blob| blob.map(|(blob, bytes)| (blob.cid(), bytes.clone())));
            let drive: Vec<_> = drive.collect::<Result<_, _>>()?;
            self.world = Some(World::new(self.settings.clone(), drive));
        }
        self.world.as_mut().ok_or_else(|| "no market".to_owned())
    }

    /// A job by its title; for an unknown title, an unused job name.
    pub(crate) fn job(&self, title: &str) -> JobId {
        self.jobs.get(title).copied().unwrap_or_else(|| JobId(padded(title)))
    }

    fn names(&self) -> outcome::Names<'_> {
        let Self { blobs, jobs, .. } = self;
        outcome::Names { market: &self.world.as_ref().unwrap().market, blobs, jobs }
    }

    fn event(&mut self, words: &[&str]) -> Result<Vec<String>, Reason> {
        let (effects, last) = self.act(words)?;
        let names = self.names();
        let mut lines: Vec<_> = effects.iter().map(|effect| names.effect(effect)).collect();
        match last {
            Err(refusal) => lines.push(names.refused(refusal.name(), &refusal.values())),
            Ok(()) if lines.is_empty() => lines.push("ok".to_owned()),
            Ok(()) => {}
        }
        Ok(lines)
    }

    /// Plays an event, input by input, up to the first refusal; returns the effects.
    fn act(&mut self, words: &[&str]) -> Result<(Vec<Effect>, Result<(), Refusal>), Reason> {
        let [who, words @ ..] = words else { return Err("nobody acts".to_owned()) };
        let sender = address(who);
        self.world()?;
        if let ["deposits", units, of, riding @ ..] = words {
            let money = (asset(of), amount(units)?);
            let command = match riding {
                ["and", riding @ ..] => self.commands(who, riding)?.into_iter().next(),
                _ => None,
            };
            return Ok(self.world()?.deposit(sender, money, command));
        }
        let mut all = Vec::new();
        for command in self.commands(who, words)? {
            match self.world()?.act(sender, command) {
                Ok(effects) => all.extend(effects),
                Err(refusal) => return Ok((all, Err(refusal))),
            }
        }
        Ok((all, Ok(())))
    }

    fn show(&self, what: &str) -> Result<Vec<String>, Reason> {
        let names = self.names();
        let job = what.split('/').next().map(|title| self.job(title));
        let job = job.filter(|job| names.market.job(*job).is_some());
        let lines = match (what, job, what.split_once('/')) {
            ("clock", ..) => {
                let (now, lag) = (names.market.now(), names.market.lag_seconds());
                vec![format!("{now}, {lag} seconds behind")]
            }
            ("store", ..) => vec![format!("{} bytes reserved", names.market.reserved_bytes())],
            ("solvency", ..) => names.solvency(),
            (_, Some(job), None) => names.job(job),
            (_, Some(job), Some((_, "board"))) => names.board(job),
            (_, Some(job), Some((_, "seats"))) => names.seats(job),
            (_, Some(job), Some((_, "blobs"))) => names.blob_states(job),
            (_, Some(job), Some((_, index))) => names.submission(job, number(index)?),
            _ => names.balances(address(what)),
        };
        Ok(if lines.is_empty() { vec!["nothing".to_owned()] } else { lines })
    }
}

/// The address of an account or token is its name, zero-padded.
fn address(name: &str) -> Address {
    Address(padded(name))
}

fn padded<const N: usize>(name: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte = letter);
    bytes
}

fn asset(name: &str) -> Asset {
    if name == "ether" { Asset::Ether } else { Asset::Erc20(address(name)) }
}

/// `max` is the largest amount.
fn amount(text: &str) -> Result<Amount, Reason> {
    let largest = (text == "max").then_some(Amount(U256::MAX));
    largest.map_or_else(|| U256::from_dec_str(text).map(Amount).map_err(|e| e.to_string()), Ok)
}

fn number<N: FromStr>(text: &str) -> Result<N, Reason> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
