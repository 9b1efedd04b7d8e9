//! Notices: what happened, as an event of `IDeml` in bytes and in JSON.

mod of;

use blobs::{BlobRef, Digest};
use ethabi::Token;
use market::{Address, Amount, CompetitionTerms, JobId, Outcome, Score, SealedBlob, Share, Terms};
use serde::{Deserialize, Serialize};

use crate::{
    abi::{self, Arguments, address, blob, code, competition_terms, deml, digest, sealed, uint},
    json,
    refused::InputRefused,
    view::{AttestationView, CompetitionTermsView, SealedBlobView, TermsView},
};

/// An argument of an event.
trait Argument: Sized {
    fn token(&self) -> Token;
    fn read(arguments: &mut Arguments) -> Result<Self, InputRefused>;
}

/// Declares how types are written and read: type, token, reader.
macro_rules! arguments {
    ($($type:ty: |$value:ident| $token:expr, |$from:ident| $read:expr;)*) => {
        $(impl Argument for $type {
            fn token(&self) -> Token {
                let $value = self;
                $token
            }

            fn read($from: &mut Arguments) -> Result<Self, InputRefused> {
                $read
            }
        })*
    };
}

arguments! {
    JobId: |job| uint(job.0), |from| from.job();
    u32: |number| uint(*number), |from| from.uint("number");
    u64: |number| uint(*number), |from| from.uint("number");
    Score: |score| uint(score.0), |from| from.score("score");
    Amount: |amount| uint(amount.0), |from| from.amount();
    bool: |flag| Token::Bool(*flag), |from| from.bool();
    String: |text| Token::String(text.clone()), |from| from.string();
    Address: |account| address(*account), |from| from.address();
    Digest: |root| digest(*root), |from| from.digest();
    BlobRef: |named| blob(*named), |from| from.blob();
    SealedBlob: |model| sealed(model), |from| from.sealed();
    Terms: |terms| abi::terms(terms), |from| from.terms();
    CompetitionTerms: |terms| competition_terms(terms), |from| from.competition_terms();
    AttestationView: |view| abi::attestation(&view.attestation()),
        |from| from.attestation().map(AttestationView::from);
    Outcome: |outcome| code(outcome, &Outcome::ALL), |from| from.outcome();
    Share: |share| code(share, &Share::ALL), |from| from.share();
    Vec<Address>: |all| Token::Array(all.iter().map(Argument::token).collect()),
        |from| from.addresses();
    Vec<u32>: |all| Token::Array(all.iter().map(Argument::token).collect()),
        |from| from.numbers("numbers");
}

