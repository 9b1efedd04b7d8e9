//! The demo's environment: a devnet of its own in a temporary folder, the participants with their
//! keys and files, and time.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context, Result, bail, ensure};
use application::{Dapp, process::wait_for_earlier, replay};
use auditor::{Audit, Report};
use client::{
    chain::{Chain, Output, Sender, dev_account},
    convert::{to_ethereum, to_market},
    files::{self, File},
    ipfs::Store,
    node::Node,
    patience::Patience,
    printer::Printer,
    session::Session,
    vault::Vault,
};
use devnet::{
    Devnet, Ports,
    market::{TEST_TOKEN, TestToken},
};
use market::Asset;
use wire::{Genesis, Notice};

use super::{
    flows::Flows,
    result::{Replayed, Wallet},
};
use crate::dashboard::Server;

/// A whole test token.
const WHOLE: u128 = 1_000_000_000_000_000_000;

fn devnet_folder(folder: &Path) -> PathBuf {
    folder.join("devnet")
}

/// An asset in a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Coin {
    Ether,
    Token,
}

/// A participant's role.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) key: PrivateKeySigner,
    /// The assets that it pays or is paid in.
    pub(super) coins: &'static [Coin],
    /// Whole test tokens in the wallet at the start.
    pub(super) tokens: u128,
}

impl Part {
    /// The deployment's operator, who only earns.
    pub(super) fn operator(coins: &'static [Coin]) -> Result<Self> {
        let key = dev_account(devnet::market::OPERATOR_ACCOUNT)?;
        Ok(Self { name: "operator", key, coins, tokens: 0 })
    }
}

/// A participant with its account.
pub(super) struct Participant {
    pub(super) name: &'static str,
    pub(super) sender: Sender,
    pub(super) vault: Vault,
    coins: &'static [Coin],
}

/// The running demo.
pub(super) struct Stage {
    pub(super) session: Session,
    pub(super) printer: Printer,
    participants: Vec<Participant>,
    devnet: Devnet,
    folder: PathBuf,
    token: Address,
}

impl Stage {
    /// A page that knows what the application was deployed with.
    pub(super) fn shown_by(&self, page: Server) -> Server {
        let info = self.devnet.info();
        page.with_genesis(Some(info.genesis.clone()), info.is_machine)
    }

    /// Starts the devnet in `folder` and distributes the tokens.
    pub(super) async fn set(
        printer: Printer,
        folder: PathBuf,
        dapp: Dapp,
        cast: Vec<Part>,
    ) -> Result<Self> {
        let mut config = devnet::market::config(devnet_folder(&folder), dapp)?;
        config.ports = Ports::ANY;
        config.free_gas = true;
        config.notify = Arc::new(move |line| printer.say(line));
        let devnet = Devnet::start(config).await?;
        let info = devnet.info();
        let token = *info.extra.get(TEST_TOKEN).context("the test token is not deployed")?;
        let session = Session {
            chain: Chain::connect(&info.rpc_url, info.contracts)?,
            node: Node::connect(&info.node_url, &info.inspect_url, info.application)?,
            store: Store::Folder(folder.join("blocks")),
            token: Some(token),
            printer,
            patience: Patience { pause: Duration::from_millis(10), limit: Duration::from_secs(60) },
        };
        if info.is_machine {
            let text = fs::read_to_string(&info.genesis).context("cannot read the genesis")?;
            ensure!(
                session.quote().await?.settings == Genesis::parse(&text)?.settings,
                "the machine's genesis is not the devnet's, whose token and short windows the \
                 demo needs: build the machine with that of `deml genesis new --devnet`"
            );
        }
        let mut stage = Self { session, printer, participants: Vec::new(), devnet, folder, token };
        for part in cast {
            let participant = stage.player_of(part).await?;
            stage.participants.push(participant);
        }
        Ok(stage)
    }

    async fn player_of(&self, Part { name, key, coins, tokens }: Part) -> Result<Participant> {
        let (vaults, chain_id) = (self.folder.join("vaults"), self.devnet.info().chain_id);
        let vault = Vault::of(&vaults, &key, chain_id, self.session.application());
        let sender = self.session.chain.sender(key);
        if tokens > 0 {
            let amount = U256::from(tokens.saturating_mul(WHOLE));
            let mint = TestToken::mintCall { account: sender.address(), amount };
            sender.transact("mint test tokens", self.token, U256::ZERO, &mint).await?;
        }
        Ok(Participant { name, sender, vault, coins })
    }

    /// Shuts down everything the demo started.
    pub(super) async fn strike(self) -> Result<()> {
        self.devnet.shutdown().await
    }

