//! Payments of vouchers, decoded from their bytes.

use alloy::sol_types::SolCall;
use market::{Address, Amount, Asset};
use serde::Serialize;

use crate::{
    chain::{Output, bindings::ERC20},
    convert::{to_amount, to_market},
};

/// A voucher's payment to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// The recipient.
    pub to: Address,
    /// The asset.
    pub asset: Asset,
    /// The amount.
    pub amount: Amount,
}

impl Payment {
    /// The payment in `output`; `None` if it is not a payment.
    #[must_use]
    pub fn of(output: &Output) -> Option<Self> {
        let Output::Voucher { destination, value, payload } = output else { return None };
        if payload.is_empty() {
            let (to, amount) = (to_market(*destination), to_amount(*value));
            return Some(Self { to, asset: Asset::Ether, amount });
        }
        let transfer = ERC20::transferCall::abi_decode_validate(payload).ok()?;
        value.is_zero().then(|| Self {
            to: to_market(transfer.to),
            asset: Asset::Erc20(to_market(*destination)),
            amount: to_amount(transfer.value),
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address as Account, Bytes, U256};

    use super::*;

    #[test]
    fn payments_are_ether_or_transfers() {
        let (anne, token) = (Account::repeat_byte(1), Account::repeat_byte(2));
        let ether =
            Output::Voucher { destination: anne, value: U256::from(5), payload: Bytes::new() };
        let paid = Payment::of(&ether).unwrap();
        assert_eq!(
            (paid.to, paid.asset, paid.amount),
            (to_market(anne), Asset::Ether, Amount::new(5))
        );

        let call = ERC20::transferCall { to: anne, value: U256::from(7) }.abi_encode();
        let voucher = |value, payload: Vec<u8>| Output::Voucher {
            destination: token,
            value: U256::from(value),
            payload: payload.into(),
        };
        let paid = Payment::of(&voucher(0, call.clone())).unwrap();
        assert_eq!(paid.asset, Asset::Erc20(to_market(token)));
        assert_eq!((paid.to, paid.amount), (to_market(anne), Amount::new(7)));

        assert_eq!(Payment::of(&voucher(1, call.clone())), None);
        assert_eq!(Payment::of(&voucher(0, call[..40].to_vec())), None);
        assert_eq!(Payment::of(&voucher(0, vec![1, 2, 3, 4])), None);
        assert_eq!(Payment::of(&Output::Notice { payload: call.into() }), None);
    }
}
