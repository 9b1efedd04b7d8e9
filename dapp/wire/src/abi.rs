//! The compiled interfaces, and the market's types as ABI tokens.
//!
//! The artifacts of `contracts/` are the single source of names and signatures. ethabi accepts
//! more than the exact encoding (dirty padding, trailing bytes), so whoever decodes here encodes
//! again and compares. What it allocates is bounded by the bytes given: a declared length beyond
//! them is an error before anything is copied.

use std::{collections::BTreeMap, sync::OnceLock};

use blobs::{BlobRef, Digest, Encoding, Profile};
use ethabi::{Contract, Token};
use market::{Address, Amount, Asset, JobId, Metric, Score, Terms, Timestamp, U256, Work};

mod competition;

pub(crate) use competition::{attestation, code, competition_terms, sealed};

use crate::refused::{InputRefused, Selector};

/// A compiled contract or interface.
pub(crate) struct Interface {
    contract: Contract,
    selectors: BTreeMap<[u8; 4], String>,
    topics: BTreeMap<[u8; 32], String>,
    /// The init code of a contract; empty for an interface.
    pub(crate) bytecode: Vec<u8>,
}

/// Reads the compiled interfaces, so that no input pays for it.
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
    pub(crate) fn call(&self, name: &str, arguments: &[Token]) -> Vec<u8> {
        let function = self.contract.function(name).expect("a function of the interface");
        function.encode_input(arguments).expect("arguments of the function's types")
    }

    /// The calldata of a function whose last argument is `bytes`.
    ///
    /// ethabi would take them byte by byte, several times what hashing a chunk costs: it writes
    /// what comes before them, with the length of none, and the rest is copied here.
    pub(crate) fn call_with_bytes(
        &self,
        name: &str,
        mut arguments: Vec<Token>,
        bytes: &[u8],
    ) -> Vec<u8> {
        arguments.push(Token::Bytes(Vec::new()));
        let mut calldata = self.call(name, &arguments);
        calldata.truncate(calldata.len() - WORD);
        let mut length = [0; WORD];
        U256::from(bytes.len()).to_big_endian(&mut length);
        calldata.extend_from_slice(&length);
        calldata.extend_from_slice(bytes);
        let padding = bytes.len().next_multiple_of(WORD) - bytes.len();
        calldata.extend_from_slice(&[0; WORD][..padding]);
        calldata
    }

    /// The payload of a notice: topic and arguments of an event.
    pub(crate) fn notice(&self, name: &str, arguments: &[Token]) -> Vec<u8> {
        let event = self.contract.event(name).expect("an event of the interface");
        [event.signature().as_bytes(), &ethabi::encode(arguments)].concat()
    }

    /// The function that calldata calls, and its arguments.
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
        let tokens = decode().map_err(|_| malformed)?.into_iter();
        Ok((function, Arguments { tokens, malformed }))
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
        let tokens = ethabi::decode(&types, arguments).ok()?.into_iter();
        Some((function, Arguments { tokens, malformed: InputRefused::Malformed { function } }))
    }
}

/// Decoded arguments, taken one after the other.
pub(crate) struct Arguments {
    tokens: std::vec::IntoIter<Token>,
    malformed: InputRefused,
}

impl Arguments {
    fn next(&mut self) -> Result<Token, InputRefused> {
        self.tokens.next().ok_or(self.malformed)
    }

    /// The next argument, which is a struct.
    fn fields(&mut self) -> Result<Self, InputRefused> {
        let tokens = self.next()?.into_tuple().ok_or(self.malformed)?.into_iter();
        Ok(Self { tokens, malformed: self.malformed })
    }

    /// An unsigned integer, which must fit its type.
    pub(crate) fn uint<T: TryFrom<U256>>(
        &mut self,
        field: &'static str,
    ) -> Result<T, InputRefused> {
        let number = self.next()?.into_uint().ok_or(self.malformed)?;
        T::try_from(number).map_err(|_| InputRefused::OutOfRange { field })
    }

    pub(crate) fn amount(&mut self) -> Result<Amount, InputRefused> {
        self.next()?.into_uint().map(Amount).ok_or(self.malformed)
    }

    pub(crate) fn job(&mut self) -> Result<JobId, InputRefused> {
        self.uint("job").map(JobId)
    }

    pub(crate) fn score(&mut self, field: &'static str) -> Result<Score, InputRefused> {
        self.uint(field).map(Score)
    }

    pub(crate) fn address(&mut self) -> Result<Address, InputRefused> {
        let address = self.next()?.into_address().ok_or(self.malformed)?;
        Ok(Address(address.0))
    }

    /// An asset: the zero address is Ether.
    pub(crate) fn asset(&mut self) -> Result<Asset, InputRefused> {
        let token = self.address()?;
        Ok(if token == ETHER { Asset::Ether } else { Asset::Erc20(token) })
    }

