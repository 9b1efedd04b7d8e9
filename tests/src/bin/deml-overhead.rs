//! What `cargo cost overhead` prints: the instructions that everything around an evaluation costs
//! in the application's process (HTTP, hexadecimal, JSON, ABI, hashing, the rules), and its size.
//!
//! The RISC-V program runs in qemu-user, which counts the instructions it retires, against the
//! devnet's rollup server; the server is native and not counted. In the machine, the real server's
//! share comes on top.

#![expect(clippy::print_stdout, reason = "the numbers are the point")]

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};

use alloy::primitives::{Address as Account, B256};
use anyhow::{Context, Result, bail, ensure};
use blobs::{BlobRef, Chunk, Digest, Profile};
use deml::{
    chain::{Advance, MAX_PAYLOAD_BYTES},
    devnet::{Dapp, InputStatus},
    replay::Replay,
};
use deml_tests::riscv_program;
use market::{
    Address, Amount, Asset, Command as Order, JobId, Metric, Score, Terms, Timestamp, Work,
};
use serde_json::json;
use tempfile::TempDir;
use wire::{Genesis, MAX_CHUNK_BYTES, encode_command, encode_erc20_deposit, encode_ether_deposit};

/// What the start may cost, up to the first request.
const START_LIMIT: u64 = 50_000_000;
/// What an input may cost that evaluates nothing and carries no blob.
const INPUT_LIMIT: u64 = 1_000_000;
/// What the program may weigh, in bytes.
const SIZE_LIMIT: u64 = 8_000_000;
/// How often each input is tried; the dearest counts.
const TIMES: u64 = 3;

const PLUGIN: &str = include_str!("../../counter/count.c");
const ALICE: Address = Address([0xa1; 20]);
const BOB: Address = Address([0xb0; 20]);
const TOKEN: Address = Address([0x70; 20]);
const NOW: u64 = 1_700_000_000;

