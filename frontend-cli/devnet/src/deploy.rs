//! Deploys the real Cartesi Rollups contracts, and an application, on the devnet's L1.
//!
//! All addresses are computed first, so that existing contracts are found and left alone.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{SolCall, SolValue};
use anyhow::{Result, ensure};
use client::chain::bindings::{
    Application as ApplicationContract, Inputs, SelfHostedApplicationFactory as Factory,
};
use client::chain::{CREATE2_DEPLOYER, Contracts, Line, Sender};

use super::alpha;
use super::records::Application;
use super::tools::Tools;

/// An application's contracts, owned by the devnet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned {
    pub(super) application: Address,
    pub(super) authority: Address,
    /// Blocks between a claim and its acceptance, where there is such a period.
    pub(super) staging_period: Option<u64>,
}

/// Deploys the contracts all applications share.
///
/// - Errors: one of them would not get the address it has on every chain
pub(super) async fn shared_contracts(sender: &Sender, tools: &Tools, line: Line) -> Result<()> {
    match line {
        Line::V2_2_0 => shared_contracts_2_2_0(sender, tools).await,
        Line::V3Alpha => alpha::shared_contracts(sender, tools).await,
    }
}

async fn shared_contracts_2_2_0(sender: &Sender, tools: &Tools) -> Result<()> {
    let wanted = sender.chain().contracts();
    let Contracts { input_box, authority_factory, application_factory, .. } = wanted;
    let factories = (authority_factory, application_factory).abi_encode();
    let plan = [
        ("InputBox", Vec::new(), wanted.input_box),
        ("EtherPortal", input_box.abi_encode(), wanted.ether_portal),
        ("ERC20Portal", input_box.abi_encode(), wanted.erc20_portal),
        ("AuthorityFactory", Vec::new(), authority_factory),
        ("QuorumFactory", Vec::new(), wanted.quorum_factory),
        ("ApplicationFactory", Vec::new(), application_factory),
        ("SelfHostedApplicationFactory", factories, wanted.self_hosted_application_factory),
        ("SafeERC20Transfer", Vec::new(), wanted.safe_erc20_transfer),
    ];
    for (name, arguments, address) in plan {
        let code = [tools.bytecode(name)?, arguments].concat();
        let found = create2_address(&code);
        ensure!(found == address, "{name} would be at {found} instead of {address}");
        create2(sender, name, &code).await?;
    }
    Ok(())
}

/// The address of the contract with this creation code, whoever deploys it.
pub(super) fn create2_address(code: &[u8]) -> Address {
    CREATE2_DEPLOYER.create2(B256::ZERO, keccak256(code))
}

/// Deploys a contract through the CREATE2 deployer with salt 0, unless it is there already.
pub(super) async fn create2(sender: &Sender, name: &str, code: &[u8]) -> Result<Address> {
    let address = create2_address(code);
    if !sender.chain().has_code(address).await? {
        let data: Bytes = [B256::ZERO.as_slice(), code].concat().into();
        let what = format!("deploy {name}");
        sender.transact_raw(&what, CREATE2_DEPLOYER, U256::ZERO, data).await?;
        ensure!(sender.chain().has_code(address).await?, "{name} was deployed but is not there");
    }
    Ok(address)
}

/// Deploys the application `name` and its authority, both owned by `sender`, unless they exist.
///
/// Its address follows from `template_hash` and `epoch_length`: other rules give another address.
pub(super) async fn application(
    sender: &Sender,
    tools: &Tools,
    line: Line,
    name: &str,
    template_hash: B256,
    epoch_length: u64,
) -> Result<Application> {
    let chain = sender.chain();
    let input_box = chain.contracts().input_box;
    let availability: Bytes = Inputs::InputBoxCall { inputBox: input_box }.abi_encode().into();
    let owned = match line {
        Line::V2_2_0 => {
            application_2_2_0(sender, template_hash, &availability, epoch_length).await?
        }
        Line::V3Alpha => {
            alpha::application(sender, tools, template_hash, &availability, epoch_length).await?
        }
    };
    let block = ApplicationContract::getDeploymentBlockNumberCall {};
    let block = chain.call("find the application", owned.application, &block).await?;
    let deployment_block = block.saturating_to();
    Ok(Application {
        name: name.to_owned(),
        address: owned.application,
        consensus: owned.authority,
        input_box,
        template_hash,
        data_availability: availability,
        epoch_length,
        deployment_block,
        deployed_at: chain.time_of(deployment_block).await?,
        staging_period: owned.staging_period,
    })
}

async fn application_2_2_0(
    sender: &Sender,
    template_hash: B256,
    availability: &Bytes,
    epoch_length: u64,
) -> Result<Owned> {
    let chain = sender.chain();
    let factory = chain.contracts().self_hosted_application_factory;
    let calculate = Factory::calculateAddressesCall {
        authorityOwner: sender.address(),
        epochLength: U256::from(epoch_length),
        appOwner: sender.address(),
        templateHash: template_hash,
        dataAvailability: availability.clone(),
        salt: B256::ZERO,
    };
    let addresses = chain.call("compute the application's address", factory, &calculate).await?;
    if !chain.has_code(addresses.application).await? {
        let deploy = Factory::deployContractsCall {
            authorityOwner: sender.address(),
            epochLength: U256::from(epoch_length),
            appOwner: sender.address(),
            templateHash: template_hash,
            dataAvailability: availability.clone(),
            salt: B256::ZERO,
        };
        sender.transact("deploy the application", factory, U256::ZERO, &deploy).await?;
    }
    let (application, authority) = (addresses.application, addresses.authority);
    Ok(Owned { application, authority, staging_period: None })
}