    pub(crate) fn bool(&mut self) -> Result<bool, InputRefused> {
        self.next()?.into_bool().ok_or(self.malformed)
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, InputRefused> {
        self.next()?.into_bytes().ok_or(self.malformed)
    }

    pub(crate) fn string(&mut self) -> Result<String, InputRefused> {
        self.next()?.into_string().ok_or(self.malformed)
    }

    pub(crate) fn word(&mut self) -> Result<[u8; 32], InputRefused> {
        let bytes = self.next()?.into_fixed_bytes().ok_or(self.malformed)?;
        bytes.try_into().map_err(|_| self.malformed)
    }

    pub(crate) fn digest(&mut self) -> Result<Digest, InputRefused> {
        self.word().map(Digest)
    }

    pub(crate) fn encoding(&mut self) -> Result<Encoding, InputRefused> {
        match self.uint("encoding")? {
            0 => Ok(Encoding::Plain),
            1 => Ok(Encoding::Deflate),
            code => Err(InputRefused::UnknownEncoding { code }),
        }
    }

    pub(crate) fn blob(&mut self) -> Result<BlobRef, InputRefused> {
        let mut fields = self.fields()?;
        let (digest, size) = (fields.digest()?, fields.uint("size")?);
        let leaf_size = fields.uint("leafSize")?;
        let unknown = InputRefused::UnknownLeafSize { leaf_size };
        Ok(BlobRef { digest, size, profile: Profile::with_leaf_size(leaf_size).ok_or(unknown)? })
    }

    pub(crate) fn terms(&mut self) -> Result<Terms, InputRefused> {
        let mut fields = self.fields()?;
        Ok(Terms {
            title: fields.title()?,
            asset: fields.asset()?,
            reward: fields.amount()?,
            rewards: fields.uint("rewards")?,
            deadline: Timestamp(fields.uint("deadline")?),
            metric: fields.metric()?,
            min_score: fields.score("minScore")?,
            min_gain: fields.score("minGain")?,
            min_worst_class: fields.score("minWorstClass")?,
            max_model_bytes: fields.uint("maxModelBytes")?,
            max_work: Work(fields.uint("maxWork")?),
            base_model: fields.blob()?,
            hold_out: fields.blob()?,
        })
    }

    fn title(&mut self) -> Result<[u8; 32], InputRefused> {
        let title = self.word()?;
        title_text(&title).map(|_| title).ok_or(InputRefused::TitleNotText {})
    }

    fn metric(&mut self) -> Result<Metric, InputRefused> {
        let code: u8 = self.uint("metric")?;
        let metric = Metric::ALL.get(usize::from(code)).copied();
        metric.ok_or(InputRefused::UnknownMetric { code })
    }
}

/// What the ABI is made of, in bytes.
const WORD: usize = 32;

/// How the ABI writes Ether where a token's address is asked for.
const ETHER: Address = Address([0; 20]);

/// A title's text, if it is UTF-8 without control characters, padded with zeros.
///
/// A title is shown in terminals and pages, where control characters could pretend things.
pub(crate) fn title_text(title: &[u8; 32]) -> Option<&str> {
    let length = title.iter().position(|byte| *byte == 0).unwrap_or(title.len());
    let (text, padding) = title.split_at(length);
    let text = std::str::from_utf8(text).ok()?;
    (padding.iter().all(|byte| *byte == 0) && !text.chars().any(char::is_control)).then_some(text)
}

pub(crate) fn uint(number: impl Into<U256>) -> Token {
    Token::Uint(number.into())
}

pub(crate) fn address(address: Address) -> Token {
    Token::Address(address.0.into())
}

pub(crate) fn asset(asset: Asset) -> Token {
    address(match asset {
        Asset::Ether => ETHER,
        Asset::Erc20(token) => token,
    })
}

pub(crate) fn digest(digest: Digest) -> Token {
    Token::FixedBytes(digest.0.to_vec())
}

pub(crate) fn encoding(encoding: Encoding) -> Token {
    uint(match encoding {
        Encoding::Plain => 0,
        Encoding::Deflate => 1,
    })
}

pub(crate) fn blob(blob: BlobRef) -> Token {
    let leaf_size = uint(blob.profile.leaf_size());
    Token::Tuple(vec![digest(blob.digest), uint(blob.size), leaf_size])
}

pub(crate) fn terms(terms: &Terms) -> Token {
    Token::Tuple(vec![
        Token::FixedBytes(terms.title.to_vec()),
        asset(terms.asset),
        uint(terms.reward.0),
        uint(terms.rewards),
        uint(terms.deadline.0),
        metric(terms.metric),
        uint(terms.min_score.0),
        uint(terms.min_gain.0),
        uint(terms.min_worst_class.0),
        uint(terms.max_model_bytes),
        uint(terms.max_work.0),
        blob(terms.base_model),
        blob(terms.hold_out),
    ])
}

fn metric(metric: Metric) -> Token {
    uint(match metric {
        Metric::Accuracy => 0,
        Metric::WorstClassRecall => 1,
        Metric::MacroF1 => 2,
        Metric::MeanSquaredError => 3,
        Metric::MeanAbsoluteError => 4,
        Metric::LogLoss => 5,
    })
}
