//! Outputs: vouchers and notices, made of the market's effects, and in the form L1 proves them.

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

/// Something the machine says that L1 can prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A call the application's contract makes once its claim is accepted.
    Voucher {
        /// Whom it calls.
        destination: Address,
        /// How much Ether goes with it, in wei.
        value: U256,
        /// The calldata.
        payload: Vec<u8>,
    },
    /// A statement.
    Notice {
        /// What it says; ours are read by [`decode_notice`](crate::decode_notice).
        payload: Vec<u8>,
    },
    /// Code the application's contract runs as its own. DeML makes none: to an auditor, one is
    /// proof that something is wrong.
    DelegateCallVoucher {
        /// Whose code.
        destination: Address,
        /// The calldata.
        payload: Vec<u8>,
    },
}

impl Output {
    /// The bytes whose hash is a leaf of the outputs' tree, and that `executeOutput` takes.
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

    /// Reads [`Self::encode`]'s bytes; `None` for any others.
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

/// The output of one effect.
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

/// Where the model registry is on every chain: made by the usual CREATE2 deployer with salt zero,
/// it needs nothing but its code.
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
