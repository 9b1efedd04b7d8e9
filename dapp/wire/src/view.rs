//! What reports and inspect answers look like: one set of types, written by the dapp and read by
//! everybody else. Readers ignore fields they do not know.
//!
//! - Units: scores in parts per million; amounts in the asset's smallest unit; times in seconds of
//!   the market's clock; work in instructions; sizes in bytes

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest};
use market::{
    Address, Amount, Asset, Attestation, Decision, JobId, Offence, Score, Scores, Settings, Slot,
    SponsorStake, Stage, SubmissionStake, SubmittedModel, Target, Terms, Timestamp, Work,
};
use serde::{Deserialize, Serialize};

mod from_market;

/// Declares views: structures of public fields, in JSON with their names.
macro_rules! views {
    ($($(#[$doc:meta])* $view:ident { $($(#[$of_field:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $view {
                $($(#[$of_field])* pub $field: $type,)*
            }
        )*
    };
}

views! {
    /// A job.
    JobView {
        /// Its name: the hash of chain, application, sponsor, salt and terms.
        job: JobId,
        /// Its number, for display.
        number: u32,
        /// What its name was made with.
        #[serde(with = "blobs::hex")]
        salt: [u8; 32],
        /// Who pays.
        sponsor: Address,
        /// Where it is in its life.
        stage: Stage,
        /// For what.
        terms: Terms,
        /// What is still held of the sponsor's stake.
        stake: SponsorStake,
        /// When it opened.
        opened: Timestamp,
        /// When it gives each its own, if it has not ended.
        last_date: Timestamp,
        /// When it began to evaluate.
        evaluating_since: Option<Timestamp>,
        /// When the machine began to judge what was revealed.
        judging_since: Option<Timestamp>,
        /// When what is over.
        windows: WindowsView,
        /// The base model's scores on the dataset that the job opens with, once known.
        base: Option<Scores>,
        /// The base model's scores on the revealed hold-out, once known.
        base_on_hold_out: Option<Scores>,
        /// Evaluations under way, the first of them.
        evaluations: Vec<EvaluationView>,
        /// The plain hold-out, once known.
        hold_out: Option<BlobRef>,
        /// How many models were ever submitted.
        submitted: u32,
        /// How many of its places are taken.
        places_taken: u32,
        /// How many models were paid.
        payouts: u32,
        /// How many more rewards can be paid; zero if there is a prize instead.
        rewards_left: u32,
        /// The best accepted submission.
        best: Option<BestView>,
        /// How many models were revealed.
        revealed: u32,
        /// How many pages the attested models have.
        pages: u32,
        /// How many miners are on its list.
        enlisted: u32,
        /// How many seats were drawn.
        seats: u32,
        /// The rows that the machine samples, once drawn.
        sample: Vec<u32>,
        /// Who gets what, once that is decided.
        decision: Option<Decision>,
        /// Why it ended before it opened, if not by its sponsor.
        refusal: Option<RefusalView>,
    }

    /// When what is over.
    WindowsView {
        /// Submissions are taken until then.
        close: Timestamp,
        /// Keys are taken until then.
        reveal_until: Timestamp,
        /// Commitments to attestations are taken until then, once seats are drawn.
        attest_until: Option<Timestamp>,
        /// Attestations are revealed until then, once seats are drawn.
        attestations_until: Option<Timestamp>,
    }

    /// An evaluation that is under way.
    EvaluationView {
        /// Of what.
        target: Target,
        /// The step it goes on from.
        step: u32,
        /// How many rows there are to answer.
        rows: u32,
    }

    /// The best accepted submission.
    BestView {
        /// Its number in the job.
        submission: u32,
        /// Its scores.
        scores: Scores,
    }

    /// A submission.
    SubmissionView {
        /// Its number in the job, in the order of commitments.
        submission: u32,
        /// Whose.
        client: Address,
        /// The model as it was submitted.
        submitted: SubmittedModel,
        /// The plain model, as far as it is known.
        model: Option<BlobRef>,
        /// How far it has come.
        state: SubmissionStateView,
        /// Until when what it waits for can come.
        until: Option<Timestamp>,
        /// The step that its evaluation goes on from: rows answered and models compared.
        step: u32,
        /// How many rows there are to answer, while its evaluation is under way.
        rows: Option<u32>,
        /// Its scores, once evaluated.
        scores: Option<Scores>,
        /// Why it earns nothing.
        refusal: Option<RefusalView>,
        /// Its number among the revealed models, if it is one.
        position: Option<u32>,
        /// What is still held of its stake.
        stake: SubmissionStake,
        /// How many models its account has shown on the public board.
        shown: u32,
        /// What the board has of it.
        board: Option<Score>,
        /// The model shown last, until it is evaluated.
        showing: Option<BlobRef>,
    }

    /// A line of the leaderboard.
    RankView {
        /// Its rank, from one on; `None` if it does not count.
        rank: Option<u32>,
        /// The submission.
        submission: u32,
        /// Whose.
        client: Address,
        /// Its scores on the hold-out, if it was evaluated.
        scores: Option<Scores>,
        /// Why it does not count; `None` also while nothing is known.
        refusal: Option<RefusalView>,
    }

    /// A line of the public board.
    BoardLineView {
        /// Its rank, from one on.
        rank: u32,
        /// The submission.
        submission: u32,
        /// Whose.
        client: Address,
        /// The score of a shown model on the public slice.
        score: Score,
    }

    /// A model that seats attest.
    ModelView {
        /// On which page.
        page: u32,
        /// Its place among all attested models.
        position: u32,
        /// Whose; `None` for the base model.
        submission: Option<u32>,
        /// The model.
        model: Option<BlobRef>,
        /// What the seats say of it.
        answers: Vec<AnswerView>,
        /// What the machine found of it.
        scores: Option<Scores>,
    }

    /// An answer about a model.
    AnswerView {
        /// What is said.
        attestation: Attestation,
        /// Which seats say so.
        seats: Vec<u32>,
    }

    /// A job's miners.
    SeatsView {
        /// What the seats were drawn with, once they are.
        seed: Option<Digest>,
        /// Miners that are for it, in the order they came.
        enlisted: Vec<Address>,
        /// Those that were drawn, by seat.
        seats: Vec<SeatView>,
    }

    /// A drawn miner.
    SeatView {
        /// Its seat.
        seat: u32,
        /// Who.
        miner: Address,
        /// The first pages that it has committed to and not revealed.
        attested: Vec<u32>,
        /// How many pages it has revealed.
        revealed: u32,
        /// Why its bond is lost.
        offence: Option<Offence>,
    }

    /// A blob that a job holds or expects.
    SlotView {
        /// In which slot.
        slot: Slot,
        /// Of which submission; `None` for the job's own.
        submission: Option<u32>,
        /// Bytes that came so far; the next chunk's offset.
        #[serde(with = "blobs::exact")]
        received: u64,
        /// Length of the whole.
        #[serde(with = "blobs::exact")]
        size: u64,
        /// Whether all its bytes are here.
        whole: bool,
    }

    /// An amount of an asset.
    BalanceView {
        /// Of what.
        asset: Asset,
        /// How much.
        amount: Amount,
    }

    /// An account: what it can withdraw.
    AccountView {
        /// Whose.
        account: Address,
        /// Its first free balances that are not zero.
        balances: Vec<BalanceView>,
    }

    /// What everything costs, and how the machine is doing.
    QuoteView {
        /// What the deployment fixes.
        settings: Settings,
        /// What the market's clock shows.
        now: Timestamp,
        /// By how many seconds the machine lags.
        #[serde(with = "blobs::exact")]
        lag_seconds: u64,
        /// Bytes of the store that jobs have reserved.
        #[serde(with = "blobs::exact")]
        reserved_bytes: u64,
        /// How many jobs were ever opened; the next one's number.
        jobs: u32,
    }

    /// What taking part in a job costs.
    JobQuoteView {
        /// The job.
        job: JobId,
        /// The stake of a submission of the largest model.
        submission: SubmissionStake,
        /// The stake of showing a model on the public board.
        show: Amount,
        /// The most work that the machine does for one evaluation.
        evaluation_work: Work,
        /// How long the machine has for everything that may be submitted, in seconds.
        #[serde(with = "blobs::exact")]
        evaluation_window_seconds: u64,
    }

    /// Both sides of one asset: `deposited − paid_out = free + escrowed`.
    AssetView {
        /// Of what.
        asset: Asset,
        /// All that ever came in.
        deposited: Amount,
        /// All that ever left as vouchers.
        paid_out: Amount,
        /// What accounts can withdraw.
        free: Amount,
        /// What jobs hold.
        escrowed: Amount,
        /// Whether both sides agree.
        solvent: bool,
    }

    /// Whether all money is accounted for.
    SolvencyView {
        /// Whether both sides agree for every asset.
        solvent: bool,
        /// Assets that were ever deposited.
        assets: Vec<AssetView>,
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// How many items there are, where that is known without counting.
    pub total: Option<u64>,
    /// The first item that was asked for.
    pub from: u64,
    /// How many were asked for at most.
    pub limit: u64,
    /// The items, in order.
    pub items: Vec<T>,
}

/// How far a submission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionStateView {
    /// Its bytes, or its ciphertext, are awaited.
    Expecting,
    /// Its key is awaited.
    Sealed,
    /// It waits for its decision.
    Whole,
    /// It was paid.
    Accepted,
    /// It earns nothing.
    Refused,
}

/// Why a command, a model or an input was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalView {
    /// The reason's stable name.
    pub refused: String,
    /// The reason in words.
    pub message: String,
    /// The values that explain it, by name.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// Something that cannot be answered or done, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorView {
    /// What is wrong.
    pub error: String,
}
