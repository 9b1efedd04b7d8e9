//! ABI encoding of the market's enums and structures, from one table each.

use blobs::Encoding;
use ethabi::Token;
use market::{
    Attestation, Decision, Metric, MinerTerms, Offence, Offer, Outcome, Output, Score, Scores,
    SealedBlob, Share, Slot, SponsorStake, Stage, SubmissionStake, Terms, Threshold, Unmet,
    title_text,
};

use crate::{
    abi::{Abi, Arguments, Zero, tokens},
    refused::InputRefused,
};

mod choices;

/// Declares enums without fields: a variant's code is its index.
macro_rules! codes {
    ($($type:ident)*) => {
        $(impl Abi for $type {
            fn write(&self, out: &mut Vec<Token>) {
                let code = Self::ALL.iter().position(|one| one == self).unwrap_or_default();
                out.push(Token::Uint(code.into()));
            }

            fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
                from.choice(&Self::ALL)
            }
        })*
    };
}

codes! { Metric Output Unmet Stage Slot Encoding Outcome Share Offence }

/// Declares structures: each a struct of these fields in this order, with checks of some.
macro_rules! structures {
    ($($type:ident { $($field:ident $(if $check:ident)?),* })*) => {
        $(impl Abi for $type {
            fn write(&self, out: &mut Vec<Token>) {
                out.push(Token::Tuple(tokens!($(&self.$field),*)));
            }

            fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
                let mut fields = from.fields()?;
                $(
                    let $field = fields.take(stringify!($field))?;
                    $($check(&$field)?;)?
                )*
                Ok(Self { $($field),* })
            }
        })*
    };
}

structures! {
    Scores { score, threshold_score }
    Attestation { score, threshold_score, results }
    SealedBlob { commitment, ciphertext }
    Offer {
        metric, output, min_score, min_gain, threshold, max_model_bytes, max_work, max_inputs,
        rows, base_model, board
    }
    Threshold { metric, min_score }
    MinerTerms { seats, bond, pool, buy_in, attest_seconds, sample_rows }
    SponsorStake { award, pool, bond, work, rent }
    SubmissionStake { work, bond, buy_in }
    Decision {
        outcome, winner, prize, shared, revealed, fees, forfeits, right_seats, sponsor_loses
    }
    Terms { title if is_text, asset, close, places, offer, sealing, evaluators, award }
}

/// Checks that a title is text.
fn is_text(title: &[u8; 32]) -> Result<(), InputRefused> {
    title_text(title).map(drop).ok_or(InputRefused::TitleNotText {})
}

impl Zero for Scores {
    const ZERO: Self = Self { score: Score(0), threshold_score: Score(0) };
}
