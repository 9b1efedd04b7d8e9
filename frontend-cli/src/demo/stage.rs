//! The stage: a devnet of its own in a temporary folder, the people, and their files.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use alloy::primitives::{Address, B256, U256};
use anyhow::{Context, Result, bail};
use market::Asset;
use tempfile::TempDir;

use super::result::{Replayed, Wallet};
use crate::{
    audit::{Audit, Engine, Report, Span},
    chain::{Chain, Sender},
    config::TEST_TOKEN,
    convert::to_market,
    devnet::{Dapp, Devnet, Lie, MARK, Ports},
    files::{self, File},
    follow::Patience,
    ipfs::Store,
    local_market::{self, TestToken},
    node::Node,
    replay,
    session::Session,
    talk::Talk,
};

/// Who plays, by the number of the devnet's public account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: &'static str,
    account: usize,
}

pub(super) const HOSPITAL: Role = Role { name: "sponsor of health", account: 1 };
pub(super) const POST: Role = Role { name: "sponsor of digits", account: 2 };
pub(super) const ADA: Role = Role { name: "client ada", account: 3 };
pub(super) const BEN: Role = Role { name: "client ben", account: 4 };
pub(super) const ROLES: [Role; 4] = [HOSPITAL, POST, ADA, BEN];

/// What the sponsor of digits has of the test token: 1,000 whole ones.
const TOKENS: u128 = 1_000_000_000_000_000_000_000;

/// The running demo.
pub(super) struct Stage {
    pub(super) session: Session,
    pub(super) talk: Talk,
    devnet: Devnet,
    /// The application, where it may lie.
    suspect: Option<PathBuf>,
    folder: TempDir,
    token: Address,
}

impl Stage {
    /// Starts the devnet and gives out the tokens.
    pub(super) async fn set(talk: Talk, dapp: PathBuf, lie: Option<Lie>) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let suspect = lie.map(|_| dapp.clone());
        let mut config = local_market::config(folder.path().join("devnet"), dapp)?;
        config.ports = Ports::ANY;
        config.free_gas = true;
        config.lie = lie;
        if lie == Some(Lie::RejectedKept) {
            config.dapp_args = vec!["--reject".into(), String::from_utf8_lossy(MARK)[..].into()];
        }
        config.talk = Arc::new(move |line| talk.say(line));
        let devnet = Devnet::start(config).await?;
        let info = devnet.info();
        let token = *info.extra.get(TEST_TOKEN).context("the test token is not deployed")?;
        let session = Session {
            chain: Chain::connect(&info.rpc_url, info.contracts)?,
            node: Node::connect(&info.node_url, &info.inspect_url, info.application)?,
            store: Store::Folder(folder.path().join("blocks")),
            token: Some(token),
            talk,
            patience: Patience { pause: Duration::from_millis(10), limit: Duration::from_secs(60) },
        };
        let stage = Self { session, talk, devnet, suspect, folder, token };
        let mint = TestToken::mintCall {
            account: stage.sender(POST)?.address(),
            amount: U256::from(TOKENS),
        };
        stage.sender(POST)?.transact("mint test tokens", token, U256::ZERO, &mint).await?;
        Ok(stage)
    }

    /// Ends everything the demo started.
    pub(super) async fn strike(self) -> Result<()> {
        self.devnet.shutdown().await
    }

    /// Gives all inputs to another application.
    ///
    /// - Errors: the first thing it says that the first one did not
    pub(super) async fn replay(&self, other: PathBuf) -> Result<Replayed> {
        self.talk.say(format_args!("\nReplaying all inputs through {}", other.display()));
        let (inputs, before): (Vec<_>, Vec<_>) = self.devnet.history().into_iter().unzip();
        let folder = self.folder.path().join("replay");
        fs::create_dir(&folder).context("cannot make a folder for the replay")?;
        let (talk, genesis) = (self.talk, &self.devnet.info().genesis);
        let say = Arc::new(move |line: &str| talk.say(line));
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

    /// Checks all that happened as any auditor can.
    pub(super) async fn audit(&self) -> Result<Report> {
        let audit = Audit {
            chain: self.session.chain.clone(),
            application: self.session.application(),
            node: Some(self.session.node.clone()),
            engine: Engine { dapp: None, genesis: self.devnet.info().genesis.clone(), blobs: None },
            span: Span::default(),
            patience: None,
            suspect: self.suspect.clone(),
            memory: None,
            talk: self.talk,
        };
        audit.run().await
    }

    /// A line about what someone does.
    pub(super) fn say(&self, role: Role, what: impl std::fmt::Display) {
        self.talk.say(format_args!("{}: {what}", role.name));
    }

    pub(super) fn sender(&self, role: Role) -> Result<Sender> {
        self.devnet.sender(role.account)
    }

    /// Writes bytes into someone's folder, as if they had always been there.
    pub(super) fn file(&self, role: Role, name: &str, bytes: &[u8]) -> Result<File> {
        let path = self.path(role)?.join(name);
        files::write(&path, bytes)?;
        files::read(&path)
    }

    fn path(&self, role: Role) -> Result<PathBuf> {
        let path = self.folder.path().join(role.name.replace(' ', "-"));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// Everybody's wallets in the assets they use.
    pub(super) async fn wallets(&self) -> Result<Vec<Wallet>> {
        let token = Asset::Erc20(to_market(self.token));
        let mut wallets = Vec::new();
        for role in ROLES {
            let assets: &[Asset] = match role {
                HOSPITAL => &[Asset::Ether],
                POST => &[token],
                _ => &[Asset::Ether, token],
            };
            let address = self.sender(role)?.address();
            for &asset in assets {
                let currency = self.session.currency(asset).await;
                let amount = self.session.wallet(address, asset).await?;
                wallets.push(Wallet::new(role.name, address, currency, amount));
            }
        }
        Ok(wallets)
    }

    /// The wallets, as they are now beside what they were.
    pub(super) async fn wallets_since(&self, before: Vec<Wallet>) -> Result<Vec<Wallet>> {
        let now = self.wallets().await?;
        Ok(before.into_iter().zip(now).map(|(then, now)| then.and_now(&now)).collect())
    }

    /// Lets time pass on the chain.
    pub(super) async fn advance_time(&self, seconds: u64) -> Result<()> {
        self.devnet.advance_time(seconds).await
    }

    /// Ends the epoch, so that its claim comes.
    pub(super) async fn end_epoch(&self) -> Result<()> {
        self.devnet.end_epoch().await
    }

    /// Ends two epochs, so that whatever is claimed is claimed, and whatever is not is missed.
    pub(super) async fn settle_epochs(&self) -> Result<()> {
        self.devnet.end_epoch().await?;
        self.devnet.end_epoch().await?;
        self.devnet.wait_settled(Duration::from_secs(60)).await
    }

    pub(super) fn outputs_root(&self) -> B256 {
        self.devnet.outputs_root()
    }

    /// Where the registry is.
    pub(super) fn registry(&self) -> Result<Address> {
        let registry = self.devnet.info().extra.get(local_market::MODEL_REGISTRY);
        registry.copied().context("the registry is not deployed")
    }

    /// Whether qemu runs the dapp, as far as the operating system tells.
    pub(super) async fn is_dapp_emulated(&self) -> bool {
        let Some(process) = self.devnet.dapp_pid().await else { return false };
        let program = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("qemu")
    }

    /// The most memory the dapp's process ever held, as the operating system counts it.
    pub(super) async fn dapp_peak_bytes(&self) -> Option<u64> {
        let process = self.devnet.dapp_pid().await?;
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1_024)
    }
}
