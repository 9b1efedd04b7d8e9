//! Resolves the global options to addresses, keys and stores; each in one place.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner, sol_types::SolCall};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use client::{
    chain::{
        Chain, Contracts, Line, Notes, SendOptions, Sender,
        bindings::{Application, Inputs},
        dev_account,
    },
    convert::address,
    folders, http,
    ipfs::Store,
    keystore,
    node::Node,
    patience::Patience,
    printer::Printer,
    quantity::{Deadline, Money, Unit},
    seals,
    session::Session,
    vault::Vault,
};
use devnet::market::TEST_TOKEN;
use serde::Deserialize;

/// The chain id of local devnets, the only chain where publicly known keys may sign.
pub const DEVNET_CHAIN: u64 = 31_337;

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command (the others: `deml help options`)")]
pub struct Global {
    /// Ethereum's JSON-RPC [default: the running devnet's, else http://127.0.0.1:8545]
    #[arg(long, global = true, hide = true, env = "DEML_RPC_URL", value_name = "URL")]
    pub rpc_url: Option<String>,
    /// The Cartesi node's JSON-RPC [default: the devnet's, else http://127.0.0.1:10011/rpc]
    #[arg(long, global = true, hide = true, env = "DEML_NODE_URL", value_name = "URL")]
    pub node_url: Option<String>,
    /// The Cartesi node's inspect server [default: the devnet's, else
    /// http://127.0.0.1:10012/inspect]
    #[arg(long, global = true, hide = true, env = "DEML_INSPECT_URL", value_name = "URL")]
    pub inspect_url: Option<String>,
    /// The market's application contract [default: the running devnet's]
    #[arg(
        long,
        global = true,
        hide = true,
        env = "DEML_APP",
        value_name = "ADDRESS",
        value_parser = address
    )]
    pub app: Option<Address>,
    /// The line of Cartesi's contracts the market is on, 2.2.0 or 3.0.0-alpha [default: the
    /// running devnet's, else 2.2.0]
    #[arg(long, global = true, hide = true, env = "DEML_CONTRACTS", value_name = "VERSION")]
    pub contracts: Option<Line>,
    /// The ERC-20 token of amounts like 5token [default: the running devnet's]
    #[arg(
        long,
        global = true,
        hide = true,
        env = "DEML_TOKEN",
        value_name = "ADDRESS",
        value_parser = address
    )]
    pub token: Option<Address>,
    /// Encrypted keystore that signs: a file, or a name shown by `account list`
    #[arg(
        long,
        global = true,
        env = "DEML_KEYSTORE",
        value_name = "FILE",
        conflicts_with = "account"
    )]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password [else $DEML_PASSWORD, else a prompt]
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Sign with the public test account of this index; on a local devnet only
    #[arg(long, global = true, value_name = "N")]
    pub account: Option<usize>,
    /// The account that sends what --calldata prints, as a Safe or a hardware wallet
    #[arg(
        long = "as",
        global = true,
        hide = true,
        value_name = "ADDRESS",
        value_parser = address,
        conflicts_with = "account"
    )]
    pub sends_as: Option<Address>,
    /// IPFS store: folder:PATH, kubo:URL or gateway:URL [default: a folder of this user]
    #[arg(long, global = true, hide = true, env = "DEML_IPFS", value_name = "STORE")]
    pub ipfs: Option<String>,
    /// Timeout for the node and for a block, e.g. 90s or 10m
    #[arg(long, global = true, hide = true, value_name = "DURATION", default_value = "5m")]
    pub patience: Deadline,
    /// Price of a unit of gas, e.g. 30gwei [default: what the chain asks for]
    #[arg(long, global = true, hide = true, value_name = "AMOUNT")]
    pub gas_price: Option<Money>,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no progress messages
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The part of a running devnet's `devnet.json` that commands need.
#[derive(Debug, Deserialize)]
struct DevnetFile {
    rpc_url: String,
    node_url: String,
    inspect_url: String,
    application: Address,
    contracts: Contracts,
    #[serde(default)]
    genesis: Option<PathBuf>,
    #[serde(default)]
    is_machine: bool,
    #[serde(default)]
    extra: std::collections::BTreeMap<String, Address>,
}

/// The configured signer.
#[derive(Clone, Debug)]
enum Signer {
    Nobody,
    Dev(usize),
    Keystore(PathBuf),
    /// Signs elsewhere: only its address is known.
    Other(Address),
}

/// The resolved global options.
#[derive(Debug)]
pub struct Config {
    global: Global,
    signer: Signer,
    /// The printer for progress.
    pub printer: Printer,
}

impl Config {
    /// Resolves the global options, without reading any file.
    #[must_use]
    pub fn new(global: Global) -> Self {
        // The one in the environment gives way to one that is named.
        let signer = match (global.sends_as, global.account, &global.keystore) {
            (Some(address), ..) => Signer::Other(address),
            (None, Some(account), _) => Signer::Dev(account),
            (None, None, Some(keystore)) => Signer::Keystore(keystore.clone()),
            (None, None, None) => Signer::Nobody,
        };
        let printer = Printer { json: global.json, quiet: global.quiet };
        Self { global, signer, printer }
    }

