//! Instructions of everything around an evaluation in the application's process (HTTP, hexadecimal,
//! JSON, ABI, hashing, the rules), and the program's size.
//!
//! The program runs as RISC-V against the devnet's rollup server, which is native and not counted.
//! In the machine, the real server's share is added.

use std::{fs, path::Path, sync::Arc, time::Duration};

use alloy::primitives::{Address as Account, B256};
use anyhow::{Context, Result, ensure};
use application::{Dapp, InputStatus, replay::Replay};
use client::chain::{Advance, MAX_PAYLOAD_BYTES};
use market::{
    Address, Amount, Asset, Award, Command as Order, JobId, Offer, Sealing, Slot, Terms, Work,
};
use scenarios::{
    ALICE, APP, BOB, CHAIN, ETHER, NOW, TOKEN, absent, bounty, context, offer, publish_all,
};
use serde::Serialize;
use wire::{Genesis, encode_command, encode_erc20_deposit, encode_ether_deposit};

use super::counter::Counter;

/// Most instructions for the start, up to the first request.
const START_LIMIT: u64 = 50_000_000;
/// Most instructions for an input that evaluates nothing and carries no blob.
const INPUT_LIMIT: u64 = 1_000_000;
/// Maximum size of the program, in bytes.
const SIZE_LIMIT: u64 = 8_000_000;
/// Number of times each input is sent; the most expensive counts.
const TIMES: u64 = 3;

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Its subject.
    pub what: &'static str,
    /// The unit: instructions or bytes.
    pub unit: &'static str,
    /// The amount.
    pub count: u64,
    /// Its limit; `None` if it depends on the bytes that are sent.
    pub limit: Option<u64>,
}

impl Figure {
    /// Whether it is within its limit.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.limit.is_none_or(|limit| self.count <= limit)
    }
}

/// The program's size, its start, and inputs that evaluate nothing.
///
/// - Errors: the program, or its counter, does not run
pub fn figures(counter: &Counter) -> Result<Vec<Figure>> {
    let program = counter.program("deml-dapp");
    let count = fs::metadata(&program)?.len();
    let limit = Some(SIZE_LIMIT);
    let mut figures = vec![Figure { what: "the program", unit: "bytes", count, limit }];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    figures.extend(runtime.block_on(instructions(counter, &program))?);
    Ok(figures)
}

