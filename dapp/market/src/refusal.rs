//! Every reason to refuse a command or a model: a stable name and the values that explain it.

use blobs::{ChunkRefused, Digest};
use serde::{Deserialize, Serialize};

use crate::{
    judge::EvaluationError,
    metric::{Metric, Output},
    stage::Stage,
    units::{Address, Amount, Asset, JobId, Score, Timestamp, Work},
};

/// Declares an enum of reasons from one line each: name, values, message.
#[macro_export]
macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident {
        $($reason:ident { $($value:ident: $type:ty),* } = $message:literal,)*
    }) => {
        $(#[$meta])*
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
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$reason { .. } => stringify!($reason),)*
                }
            }

            /// The explanatory values, by name.
            pub fn values(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(Self::$reason { $($value),* } => {
                        vec![$((stringify!($value), $value.to_string())),*]
                    })*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$reason { $($value),* } => write!(out, $message),)*
                }
            }
        }

        impl std::error::Error for $name {}
    };
}

reasons! {
    /// Reason for refusing a command; nothing changed but the clock.
    #[derive(Serialize, Deserialize)]
    Refusal {
        BalanceOverflow { asset: Asset } = "the balance of {asset} would exceed 256 bits",
        AmountZero {} = "the amount is zero",
        InsufficientBalance { needed: Amount, free: Amount, asset: Asset } = "needs {needed} units of {asset}, the free balance is {free}",
        UnknownJob { job: JobId } = "there is no job {job}",
        JobExists { job: JobId } = "job {job} exists; choose another salt",
        AssetNotAllowed { asset: Asset } = "{asset} is not on the list of allowed assets",
        AwardZero {} = "the award must not be zero",
        AwardOverflow {} = "the amounts of the terms together exceed 256 bits",
        CloseTooSoon { close: Timestamp, now: Timestamp } = "the close {close} is not after now, {now}",
        CloseTooFar { close: Timestamp, latest: Timestamp } = "the close {close} is after the latest possible, {latest}",
        LastDateTooFar { last_date: Timestamp, latest: Timestamp } = "evaluating all places could take until {last_date}, after the latest possible, {latest}; state fewer places or less work",
        PlacesOutOfRange { found: u32, largest: u32 } = "a job has 1 to {largest} places, not {found}",
        RewardsOutOfRange { found: u32, largest: u32 } = "a job has at most {largest} rewards, not {found}",
        TooFewPlaces { places: u32, rewards: u32 } = "{places} places cannot hold {rewards} accepted models",
        ScoreOutOfRange { found: Score, largest: Score } = "the score {found:#} is above {largest:#}",
        GainZero {} = "the minimum gain must be at least 1 part per million, 0.0001 %",
        SignificanceZero {} = "the significance must not be zero",
        ThresholdMismatch { metric: Metric, threshold: Metric } = "there cannot be a threshold of {threshold} beside {metric}: one is of classes, the other of numbers",
        OutputMismatch { output: Output } = "the metric, or the threshold's, cannot be computed from {output}",
        WorkZero {} = "the largest work and the hold-out's rows must not be zero",
        InputsOutOfRange { found: u32, largest: u32 } = "an evaluation takes 1 to {largest} inputs, not {found}",
        BlobSizeOutOfRange { size: u64, largest: u64 } = "a blob of {size} bytes is empty or larger than {largest}",
        CiphertextTooShort { size: u64 } = "a ciphertext of {size} bytes seals nothing",
        NoPublicSlice {} = "a sealed job needs a board with a public slice, on which its base model is scored first",
        WindowOutOfRange { seconds: u32, shortest: u64, longest: u64 } = "a window of {seconds} seconds is not between {shortest} and {longest}",
        SponsorBondTooSmall { found: Amount, least: Amount, asset: Asset } = "the sponsor's bond of {found} units of {asset} is less than a quarter of the award, {least}",
        OpeningTooExpensive { maximum: Work, found: Work } = "opening a sealed blob of that size takes {found} instructions, an input may cost {maximum}",
        MinersNeedSealing {} = "miners evaluate sealed jobs only",
        SeatsOutOfRange { found: u32, largest: u32 } = "a job with miners has 1 to {largest} seats, not {found}",
        SampleTerms {} = "for samples, the terms need rows to sample of those there are, no threshold above zero, and a metric that follows from the rows' results",
        StoreFull { needed: u64, free: u64 } = "{needed} bytes do not fit the {free} that are free",
        SealingMismatch { sealed: bool } = "whether the job is sealed: {sealed}; the submission is of the other form",
        NotSponsor { sponsor: Address } = "only the sponsor {sponsor} may",
        SponsorSubmits {} = "the sponsor cannot submit to its own job",
        HasSubmissions { submissions: u32 } = "{submissions} models were submitted",
        JobNotOpen { job: JobId, stage: Stage } = "job {job} is {stage}",
        Closed { close: Timestamp, now: Timestamp } = "the job closed at {close}, it is {now}",
        NotYet { opens: Timestamp, now: Timestamp } = "this is taken from {opens} on, it is {now}",
        NothingToDo { until: Timestamp, now: Timestamp } = "nothing can be moved on before {until}, it is {now}",
        NoRewardLeft { rewards: u32 } = "no reward is left of {rewards}",
        SubmissionPending { submission: u32 } = "submission {submission} of this account is not decided yet",
        AlreadyPaid { submission: u32 } = "this account was paid for submission {submission}",
        AlreadySubmitted { submission: u32 } = "this account has submitted, as submission {submission}",
        NotSubmitted {} = "this account has no submission that waits for this",
        NoPlaceLeft { places: u32 } = "all {places} places are taken",
        ModelIsBase { digest: Digest } = "{digest} is the base model itself",
        NoBoard {} = "the job has no public board, or its evaluations are beyond the machine",
        QuotaUsed { quota: u32 } = "this account has shown {quota} models, the quota",
        ShowPending {} = "the model shown last is not evaluated yet",
        NotExpected {} = "no bytes are expected from this sender there",
        BadChunk { reason: ChunkRefused } = "the chunk does not fit: {reason}",
        NoMiners {} = "the job's scores are not computed by miners",
        AlreadyEnlisted {} = "this miner is on the list",
        TooManyMiners { miners: u32 } = "there are {miners} miners on the list, it takes no more",
        AlreadyRevealed {} = "this was revealed before",
        NotWhole {} = "the ciphertext was not published in time",
        WrongCommitment {} = "what is revealed is not what was committed to",
        NotSeated {} = "this account has no seat",
        UnknownPage { page: u32, pages: u32 } = "there is no page {page} of {pages}",
        AlreadyAttested { page: u32 } = "this miner has attested page {page}",
        NotAttested { page: u32 } = "this miner has not attested page {page}, or has revealed it",
        AttestationCount { needed: u64, found: u64 } = "the page has {needed} models, there are {found} attestations",
        ResultsMismatch {} = "the results are not those attested",
        UnknownTarget {} = "there is nothing to evaluate by that name",
        StaleStep { expected: u32, found: u32 } = "the evaluation goes on at step {expected}, not {found}",
        BaseFirst {} = "the base model is evaluated on the hold-out first",
        AlreadyEvaluated {} = "this is evaluated",
        EarlierFirst { submission: u32 } = "submission {submission}, committed to before, is decided first",
        SurchargeTooSmall { needed: Amount, found: Amount, asset: Asset } = "the machine lags: going on now costs a surcharge of {needed} units of {asset}, the input states {found}",
        UnknownSubmission { submission: u32 } = "the job has no submission {submission}, or its record made room for a later one",
        NotParty { submission: u32 } = "only the sponsor and the client of submission {submission} write about it",
        MessageSizeOutOfRange { size: u64 } = "an encrypted message of {size} bytes is not 48 bytes and 1 to 16 times 256",
        StaleSequence { expected: u32, found: u32 } = "the sender's next message about this submission is number {expected}, not {found}",
    }
}

