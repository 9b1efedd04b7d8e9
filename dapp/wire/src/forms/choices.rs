//! Terms and their choices in both outside forms.
//!
//! In the ABI a choice is a flag or code and the fields of all its cases; those of a case that was
//! not chosen must be zero, so that every value has one encoding.

use blobs::{BlobRef, Digest};
use ethabi::Token;
use market::{
    Amount, Asset, Award, Board, Evaluators, MinerTerms, Offer, Score, SealedBlob, Sealing,
    SubmittedModel, Target, Terms, Timestamp, Unmet,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    abi::{Abi, Arguments, no_blob, tokens},
    json::Json,
    refused::InputRefused,
};

json_like! { "Terms" Terms
    #[derive(Serialize, Deserialize)]
    #[serde(remote = "Terms")]
    struct Form {
        #[serde(serialize_with = "write_title", deserialize_with = "read_title")]
        title: [u8; 32],
        #[serde(with = "crate::json")]
        asset: Asset,
        #[serde(with = "crate::json")]
        close: Timestamp,
        places: u32,
        #[serde(with = "crate::json")]
        offer: Offer,
        #[serde(with = "crate::json")]
        sealing: Sealing,
        #[serde(with = "crate::json")]
        evaluators: Evaluators,
        #[serde(with = "crate::json")]
        award: Award,
    }
}

json_like! { "Sealing" Sealing
    #[derive(Serialize, Deserialize)]
    #[serde(remote = "Sealing", tag = "kind", rename_all = "snake_case")]
    enum Form {
        Open {
            #[serde(with = "crate::json")]
            hold_out: BlobRef,
        },
        Sealed {
            #[serde(with = "crate::json")]
            hold_out: SealedBlob,
            reveal_seconds: u32,
            #[serde(with = "crate::json")]
            sponsor_bond: Amount,
        },
    }
}

