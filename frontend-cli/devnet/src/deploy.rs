//! Deploys the real Cartesi Rollups contracts, and an application, on the devnet's L1.
//!
//! All addresses are computed first, so that existing contracts are found and left alone.

use alloy::primitives::{B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use anyhow::{Result, ensure};
use client::chain::bindings::{
    Application as ApplicationContract, Inputs, SelfHostedApplicationFactory as Factory,
};
use client::chain::{Contracts, Line, Sender};

use super::alpha::{self, Owned};
use super::create2::{create2, create2_address};
use super::records::Application;
use super::tools::Tools;

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