/// Declares the notices, each with its arguments in the order of the interface.
macro_rules! notices {
    ($($event:ident { $($(#[$json:meta])* $argument:ident: $type:ty,)* })*) => {
        /// An event of the interface; its documentation is there.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "event")]
        #[expect(missing_docs, reason = "contracts/src/IDeml.sol documents each event once")]
        #[expect(clippy::large_enum_variant, reason = "there is never more than a handful")]
        pub enum Notice {
            $($event { $($(#[$json])* $argument: $type,)* },)*
        }

        impl Notice {
            /// The payload: the event's topic, then its arguments.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let (event, arguments) = match self {
                    $(Self::$event { $($argument),* } => {
                        (stringify!($event), vec![$($argument.token()),*])
                    })*
                };
                deml().notice(event, &arguments)
            }

            fn read(event: &'static str, arguments: &mut Arguments) -> Result<Self, InputRefused> {
                Ok(match event {
                    $(stringify!($event) => {
                        Self::$event { $($argument: <$type>::read(arguments)?),* }
                    })*
                    // An event the interface has and this list has not; a test keeps them alike.
                    function => return Err(InputRefused::Malformed { function }),
                })
            }
        }
    };
}

notices! {
    JobOpened {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        sponsor: Address,
        #[serde(with = "TermsView")]
        terms: Terms,
    }
    CompetitionOpened {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        sponsor: Address,
        #[serde(with = "CompetitionTermsView")]
        terms: CompetitionTerms,
    }
    BlobStored {
        #[serde(with = "json::text")]
        digest: Digest,
        #[serde(with = "json::number")]
        size: u64,
        #[serde(with = "json::text")]
        publisher: Address,
    }
    JobReady {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::number")]
        base_score: Score,
        #[serde(with = "json::number")]
        base_worst_class: Score,
    }
    ModelSubmitted {
        #[serde(with = "json::number")]
        job: JobId,
        submission: u32,
        #[serde(with = "json::text")]
        client: Address,
        #[serde(with = "json::blob")]
        model: BlobRef,
        #[serde(with = "json::blob")]
        data: BlobRef,
    }
    ModelScored {
        #[serde(with = "json::number")]
        job: JobId,
        submission: u32,
        #[serde(with = "json::text")]
        client: Address,
        #[serde(with = "json::text")]
        model_digest: Digest,
        #[serde(with = "json::number")]
        score: Score,
        #[serde(with = "json::number")]
        worst_class: Score,
        accepted: bool,
    }
    ModelRefused {
        #[serde(with = "json::number")]
        job: JobId,
        submission: u32,
        #[serde(with = "json::text")]
        client: Address,
        #[serde(with = "json::text")]
        model_digest: Digest,
        reason: String,
    }
    JobCancelled {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        refund: Amount,
        reason: String,
    }
    JobSettled {
        #[serde(with = "json::number")]
        job: JobId,
        payouts: u32,
        winner: u32,
        #[serde(with = "json::text")]
        remainder: Amount,
    }
    Entered {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        entrant: Address,
        #[serde(flatten, with = "SealedBlobView")]
        model: SealedBlob,
    }
    ModelShown {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        entrant: Address,
        #[serde(with = "json::blob")]
        model: BlobRef,
    }
    BoardMoved {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        model_digest: Digest,
        #[serde(with = "json::number")]
        score: Score,
    }
    ShowRefused {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        model_digest: Digest,
        reason: String,
    }
    Enlisted {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        miner: Address,
    }
    Retired {
        #[serde(with = "json::text")]
        miner: Address,
    }
    SeatsDrawn {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        seed: Digest,
        #[serde(with = "json::addresses")]
        miners: Vec<Address>,
    }
    ModelRevealed {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        entrant: Address,
        position: u32,
        #[serde(with = "json::blob")]
        model: BlobRef,
        #[serde(with = "json::text")]
        key: Digest,
    }
    HoldOutRevealed {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::blob")]
        hold_out: BlobRef,
        #[serde(with = "json::text")]
        key: Digest,
    }
    HoldOutReady {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::number")]
        base_score: Score,
        #[serde(with = "json::number")]
        base_worst_class: Score,
    }
    Attested {
        #[serde(with = "json::number")]
        job: JobId,
        page: u32,
        #[serde(with = "json::text")]
        miner: Address,
        #[serde(with = "json::text")]
        commitment: Digest,
    }
    Unveiled {
        #[serde(with = "json::number")]
        job: JobId,
        page: u32,
        #[serde(with = "json::text")]
        miner: Address,
    }
    Objected {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        objector: Address,
    }
    EntryScored {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        model_digest: Digest,
        #[serde(flatten)]
        attestation: AttestationView,
        agreed: u32,
        by_machine: bool,
    }
    EntryRefused {
        #[serde(with = "json::number")]
        job: JobId,
        entry: u32,
        #[serde(with = "json::text")]
        model_digest: Digest,
        reason: String,
    }
    Compared {
        #[serde(with = "json::number")]
        job: JobId,
        first: u32,
        other: u32,
        first_better: u32,
        other_better: u32,
        separated: bool,
    }
    Forfeited {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        account: Address,
        #[serde(with = "json::text")]
        bond: Amount,
        reason: String,
    }
    Decided {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        outcome: Outcome,
        winners: Vec<u32>,
        #[serde(with = "json::text")]
        prize: Amount,
        right_miners: u32,
        right_objectors: u32,
        #[serde(with = "json::text")]
        fees: Amount,
        #[serde(with = "json::text")]
        forfeits: Amount,
        revealed: u32,
        #[serde(with = "json::text")]
        refunds: Amount,
        #[serde(with = "json::text")]
        remainder: Amount,
    }
    Paid {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        to: Address,
        #[serde(with = "json::text")]
        share: Share,
        #[serde(with = "json::text")]
        amount: Amount,
        #[serde(with = "json::text")]
        bond: Amount,
    }
}

impl Notice {
    /// Reads [`Self::encode`]'s bytes; nothing for any others.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let (event, mut arguments) = deml().decode_notice(payload)?;
        let notice = Self::read(event, &mut arguments).ok()?;
        (notice.encode() == payload).then_some(notice)
    }
}
