//! Every reason to refuse a command or a model: a stable name and the values that explain it.

use std::fmt;

use blobs::{ChunkRefused, Digest};

use crate::{
    job::Stage,
    judge::Unfit,
    units::{Address, Amount, Asset, JobId, Score, Timestamp, Work},
};

/// Declares an enum of reasons from one line each: name, values, message.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident {
        $($reason:ident { $($value:ident: $type:ty),* } = $message:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
        pub enum $name {
            $(
                #[doc = $message]
                $reason {
                    $(
                        #[doc = concat!("The message's `", stringify!($value), "`.")]
                        $value: $type,
                    )*
                },
            )*
        }

        impl $name {
            /// The names of all reasons.
            pub const NAMES: &[&str] = &[$(stringify!($reason)),*];

            /// The reason's stable name.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$reason { .. } => stringify!($reason),)*
                }
            }

            /// The values that explain it, by name.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$reason { $($value),* } => {
                        vec![$((stringify!($value), $value.to_string())),*]
                    })*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$reason { $($value),* } => write!(out, $message),)*
                }
            }
        }

        impl std::error::Error for $name {}
    };
}

reasons! {
    /// Why a command was refused; nothing changed.
    Refusal {
        BalanceOverflow { asset: Asset } = "the balance of {asset} would exceed 256 bits",
        AmountZero {} = "the amount is zero",
        InsufficientBalance { needed: Amount, free: Amount } = "needs {needed}, the free balance is {free}",
        UnknownJob { job: JobId } = "there is no job {job}",
        AssetNotAllowed { asset: Asset } = "{asset} is not on the list of allowed assets",
        RewardZero {} = "the reward and the number of rewards must not be zero",
        EscrowOverflow { reward: Amount, rewards: u32 } = "{rewards} rewards of {reward} exceed 256 bits",
        DeadlineTooSoon { deadline: Timestamp, now: Timestamp } = "the deadline {deadline} is not after now, {now}",
        DeadlineTooFar { deadline: Timestamp, latest: Timestamp } = "the deadline {deadline} is after the latest possible, {latest}",
        ScoreOutOfRange { found: Score, largest: Score } = "the score {found:#} is above {largest:#}",
        GainZero {} = "the minimum gain must be at least 1 part per million, 0.0001 %",
        WorstClassOfRegression {} = "a regression metric has no worst class",
        WorkZero {} = "the largest work must not be zero",
        BlobSizeOutOfRange { size: u64, largest: u64 } = "a blob of {size} bytes is empty or larger than {largest}",
        SameBlob { digest: Digest } = "base model and hold-out are the same blob {digest}",
        AlreadyExpected { digest: Digest } = "the blob {digest} is already expected from this sender",
        NotExpected { digest: Digest } = "the blob {digest} is not expected from this sender",
        BadChunk { reason: ChunkRefused } = "the chunk does not fit: {reason}",
        StoreFull { needed: u64, free: u64 } = "{needed} bytes do not fit the {free} that are free",
        NotSponsor { sponsor: Address } = "only the sponsor {sponsor} may",
        HasSubmissions { submissions: u32 } = "{submissions} models were submitted",
        JobNotOpen { job: JobId, stage: Stage } = "job {job} is {stage}",
        DeadlinePassed { deadline: Timestamp, now: Timestamp } = "the deadline {deadline} has passed, it is {now}",
        DeadlineAhead { deadline: Timestamp, now: Timestamp } = "the deadline {deadline} is ahead, it is {now}",
        NoRewardLeft { rewards: u32 } = "all {rewards} rewards are paid",
        ClientPaid { submission: u32 } = "this client was paid for submission {submission}",
        SubmissionPending { submission: u32 } = "submission {submission} of this client is being evaluated",
        TooManySubmissions { submissions: u32 } = "the job has {submissions} submissions, it takes no more",
        ModelIsBase { digest: Digest } = "{digest} is the base model itself",
        ModelPaid { digest: Digest } = "the model {digest} was paid for before",
        NothingPending { job: JobId } = "no evaluation of job {job} is pending",
        EvaluationsPending { queued: u64, until: Timestamp } = "{queued} evaluations are pending; evaluate them, or wait until {until}",
    }
}

reasons! {
    /// Why a submitted model earns nothing.
    ModelRefusal {
        Unfit { unfit: Unfit } = "the model cannot be evaluated: {unfit}",
        TooMuchWork { maximum: Work, found: Work } = "its evaluation takes {found} instructions, the terms allow {maximum}",
        StepTooLarge { maximum: Work, found: Work } = "an input that goes on with its evaluation takes {found} instructions, it may cost {maximum}",
        ModelPaid { digest: Digest } = "the model {digest} was paid for before",
        NoRewardLeft { rewards: u32 } = "all {rewards} rewards were paid before",
        ScoreTooLow { minimum: Score, found: Score } = "its score {found:#} is below {minimum:#}",
        GainTooSmall { base: Score, minimum: Score, found: Score } = "its score {found:#} is not {minimum:#} better than the base model's {base:#}",
        WorstClassTooLow { minimum: Score, found: Score } = "its worst class has {found:#}, the terms ask for {minimum:#}",
        Replaced { by: u32 } = "its bytes never came; the client entered submission {by} instead",
        Expired { deadline: Timestamp } = "it was not evaluated in time after the deadline {deadline}",
    }
}
