//! The market's structures and choices in both outside forms, ABI and JSON, from one table each.
//!
//! In the ABI a choice is its code and the fields of all its cases; those of a case that was not
//! chosen must be zero, so that every value has one encoding.

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest, Encoding};
use ethabi::Token;
use market::{
    Address, Amount, Asset, AssetPrices, Attestation, Award, Board, Decision, Evaluators, Metric,
    MinerTerms, Offence, Offer, Outcome, Prices, Score, Scores, SealedBlob, Sealing, Settings,
    Share, Slot, Speed, SponsorStake, Stage, SubmissionStake, SubmittedModel, Target, Terms,
    Timestamp, Unmet, Windows, Work,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    abi::{Abi, Arguments, Zero, no_blob, tokens},
    json::{Json, Text, strings},
    refused::InputRefused,
};

/// Declares enums without fields: their codes are their places in the list, their texts are here.
macro_rules! names {
    ($($type:ident: $what:literal { $($case:ident = $text:literal,)* })*) => {
        $(
            impl Text for $type {
                const WHAT: &'static str = $what;

                fn write(&self) -> String {
                    match self { $(Self::$case => $text,)* }.to_owned()
                }

                fn read(text: &str) -> Option<Self> {
                    match text { $($text => Some(Self::$case),)* _ => None }
                }
            }

            strings! { $type }

            impl Abi for $type {
                fn write(&self, out: &mut Vec<Token>) {
                    let all = [$(Self::$case,)*];
                    let code = all.iter().position(|one| one == self).unwrap_or_default();
                    out.push(Token::Uint(code.into()));
                }

                fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
                    from.choice(&[$(Self::$case,)*])
                }
            }
        )*
    };
}

names! {
    Metric: "a metric" {
        Accuracy = "accuracy",
        WorstClassRecall = "worst_class_recall",
        MacroF1 = "macro_f1",
        MeanSquaredError = "mean_squared_error",
        MeanAbsoluteError = "mean_absolute_error",
        LogLoss = "log_loss",
    }
    Unmet: "\"return\" or \"share\"" {
        Return = "return",
        Share = "share",
    }
    Stage: "a stage" {
        Announced = "announced",
        Open = "open",
        Revealing = "revealing",
        Evaluating = "evaluating",
        Settled = "settled",
        Cancelled = "cancelled",
    }
    Slot: "a slot of a job" {
        BaseModel = "base_model",
        PublicSlice = "public_slice",
        HoldOut = "hold_out",
        Submission = "submission",
        Shown = "shown",
    }
    Encoding: "\"plain\" or \"deflate\"" {
        Plain = "plain",
        Deflate = "deflate",
    }
    Outcome: "an outcome" {
        Cancelled = "cancelled",
        NobodySubmitted = "nobody_submitted",
        NobodyRevealed = "nobody_revealed",
        SponsorFailed = "sponsor_failed",
        NoWinner = "no_winner",
        Won = "won",
        Returned = "returned",
    }
    Share: "what a payment is for" {
        Reward = "reward",
        Stake = "stake",
        Award = "award",
        Mining = "mining",
        Bond = "bond",
        Remainder = "remainder",
        Rent = "rent",
        Sink = "sink",
    }
    Offence: "why a bond is lost" {
        Silent = "silent",
        Wrong = "wrong",
        NotDelivered = "not_delivered",
        NotRevealed = "not_revealed",
    }
}

/// Declares a type's JSON by one of the same shape, which serde fills and reads in its place.
macro_rules! json_like {
    ($name:literal $type:ident $form:item) => {
        const _: () = {
            $form

            impl Json for $type {
                fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                    Form::serialize(self, out)
                }

                fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
                    Form::deserialize(from)
                }
            }
        };
    };
}

/// Declares structures in JSON: each field in its own form.
macro_rules! json_structures {
    ($($(#[$serde:meta])* $name:literal $type:ident { $($field:ident: $of:ty,)* })*) => {
        $(json_like! { $name $type
            #[derive(Serialize, Deserialize)]
            #[serde(remote = $name)]
            $(#[$serde])*
            struct Form {
                $(#[serde(with = "crate::json")] $field: $of,)*
            }
        })*
    };
}

/// Declares structures in both forms; in the ABI a struct of the same fields in this order.
macro_rules! structures {
    ($($name:literal $type:ident { $($field:ident: $of:ty,)* })*) => {
        json_structures! { $($name $type { $($field: $of,)* })* }

        $(impl Abi for $type {
            fn write(&self, out: &mut Vec<Token>) {
                out.push(Token::Tuple(tokens!($(&self.$field),*)));
            }

            fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
                let mut fields = from.fields()?;
                Ok(Self { $($field: fields.take(stringify!($field))?,)* })
            }
        })*
    };
}

structures! {
    "Scores" Scores { score: Score, worst_class: Score, }
    "Attestation" Attestation { score: Score, worst_class: Score, results: Digest, }
    "SealedBlob" SealedBlob { commitment: Digest, ciphertext: BlobRef, }
    "Offer" Offer {
        metric: Metric,
        min_score: Score,
        min_gain: Score,
        min_worst_class: Score,
        max_model_bytes: u64,
        max_work: Work,
        max_inputs: u32,
        rows: u32,
        base_model: BlobRef,
        board: Option<Board>,
    }
    "MinerTerms" MinerTerms {
        seats: u32,
        bond: Amount,
        pool: Amount,
        buy_in: Amount,
        attest_seconds: u32,
        sample_rows: u32,
    }
    "SponsorStake" SponsorStake {
        award: Amount,
        pool: Amount,
        bond: Amount,
        work: Amount,
        rent: Amount,
    }
    "SubmissionStake" SubmissionStake { work: Amount, bond: Amount, buy_in: Amount, }
    "Decision" Decision {
        outcome: Outcome,
        winner: Option<u32>,
        prize: Amount,
        shared: Amount,
        revealed: u32,
        fees: Amount,
        forfeits: Amount,
        right_seats: u32,
        sponsor_loses: Amount,
    }
}

json_structures! {
    "Board" Board { public_slice: BlobRef, quota: u32, ladder_step: Score, }
    "AssetPrices" AssetPrices {
        account_minimum: Amount,
        work: Amount,
        rent: Amount,
        place_bond: Amount,
    }
    "Speed" Speed { float: u64, integer: u64, mining: u64, }
    "Windows" Windows {
        delivery_seconds: u64,
        reveal_seconds: u64,
        attest_seconds: u64,
        evaluation_seconds: u64,
    }
    "Prices" Prices {
        input: u64,
        payload_byte: u64,
        blob_byte: u64,
        hashed_byte: u64,
        opened_byte: u64,
        compared_row: u64,
        checked_row: u64,
        drawn: u64,
        first_output: u64,
        output: u64,
        ending: u64,
    }
    #[serde(deny_unknown_fields)]
    "Settings" Settings {
        assets: BTreeMap<Asset, AssetPrices>,
        operator: Address,
        sink: Address,
        operator_ppm: u32,
        max_blob_bytes: u64,
        max_stored_bytes: u64,
        max_balances: u32,
        input_work: Work,
        prices: Prices,
        speed: Speed,
        max_window_seconds: u64,
        windows: Windows,
        surcharge_lag_seconds: u64,
    }
}

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

impl Zero for Scores {
    const ZERO: Self = Self { score: Score(0), worst_class: Score(0) };
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