    /// Access to the market; makes no request yet.
    ///
    /// - Errors: no market is given; an invalid URL or store; the devnet's file is corrupt
    pub fn session(&self) -> Result<Session> {
        let devnet = self.devnet()?;
        let app = self.global.app.or(devnet.as_ref().map(|devnet| devnet.application));
        let app = app.context(
            "which market? say --app ADDRESS (or set DEML_APP), or start one with `deml devnet`",
        )?;
        let url = |given: &Option<String>, told: fn(&DevnetFile) -> &String, other: &str| {
            let given = given.clone().or_else(|| devnet.as_ref().map(told).cloned());
            given.unwrap_or_else(|| other.to_owned())
        };
        let global = &self.global;
        let rpc = url(&global.rpc_url, |devnet| &devnet.rpc_url, "http://127.0.0.1:8545");
        let node = url(&global.node_url, |devnet| &devnet.node_url, "http://127.0.0.1:10011/rpc");
        let inspect = url(
            &global.inspect_url,
            |devnet| &devnet.inspect_url,
            "http://127.0.0.1:10012/inspect",
        );
        let contracts = match (global.contracts, &devnet) {
            (Some(line), _) => line.contracts(),
            (None, Some(devnet)) => devnet.contracts,
            (None, None) => Contracts::V2_2_0,
        };
        let is_local = node.contains("//127.0.0.1") || node.contains("//localhost");
        let pause = Duration::from_millis(if is_local { 50 } else { 2_000 });
        let limit = self.limit()?;
        let silence = limit.min(http::PATIENCE);
        Ok(Session {
            chain: Chain::connect(&rpc, contracts)?.within(silence)?,
            node: Node::connect(&node, &inspect, app)?.within(silence)?,
            store: self.store()?,
            token: self.token()?,
            printer: self.printer,
            patience: Patience { pause, limit },
        })
    }

    /// Ethereum's JSON-RPC, if given.
    #[must_use]
    pub fn given_rpc_url(&self) -> Option<&str> {
        self.global.rpc_url.as_deref()
    }

    /// The line of contracts, if given.
    #[must_use]
    pub const fn given_line(&self) -> Option<Line> {
        self.global.contracts
    }

    /// The market's application, if given.
    #[must_use]
    pub const fn given_app(&self) -> Option<Address> {
        self.global.app
    }

    /// The token that amounts in tokens refer to.
    pub fn token(&self) -> Result<Option<Address>> {
        if self.global.token.is_some() {
            return Ok(self.global.token);
        }
        Ok(self.devnet()?.and_then(|devnet| devnet.extra.get(TEST_TOKEN).copied()))
    }

    /// The genesis file of the running devnet.
    pub fn genesis(&self) -> Result<Option<PathBuf>> {
        Ok(self.devnet()?.and_then(|devnet| devnet.genesis))
    }

    /// Whether the running devnet's application is a machine.
    pub fn runs_machine(&self) -> Result<bool> {
        Ok(self.devnet()?.is_some_and(|devnet| devnet.is_machine))
    }

    /// The running devnet, unless another market is named.
    fn devnet(&self) -> Result<Option<DevnetFile>> {
        let devnet = folders::devnet().and_then(|folder| read_devnet(&folder.join("devnet.json")));
        match self.global.app {
            None => devnet,
            Some(app) => Ok(devnet.ok().flatten().filter(|devnet| devnet.application == app)),
        }
    }

    /// The IPFS store.
    pub fn store(&self) -> Result<Store> {
        let store = self.global.ipfs.as_ref().map_or_else(Store::embedded, |store| store.parse());
        Ok(store?.within(self.limit()?))
    }

    /// The signing account, with its key.
    ///
    /// - Errors: no signer is given; a publicly known key on a chain that is not a devnet; a wrong
    ///   password
    pub async fn sender(&self, session: &Session) -> Result<Sender> {
        Ok(self.signer(session).await?.0)
    }

    /// The signing account and its private storage; prints which of its reveals are due.
    ///
    /// - Errors: as for [`sender`](Self::sender)
    pub async fn signer(&self, session: &Session) -> Result<(Sender, Vault)> {
        let key = self.key(session).await?;
        check_line(session).await?;
        let (chain, app) = (session.chain.chain_id().await?, session.application());
        let vault = Vault::of(&folders::vaults()?, &key, chain, app);
        seals::remind(session, &vault).await?;
        // Not the genesis block: a development chain makes another one each time it is started.
        let first_block = session.chain.block_hash(1).await?.unwrap_or_default();
        let options = SendOptions {
            patience: session.patience,
            printer: self.printer,
            notes: Some(Notes::of(&folders::sent()?, chain, first_block, key.address())),
            gas_price: self.gas_price()?,
        };
        Ok((session.chain.sender(key).with(options), vault))
    }

