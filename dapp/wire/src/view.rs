//! JSON types of reports and inspect answers, written by the dapp and read by all clients. Readers
//! ignore unknown fields.
//!
//! - Units: scores in parts per million; amounts in the asset's smallest unit; times in seconds of
//!   the market's clock; work in instructions; sizes in bytes

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest};
use market::{
    Address, Amount, Asset, Attestation, Decision, JobId, MessageCounts, Offence, Score, Scores,
    Settings, Slot, SponsorStake, Stage, SubmissionStake, SubmittedModel, Target, Terms, Timestamp,
    Work,
};
use serde::{Deserialize, Serialize};

mod from_market;

/// Declares views: structures of public fields, in JSON under their names.
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
        /// Salt of its name.
        #[serde(with = "blobs::hex")]
        salt: [u8; 32],
        /// Account that opened the job and pays for it.
        sponsor: Address,
        /// Current stage.
        stage: Stage,
        /// The sponsor's terms.
        terms: Terms,
        /// Part of the sponsor's stake still held.
        stake: SponsorStake,
        /// Time at which it opened.
        opened: Timestamp,
        /// Time at which all stakes are returned if it has not ended.
        last_date: Timestamp,
        /// Time at which it began to evaluate.
        evaluating_since: Option<Timestamp>,
        /// Time at which the machine began to judge the revealed models.
        judging_since: Option<Timestamp>,
        /// Its deadlines.
        windows: WindowsView,
        /// The base model's scores on the dataset that the job opens with; `None` until known.
        base: Option<Scores>,
        /// The base model's scores on the revealed hold-out; `None` until known.
        base_on_hold_out: Option<Scores>,
        /// Evaluations in progress, the first few of them.
        evaluations: Vec<EvaluationView>,
        /// The plain hold-out; `None` until known.
        hold_out: Option<BlobRef>,
        /// Number of submissions ever made.
        submitted: u32,
        /// Number of places taken.
        places_taken: u32,
        /// Number of models paid.
        payouts: u32,
        /// Number of rewards left; zero if there is a prize instead.
        rewards_left: u32,
        /// The best accepted submission.
        best: Option<BestView>,
        /// Number of models revealed.
        revealed: u32,
        /// Number of pages of attested models.
        pages: u32,
        /// Number of miners enlisted.
        enlisted: u32,
        /// Number of seats drawn.
        seats: u32,
        /// Rows that the machine samples, once drawn.
        sample: Vec<u32>,
        /// Division of its money; `None` until decided.
        decision: Option<Decision>,
        /// Reason for ending before it opened, unless its sponsor cancelled it.
        refusal: Option<RefusalView>,
    }

    /// Deadlines of a job.
    WindowsView {
        /// Deadline for submissions.
        close: Timestamp,
        /// Deadline for revealing keys.
        reveal_until: Timestamp,
        /// Deadline for committing to attestations; `None` until seats are drawn.
        attest_until: Option<Timestamp>,
        /// Deadline for revealing attestations; `None` until seats are drawn.
        attestations_until: Option<Timestamp>,
    }

    /// An evaluation in progress.
    EvaluationView {
        /// Model and dataset.
        target: Target,
        /// The step to continue from.
        step: u32,
        /// Number of rows to answer.
        rows: u32,
    }

    /// The best accepted submission.
    BestView {
        /// Number of the submission in the job.
        submission: u32,
        /// Its scores.
        scores: Scores,
    }

    /// A submission.
    SubmissionView {
        /// Number of the submission in the job, in the order of commitments.
        submission: u32,
        /// Account that submitted it.
        client: Address,
        /// The model as it was submitted.
        submitted: SubmittedModel,
        /// The plain model; `None` as long as it is sealed.
        model: Option<BlobRef>,
        /// Current state.
        state: SubmissionStateView,
        /// Deadline in this state.
        until: Option<Timestamp>,
        /// The step to continue its evaluation from: rows answered and models compared.
        step: u32,
        /// Number of rows to answer, if its evaluation is in progress.
        rows: Option<u32>,
        /// Its scores, once evaluated.
        scores: Option<Scores>,
        /// Reason why it earns nothing.
        refusal: Option<RefusalView>,
        /// Index among the revealed models; `None` if it is not revealed.
        position: Option<u32>,
        /// Part of its stake still held.
        stake: SubmissionStake,
        /// Number of models that its account has shown on the public board.
        shown: u32,
        /// Its account's score on the board.
        board: Option<Score>,
        /// The model shown last, until it is evaluated.
        showing: Option<BlobRef>,
        /// Number of messages about it, each way.
        messages: MessageCounts,
    }

    /// An entry of the leaderboard.
    RankView {
        /// Rank, from one; `None` if it is not ranked.
        rank: Option<u32>,
        /// The submission.
        submission: u32,
        /// Account that submitted it.
        client: Address,
        /// Its scores on the hold-out, if it was evaluated.
        scores: Option<Scores>,
        /// Reason for refusing it; `None` if it was not refused.
        refusal: Option<RefusalView>,
    }

    /// An entry of the public board.
    BoardLineView {
        /// Rank, from one.
        rank: u32,
        /// The submission.
        submission: u32,
        /// Account that submitted it.
        client: Address,
        /// The score of a shown model on the public slice.
        score: Score,
    }

    /// A model attested by seats.
    ModelView {
        /// Index of the page.
        page: u32,
        /// Index among all attested models.
        position: u32,
        /// Number of the submission; `None` for the base model.
        submission: Option<u32>,
        /// The model.
        model: Option<BlobRef>,
        /// The seats' attestations.
        answers: Vec<AnswerView>,
        /// Scores found by the machine.
        scores: Option<Scores>,
    }

    /// An attestation of a model.
    AnswerView {
        /// The attestation.
        attestation: Attestation,
        /// The seats that made it.
        seats: Vec<u32>,
    }

    /// A job's miners.
    SeatsView {
        /// Seed of the seats; `None` until they are drawn.
        seed: Option<Digest>,
        /// Miners enlisted, in order of arrival.
        enlisted: Vec<Address>,
        /// The drawn miners, by seat.
        seats: Vec<SeatView>,
    }

    /// A drawn miner.
    SeatView {
        /// Index of the seat.
        seat: u32,
        /// Account of the miner.
        miner: Address,
        /// The first pages that it has committed to but not revealed.
        attested: Vec<u32>,
        /// Number of pages revealed.
        revealed: u32,
        /// Reason why its bond is lost; `None` if it is not.
        offence: Option<Offence>,
    }

    /// A blob that a job holds or expects.
    SlotView {
        /// Kind of slot.
        slot: Slot,
        /// Number of the submission; `None` for the job's own slot.
        submission: Option<u32>,
        /// Bytes received so far; the next chunk's offset.
        #[serde(with = "blobs::exact")]
        received: u64,
        /// Length of the whole blob.
        #[serde(with = "blobs::exact")]
        size: u64,
        /// Whether all its bytes have arrived.
        whole: bool,
    }

    /// An amount of an asset.
    BalanceView {
        /// Asset of the balance.
        asset: Asset,
        /// Amount that can be withdrawn.
        amount: Amount,
    }

    /// An account and what it can withdraw.
    AccountView {
        /// Address of the account.
        account: Address,
        /// Its first free balances that are not zero.
        balances: Vec<BalanceView>,
    }

    /// Prices, and the state of the machine.
    QuoteView {
        /// Settings of the deployment.
        settings: Settings,
        /// Current time of the market's clock.
        now: Timestamp,
        /// Lag of the machine in seconds.
        #[serde(with = "blobs::exact")]
        lag_seconds: u64,
        /// Bytes of the store reserved by jobs.
        #[serde(with = "blobs::exact")]
        reserved_bytes: u64,
        /// Number of jobs ever opened, which is the next one's number.
        jobs: u32,
    }

    /// Costs of taking part in a job.
    JobQuoteView {
        /// Name of the job.
        job: JobId,
        /// The stake of a submission of the largest model.
        submission: SubmissionStake,
        /// The stake of showing a model on the public board.
        show: Amount,
        /// Maximum work of the machine for one evaluation.
        evaluation_work: Work,
        /// Time that the machine has for all possible submissions, in seconds.
        #[serde(with = "blobs::exact")]
        evaluation_window_seconds: u64,
    }

    /// Both sides of one asset: `deposited − paid_out = free + escrowed`.
    AssetView {
        /// The asset.
        asset: Asset,
        /// Total ever deposited.
        deposited: Amount,
        /// Total ever paid out as vouchers.
        paid_out: Amount,
        /// Total that accounts can withdraw.
        free: Amount,
        /// Total held by jobs.
        escrowed: Amount,
        /// Whether both sides are equal.
        solvent: bool,
    }

    /// Whether all money is accounted for.
    SolvencyView {
        /// Whether both sides are equal for every asset.
        solvent: bool,
        /// Assets that were ever deposited.
        assets: Vec<AssetView>,
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// Number of items in the list, if it is known without counting.
    pub total: Option<u64>,
    /// First item requested.
    pub from: u64,
    /// Maximum number of items requested.
    pub limit: u64,
    /// The items, in order.
    pub items: Vec<T>,
}

/// State of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionStateView {
    /// Its published bytes have not all arrived.
    Expecting,
    /// Its key is not revealed.
    Sealed,
    /// Its plain bytes are complete; it is not decided.
    Whole,
    /// It was paid.
    Accepted,
    /// It earns nothing.
    Refused,
}

/// Reason for refusing a command, a model or an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalView {
    /// The reason's stable name.
    pub refused: String,
    /// The reason as text.
    pub message: String,
    /// The explanatory values, by name.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// An error in answering a query, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorView {
    /// Error message.
    pub error: String,
}
