//! Inputs as the InputBox records and hashes them: `EvmAdvance` calldata.

use ethabi::{ParamType, Token};
use market::{Address, Context, Timestamp, U256};

/// `EvmAdvance(uint256,address,address,uint256,uint256,uint256,uint256,bytes)`
const EVM_ADVANCE: [u8; 4] = [0x41, 0x5b, 0xf3, 0x63];

/// An input as the application receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Its sender to the InputBox, its time and its origin.
    pub context: Context,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Advance {
    /// Decodes the bytes that the InputBox hashed; `None` for any other encoding.
    #[must_use]
    pub fn decode(raw: &[u8]) -> Option<Self> {
        use ParamType::{Address as Account, Bytes, Uint};
        let arguments = raw.strip_prefix(&EVM_ADVANCE)?;
        let number = || Uint(256);
        let types = [number(), Account, Account, number(), number(), number(), number(), Bytes];
        let tokens = ethabi::decode(&types, arguments).ok()?;
        if ethabi::encode(&tokens) != arguments {
            return None;
        }
        let fields: [Token; 8] = tokens.try_into().ok()?;
        let [chain_id, app, sender, block, time, random, input, payload] = fields;
        let payload = payload.into_bytes()?;
        let mut prev_randao = [0; 32];
        random.into_uint()?.to_big_endian(&mut prev_randao);
        let context = Context {
            sender: address(sender)?,
            block_time: Timestamp(small(time)?),
            chain_id: small(chain_id)?,
            app: address(app)?,
            block: small(block)?,
            prev_randao,
            input: small(input)?,
            payload_bytes: payload.len() as u64,
        };
        Some(Self { context, payload })
    }
}

fn address(token: Token) -> Option<Address> {
    Some(Address(token.into_address()?.0))
}

fn small(token: Token) -> Option<u64> {
    let word: U256 = token.into_uint()?;
    word.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(input: U256) -> Vec<u8> {
        let account = |byte| Token::Address([byte; 20].into());
        let number = |number: u64| Token::Uint(number.into());
        let tokens = [
            number(31_337),
            account(0xaa),
            account(0xbb),
            number(7),
            number(1_717_171_717),
            Token::Uint(U256::MAX),
            Token::Uint(input),
            Token::Bytes(vec![0xc0, 0xff, 0xee]),
        ];
        [EVM_ADVANCE.as_slice(), &ethabi::encode(&tokens)].concat()
    }

    #[test]
    fn only_the_encoding_that_was_hashed_is_an_input() {
        let raw = encoded(3.into());
        let Advance { context, payload } = Advance::decode(&raw).unwrap();
        assert_eq!((context.input, context.block, context.payload_bytes), (3, 7, 3));
        assert_eq!((context.sender, context.app), (Address([0xbb; 20]), Address([0xaa; 20])));
        assert_eq!((context.prev_randao, payload), ([0xff; 32], vec![0xc0, 0xff, 0xee]));
        let mut dirty = raw.clone();
        dirty[4 + 32] = 1;
        let longer = [raw.as_slice(), &[0; 32]].concat();
        for wrong in [dirty.as_slice(), &longer, &raw[..40], &[], &encoded(U256::MAX)] {
            assert_eq!(Advance::decode(wrong), None);
        }
    }
}
