//! Withdraw: free balance leaves the market to its owner's wallet.

use super::Context;
use crate::{
    effect::Effect,
    ledger::Kind,
    market::Market,
    refusal::Refusal,
    units::{Amount, Asset},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    asset: Asset,
    amount: Amount,
) -> Result<Vec<Effect>, Refusal> {
    if amount == Amount::ZERO {
        return Err(Refusal::AmountZero {});
    }
    let payment = market.ledger.prepare(Kind::Withdraw, context.sender, asset, amount)?;

    // Nothing below can fail.
    market.ledger.post(payment);
    Ok(vec![Effect::Pay { to: context.sender, asset, amount }])
}
