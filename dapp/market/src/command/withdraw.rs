//! Withdraw: pays free balance to its owner's wallet.

use crate::{
    effect::Effect,
    input::Input,
    ledger::TransferKind,
    refusal::Refusal,
    units::{Amount, Asset},
};

pub(crate) fn apply(input: &mut Input<'_>, asset: Asset, amount: Amount) -> Result<(), Refusal> {
    let to = input.sender();
    if amount == Amount::ZERO {
        return Err(Refusal::AmountZero {});
    }
    input.state.ledger.transfer(TransferKind::Withdraw, to, asset, amount)?;
    input.effects.push(Effect::Pay { to, asset, amount });
    Ok(())
}
