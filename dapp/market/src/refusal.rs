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
        WrongKind { job: JobId } = "job {job} is of the other kind",
        JobNumberTaken { expected: JobId, next: JobId } = "the hold-out is sealed for job {expected}, the next job is {next}",
        PrizeZero {} = "the prize must not be zero",
        PrizeOverflow {} = "the amounts of the terms together exceed 256 bits",
        MinersOutOfRange { found: u32, largest: u32 } = "a competition has at most {largest} seats, not {found}",
        WindowOutOfRange { seconds: u32, longest: u64 } = "a window of {seconds} seconds is empty or longer than {longest}",
        SignificanceZero {} = "the significance must not be zero",
        MinersOnlyTerms {} = "for miners only, the terms need seats, rows to sample, no worst class, and a metric that follows from the rows' results",
        OpeningTooDear { maximum: Work, found: Work } = "opening a sealed blob of that size takes {found} instructions, an input may cost {maximum}",
        CiphertextTooShort { size: u64 } = "a ciphertext of {size} bytes seals nothing",
        SponsorEnters {} = "the sponsor cannot enter its own competition",
        AlreadyEntered { entry: u32 } = "this account has entered, as entry {entry}",
        NotEntered {} = "this account has not entered",
        TooManyEntries { entries: u32 } = "the competition has {entries} entries, it takes no more",
        QuotaUsed { quota: u32 } = "this entrant has shown {quota} models, the quota",
        BoardOfMinersOnly {} = "no model is shown in a competition for miners only: the machine could not evaluate it",
        AlreadyEnlisted {} = "this miner is on the list",
        NotEnlisted {} = "this miner is not on the list",
        TooManyMiners { miners: u32 } = "there are {miners} miners on the list, it takes no more",
        NotYet { opens: Timestamp, now: Timestamp } = "this is taken from {opens} on, it is {now}",
        AlreadyRevealed {} = "this was revealed before",
        NotWhole {} = "the ciphertext was not published in time",
        WrongCommitment {} = "what is revealed is not what was committed to",
        WrongKey {} = "the key does not open the ciphertext",
        WrongContent {} = "the ciphertext holds other bytes than were committed to",
        NotSeated {} = "this account has no seat",
        UnknownPage { page: u32, pages: u32 } = "there is no page {page} of {pages}",
        AlreadyAttested { page: u32 } = "this miner has attested page {page}",
        NotAttested { page: u32 } = "this miner has not attested page {page}, or has unveiled it",
        AttestationCount { needed: u64, found: u64 } = "the page has {needed} models, there are {found} attestations",
        ResultsMismatch {} = "the results are not those attested",
        UnknownEntry { entry: u32 } = "there is no revealed entry {entry}",
        NotAgreed { entry: u32 } = "the miners do not agree on entry {entry}; the machine will evaluate it",
        AlreadyObjected { entry: u32 } = "entry {entry} is doubted already",
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
        NotBetter { shown: Score, step: Score } = "it is not {step:#} better than the {shown:#} on the board",
        AttestedUnfit {} = "the miners attest that it cannot be evaluated within the terms",
        Copy { original: u32, distance: u32 } = "it is entry {original}, at a distance of {distance} parts per million",
        Expired { deadline: Timestamp } = "it was not evaluated in time after the deadline {deadline}",
    }
}