json_like! { "Evaluators" Evaluators
    #[derive(Serialize, Deserialize)]
    #[serde(remote = "Evaluators", tag = "kind", rename_all = "snake_case")]
    enum Form {
        Machine,
        Miners(#[serde(with = "crate::json")] MinerTerms),
    }
}

json_like! { "Award" Award
    #[derive(Serialize, Deserialize)]
    #[serde(remote = "Award", tag = "kind", rename_all = "snake_case")]
    enum Form {
        Rewards {
            #[serde(with = "crate::json")]
            reward: Amount,
            count: u32,
        },
        Prize {
            #[serde(with = "crate::json")]
            prize: Amount,
            #[serde(with = "crate::json")]
            significance: Score,
            #[serde(with = "crate::json")]
            unmet: Unmet,
        },
    }
}

json_like! { "SubmittedModel" SubmittedModel
    #[derive(Serialize, Deserialize)]
    #[serde(remote = "SubmittedModel", tag = "kind", rename_all = "snake_case")]
    enum Form {
        Open {
            #[serde(with = "crate::json")]
            model: BlobRef,
            #[serde(with = "crate::json")]
            data: BlobRef,
        },
        Sealed(#[serde(with = "crate::json")] SealedBlob),
    }
}

json_like! { "Target" Target
    #[derive(Serialize, Deserialize)]
    #[serde(remote = "Target", tag = "kind", content = "submission", rename_all = "snake_case")]
    enum Form {
        Base,
        BaseOnHoldOut,
        Submission(u32),
        Shown(u32),
    }
}

impl Abi for Terms {
    fn write(&self, out: &mut Vec<Token>) {
        let Self { title, asset, close, places, offer, sealing, evaluators, award } = self;
        let fields = tokens!(title, asset, close, places, offer, sealing, evaluators, award);
        out.push(Token::Tuple(fields));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let mut fields = from.fields()?;
        let title = fields.take("title")?;
        title_text(&title).ok_or(InputRefused::TitleNotText {})?;
        Ok(Self {
            title,
            asset: fields.take("asset")?,
            close: fields.take("close")?,
            places: fields.take("places")?,
            offer: fields.take("offer")?,
            sealing: fields.take("sealing")?,
            evaluators: fields.take("evaluators")?,
            award: fields.take("award")?,
        })
    }
}

/// In the ABI a flag and the board's fields, of the struct that it is in.
impl Abi for Option<Board> {
    fn write(&self, out: &mut Vec<Token>) {
        self.is_some().write(out);
        match self {
            Some(Board { public_slice, quota, ladder_step }) => {
                out.extend(tokens!(public_slice, quota, ladder_step));
            }
            None => out.extend([no_blob()].into_iter().chain(tokens!(&0_u32, &0_u32))),
        }
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        if !from.take::<bool>("has_board")? {
            from.skip(3);
            return Ok(None);
        }
        Ok(Some(Board {
            public_slice: from.take("public_slice")?,
            quota: from.take("quota")?,
            ladder_step: from.take("ladder_step")?,
        }))
    }
}

impl Abi for Sealing {
    fn write(&self, out: &mut Vec<Token>) {
        let (commitment, seconds, bond) = match *self {
            Self::Open { .. } => (Digest([0; 32]), 0, Amount::ZERO),
            Self::Sealed { hold_out, reveal_seconds, sponsor_bond } => {
                (hold_out.commitment, reveal_seconds, sponsor_bond)
            }
        };
        let published = self.published_hold_out();
        out.push(Token::Tuple(tokens!(
            &self.is_sealed(),
            &published,
            &commitment,
            &seconds,
            &bond
        )));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let mut fields = from.fields()?;
        let (is_sealed, published) = (fields.take::<bool>("is_sealed")?, fields.take("hold_out")?);
        if !is_sealed {
            return Ok(Self::Open { hold_out: published });
        }
        let commitment = fields.take("commitment")?;
        Ok(Self::Sealed {
            hold_out: SealedBlob { commitment, ciphertext: published },
            reveal_seconds: fields.take("reveal_seconds")?,
            sponsor_bond: fields.take("sponsor_bond")?,
        })
    }
}

/// The terms of no miners.
const NO_MINERS: MinerTerms = MinerTerms {
    seats: 0,
    bond: Amount::ZERO,
    pool: Amount::ZERO,
    buy_in: Amount::ZERO,
    attest_seconds: 0,
    sample_rows: 0,
};

impl Abi for Evaluators {
    fn write(&self, out: &mut Vec<Token>) {
        let (by_miners, miners) = match self {
            Self::Machine => (false, &NO_MINERS),
            Self::Miners(miners) => (true, miners),
        };
        out.push(Token::Tuple(tokens!(&by_miners, miners)));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let mut fields = from.fields()?;
        let by_miners = fields.take("by_miners")?;
        let miners = fields.take("miners")?;
        Ok(if by_miners { Self::Miners(miners) } else { Self::Machine })
    }
}

impl Abi for Award {
    fn write(&self, out: &mut Vec<Token>) {
        let (is_prize, amount, count, significance, unmet) = match *self {
            Self::Rewards { reward, count } => (false, reward, count, Score(0), Unmet::Return),
            Self::Prize { prize, significance, unmet } => (true, prize, 0, significance, unmet),
        };
        out.push(Token::Tuple(tokens!(&is_prize, &amount, &count, &significance, &unmet)));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let mut fields = from.fields()?;
        let is_prize = fields.take("is_prize")?;
        let (amount, count) = (fields.take("amount")?, fields.take("count")?);
        let (significance, unmet) = (fields.take("significance")?, fields.take("unmet")?);
        Ok(if is_prize {
            Self::Prize { prize: amount, significance, unmet }
        } else {
            Self::Rewards { reward: amount, count }
        })
    }
}

impl Abi for SubmittedModel {
    fn write(&self, out: &mut Vec<Token>) {
        let mut fields = tokens!(&matches!(self, Self::Sealed(_)), &self.published());
        match self {
            Self::Open { data, .. } => fields.extend(tokens!(&Digest([0; 32]), data)),
            Self::Sealed(sealed) => {
                fields.extend(tokens!(&sealed.commitment));
                fields.push(no_blob());
            }
        }
        out.push(Token::Tuple(fields));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let mut fields = from.fields()?;
        let is_sealed = fields.take("is_sealed")?;
        let (published, commitment) = (fields.take("published")?, fields.take("commitment")?);
        Ok(if is_sealed {
            Self::Sealed(SealedBlob { commitment, ciphertext: published })
        } else {
            Self::Open { model: published, data: fields.take("data")? }
        })
    }
}

/// In the ABI a code and the submission's number, which is zero for the base model's.
impl Abi for Target {
    fn write(&self, out: &mut Vec<Token>) {
        let (code, submission) = match *self {
            Self::Base => (0_u32, 0),
            Self::BaseOnHoldOut => (1, 0),
            Self::Submission(submission) => (2, submission),
            Self::Shown(submission) => (3, submission),
        };
        out.extend(tokens!(&code, &submission));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let kinds = [|_| Self::Base, |_| Self::BaseOnHoldOut, Self::Submission, Self::Shown];
        let kind: fn(u32) -> Self = from.choice(&kinds)?;
        from.take("submission").map(kind)
    }
}

/// A title's text, if it is UTF-8 without control characters, padded with zeros.
///
/// A title is shown in terminals and pages, where control characters could pretend things.
fn title_text(title: &[u8; 32]) -> Option<&str> {
    let length = title.iter().position(|byte| *byte == 0).unwrap_or(title.len());
    let (text, padding) = title.split_at(length);
    let text = std::str::from_utf8(text).ok()?;
    (padding.iter().all(|byte| *byte == 0) && !text.chars().any(char::is_control)).then_some(text)
}

fn write_title<S: Serializer>(title: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(title_text(title).unwrap_or_default())
}

fn read_title<'a, D: Deserializer<'a>>(from: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(from)?;
    let mut title = [0; 32];
    let room = title.get_mut(..text.len());
    room.ok_or_else(|| D::Error::custom("a title has at most 32 bytes"))?
        .copy_from_slice(text.as_bytes());
    title_text(&title).ok_or_else(|| D::Error::custom("a title is plain text"))?;
    Ok(title)
}
