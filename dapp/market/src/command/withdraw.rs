//! Withdraw: free balance leaves the market to its owner's wallet.

use super::Context;
use crate::{
    effect::Effect,
    ledger::Kind,
    refusal::Refusal,
    state::State,
    units::{Amount, Asset},
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    asset: Asset,
    amount: Amount,
) -> Result<Vec<Effect>, Refusal> {
    if amount == Amount::ZERO {
        return Err(Refusal::AmountZero {});
    }
    let payment = state.ledger.prepare(Kind::Withdraw, context.sender, asset, amount)?;

    // Nothing below can fail.
    state.ledger.post(payment);
    Ok(vec![Effect::Pay { to: context.sender, asset, amount }])
}
