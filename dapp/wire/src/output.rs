//! Outputs: vouchers and notices, made of the market's effects, and in the form L1 proves them.

use ethabi::{ParamType, Token};
use market::{Address, Asset, Effect, U256};
use sha3::{Digest as _, Keccak256};

use crate::{
    abi::{self, blob, uint},
    notice::Notice,
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
        /// What it says; ours are read by [`Notice::decode`].
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
            Self::Notice { payload } => (NOTICE, vec![Token::Bytes(payload.clone())]),
            Self::Voucher { destination, value, payload } => {
                let payload = Token::Bytes(payload.clone());
                (VOUCHER, vec![abi::address(*destination), uint(*value), payload])
            }
            Self::DelegateCallVoucher { destination, payload } => {
                let payload = Token::Bytes(payload.clone());
                (DELEGATE_CALL_VOUCHER, vec![abi::address(*destination), payload])
            }
        };
        [selector.as_slice(), &ethabi::encode(&arguments)].concat()
    }

    /// Reads [`Self::encode`]'s bytes; nothing for any others.
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

/// The outputs of one effect, in the order they are emitted.
#[must_use]
pub fn outputs(effect: &Effect, registry: Address) -> Vec<Output> {
    match effect {
        Effect::Pay { to, asset: Asset::Ether, amount } => {
            vec![Output::Voucher { destination: *to, value: amount.0, payload: Vec::new() }]
        }
        Effect::Pay { to, asset: Asset::Erc20(token), amount } => {
            let payload = transfer(*to, amount.0);
            vec![Output::Voucher { destination: *token, value: U256::zero(), payload }]
        }
        Effect::Record { job, sponsor, model, marks, hold_out } => {
            let (job, score) = (uint(job.0), uint(marks.score.0));
            let arguments = [job, abi::address(*sponsor), blob(*model), score, blob(*hold_out)];
            let payload = abi::registry().call("record", &arguments);
            vec![Output::Voucher { destination: registry, value: U256::zero(), payload }]
        }
        Effect::Event(event) => {
            let notices = Notice::of(event).into_iter();
            notices.map(|notice| Output::Notice { payload: notice.encode() }).collect()
        }
    }
}

/// The calldata of ERC-20's `transfer`.
fn transfer(to: Address, amount: U256) -> Vec<u8> {
    let selector = ethabi::short_signature("transfer", &[ParamType::Address, ParamType::Uint(256)]);
    [selector.as_slice(), &ethabi::encode(&[abi::address(to), uint(amount)])].concat()
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
