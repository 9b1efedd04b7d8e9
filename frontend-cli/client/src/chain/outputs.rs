//! An application's outputs: vouchers and notices, to and from the bytes that are proven on L1.

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;

use super::bindings::Outputs::{DelegateCallVoucherCall, NoticeCall, VoucherCall};

/// The kinds of outputs in an application's outputs tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A call that the application makes once anyone executes it.
    Voucher {
        /// The called contract.
        destination: Address,
        /// Ether sent along, in wei.
        value: U256,
        /// The calldata.
        payload: Bytes,
    },
    /// Code that runs as the application itself (`DELEGATECALL`).
    DelegateCallVoucher {
        /// The contract whose code runs.
        destination: Address,
        /// The calldata.
        payload: Bytes,
    },
    /// A statement whose proof can be validated on L1.
    Notice {
        /// The statement.
        payload: Bytes,
    },
}

impl Output {
    /// The bytes whose hash is the leaf of the outputs tree.
    pub fn encode(&self) -> Bytes {
        match self.clone() {
            Self::Voucher { destination, value, payload } => {
                VoucherCall { destination, value, payload }.abi_encode()
            }
            Self::DelegateCallVoucher { destination, payload } => {
                DelegateCallVoucherCall { destination, payload }.abi_encode()
            }
            Self::Notice { payload } => NoticeCall { payload }.abi_encode(),
        }
        .into()
    }

    /// Decodes output bytes; `None` if they are not the exact encoding of a known kind.
    pub fn decode(raw: &[u8]) -> Option<Self> {
        let output = match *raw.first_chunk::<4>()? {
            VoucherCall::SELECTOR => {
                let VoucherCall { destination, value, payload } =
                    VoucherCall::abi_decode_validate(raw).ok()?;
                Self::Voucher { destination, value, payload }
            }
            DelegateCallVoucherCall::SELECTOR => {
                let DelegateCallVoucherCall { destination, payload } =
                    DelegateCallVoucherCall::abi_decode_validate(raw).ok()?;
                Self::DelegateCallVoucher { destination, payload }
            }
            NoticeCall::SELECTOR => {
                let NoticeCall { payload } = NoticeCall::abi_decode_validate(raw).ok()?;
                Self::Notice { payload }
            }
            _ => return None,
        };
        (output.encode().as_ref() == raw).then_some(output)
    }

    /// The contract that a voucher calls; `None` for a notice.
    pub fn destination(&self) -> Option<Address> {
        match self {
            Self::Voucher { destination, .. } | Self::DelegateCallVoucher { destination, .. } => {
                Some(*destination)
            }
            Self::Notice { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::hex;

    #[test]
    fn encodes_with_the_selectors_of_the_contracts() {
        let destination = Address::repeat_byte(7);
        let payload = Bytes::from_static(b"payload");
        let cases = [
            (Output::Notice { payload: payload.clone() }, hex!("c258d6e5")),
            (
                Output::Voucher { destination, value: U256::from(5), payload: payload.clone() },
                hex!("237a816f"),
            ),
            (Output::DelegateCallVoucher { destination, payload }, hex!("10321e8b")),
        ];
        for (output, selector) in cases {
            let raw = output.encode();
            assert_eq!(raw[..4], selector);
            assert_eq!(Output::decode(&raw), Some(output));
            assert_eq!(Output::decode(&raw[..raw.len() - 1]), None);
        }
        assert_eq!(Output::decode(&[]), None);
        assert_eq!(Output::decode(&[1, 2, 3, 4]), None);
    }
}
