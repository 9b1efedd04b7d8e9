//! Notices: what happened, as an event of `IDeml` in bytes and in JSON.

use blobs::{BlobRef, Digest};
use ethabi::Token;
use market::{
    Address, Amount, Asset, Attestation, Decision, Event, JobId, ModelRefusal, Offence, Score,
    Scores, Share, Slot, SponsorStake, SubmissionId, SubmissionStake, SubmittedModel, Target,
    Terms, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::{
    abi::{Abi, Arguments, deml, tokens},
    json::themselves,
    refused::InputRefused,
};

/// What became of a submission, the reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Whether it was paid a reward or the prize.
    pub accepted: bool,
    /// Its scores, if it was evaluated.
    #[serde(with = "crate::json")]
    pub scores: Option<Scores>,
    /// Why it was refused: the refusal's name and its message; empty if it was not.
    pub reason: String,
}

impl From<Verdict> for Ruling {
    fn from(verdict: Verdict) -> Self {
        let reason = match &verdict {
            Verdict::Accepted(_) => String::new(),
            Verdict::Refused { reason, .. } => sentence(reason),
        };
        Self { accepted: verdict.is_accepted(), scores: verdict.scores(), reason }
    }
}

impl Abi for Ruling {
    fn write(&self, out: &mut Vec<Token>) {
        out.extend(tokens!(&self.accepted, &self.scores, &self.reason));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let (accepted, scores) = (Abi::read(from)?, Abi::read(from)?);
        Ok(Self { accepted, scores, reason: Abi::read(from)? })
    }
}

/// What the public board has after a shown model was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardMove {
    /// The score it has now of the account, if it moved.
    #[serde(with = "crate::json")]
    pub score: Option<Score>,
    /// Why it did not move; empty if it did.
    pub reason: String,
}

impl From<Result<Score, ModelRefusal>> for BoardMove {
    fn from(board: Result<Score, ModelRefusal>) -> Self {
        let reason = board.as_ref().err().map(sentence).unwrap_or_default();
        Self { score: board.ok(), reason }
    }
}

impl Abi for BoardMove {
    fn write(&self, out: &mut Vec<Token>) {
        out.extend(tokens!(&self.score, &self.reason));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        Ok(Self { score: Abi::read(from)?, reason: Abi::read(from)? })
    }
}

/// A refusal's name and its message; empty if there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(pub String);

impl From<Option<ModelRefusal>> for Reason {
    fn from(reason: Option<ModelRefusal>) -> Self {
        Self(reason.as_ref().map(sentence).unwrap_or_default())
    }
}

impl Abi for Reason {
    fn write(&self, out: &mut Vec<Token>) {
        self.0.write(out);
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        Abi::read(from).map(Self)
    }
}

fn sentence(reason: &ModelRefusal) -> String {
    format!("{}: {reason}", reason.name())
}

themselves! { Ruling, BoardMove, Reason }

/// Declares the notices: the market's events, with their fields in the order of the interface; a
/// submission's event begins with its job and number.
macro_rules! notices {
    ($($event:ident $(of $submission:ident)? { $($argument:ident: $type:ty,)* })*) => {
        /// An event of the market as the interface has it; its documentation is there.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "event")]
        #[expect(missing_docs, reason = "contracts/src/IDeml.sol documents each event once")]
        pub enum Notice {
            $($event {
                $(#[serde(with = "crate::json")] job: JobId, $submission: u32,)?
                $(#[serde(with = "crate::json")] $argument: $type,)*
            },)*
        }

        impl Notice {
            /// The notice of an event.
            #[must_use]
            pub fn of(event: &Event) -> Self {
                match event.clone() {
                    $(Event::$event {
                        $($submission: SubmissionId { job, index: $submission },)?
                        $($argument,)*
                    } => Self::$event {
                        $(job, $submission,)?
                        $($argument: $argument.into(),)*
                    },)*
                }
            }

            /// The payload: the event's topic, then its arguments.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let (event, arguments) = match self {
                    $(Self::$event { $(job, $submission,)? $($argument,)* } => (
                        stringify!($event),
                        [$(tokens!(job, $submission),)? tokens!($($argument),*)].concat(),
                    ),)*
                };
                deml().notice(event, &arguments)
            }

            fn read(event: &'static str, arguments: &mut Arguments) -> Result<Self, InputRefused> {
                Ok(match event {
                    $(stringify!($event) => Self::$event {
                        $(job: arguments.take("job")?, $submission: arguments.take("submission")?,)?
                        $($argument: arguments.take(stringify!($argument))?,)*
                    },)*
                    // An event the interface has and this list has not; a test keeps them alike.
                    function => return Err(InputRefused::Malformed { function }),
                })
            }
        }
    };
}

