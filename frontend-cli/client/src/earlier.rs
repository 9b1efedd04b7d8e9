//! Commands that an earlier run of this account sent without seeing what they came to.

use alloy::{primitives::Bytes, sol_types::SolCall as _};
use anyhow::Result;
use market::{Command, Context};

use crate::{
    chain::{
        Note, Sender,
        bindings::{ERC20Portal, EtherPortal, InputBox},
    },
    convert::to_market,
    follow::Processed,
    session::Session,
};

/// Goes on with the chosen commands of earlier runs: waits for their blocks and their results.
///
/// What names a random salt or key is another command each time it is made, so that repeating it
/// would pay twice: whoever makes one looks here first.
///
/// - Errors: one is still not mined; the node does not answer
pub async fn go_on(
    session: &Session,
    sender: &Sender,
    is_chosen: impl Fn(&Command) -> bool,
) -> Result<Vec<(Command, Processed)>> {
    let notes = sender.unfinished()?;
    if notes.is_empty() {
        return Ok(Vec::new());
    }
    let context = Context {
        chain_id: session.chain.chain_id().await?,
        app: to_market(session.application()),
        sender: to_market(sender.address()),
        ..Context::default()
    };
    let mut found = Vec::new();
    for note in notes {
        let Some(payload) = payload(session, &note) else { continue };
        let Ok(command) = wire::decode_command(&context, &payload) else { continue };
        if is_chosen(&command) {
            let sent = sender.go_on(&note).await?;
            found.push((command, session.follow(&sent).await?));
        }
    }
    Ok(found)
}

/// The payload for this market in a transaction, as an input of its own or with a deposit.
fn payload(session: &Session, note: &Note) -> Option<Bytes> {
    let (contracts, data) = (session.chain.contracts(), &note.data);
    let (app, payload) = if note.to == contracts.input_box {
        let call = InputBox::addInputCall::abi_decode(data).ok()?;
        (call.appContract, call.payload)
    } else if note.to == contracts.ether_portal {
        let call = EtherPortal::depositEtherCall::abi_decode(data).ok()?;
        (call.appContract, call.execLayerData)
    } else if note.to == contracts.erc20_portal {
        let call = ERC20Portal::depositERC20TokensCall::abi_decode(data).ok()?;
        (call.appContract, call.execLayerData)
    } else {
        return None;
    };
    (app == session.application()).then_some(payload)
}