reasons! {
    /// Reason why a submitted model earns nothing.
    #[derive(Serialize, Deserialize)]
    ModelRefusal {
        EvaluationError { unfit: EvaluationError } = "the model cannot be evaluated: {unfit}",
        TooMuchWork { maximum: Work, found: Work } = "its evaluation takes {found} instructions, the terms allow {maximum}",
        TooManyInputs { maximum: u32, found: u64 } = "its evaluation takes {found} inputs, the terms allow {maximum}",
        StepTooLarge { maximum: Work, found: Work } = "one of its rows takes {found} instructions, an input may cost {maximum}",
        RowsMismatch { stated: u32, found: u32 } = "the hold-out has {found} rows, the terms state {stated}",
        ScoreTooLow { minimum: Score, found: Score } = "its score {found:#} is below {minimum:#}",
        GainTooSmall { base: Score, minimum: Score, found: Score } = "its score {found:#} is not {minimum:#} better than the base model's {base:#}",
        ThresholdNotMet { metric: Metric, minimum: Score, found: Score } = "its {metric} is {found:#}, the terms ask for {minimum:#}",
        NoRewardLeft { rewards: u32 } = "no reward was left of {rewards}",
        NotBetter { shown: Score, step: Score } = "it is not {step:#} better than the {shown:#} on the board",
        Copy { original: u32, agreement: u32 } = "it is a copy of submission {original}: their answers agree to {agreement} parts per million",
        NotDelivered { until: Timestamp } = "its bytes were not here by {until}",
        NotRevealed { until: Timestamp } = "it was not revealed by {until}",
        WrongContent {} = "its ciphertext does not hold what was committed to",
        NotEvaluated { until: Timestamp } = "nobody carried its evaluation on until {until}",
        Outranked { winner: u32 } = "the prize goes to submission {winner}",
        AttestedOtherwise {} = "no seat said of the sampled rows what the machine sees",
        JobEnded {} = "the job ended without judging its models",
    }
}
