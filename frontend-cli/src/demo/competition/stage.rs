//! The stage: a devnet of its own, the players with their keys and files, and time.

use std::{fmt, fs, path::PathBuf, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context, Result};
use market::{Asset, JobId};
use tempfile::TempDir;

use crate::{
    audit::{Audit, Report},
    chain::{Chain, Sender},
    commands::mine::Miner,
    config::TEST_TOKEN,
    convert::to_market,
    demo::result::Wallet,
    devnet::{Devnet, Ports},
    files::{self, File},
    follow::Patience,
    ipfs::Store,
    local_market::{self, TestToken},
    node::Node,
    session::Session,
    talk::Talk,
    vault::Vault,
};

/// A whole test token.
const WHOLE: u128 = 1_000_000_000_000_000_000;

/// Who plays, with whole tokens in the wallet.
const CAST: [(&str, u128); 13] = [
    ("sponsor", 2_000),
    ("ada", 300),
    ("ben", 300),
    ("copier", 300),
    ("ada again", 300),
    ("forgetful", 300),
    ("miner 1", 200),
    ("miner 2", 200),
    ("miner 3", 200),
    ("miner 4", 200),
    ("miner 5", 200),
    ("liar 6", 200),
    ("liar 7", 200),
];

/// Somebody who plays.
pub(super) struct Player {
    pub(super) name: &'static str,
    pub(super) sender: Sender,
    pub(super) vault: Vault,
}

/// The running demo.
pub(super) struct Stage {
    pub(super) session: Session,
    pub(super) talk: Talk,
    players: Vec<Player>,
    devnet: Devnet,
    folder: TempDir,
    token: Address,
}

impl Stage {
    /// Starts the devnet and gives out the tokens.
    pub(super) async fn set(talk: Talk, dapp: PathBuf) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let mut config = local_market::config(folder.path().join("devnet"), dapp)?;
        config.ports = Ports::ANY;
        config.free_gas = true;
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
        let mut players = Vec::new();
        for (name, tokens) in CAST {
            players.push(player(&session, &folder, name, tokens).await?);
        }
        Ok(Self { session, talk, players, devnet, folder, token })
    }

    /// Ends everything the demo started.
    pub(super) async fn strike(self) -> Result<()> {
        self.devnet.shutdown().await
    }

    /// A player by name.
    pub(super) fn player(&self, name: &str) -> Result<&Player> {
        let found = self.players.iter().find(|player| player.name == name);
        found.with_context(|| format!("nobody here is called {name}"))
    }

    /// Everybody.
    pub(super) fn players(&self) -> &[Player] {
        &self.players
    }

    /// Those who mine by the rules.
    pub(super) fn miners(&self, job: JobId) -> impl Iterator<Item = (&'static str, Miner<'_>)> {
        let honest = self.players.iter().filter(|player| player.name.starts_with("miner"));
        honest.map(move |player| (player.name, self.miner(player, job)))
    }

    /// A player who mines for one competition.
    pub(super) fn miner<'a>(&'a self, player: &'a Player, job: JobId) -> Miner<'a> {
        let Player { sender, vault, .. } = player;
        Miner { session: &self.session, sender, vault, jobs: vec![job], enlists: true }
    }

    /// Those who mine and say what they like.
    pub(super) fn liars(&self) -> impl Iterator<Item = &Player> {
        self.players.iter().filter(|player| player.name.starts_with("liar"))
    }

    /// A line about what someone does.
    pub(super) fn say(&self, who: &str, what: impl fmt::Display) {
        self.talk.say(format_args!("{who}: {what}"));
    }

    /// Says that some time has passed.
    pub(super) fn chapter(&self, words: &str) {
        self.talk.say(format_args!("\n{words}"));
    }

    /// Writes bytes into someone's folder, as if they had always been there.
    pub(super) fn file(&self, who: &str, name: &str, bytes: &[u8]) -> Result<File> {
        let folder = self.folder.path().join(who.replace(' ', "-"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        files::write(&folder.join(name), bytes)?;
        files::read(&folder.join(name))
    }

    /// Everybody's wallets.
    pub(super) async fn wallets(&self) -> Result<Vec<Wallet>> {
        let asset = Asset::Erc20(to_market(self.token));
        let currency = self.session.currency(asset).await;
        let mut wallets = Vec::new();
        for Player { name, sender, .. } in &self.players {
            let amount = self.session.wallet(sender.address(), asset).await?;
            wallets.push(Wallet::new(name, sender.address(), currency.clone(), amount));
        }
        Ok(wallets)
    }

    /// Lets time pass on the chain.
    pub(super) async fn advance_time(&self, seconds: u64) -> Result<()> {
        self.devnet.advance_time(seconds).await
    }

    /// Ends the epoch, so that its claim comes.
    pub(super) async fn end_epoch(&self) -> Result<()> {
        self.devnet.end_epoch().await
    }

    pub(super) fn outputs_root(&self) -> B256 {
        self.devnet.outputs_root()
    }

    /// Checks all that happened as any auditor can.
    pub(super) async fn audit(&self) -> Result<Report> {
        Audit::of_devnet(&self.session, self.devnet.info()).run().await
    }
}

/// Makes a player whose key everybody can know, with tokens in the wallet.
async fn player(
    session: &Session,
    folder: &TempDir,
    name: &'static str,
    tokens: u128,
) -> Result<Player> {
    let secret = keccak256(format!("deml demo: {name}"));
    let key = PrivateKeySigner::from_bytes(&secret).context("a digest is no key")?;
    let chain_id = session.chain.chain_id().await?;
    let vaults = folder.path().join("vaults");
    let vault = Vault::of(&vaults, &key, chain_id, session.application());
    let sender = session.chain.sender(key)?;
    let token = session.token.context("there is no test token")?;
    let mint = TestToken::mintCall {
        account: sender.address(),
        amount: U256::from(tokens.saturating_mul(WHOLE)),
    };
    sender.transact("mint test tokens", token, U256::ZERO, &mint).await?;
    Ok(Player { name, sender, vault })
}