/// One thing that was counted.
struct Figure {
    what: &'static str,
    unit: &'static str,
    count: u64,
    /// Nothing where it depends on the bytes that are sent.
    limit: Option<u64>,
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let json = match arguments.as_slice() {
        [] => false,
        [flag] if flag == "--json" => true,
        _ => bail!("usage: cargo cost overhead [--json]"),
    };
    let program = riscv_program("deml-dapp");
    let mut figures = vec![size(&program)?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    figures.extend(runtime.block_on(instructions(&program))?);
    for figure in &figures {
        show(figure, json);
    }
    let exceeded =
        figures.iter().any(|figure| figure.limit.is_some_and(|limit| figure.count > limit));
    Ok(if exceeded { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(figure: &Figure, json: bool) {
    let Figure { what, unit, count, limit } = figure;
    if json {
        println!("{}", json!({ "what": what, "unit": unit, "count": count, "limit": limit }));
        return;
    }
    let verdict = match limit {
        None => String::new(),
        Some(limit) if count <= limit => format!(", of {limit} at most"),
        Some(limit) => format!(", MORE THAN {limit}"),
    };
    println!("{what:<44} {count:>10} {unit}{verdict}");
}

/// The program's size, as it lies in the machine.
fn size(program: &Path) -> Result<Figure> {
    let count = fs::metadata(program)?.len();
    Ok(Figure { what: "the program", unit: "bytes", count, limit: Some(SIZE_LIMIT) })
}

/// Runs a tool; `package` is what brings it.
fn run(command: &mut Command, package: &str) -> Result<()> {
    let name = command.get_program().display().to_string();
    let output = command.output().with_context(|| {
        format!("{name} is missing: install the package {package}, or what brings it elsewhere")
    })?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A program whose retired instructions go to a file as it runs.
struct Counted {
    folder: TempDir,
    launcher: PathBuf,
}

impl Counted {
    fn new(program: &Path) -> Result<Self> {
        let folder = TempDir::new()?;
        let [source, plugin, launcher] =
            ["count.c", "count.so", "launcher"].map(|name| folder.path().join(name));
        fs::write(&source, PLUGIN)?;
        let version = format!("-DVERSION={}", plugin_version()?);
        let mut compile = Command::new("gcc");
        run(
            compile.args(["-O2", "-shared", "-fPIC", &version, "-o"]).arg(&plugin).arg(&source),
            "gcc",
        )?;
        let (folder_name, program) = (folder.path().display(), program.display());
        let script = format!(
            "#!/bin/sh\nexec qemu-riscv64 -plugin \
             {folder_name}/count.so,out={folder_name}/counts,calls=all '{program}' \"$@\"\n"
        );
        fs::write(&launcher, script)?;
        fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder, launcher })
    }

    /// What was retired when the program last asked the system for something; taken when it waits.
    async fn count(&self) -> Result<u64> {
        let path = self.folder.path().join("counts");
        let mut before = None;
        loop {
            let text = fs::read_to_string(&path).context("qemu counts nothing")?;
            let now = text.lines().last().map(str::parse).transpose()?;
            if now.is_some() && now == before {
                return now.context("qemu counts nothing");
            }
            before = now;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The interface to plugins of the qemu that is installed.
fn plugin_version() -> Result<u32> {
    let output = Command::new("qemu-riscv64").arg("--version").output();
    let output = output.context("qemu-riscv64 is missing: install the package qemu-user")?;
    let text = String::from_utf8(output.stdout)?;
    let number = text.split("version ").nth(1).and_then(|rest| rest.split('.').next());
    let major: u32 = number.context("qemu tells no version")?.parse()?;
    Ok(if major < 9 { 1 } else { 2 })
}

async fn instructions(program: &Path) -> Result<Vec<Figure>> {
    let counted = Counted::new(program)?;
    let folder = counted.folder.path();
    let genesis = folder.join("genesis.json");
    fs::write(&genesis, serde_json::to_string(&Genesis::default())?)?;
    let dapp = Dapp::Program(counted.launcher.clone());
    let mut replay = Replay::start(&dapp, &genesis, &[], folder, Arc::new(|_| {})).await?;
    let mut before = counted.count().await?;
    let unit = "instructions";
    let what = "the start, up to the first request";
    let mut figures = vec![Figure { what, unit, count: before, limit: Some(START_LIMIT) }];
    let mut index = 0;
    for Case { what, sender, payload, is_refused, limit } in cases() {
        let mut count = 0;
        for times in 0..TIMES {
            let completion = replay.advance(&input(index, sender, payload(times))).await?;
            index += 1;
            ensure!(completion.status == InputStatus::Accepted, "{what}: rejected");
            let report = completion.reports.first().map(|report| String::from_utf8_lossy(report));
            ensure!(report.is_some() == is_refused, "{what}: {report:?}");
            let now = counted.count().await?;
            count = count.max(now - before);
            before = now;
        }
        figures.push(Figure { what, unit, count, limit });
    }
    replay.stop().await;
    Ok(figures)
}

fn input(index: u64, sender: Address, payload: Vec<u8>) -> Advance {
    Advance {
        chain_id: 31_337,
        app_contract: Account::repeat_byte(0xaa),
        msg_sender: sender.0.into(),
        block_number: index + 1,
        block_timestamp: NOW,
        prev_randao: B256::repeat_byte(0xbb),
        index,
        payload: payload.into(),
    }
}

/// Makes a payload, by how often such a one was sent before.
type Payload = Box<dyn Fn(u64) -> Vec<u8>>;

/// A kind of input.
struct Case {
    what: &'static str,
    sender: Address,
    payload: Payload,
    is_refused: bool,
    limit: Option<u64>,
}

/// What is sent, in order: later cases build on earlier ones.
fn cases() -> Vec<Case> {
    let case = |what, sender, is_refused, payload| {
        let limit = Some(INPUT_LIMIT);
        Case { what, sender, payload, is_refused, limit }
    };
    let Genesis { ether_portal, erc20_portal, .. } = Genesis::default();
    let ether = encode_ether_deposit(ALICE, Amount::new(1_000), &[]);
    let token = encode_erc20_deposit(TOKEN, ALICE, Amount::new(1_000), &[]);
    let settle = encode_command(&Order::Settle { job: JobId(99) });
    let withdraw = encode_command(&Order::Withdraw { asset: Asset::Ether, amount: Amount::new(1) });
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
        case("65,024 bytes of a blob nobody expects", BOB, true, chunks(BASE_MODEL, 0xff)),
        case("65,024 bytes of a blob", ALICE, false, chunks(BASE_MODEL, 0xff)),
        case("65,024 bytes of a blob, deflated to half", ALICE, false, chunks(HOLD_OUT, 0x0f)),
    ];
    cases.extend(large.map(|case| Case { limit: None, ..case }));
    cases
}

fn always(payload: Vec<u8>) -> Payload {
    Box::new(move |_| payload.clone())
}

/// Kinds of blobs, which never come whole.
const BASE_MODEL: u8 = 1;
const HOLD_OUT: u8 = 2;

fn blob(kind: u8, job: u64) -> BlobRef {
    let mut digest = Digest([kind; 32]);
    digest.0[..8].copy_from_slice(&job.to_be_bytes());
    BlobRef { digest, size: 1 << 20, profile: Profile::Kubo }
}

fn open_job(times: u64) -> Vec<u8> {
    let terms = Terms {
        title: [0; 32],
        asset: Asset::Ether,
        reward: Amount::new(1),
        rewards: 1,
        deadline: Timestamp(NOW + 3_600),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        max_model_bytes: 1_000,
        max_work: Work(1_000_000),
        base_model: blob(BASE_MODEL, times),
        hold_out: blob(HOLD_OUT, times),
    };
    let order = Order::OpenJob(Box::new(terms));
    encode_ether_deposit(ALICE, Amount::new(1), &encode_command(&order))
}

/// The chunks of a blob of the first job, one after the other. Its bytes look random, as weights
/// do, in the bits of `mask`.
fn chunks(kind: u8, mask: u8) -> Payload {
    let mut random = fastrand::Rng::with_seed(1);
    let bytes: Vec<u8> = (0..1 << 20).map(|_| random.u8(..) & mask).collect();
    let chunks = blobs::split(&bytes, MAX_CHUNK_BYTES);
    Box::new(move |times| {
        let chunk = usize::try_from(times).ok().and_then(|times| chunks.get(times));
        let Some(Chunk { offset, encoding, data }) = chunk.cloned() else { return Vec::new() };
        let digest = blob(kind, 0).digest;
        encode_command(&Order::Publish { digest, offset, encoding, data })
    })
}
