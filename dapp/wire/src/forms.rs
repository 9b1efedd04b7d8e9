//! The market's enums and structures in both outside forms, ABI and JSON, from one table each.

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest, Encoding};
use ethabi::Token;
use market::{
    Address, Amount, Asset, AssetPrices, Attestation, Board, Decision, Metric, MinerTerms, Offence,
    Offer, Outcome, Prices, Score, Scores, SealedBlob, Settings, Share, Slot, Speed, SponsorStake,
    Stage, SubmissionStake, Unmet, Windows, Work,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    abi::{Abi, Arguments, Zero, tokens},
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

// Below the macro, which it uses too.
mod choices;

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
        comparison: u64,
        noted_record: u64,
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

impl Zero for Scores {
    const ZERO: Self = Self { score: Score(0), worst_class: Score(0) };
}
