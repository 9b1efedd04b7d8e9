//! The 3.0.0-alpha line on a devnet: the contracts of 2.2.0 at that line's addresses, and ours
//! where its ABI differs.
//!
//! Its own bytecode is on no registry, but what clients call of the InputBox, the portals and an
//! application is as in 2.2.0; `version()`, staged claims and foreclosure are added. The sources
//! are in `contracts/src/devnet`.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider;
use alloy::sol_types::SolValue;
use anyhow::{Context, Result};
use client::chain::bindings::ApplicationFactory as Factory;
use client::chain::{Chain, Contracts, Line, Sender};

use super::create2::{create2, create2_address, creation_code};
use super::tools::Tools;

/// Blocks between a claim and its acceptance.
const STAGING_PERIOD: u64 = 2;

const ALPHA_LINE: &str = include_str!("../../../contracts/artifacts/AlphaLine.json");
const APPLICATION: &str = include_str!("../../../contracts/artifacts/AlphaApplication.json");
const AUTHORITY: &str = include_str!("../../../contracts/artifacts/AlphaAuthority.json");

/// An application's contracts, owned by the devnet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned {
    pub(super) application: Address,
    pub(super) authority: Address,
    /// Blocks between a claim and its acceptance, where there is such a period.
    pub(super) staging_period: Option<u64>,
}

/// Puts the contracts that all applications share at the line's addresses, unless they are there.
pub(super) async fn shared_contracts(sender: &Sender, tools: &Tools) -> Result<()> {
    let wanted = Contracts::V3_ALPHA;
    let input_box = wanted.input_box.abi_encode();
    for (name, arguments, address) in [
        ("InputBox", Vec::new(), wanted.input_box),
        ("EtherPortal", input_box.clone(), wanted.ether_portal),
        ("ERC20Portal", input_box, wanted.erc20_portal),
        ("SafeERC20Transfer", Vec::new(), wanted.safe_erc20_transfer),
    ] {
        if sender.chain().has_code(address).await? {
            continue;
        }
        let code = create2(sender, name, &[tools.bytecode(name)?, arguments].concat()).await?;
        let front = [creation_code("AlphaLine", ALPHA_LINE)?, code.abi_encode()].concat();
        let front = create2(sender, "AlphaLine", &front).await?;
        place(sender.chain(), address, sender.chain().code(front).await?).await?;
    }
    Ok(())
}

/// Deploys the application and its authority, both owned by `sender`, unless they exist.
pub(super) async fn application(
    sender: &Sender,
    tools: &Tools,
    template_hash: B256,
    availability: &Bytes,
    epoch_length: u64,
) -> Result<Owned> {
    let chain = sender.chain();
    let owner = sender.address();
    let lengths = (owner, U256::from(epoch_length), U256::from(STAGING_PERIOD)).abi_encode();
    let authority = [creation_code("AlphaAuthority", AUTHORITY)?, lengths].concat();
    let authority = create2(sender, "AlphaAuthority", &authority).await?;
    let name = "ApplicationFactory";
    let factory = create2(sender, name, &tools.bytecode(name)?).await?;
    let calculate = Factory::calculateApplicationAddressCall {
        outputsMerkleRootValidator: authority,
        appOwner: owner,
        templateHash: template_hash,
        dataAvailability: availability.clone(),
        salt: B256::ZERO,
    };
    let application = chain.call("compute the application's address", factory, &calculate).await?;
    if !chain.has_code(application).await? {
        let deploy = Factory::newApplicationCall {
            outputsMerkleRootValidator: authority,
            appOwner: owner,
            templateHash: template_hash,
            dataAvailability: availability.clone(),
            salt: B256::ZERO,
        };
        sender.transact("deploy the application", factory, U256::ZERO, &deploy).await?;
    }
    if chain.line_of(application).await? == Line::V2_2_0 {
        add_foreclosure(sender, application).await?;
    }
    Ok(Owned { application, authority, staging_period: Some(STAGING_PERIOD) })
}

/// Moves the application's code, but not its storage, behind a contract that can be foreclosed.
async fn add_foreclosure(sender: &Sender, application: Address) -> Result<()> {
    let chain = sender.chain();
    let code = chain.code(application).await?;
    let behind = create2_address(&code);
    place(chain, behind, code).await?;
    let arguments = (behind, sender.address()).abi_encode();
    let front = [creation_code("AlphaApplication", APPLICATION)?, arguments].concat();
    let front = create2(sender, "AlphaApplication", &front).await?;
    place(chain, application, chain.code(front).await?).await
}

async fn place(chain: &Chain, address: Address, code: Bytes) -> Result<()> {
    let request = chain.provider().raw_request("anvil_setCode".into(), (address, code));
    request.await.with_context(|| format!("cannot put a contract at {address}"))
}
