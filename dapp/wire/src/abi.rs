//! The compiled interfaces, and the market's scalars as ABI tokens.
//!
//! The artifacts of `contracts/` are the single source of names and signatures. ethabi accepts
//! more than the canonical encoding (dirty padding, trailing bytes), so decoders here encode the
//! result and compare. Allocations are bounded by the input's length: a declared length beyond it
//! is an error before anything is copied.

use std::{collections::BTreeMap, sync::OnceLock};

use blobs::{BlobRef, Digest, Profile};
use ethabi::{Contract, Token};
use market::{Address, Amount, Asset, Ciphertext, JobId, Score, Timestamp, U256, Work};

use crate::refused::{InputRefused, Selector};

/// A compiled contract or interface.
pub(crate) struct Interface {
    contract: Contract,
    selectors: BTreeMap<[u8; 4], String>,
    topics: BTreeMap<[u8; 32], String>,
    /// The init code of a contract; empty for an interface.
    pub(crate) bytecode: Vec<u8>,
}

/// Parses the compiled interfaces in advance, so that no input pays for it.
pub fn prepare() {
    deml();
    registry();
}

/// Commands and notices.
pub(crate) fn deml() -> &'static Interface {
    static DEML: OnceLock<Interface> = OnceLock::new();
    DEML.get_or_init(|| Interface::load(include_str!("../../../contracts/artifacts/IDeml.json")))
}

/// The registry of settled jobs on L1.
pub(crate) fn registry() -> &'static Interface {
    static REGISTRY: OnceLock<Interface> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        Interface::load(include_str!("../../../contracts/artifacts/ModelRegistry.json"))
    })
}

#[derive(serde::Deserialize)]
struct Artifact {
    abi: Contract,
    #[serde(default)]
    bytecode: String,
}

impl Interface {
    fn load(artifact: &str) -> Self {
        let Artifact { abi, bytecode } =
            serde_json::from_str(artifact).expect("a compiled-in artifact, loaded by each test");
        let bytecode = bytecode.strip_prefix("0x").unwrap_or(&bytecode);
        let selectors = abi.functions().map(|f| (f.short_signature(), f.name.clone())).collect();
        let topics = abi.events().map(|event| (event.signature().0, event.name.clone())).collect();
        Self {
            contract: abi,
            selectors,
            topics,
            bytecode: hex::decode(bytecode).expect("a compiled-in artifact is hexadecimal"),
        }
    }

    /// The calldata of a function.
    ///
    /// ethabi would copy a final `bytes` argument byte by byte, at several times the cost of
    /// hashing a chunk: so it encodes the other arguments and an empty one; the bytes are appended.
    pub(crate) fn call(&self, name: &str, mut arguments: Vec<Token>) -> Vec<u8> {
        let function = self.contract.function(name).expect("a function of the interface");
        let last = match arguments.last_mut() {
            Some(Token::Bytes(bytes)) => Some(std::mem::take(bytes)),
            _ => None,
        };
        let mut calldata =
            function.encode_input(&arguments).expect("arguments of the function's types");
        if let Some(bytes) = last {
            calldata.truncate(calldata.len() - WORD);
            let mut length = [0; WORD];
            U256::from(bytes.len()).to_big_endian(&mut length);
            calldata.extend_from_slice(&length);
            calldata.extend_from_slice(&bytes);
            let padding = bytes.len().next_multiple_of(WORD) - bytes.len();
            calldata.extend_from_slice(&[0; WORD][..padding]);
        }
        calldata
    }

    /// The payload of a notice: topic and arguments of an event.
    pub(crate) fn notice(&self, name: &str, arguments: &[Token]) -> Vec<u8> {
        let event = self.contract.event(name).expect("an event of the interface");
        [event.signature().as_bytes(), &ethabi::encode(arguments)].concat()
    }

