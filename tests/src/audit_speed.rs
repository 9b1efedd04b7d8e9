//! Time of an audit relative to the application alone, on a real chain with ten thousand inputs.

use std::{
    fs,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, Bytes, hex},
    providers::Provider as _,
    rpc::client::BatchRequest,
    sol_types::SolCall as _,
};
use anyhow::{Context, Result, ensure};
use application::{Dapp, replay::Replay};
use client::{
    chain::{Advance, bindings::InputBox},
    convert::{to_ethereum, to_market},
};
use devnet::{Devnet, Ports};
use market::{
    Amount, Asset, Award, Command, Context as Place, JobId, Offer, Sealing, Slot, Target, Terms,
    Timestamp, Work,
};
use scenarios::{ETHER, TOKEN, bounty, file, offer, open_job, publish, submit};
use serde::Serialize;
use serde_json::{Value, json};
use wire::{Genesis, encode_command, encode_erc20_deposit, encode_ether_deposit};

use crate::{fixture, program};

/// Total number of inputs.
const INPUTS: usize = 10_000;
/// Evaluated models: base models and submissions.
const EVALUATIONS: u32 = 100;
/// Number of jobs.
const JOBS: u32 = 10;
/// Accounts that send deposits and invalid commands.
const ACCOUNTS: u32 = 300;
/// Inputs per block.
const AT_ONCE: usize = 100;
/// Runs of both measurements; the fastest counts, as other programs only slow them down.
const ATTEMPTS: u32 = 3;
/// Time limit for the devnet.
const WITHIN: Duration = Duration::from_secs(600);

/// Results of the measurement.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// Number of audited inputs.
    pub inputs: u64,
    /// Number of scores among them.
    pub scores: u64,
    /// Seconds of the application alone, as a process that is asked over HTTP.
    pub app_seconds: f64,
    /// Seconds of the audit of the same inputs.
    pub audit_seconds: f64,
    /// Audit seconds divided by application seconds.
    pub ratio: f64,
    /// Peak memory of the audit, in MiB.
    pub peak_mib: u64,
    /// Seconds of another audit, from the last checkpoint on.
    pub again_seconds: f64,
}

/// Builds the chain, and measures.
///
/// - Errors: a failure, or the audit reports a divergence
pub async fn measure(printer: impl Fn(&str)) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let mut config = devnet::market::config(folder.path().join("devnet"), program("deml-dapp"))?;
    (config.ports, config.free_gas, config.epoch_length) = (Ports::ANY, true, 20);
    config.block_interval = Duration::from_secs(3_600);
    let devnet = Devnet::start(config).await?;
    printer("sending inputs");
    let chain_id = devnet.chain().chain_id().await?;
    let load = Load::new(
        chain_id,
        to_market(devnet.info().application),
        devnet.chain().block_time().await?,
    );
    send(&devnet, &load).await?;
    printer("waiting for the devnet");
    devnet.wait_processed(load.inputs.len() as u64 - 1, WITHIN).await?;
    devnet.end_epoch().await?;
    devnet.wait_settled(WITHIN).await?;

    let inputs: Vec<_> = devnet.history().into_iter().map(|(input, _)| input).collect();
    let (mut app_seconds, mut audit_seconds, mut peak_mib) = (f64::MAX, f64::MAX, 0);
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        printer("giving the application all inputs");
        app_seconds = app_seconds.min(give(&devnet, folder.path(), &inputs).await?);
        printer("auditing");
        let memory = folder.path().join(format!("audit-{attempt}"));
        let (seconds, report, peak) = audit(&devnet, &memory).await?;
        audit_seconds = audit_seconds.min(seconds);
        peak_mib = peak.max(peak_mib);
        last = Some((memory, report));
    }
    let (memory, report) = last.context("nothing was measured")?;
    let (again_seconds, ..) = audit(&devnet, &memory).await?;
    devnet.shutdown().await?;
    let number = |name: &str| report[name].as_u64().unwrap_or_default();
    Ok(Measured {
        inputs: number("inputs"),
        scores: number("scores"),
        app_seconds,
        audit_seconds,
        ratio: audit_seconds / app_seconds,
        peak_mib,
        again_seconds,
    })
}

