//! ABI encoding of tagged unions.
//!
//! A union is a flag or code followed by the fields of all variants; those of variants that were
//! not chosen must be zero, so that every value has one encoding.

use blobs::Digest;
use ethabi::Token;
use market::{
    Amount, Award, Board, Evaluators, MinerTerms, Score, SealedBlob, Sealing, SubmittedModel,
    Target, Unmet,
};

use crate::{
    abi::{Abi, Arguments, Zero, no_blob, tokens},
    refused::InputRefused,
};

/// A flag and the board's fields, inline in the enclosing struct.
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

impl Zero for MinerTerms {
    const ZERO: Self = Self {
        seats: 0,
        bond: Amount::ZERO,
        pool: Amount::ZERO,
        buy_in: Amount::ZERO,
        attest_seconds: 0,
        sample_rows: 0,
    };
}

impl Abi for Evaluators {
    fn write(&self, out: &mut Vec<Token>) {
        let miners = match self {
            Self::Machine => None,
            Self::Miners(miners) => Some(*miners),
        };
        out.push(Token::Tuple(tokens!(&miners)));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let miners: Option<MinerTerms> = from.fields()?.take("miners")?;
        Ok(miners.map_or(Self::Machine, Self::Miners))
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

/// A code and the submission's number, which is zero for the base model.
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