    /// The function called by calldata, and its arguments.
    pub(crate) fn decode_call(
        &'static self,
        calldata: &[u8],
    ) -> Result<(&'static str, Arguments), InputRefused> {
        let found = u64::try_from(calldata.len()).unwrap_or(u64::MAX);
        let (selector, arguments) =
            calldata.split_first_chunk().ok_or(InputRefused::NoSelector { found })?;
        let unknown = InputRefused::UnknownSelector { selector: Selector(*selector) };
        let function = self.selectors.get(selector).ok_or(unknown)?.as_str();
        let malformed = InputRefused::Malformed { function };
        let decode = || self.contract.function(function)?.decode_input(arguments);
        let tokens = decode().map_err(|_| malformed)?;
        Ok((function, Arguments::new(tokens, malformed)))
    }

    /// The event of a notice's payload, and its arguments.
    pub(crate) fn decode_notice(
        &'static self,
        payload: &[u8],
    ) -> Option<(&'static str, Arguments)> {
        let (topic, arguments) = payload.split_first_chunk()?;
        let function = self.topics.get(topic)?.as_str();
        let inputs = &self.contract.event(function).ok()?.inputs;
        let types: Vec<_> = inputs.iter().map(|input| input.kind.clone()).collect();
        let tokens = ethabi::decode(&types, arguments).ok()?;
        Some((function, Arguments::new(tokens, InputRefused::Malformed { function })))
    }
}

/// Decoded arguments, consumed one after the other.
pub(crate) struct Arguments {
    tokens: std::vec::IntoIter<Token>,
    malformed: InputRefused,
    /// Name of the current argument, for error messages.
    field: &'static str,
}

impl Arguments {
    fn new(tokens: Vec<Token>, malformed: InputRefused) -> Self {
        Self { tokens: tokens.into_iter(), malformed, field: "" }
    }

    /// The next argument; `field` is its name for error messages.
    pub(crate) fn take<T: Abi>(&mut self, field: &'static str) -> Result<T, InputRefused> {
        self.field = field;
        T::read(self)
    }

    /// Skips the tokens of an option that was not chosen; encoding the result again verifies that
    /// they are zero.
    pub(crate) fn skip(&mut self, count: usize) {
        self.tokens.by_ref().take(count).for_each(drop);
    }

    /// The next argument, which is a struct.
    pub(crate) fn fields(&mut self) -> Result<Self, InputRefused> {
        let tokens = self.token(Token::into_tuple)?;
        Ok(Self::new(tokens, self.malformed))
    }

    /// The next argument, which is an enum.
    pub(crate) fn choice<T: Copy>(&mut self, all: &[T]) -> Result<T, InputRefused> {
        let field = self.field;
        let code: u8 = self.uint()?;
        all.get(usize::from(code)).copied().ok_or(InputRefused::UnknownCode { field, code })
    }

    /// The refusal of tokens that are not arguments of the function.
    pub(crate) const fn malformed(&self) -> InputRefused {
        self.malformed
    }

    fn token<T>(&mut self, read: impl FnOnce(Token) -> Option<T>) -> Result<T, InputRefused> {
        self.tokens.next().and_then(read).ok_or(self.malformed)
    }

    fn uint<T: TryFrom<U256>>(&mut self) -> Result<T, InputRefused> {
        let number = self.token(Token::into_uint)?;
        T::try_from(number).map_err(|_| InputRefused::OutOfRange { field: self.field })
    }
}

/// A type that can be an argument of functions and events.
pub(crate) trait Abi: Sized {
    /// Appends its tokens; a single one, except for a choice with fields of its own.
    fn write(&self, out: &mut Vec<Token>);

    /// Consumes the same tokens.
    fn read(from: &mut Arguments) -> Result<Self, InputRefused>;
}

/// The tokens of several values.
macro_rules! tokens {
    ($($value:expr),*) => {{
        let mut tokens = Vec::new();
        $($crate::abi::Abi::write($value, &mut tokens);)*
        tokens
    }};
}

pub(crate) use tokens;

/// Declares the encoding of scalars: type, token, decoder.
macro_rules! scalars {
    ($($type:ty: |$value:ident| $token:expr, |$from:ident| $read:expr;)*) => {
        $(impl Abi for $type {
            fn write(&self, out: &mut Vec<Token>) {
                let $value = self;
                out.push($token);
            }

            fn read($from: &mut Arguments) -> Result<Self, InputRefused> {
                $read
            }
        })*
    };
}