notices! {
    JobOpened {
        job: JobId,
        number: u32,
        sponsor: Address,
        salt: [u8; 32],
        terms: Box<Terms>,
        stake: SponsorStake,
    }
    BlobStored { job: JobId, slot: Slot, digest: Digest, size: u64, publisher: Address, }
    JobReady { job: JobId, base: Scores, }
    Submitted of submission { client: Address, model: SubmittedModel, stake: SubmissionStake, }
    ModelShown of submission { client: Address, model: BlobRef, stake: Amount, }
    ShowEvaluated of submission { model: Digest, board: BoardMove, }
    Enlisted { job: JobId, miner: Address, }
    SeatsDrawn { job: JobId, seed: Digest, miners: Vec<Address>, }
    ModelRevealed of submission {
        client: Address,
        position: u32,
        model: BlobRef,
        key: Digest,
    }
    HoldOutRevealed { job: JobId, hold_out: BlobRef, key: Digest, }
    HoldOutReady { job: JobId, base: Scores, }
    Attested { job: JobId, page: u32, miner: Address, commitment: Digest, }
    AttestationRevealed { job: JobId, page: u32, miner: Address, }
    ModelEvaluated of submission { model: Digest, attestation: Attestation, agreed: u32, }
    SubmissionDecided of submission { client: Address, model: Digest, verdict: Ruling, }
    WorkPaid {
        job: JobId,
        target: Target,
        step: u32,
        worker: Address,
        earned: Amount,
        operator: Amount,
        surcharge: Amount,
    }
    Compared {
        job: JobId,
        best: u32,
        other: u32,
        best_better: u32,
        other_better: u32,
        separated: bool,
    }
    Forfeited { job: JobId, account: Address, bond: Amount, offence: Offence, }
    JobDecided { job: JobId, decision: Box<Decision>, }
    Paid { job: JobId, to: Address, share: Share, amount: Amount, voucher: bool, }
    JobEnded { job: JobId, payouts: u32, winner: Option<u32>, reason: Reason, }
    Returned { account: Address, asset: Asset, amount: Amount, }
}

impl Notice {
    /// Reads [`Self::encode`]'s bytes; `None` for any others.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let (event, mut arguments) = deml().decode_notice(payload)?;
        let notice = Self::read(event, &mut arguments).ok()?;
        (notice.encode() == payload).then_some(notice)
    }

    /// The job it is about, if it is about one.
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::JobOpened { job, .. }
            | Self::BlobStored { job, .. }
            | Self::JobReady { job, .. }
            | Self::Submitted { job, .. }
            | Self::ModelShown { job, .. }
            | Self::ShowEvaluated { job, .. }
            | Self::Enlisted { job, .. }
            | Self::SeatsDrawn { job, .. }
            | Self::ModelRevealed { job, .. }
            | Self::HoldOutRevealed { job, .. }
            | Self::HoldOutReady { job, .. }
            | Self::Attested { job, .. }
            | Self::AttestationRevealed { job, .. }
            | Self::ModelEvaluated { job, .. }
            | Self::SubmissionDecided { job, .. }
            | Self::WorkPaid { job, .. }
            | Self::Compared { job, .. }
            | Self::Forfeited { job, .. }
            | Self::JobDecided { job, .. }
            | Self::Paid { job, .. }
            | Self::JobEnded { job, .. } => Some(*job),
            Self::Returned { .. } => None,
        }
    }
}