/// Instructions retired when the program last made a system call, which it does to wait.
async fn count(counts: &Path) -> Result<u64> {
    let mut before = None;
    loop {
        let text = fs::read_to_string(counts).context("nothing was counted")?;
        let now = text.lines().last().map(str::parse).transpose()?;
        if let (Some(before), Some(now)) = (before, now)
            && before == now
        {
            return Ok(now);
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn instructions(counter: &Counter, program: &Path) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let (launcher, counts) = counter.launcher(program, folder)?;
    let genesis = folder.join("genesis.json");
    let mut written = Genesis::default();
    let prices = written.settings.asset(Asset::Ether);
    written.settings.assets.insert(Asset::Erc20(TOKEN), prices);
    fs::write(&genesis, serde_json::to_string(&written)?)?;
    let dapp = Dapp::Program(launcher);
    let mut replay = Replay::start(&dapp, &genesis, &[], folder, Arc::new(|_| {})).await?;
    let mut before = count(&counts).await?;
    let unit = "instructions";
    let what = "the start, up to the first request";
    let mut figures = vec![Figure { what, unit, count: before, limit: Some(START_LIMIT) }];
    let mut index = 0;
    for Case { what, sender, payload, is_refused, limit } in cases() {
        let mut most = 0;
        for times in 0..TIMES {
            let completion = replay.advance(&input(index, sender, payload(times))).await?;
            index += 1;
            ensure!(completion.status == InputStatus::Accepted, "{what}: rejected");
            let report = completion.reports.first().map(|report| String::from_utf8_lossy(report));
            ensure!(report.is_some() == is_refused, "{what}: {report:?}");
            let now = count(&counts).await?;
            most = most.max(now - before);
            before = now;
        }
        figures.push(Figure { what, unit, count: most, limit });
    }
    replay.stop().await;
    Ok(figures)
}

fn input(index: u64, sender: Address, payload: Vec<u8>) -> Advance {
    Advance {
        chain_id: CHAIN,
        app_contract: Account::from(APP.0),
        msg_sender: sender.0.into(),
        block_number: index + 1,
        block_timestamp: NOW,
        prev_randao: B256::repeat_byte(0xbb),
        index,
        payload: payload.into(),
    }
}

/// Makes a payload, given how many like it were sent before.
type Payload = Box<dyn Fn(u64) -> Vec<u8>>;

/// A kind of input.
struct Case {
    what: &'static str,
    sender: Address,
    payload: Payload,
    is_refused: bool,
    limit: Option<u64>,
}

/// The inputs in order: later cases build on earlier ones.
fn cases() -> Vec<Case> {
    let case = |what, sender, is_refused, payload| {
        let limit = Some(INPUT_LIMIT);
        Case { what, sender, payload, is_refused, limit }
    };
    let Genesis { ether_portal, erc20_portal, .. } = Genesis::default();
    let ether = encode_ether_deposit(ALICE, Amount::new(ETHER), &[]);
    let token = encode_erc20_deposit(TOKEN, ALICE, Amount::new(ETHER), &[]);
    let settle = encode_command(&Order::Settle { job: JobId([9; 32]) });
    let withdraw =
        encode_command(&Order::Withdraw { asset: Asset::Ether, amount: Amount::new(ETHER / 10) });
    let mut cases = vec![
        case("no bytes at all, refused", ALICE, true, always(Vec::new())),
        case("an unknown command, refused", ALICE, true, always(vec![1; 36])),
        case("settling a job that is not there, refused", ALICE, true, always(settle)),
        case("a deposit of Ether", ether_portal, false, always(ether)),
        case("a deposit of tokens", erc20_portal, false, always(token)),
        case("a withdrawal, with its voucher", ALICE, false, always(withdraw)),
        case("a deposit that opens a job", ether_portal, false, Box::new(open_job)),
    ];
    let large = [
        case("65,216 bytes of nonsense, refused", ALICE, true, always(vec![1; MAX_PAYLOAD_BYTES])),
        case("65,024 bytes of a blob nobody expects", BOB, true, chunks(Slot::BaseModel, 0xff)),
        case("65,024 bytes of a blob", ALICE, false, chunks(Slot::BaseModel, 0xff)),
        case("65,024 bytes of a blob, deflated to half", ALICE, false, chunks(Slot::HoldOut, 0x0f)),
    ];
    cases.extend(large.map(|case| Case { limit: None, ..case }));
    cases
}

fn always(payload: Vec<u8>) -> Payload {
    Box::new(move |_| payload.clone())
}

/// Terms shared by the opened jobs: blobs that are never complete.
fn terms() -> Terms {
    let [base_model, hold_out] = [&[1], &[2]].map(|name| absent(name, 1 << 20));
    Terms {
        places: 1,
        offer: Offer {
            max_model_bytes: 1_000,
            max_work: Work(1_000_000),
            max_inputs: 1,
            base_model,
            ..offer()
        },
        sealing: Sealing::Open { hold_out },
        award: Award::Rewards { reward: Amount::new(1), count: 1 },
        ..bounty()
    }
}

/// The job that is opened after this many others.
fn opened(times: u64) -> (JobId, Order) {
    let mut salt = [0; 32];
    salt[..8].copy_from_slice(&times.to_be_bytes());
    scenarios::open_job(&context(ALICE), salt, &terms())
}

fn open_job(times: u64) -> Vec<u8> {
    encode_ether_deposit(ALICE, Amount::new(ETHER), &encode_command(&opened(times).1))
}

/// The chunks of a blob of the first job, one after the other. Its bytes are random, like weights,
/// in the bits of `mask`.
fn chunks(slot: Slot, mask: u8) -> Payload {
    let mut random = fastrand::Rng::with_seed(1);
    let bytes: Vec<u8> = (0..1 << 20).map(|_| random.u8(..) & mask).collect();
    let chunks: Vec<_> = publish_all(opened(0).0, slot, &bytes).collect();
    Box::new(move |times| {
        let chunk = usize::try_from(times).ok().and_then(|times| chunks.get(times));
        chunk.map(encode_command).unwrap_or_default()
    })
}