/// Seconds the application takes for all inputs, over HTTP.
async fn give(devnet: &Devnet, folder: &Path, inputs: &[Advance]) -> Result<f64> {
    let (genesis, dapp) = (&devnet.info().genesis, Dapp::Program(program("deml-dapp")));
    let mut app = Replay::start(&dapp, genesis, &[], folder, Arc::new(|_| {})).await?;
    let begun = Instant::now();
    for input in inputs {
        app.advance(input).await?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    app.stop().await;
    Ok(seconds)
}

/// Runs the audit as a user does; returns its time, report and memory.
async fn audit(devnet: &Devnet, folder: &Path) -> Result<(f64, Value, u64)> {
    let info = devnet.info();
    let begun = Instant::now();
    let mut command = tokio::process::Command::new(program("deml"));
    command.args(["audit", "--json", "--quiet", "--app", &info.application.to_string()]);
    command.args(["--rpc-url", &info.rpc_url, "--node-url", &info.node_url, "--genesis"]);
    command.arg(&info.genesis).env("XDG_DATA_HOME", folder);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let status = format!("/proc/{}/status", child.id().context("the audit has ended")?);
    let watched = tokio::spawn(async move {
        let mut peak = 0;
        while let Some(kib) = peak_kib(&status) {
            peak = peak.max(kib);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        peak
    });
    let output = child.wait_with_output().await?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok((seconds, serde_json::from_slice(&output.stdout)?, watched.await?.div_ceil(1_024)))
}

/// Peak memory of a running process.
fn peak_kib(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Sends all inputs to the chain, each from its account.
async fn send(devnet: &Devnet, load: &Load) -> Result<()> {
    let (provider, application) = (devnet.chain().provider(), devnet.info().application);
    let input_box = devnet.info().contracts.input_box;
    let ask = async |method: &'static str, params: Value| -> Result<Value> {
        Ok(provider.raw_request(method.into(), params).await?)
    };
    ask("anvil_autoImpersonateAccount", json!([true])).await?;
    ask("evm_setAutomine", json!([false])).await?;
    for part in load.inputs.chunks(AT_ONCE) {
        let mut batch = BatchRequest::new(provider.client());
        let mut sent = Vec::new();
        for (from, payload) in part {
            let payload = Bytes::copy_from_slice(payload);
            let gas = 200_000 + 60 * payload.len();
            let call = InputBox::addInputCall { appContract: application, payload };
            let transaction = json!({
                "from": from, "to": input_box, "data": hex::encode_prefixed(call.abi_encode()),
                "gas": format!("{gas:#x}"), "gasPrice": "0x0",
            });
            sent.push(batch.add_call::<_, Value>("eth_sendTransaction", &(transaction,))?);
        }
        batch.send().await?;
        for hash in sent {
            hash.await?;
        }
        ask("anvil_mine", json!(["0x1"])).await?;
    }
    ask("evm_setAutomine", json!([true])).await?;
    Ok(())
}

/// The inputs to send, with their senders.
#[derive(Debug)]
pub struct Load {
    /// Senders and payloads, in order.
    pub inputs: Vec<(Address, Vec<u8>)>,
    genesis: Genesis,
    chain_id: u64,
    app: market::Address,
    jobs: Vec<JobId>,
    /// Number of background inputs so far.
    noise: u32,
}

impl Load {
    fn new(chain_id: u64, app: market::Address, now: u64) -> Self {
        let mut load = Self::empty(chain_id, app);
        let files = [
            ("health/sklearn-base.onnx", "health/holdout.safetensors"),
            ("digits/torch-base.onnx", "digits/holdout.safetensors"),
        ];
        let files = files.map(|(model, hold_out)| (read(model), read(hold_out)));
        for job in 0..JOBS {
            load.open(job, &files[job as usize % 2], now);
        }
        let models = EVALUATIONS - JOBS;
        let noise = (INPUTS - load.inputs.len() - 2 * models as usize) / models as usize;
        for number in 0..models {
            load.submit(number, &files[(number % JOBS) as usize % 2].0);
            (0..noise).for_each(|_| load.noise());
        }
        while load.inputs.len() < INPUTS {
            load.noise();
        }
        load
    }

    fn empty(chain_id: u64, app: market::Address) -> Self {
        let (inputs, genesis, jobs, noise) = (Vec::new(), Genesis::default(), Vec::new(), 0);
        Self { inputs, genesis, chain_id, app, jobs, noise }
    }

    /// Jobs whose base models nobody evaluates, and as many inputs as of a load with evaluations.
    #[must_use]
    pub fn without_evaluations(chain_id: u64, app: market::Address, now: u64) -> Self {
        let mut load = Self::empty(chain_id, app);
        let files = (read("digits/torch-base.onnx"), read("digits/holdout.safetensors"));
        for job in 0..JOBS {
            load.announce(job, &files, now);
        }
        while load.inputs.len() < INPUTS {
            load.noise();
        }
        load
    }

    fn open(&mut self, number: u32, files: &(Vec<u8>, Vec<u8>), now: u64) {
        let (sponsor, job) = self.announce(number, files, now);
        for (slot, file) in [(Slot::BaseModel, &files.0), (Slot::HoldOut, &files.1)] {
            self.command(sponsor, &publish(job, slot, file));
        }
        self.fill_block();
    }

    /// Opens a job whose bytes are still to come.
    fn announce(
        &mut self,
        number: u32,
        (model, hold_out): &(Vec<u8>, Vec<u8>),
        now: u64,
    ) -> (market::Address, JobId) {
        let sponsor = account(1_000 + number);
        let rows = eval::Dataset::from_safetensors(hold_out).map_or(0, |dataset| dataset.rows());
        let terms = Terms {
            close: Timestamp(now + 86_400),
            places: 20,
            offer: Offer {
                max_model_bytes: 100_000,
                max_work: Work(2_000_000_000),
                max_inputs: 16,
                rows: u32::try_from(rows).unwrap_or(u32::MAX),
                base_model: file(model),
                ..offer()
            },
            sealing: Sealing::Open { hold_out: file(hold_out) },
            award: Award::Rewards { reward: Amount::new(10), count: 20 },
            ..bounty()
        };
        let (chain_id, app) = (self.chain_id, self.app);
        let place = Place { sender: sponsor, chain_id, app, ..Place::default() };
        let (job, opening) = open_job(&place, [0; 32], &terms);
        self.jobs.push(job);
        self.ride(sponsor, &opening);
        self.fill_block();
        (sponsor, job)
    }

    /// A client submits the base model with the last bits of one weight changed.
    fn submit(&mut self, number: u32, model: &[u8]) {
        let (client, job) = (account(2_000 + number), self.jobs[(number % JOBS) as usize]);
        let mut model = model.to_vec();
        // A float in the middle of the weights, whose lowest byte may have any value.
        let middle = model.len() / 2 / 4 * 4;
        let index = (middle..middle + 4).find(|index| is_model(&changed(&model, *index, number)));
        model = changed(&model, index.unwrap_or(middle), number);
        self.ride(client, &submit(job, &model));
        self.command(client, &publish(job, Slot::Submission, &model));
    }

    /// A command on a deposit that exceeds its stake.
    fn ride(&mut self, sender: market::Address, command: &Command) {
        let portal = to_ethereum(self.genesis.ether_portal);
        let ether = Amount::new(20 * ETHER);
        let payload = encode_ether_deposit(sender, ether, &encode_command(command));
        self.inputs.push((portal, payload));
    }

    /// Background activity: deposits and withdrawals, and many refused commands.
    fn noise(&mut self) {
        let number = self.noise;
        self.noise += 1;
        let someone = account(number / 8 % ACCOUNTS);
        let [ether, erc20] =
            [self.genesis.ether_portal, self.genesis.erc20_portal].map(to_ethereum);
        let one = Amount::new(1);
        match number % 8 {
            0 | 1 => self.inputs.push((ether, encode_ether_deposit(someone, one, &[]))),
            2 => self.inputs.push((erc20, encode_erc20_deposit(TOKEN, someone, one, &[]))),
            3 => self.command(someone, &Command::Withdraw { asset: Asset::Ether, amount: one }),
            4 => self.command(
                someone,
                &Command::Settle { job: self.jobs[(number % JOBS) as usize % self.jobs.len()] },
            ),
            5 => self.inputs.push((to_ethereum(someone), vec![7; 100])),
            6 => self.command(someone, &publish(self.jobs[0], Slot::Submission, &[7; 1_000])),
            _ => {
                let (job, target) = (self.jobs[0], Target::Base);
                let (from, work, max_surcharge) = (0, Work(1), Amount::ZERO);
                let evaluate = Command::Evaluate { job, target, from, work, max_surcharge };
                self.command(someone, &evaluate);
            }
        }
    }

    /// Starts the next block, so that later inputs come after all earlier ones.
    fn fill_block(&mut self) {
        while !self.inputs.len().is_multiple_of(AT_ONCE) {
            self.noise();
        }
    }

    fn command(&mut self, sender: market::Address, command: &Command) {
        self.inputs.push((to_ethereum(sender), encode_command(command)));
    }
}

fn read(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap_or_default()
}

fn changed(model: &[u8], index: usize, number: u32) -> Vec<u8> {
    let mut model = model.to_vec();
    model[index] ^= number.to_le_bytes()[0].wrapping_add(1);
    model
}

fn is_model(bytes: &[u8]) -> bool {
    eval::Model::from_onnx(bytes).is_ok()
}

/// The address of a numbered account.
fn account(number: u32) -> market::Address {
    let mut address = [0xac; 20];
    address[..4].copy_from_slice(&number.to_be_bytes());
    market::Address(address)
}