    async fn key(&self, session: &Session) -> Result<PrivateKeySigner> {
        match &self.signer {
            Signer::Nobody => bail!(
                "who signs? say --keystore FILE (made by `deml account new NAME`), or --account N \
                 on a local devnet"
            ),
            Signer::Dev(account) => {
                let chain = session.chain.chain_id().await?;
                ensure!(
                    chain == DEVNET_CHAIN,
                    "--account {account} is a key the whole world knows: it signs on a local \
                     devnet (chain {DEVNET_CHAIN}) only, and this is chain {chain}; use --keystore"
                );
                dev_account(*account)
            }
            Signer::Keystore(file) => keystore::open(file, self.global.password_file.as_deref()),
            Signer::Other(address) => {
                bail!("{address} signs elsewhere: with --calldata this prints what it is to send")
            }
        }
    }

    /// The account that would sign. A keystore is opened for it: the address in plain is not
    /// believed.
    pub async fn account(&self, session: &Session) -> Result<Address> {
        match self.signer {
            Signer::Other(address) => Ok(address),
            _ => Ok(self.key(session).await?.address()),
        }
    }

    /// The account that acts, and the vault of its messages: its own, or, of one that signs
    /// elsewhere, that of the keystore given beside it.
    ///
    /// - Errors: no signer is given; no keystore is given beside an account that signs elsewhere
    pub async fn vault(&self, session: &Session) -> Result<(Address, Vault)> {
        let (account, key) = match (&self.signer, &self.global.keystore) {
            (Signer::Other(account), Some(keystore)) => {
                let key = keystore::open(keystore, self.global.password_file.as_deref())?;
                (*account, key)
            }
            (Signer::Other(account), None) => bail!(
                "who keeps the messages of {account}? say --keystore FILE, too: they are \
                 encrypted with a key of yours"
            ),
            _ => {
                let key = self.key(session).await?;
                (key.address(), key)
            }
        };
        let (chain, app) = (session.chain.chain_id().await?, session.application());
        Ok((account, Vault::of(&folders::vaults()?, &key, chain, app)))
    }

    /// Whether the account signs elsewhere, so that its address is all that is known.
    #[must_use]
    pub const fn signs_elsewhere(&self) -> bool {
        matches!(self.signer, Signer::Other(_))
    }

    /// Password file for new keystores.
    #[must_use]
    pub fn password_file(&self) -> Option<&Path> {
        self.global.password_file.as_deref()
    }

    /// The price of gas in wei, if given.
    fn gas_price(&self) -> Result<Option<u128>> {
        let Some(price) = self.global.gas_price else { return Ok(None) };
        ensure!(matches!(price.unit, Unit::Ether(_)), "--gas-price is in Ether, like 30gwei");
        let wei = price.amount(0)?.0;
        ensure!(wei <= u64::MAX.into(), "--gas-price is more than 18 ether a unit of gas");
        Ok(Some(wei.low_u64().into()))
    }

    fn limit(&self) -> Result<Duration> {
        match self.global.patience {
            Deadline::In(seconds) => Ok(Duration::from_secs(seconds)),
            Deadline::At(_) => bail!("--patience is a duration like 90s or 10m"),
        }
    }
}

/// Refuses to send to contracts that the market does not listen to: money would be nobody's.
///
/// - Errors: the market takes its inputs from another InputBox, or that is of another line
async fn check_line(session: &Session) -> Result<()> {
    let (chain, app) = (&session.chain, session.application());
    let contracts = chain.contracts();
    let call = Application::getDataAvailabilityCall {};
    let availability = chain.call("read where the market's inputs are", app, &call).await?;
    let inputs = Inputs::InputBoxCall::abi_decode(&availability)
        .with_context(|| format!("the inputs of {app} are not in an InputBox alone"))?;
    let (wanted, input_box) = (contracts.input_box, inputs.inputBox);
    if wanted != input_box {
        let lines = [Line::V2_2_0, Line::V3Alpha];
        let line = lines.into_iter().find(|line| line.contracts().input_box == input_box);
        let advice = line.map_or_else(
            || "its contracts are of no line known here".to_owned(),
            |line| format!("say --contracts {line}"),
        );
        bail!(
            "the market takes its inputs from {input_box}, and what is sent through {wanted} is \
             credited to nobody: {advice}"
        );
    }
    let found = chain.line_of(input_box).await?;
    if let Some(line) = contracts.line().filter(|line| *line != found) {
        bail!(
            "the contract at {input_box} is of Cartesi Rollups {found}, and {line} is expected \
             there: say --contracts {found} if the market is of that line"
        );
    }
    Ok(())
}

fn read_devnet(file: &Path) -> Result<Option<DevnetFile>> {
    let Ok(text) = fs::read_to_string(file) else { return Ok(None) };
    let devnet = serde_json::from_str(&text).with_context(|| {
        format!("{} is damaged: start `deml devnet` again, or say --app", file.display())
    })?;
    Ok(Some(devnet))
}
