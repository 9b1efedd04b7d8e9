//! Outputs: vouchers and notices for the market's effects, encoded as L1 verifies them.

use ethabi::ParamType;
use market::{Address, Amount, Asset, Effect, U256};
use sha3::{Digest as _, Keccak256};

use crate::{
    abi::{self, tokens},
    notice,
};

/// `Notice(bytes)`
const NOTICE: [u8; 4] = [0xc2, 0x58, 0xd6, 0xe5];
/// `Voucher(address,uint256,bytes)`
const VOUCHER: [u8; 4] = [0x23, 0x7a, 0x81, 0x6f];
/// `DelegateCallVoucher(address,bytes)`
const DELEGATE_CALL_VOUCHER: [u8; 4] = [0x10, 0x32, 0x1e, 0x8b];

/// An output of the machine that can be proven on L1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A call by the application's contract, once its claim is accepted.
    Voucher {
        /// Address to call.
        destination: Address,
        /// Ether sent with the call, in wei.
        value: U256,
        /// The calldata.
        payload: Vec<u8>,
    },
    /// A statement.
    Notice {
        /// An encoded event; ours are decoded by [`decode_notice`](crate::decode_notice).
        payload: Vec<u8>,
    },
    /// Code that the application's contract runs as its own. DeML emits none: to an auditor, one
    /// is proof of a fault.
    DelegateCallVoucher {
        /// Address of the code.
        destination: Address,
        /// The calldata.
        payload: Vec<u8>,
    },
}

impl Output {
    /// The ABI encoding, which `executeOutput` takes and whose hash is a leaf of the output tree.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (selector, arguments) = match self {
            Self::Notice { payload } => (NOTICE, tokens!(payload)),
            Self::Voucher { destination, value, payload } => {
                (VOUCHER, tokens!(destination, &Amount(*value), payload))
            }
            Self::DelegateCallVoucher { destination, payload } => {
                (DELEGATE_CALL_VOUCHER, tokens!(destination, payload))
            }
        };
        [selector.as_slice(), &ethabi::encode(&arguments)].concat()
    }

    /// Decodes the ABI encoding; `None` for any other bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (selector, arguments) = bytes.split_first_chunk()?;
        let tokens = |types: &[ParamType]| ethabi::decode(types, arguments).ok();
        let output = match *selector {
            NOTICE => Self::Notice { payload: tokens(&[ParamType::Bytes])?.pop()?.into_bytes()? },
            VOUCHER => {
                let types = [ParamType::Address, ParamType::Uint(256), ParamType::Bytes];
                let [destination, value, payload] = tokens(&types)?.try_into().ok()?;
                Self::Voucher {
                    destination: Address(destination.into_address()?.0),
                    value: value.into_uint()?,
                    payload: payload.into_bytes()?,
                }
            }
            DELEGATE_CALL_VOUCHER => {
                let types = [ParamType::Address, ParamType::Bytes];
                let [destination, payload] = tokens(&types)?.try_into().ok()?;
                Self::DelegateCallVoucher {
                    destination: Address(destination.into_address()?.0),
                    payload: payload.into_bytes()?,
                }
            }
            _ => return None,
        };
        (output.encode() == bytes).then_some(output)
    }
}

/// The output for an effect.
#[must_use]
pub fn output(effect: &Effect, registry: Address) -> Output {
    let call = |destination, payload| Output::Voucher { destination, value: U256::zero(), payload };
    match effect {
        Effect::Pay { to, asset: Asset::Ether, amount } => {
            Output::Voucher { destination: *to, value: amount.0, payload: Vec::new() }
        }
        Effect::Pay { to, asset: Asset::Erc20(token), amount } => {
            call(*token, transfer(*to, *amount))
        }
        Effect::Record { job, sponsor, model, scores, hold_out } => {
            let arguments = tokens!(job, sponsor, model, &scores.score, hold_out);
            call(registry, abi::registry().call("record", arguments))
        }
        Effect::Event(event) => Output::Notice { payload: notice::encode(event) },
    }
}

/// The calldata of ERC-20's `transfer`.
fn transfer(to: Address, amount: Amount) -> Vec<u8> {
    let selector = ethabi::short_signature("transfer", &[ParamType::Address, ParamType::Uint(256)]);
    [selector.as_slice(), &ethabi::encode(&tokens!(&to, &amount))].concat()
}

/// Address of the model registry, the same on every chain: the usual CREATE2 deployer creates it
/// with salt zero, so it depends on the code only.
#[must_use]
pub fn registry_address() -> Address {
    const DEPLOYER: [u8; 20] =
        *b"\x4e\x59\xb4\x48\x47\xb3\x79\x57\x85\x88\x92\x0c\xa7\x8f\xbf\x26\xc0\xb4\x95\x6c";
    let code = Keccak256::digest(&abi::registry().bytecode);
    let hash: [u8; 32] = Keccak256::new()
        .chain_update([0xff])
        .chain_update(DEPLOYER)
        .chain_update([0; 32])
        .chain_update(code)
        .finalize()
        .into();
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    Address(address)
}