    /// Waits for the programs of a stage whose setting was broken off: until they have ended, they
    /// write to its folder.
    pub(super) async fn clear(folder: &Path) {
        let Ok(entries) = fs::read_dir(devnet_folder(folder)) else { return };
        for file in entries.flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|kind| kind == "log") {
                // What cannot be waited for does not hinder the end.
                wait_for_earlier(&file).await.ok();
            }
        }
    }

    /// A participant by name.
    pub(super) fn participant(&self, name: &str) -> Result<&Participant> {
        let found = self.participants.iter().find(|participant| participant.name == name);
        found.with_context(|| format!("nobody here is called {name}"))
    }

    /// All participants.
    pub(super) fn participants(&self) -> &[Participant] {
        &self.participants
    }

    /// Replays all inputs through another application.
    ///
    /// - Errors: the first output that differs
    pub(super) async fn replay(&self, other: PathBuf) -> Result<Replayed> {
        self.chapter(&format!("Replaying all inputs through {}", other.display()));
        let (inputs, before): (Vec<_>, Vec<_>) = self.devnet.history().into_iter().unzip();
        let folder = self.folder.join("replay");
        fs::create_dir(&folder).context("cannot make a folder for the replay")?;
        let (printer, genesis) = (self.printer, &self.devnet.info().genesis);
        let say = Arc::new(move |line: &str| printer.say(line));
        let after = replay::replay(&Dapp::Program(other), genesis, &folder, say, &inputs).await?;
        if let Some(difference) = replay::difference(&before, &after) {
            bail!("the applications differ: {difference}");
        }
        Ok(Replayed {
            inputs: after.len(),
            outputs: after.iter().map(|completion| completion.outputs.len()).sum(),
            reports: after.iter().map(|completion| completion.reports.len()).sum(),
        })
    }

    /// Audits the whole history as any auditor can.
    pub(super) async fn audit(&self) -> Result<Report> {
        let mut audit = Audit::of(&self.session, self.devnet.info().genesis.clone());
        audit.engine.is_of_machine = self.devnet.info().is_machine;
        audit.run().await
    }

    /// Prints a participant's action.
    pub(super) fn say(&self, who: &str, what: impl fmt::Display) {
        self.printer.say(format_args!("{who}: {what}"));
    }

    /// Prints a heading.
    pub(super) fn chapter(&self, words: &str) {
        self.printer.say(format_args!("\n{words}"));
    }

    /// Writes a file into a participant's folder.
    pub(super) fn file(&self, who: &str, name: &str, bytes: &[u8]) -> Result<File> {
        let folder = self.folder.join(who.replace(' ', "-"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        files::write(&folder.join(name), bytes)?;
        files::read(&folder.join(name))
    }

    /// All wallets in the assets they use; and the sink's balance in the market, which nobody can
    /// withdraw.
    pub(super) async fn wallets(&self) -> Result<Vec<Wallet>> {
        let mut wallets = Vec::new();
        let mut all_coins = BTreeSet::new();
        for Participant { name, sender, coins, .. } in &self.participants {
            all_coins.extend(*coins);
            for coin in *coins {
                let currency = self.session.currency(self.asset(*coin)).await;
                let amount = self.session.wallet(sender.address(), currency.asset).await?;
                wallets.push(Wallet::new(name, sender.address(), currency, amount));
            }
        }
        let sink = to_ethereum(self.session.quote().await?.settings.sink);
        for coin in all_coins {
            let currency = self.session.currency(self.asset(coin)).await;
            let amount = self.session.free_balance(sink, currency.asset).await?;
            wallets.push(Wallet::new("sink", sink, currency, amount));
        }
        Ok(wallets)
    }

    fn asset(&self, coin: Coin) -> Asset {
        match coin {
            Coin::Ether => Asset::Ether,
            Coin::Token => Asset::Erc20(to_market(self.token)),
        }
    }

    /// The current wallets beside the initial ones, with the explanation of each change.
    pub(super) async fn wallets_since(&self, before: Vec<Wallet>) -> Result<Vec<Wallet>> {
        let (now, flows) = (self.wallets().await?, self.flows().await?);
        let both = before.into_iter().zip(now);
        let explained = both.map(|(then, now)| {
            let flow = flows.of(to_market(now.address), now.asset);
            then.and_now(&now, flow)
        });
        explained.collect()
    }

    /// Everybody's flows, from all notices.
    async fn flows(&self) -> Result<Flows> {
        let settings = self.session.quote().await?.settings;
        let mut flows = Flows::new(settings.operator, settings.sink);
        self.notices()?.into_iter().try_for_each(|notice| flows.note(notice))?;
        Ok(flows)
    }

    /// All notices of the market.
    pub(super) fn notices(&self) -> Result<Vec<Notice>> {
        let outputs = self.devnet.history().into_iter().flat_map(|(_, done)| done.outputs);
        let payloads = outputs.filter_map(|output| match Output::decode(&output) {
            Some(Output::Notice { payload }) => Some(payload),
            _ => None,
        });
        let notices = payloads.map(|payload| wire::decode_notice(&payload));
        notices.collect::<Option<_>>().context("a notice of another application")
    }

    /// Advances the chain's time.
    pub(super) async fn advance_time(&self, seconds: u64) -> Result<()> {
        self.devnet.advance_time(seconds).await
    }

    /// Ends the epoch, so that it is claimed.
    pub(super) async fn end_epoch(&self) -> Result<()> {
        self.devnet.end_epoch().await
    }

    pub(super) fn outputs_root(&self) -> B256 {
        self.devnet.outputs_root()
    }

    /// The registry's address.
    pub(super) fn registry(&self) -> Result<Address> {
        let registry = self.devnet.info().extra.get(devnet::market::MODEL_REGISTRY);
        registry.copied().context("the registry is not deployed")
    }

    /// Whether qemu runs the dapp, as far as the operating system reports it.
    pub(super) async fn is_dapp_emulated(&self) -> bool {
        let Some(process) = self.devnet.dapp_pid().await else { return false };
        let program = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("qemu")
    }

    /// Peak memory of the dapp's process, as measured by the operating system.
    pub(super) async fn dapp_peak_bytes(&self) -> Option<u64> {
        let process = self.devnet.dapp_pid().await?;
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1_024)
    }
}