scalars! {
    bool: |flag| Token::Bool(*flag), |from| from.token(Token::into_bool);
    u32: |number| Token::Uint((*number).into()), |from| from.uint();
    u64: |number| Token::Uint((*number).into()), |from| from.uint();
    Score: |score| Token::Uint(score.0.into()), |from| from.uint().map(Score);
    Timestamp: |time| Token::Uint(time.0.into()), |from| from.uint().map(Timestamp);
    Work: |work| Token::Uint(work.0.into()), |from| from.uint().map(Work);
    Amount: |amount| Token::Uint(amount.0), |from| from.token(Token::into_uint).map(Amount);
    String: |text| Token::String(text.clone()), |from| from.token(Token::into_string);
    Vec<u8>: |bytes| Token::Bytes(bytes.clone()), |from| from.token(Token::into_bytes);
    Ciphertext: |message| Token::Bytes(message.0.clone()),
        |from| from.token(Token::into_bytes).map(Ciphertext);
    Address: |account| Token::Address(account.0.into()),
        |from| Ok(Self(from.token(Token::into_address)?.0));
    [u8; 32]: |word| Token::FixedBytes(word.to_vec()),
        |from| from.token(|token| token.into_fixed_bytes()?.try_into().ok());
    Digest: |digest| Token::FixedBytes(digest.0.to_vec()), |from| Abi::read(from).map(Self);
    JobId: |job| Token::FixedBytes(job.0.to_vec()), |from| Abi::read(from).map(Self);
}

/// An asset: the zero address is Ether.
impl Abi for Asset {
    fn write(&self, out: &mut Vec<Token>) {
        match self {
            Self::Ether => ETHER.write(out),
            Self::Erc20(token) => token.write(out),
        }
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let token = Address::read(from)?;
        Ok(if token == ETHER { Self::Ether } else { Self::Erc20(token) })
    }
}

impl Abi for BlobRef {
    fn write(&self, out: &mut Vec<Token>) {
        let leaf_size = self.profile.leaf_size();
        out.push(Token::Tuple(tokens!(&self.digest, &self.size, &leaf_size)));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let mut fields = from.fields()?;
        let (digest, size) = (fields.take("digest")?, fields.take("size")?);
        let leaf_size = fields.take("leafSize")?;
        let unknown = InputRefused::UnknownLeafSize { leaf_size };
        Ok(Self { digest, size, profile: Profile::with_leaf_size(leaf_size).ok_or(unknown)? })
    }
}

/// The blob of an option that was not chosen.
pub(crate) fn no_blob() -> Token {
    Token::Tuple(tokens!(&[0; WORD], &0_u64, &0_u32))
}

/// A list, element by element.
impl<T: Abi> Abi for Vec<T> {
    fn write(&self, out: &mut Vec<Token>) {
        let mut items = Vec::new();
        self.iter().for_each(|item| item.write(&mut items));
        out.push(Token::Array(items));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let items = from.token(Token::into_array)?;
        let count = items.len();
        let mut items = Arguments::new(items, from.malformed);
        (0..count).map(|_| items.take("an item")).collect()
    }
}

impl<T: Abi> Abi for Box<T> {
    fn write(&self, out: &mut Vec<Token>) {
        T::write(self, out);
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        T::read(from).map(Self::new)
    }
}

/// An optional value: a flag, and the value or zero.
impl<T: Abi + Copy + Zero> Abi for Option<T> {
    fn write(&self, out: &mut Vec<Token>) {
        self.is_some().write(out);
        self.unwrap_or(T::ZERO).write(out);
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let (is_there, value) = (bool::read(from)?, T::read(from)?);
        Ok(is_there.then_some(value))
    }
}

/// A type with a placeholder for a missing value.
pub(crate) trait Zero {
    const ZERO: Self;
}

impl Zero for u32 {
    const ZERO: Self = 0;
}

impl Zero for Score {
    const ZERO: Self = Self(0);
}

/// Bytes of an ABI word.
const WORD: usize = 32;

/// Encoding of Ether in the position of a token's address.
const ETHER: Address = Address([0; 20]);
