//! What reports and inspect answers look like: one set of types, written by the dapp and read by
//! everybody else. Readers ignore fields they do not know.
//!
//! - Units: scores in parts per million; amounts in the asset's smallest unit; times in block
//!   seconds; work in instructions; sizes in bytes

use std::collections::{BTreeMap, BTreeSet};

use blobs::{BlobRef, Cid, Digest, Profile};
use market::{
    Address, Amount, Asset, BlobState, Job, JobId, Marks, Metric, ModelRefusal, Prices, Refusal,
    Score, Settings, Solvency, Stage, Submission, SubmissionState, Terms, Timestamp, Verdict, Work,
};
use serde::{Deserialize, Serialize};

use crate::{json, refused::InputRefused};

mod competition;

pub use competition::*;

/// A blob, by its CID and by what the CID is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobView {
    /// CIDv1 in base32.
    #[serde(with = "json::text")]
    pub cid: Cid,
    /// The CID's digest.
    #[serde(with = "json::text")]
    pub digest: Digest,
    /// Length of the file.
    #[serde(with = "json::number")]
    pub size: u64,
    /// Bytes per leaf of its tree.
    pub leaf_size: u32,
}

impl From<BlobRef> for BlobView {
    fn from(blob: BlobRef) -> Self {
        let BlobRef { digest, size, profile } = blob;
        Self { cid: blob.cid(), digest, size, leaf_size: profile.leaf_size() }
    }
}

impl TryFrom<&BlobView> for BlobRef {
    type Error = &'static str;

    fn try_from(view: &BlobView) -> Result<Self, Self::Error> {
        let profile = Profile::with_leaf_size(view.leaf_size).ok_or("an unknown leaf size")?;
        let blob = Self { digest: view.digest, size: view.size, profile };
        (blob.cid() == view.cid).then_some(blob).ok_or("the CID is of another blob")
    }
}

/// A job's terms.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Terms")]
pub(crate) struct TermsView {
    #[serde(with = "json::title")]
    title: [u8; 32],
    #[serde(with = "json::text")]
    asset: Asset,
    #[serde(with = "json::text")]
    reward: Amount,
    rewards: u32,
    #[serde(with = "json::number")]
    deadline: Timestamp,
    #[serde(with = "json::text")]
    metric: Metric,
    #[serde(with = "json::number")]
    min_score: Score,
    #[serde(with = "json::number")]
    min_gain: Score,
    #[serde(with = "json::number")]
    min_worst_class: Score,
    #[serde(with = "json::number")]
    max_model_bytes: u64,
    #[serde(with = "json::number")]
    max_work: Work,
    #[serde(with = "json::blob")]
    base_model: BlobRef,
    #[serde(with = "json::blob")]
    hold_out: BlobRef,
}

/// What an evaluated model has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarksView {
    /// By the job's metric.
    #[serde(with = "json::number")]
    pub score: Score,
    /// The recall of the class it answers worst; zero for regression.
    #[serde(with = "json::number")]
    pub worst_class: Score,
}

impl From<Marks> for MarksView {
    fn from(Marks { score, worst_class }: Marks) -> Self {
        Self { score, worst_class }
    }
}

/// The best accepted submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BestView {
    /// Its number in the job.
    pub submission: u32,
    /// Its marks.
    #[serde(flatten)]
    pub marks: MarksView,
}

/// How far an evaluation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressView {
    /// Rows answered.
    pub rows: u32,
    /// Rows there are.
    pub of: u32,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its number.
    #[serde(with = "json::number")]
    pub job: JobId,
    /// Who pays.
    #[serde(with = "json::text")]
    pub sponsor: Address,
    /// Where it is in its life.
    #[serde(with = "json::text")]
    pub stage: Stage,
    /// For what.
    #[serde(with = "TermsView")]
    pub terms: Terms,
    /// Whether the hold-out's bytes are public: then models can be trained on it.
    pub hold_out_is_public: bool,
    /// What is still held for rewards.
    #[serde(with = "json::text")]
    pub escrow: Amount,
    /// How many models were paid.
    pub payouts: u32,
    /// How many more can be.
    pub rewards_left: u32,
    /// How many models were submitted.
    pub submissions: u32,
    /// How many evaluations wait or have begun.
    #[serde(with = "json::number")]
    pub pending: u64,
    /// How far the first of them has come.
    pub progress: Option<ProgressView>,
    /// The base model's marks, once known.
    pub base: Option<MarksView>,
    /// The best accepted submission.
    pub best: Option<BestView>,
}

impl JobView {
    pub(crate) fn new(id: JobId, job: &Job) -> Self {
        Self {
            job: id,
            sponsor: job.sponsor,
            stage: job.stage,
            terms: job.terms,
            // A bounty's hold-out is published in the open.
            hold_out_is_public: true,
            escrow: job.escrow,
            payouts: job.payouts,
            rewards_left: job.rewards_left(),
            submissions: job.submissions,
            pending: u64::try_from(job.pending()).unwrap_or(u64::MAX),
            progress: job.progress().map(|(rows, of)| ProgressView { rows, of }),
            base: job.base.map(MarksView::from),
            best: job.best.map(|(submission, marks)| BestView { submission, marks: marks.into() }),
        }
    }
}

/// How far a submission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionStateView {
    /// Its bytes are awaited.
    Expecting,
    /// It waits for its evaluation.
    Queued,
    /// It was paid.
    Accepted,
    /// It earns nothing.
    Refused,
}

/// A submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionView {
    /// Its number in the job.
    pub submission: u32,
    /// Whose.
    #[serde(with = "json::text")]
    pub client: Address,
    /// The model.
    #[serde(with = "json::blob")]
    pub model: BlobRef,
    /// What it was trained on; never published.
    #[serde(with = "json::blob")]
    pub data: BlobRef,
    /// How far it has come.
    pub state: SubmissionStateView,
    /// Its marks, once evaluated.
    pub marks: Option<MarksView>,
    /// Why it earns nothing.
    pub refusal: Option<RefusalView>,
}

impl SubmissionView {
    pub(crate) fn new(index: u32, submission: &Submission) -> Self {
        let (state, marks, refusal) = match &submission.state {
            SubmissionState::Expecting => (SubmissionStateView::Expecting, None, None),
            SubmissionState::Queued => (SubmissionStateView::Queued, None, None),
            SubmissionState::Judged(verdict) => {
                let (state, refusal) = match verdict {
                    Verdict::Accepted(_) => (SubmissionStateView::Accepted, None),
                    Verdict::Refused { reason, .. } => {
                        (SubmissionStateView::Refused, Some(RefusalView::from(reason)))
                    }
                };
                (state, verdict.marks().map(MarksView::from), refusal)
            }
        };
        let Submission { client, model, data, .. } = *submission;
        Self { submission: index, client, model, data, state, marks, refusal }
    }
}

/// An amount of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceView {
    /// Of what.
    #[serde(with = "json::text")]
    pub asset: Asset,
    /// How much.
    #[serde(with = "json::text")]
    pub amount: Amount,
}

/// An account: what it can withdraw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Whose.
    #[serde(with = "json::text")]
    pub account: Address,
    /// Its free balances that are not zero.
    pub balances: Page<BalanceView>,
}

/// What is known of one copy of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CopyView {
    /// All its bytes are here.
    Held {
        /// Length in bytes.
        #[serde(with = "json::number")]
        size: u64,
    },
    /// Expected from an account.
    Expected {
        /// From whom.
        #[serde(with = "json::text")]
        publisher: Address,
        /// Bytes that came so far; the next chunk's offset.
        #[serde(with = "json::number")]
        received: u64,
        /// Declared length in bytes.
        #[serde(with = "json::number")]
        size: u64,
    },
}

impl From<BlobState> for CopyView {
    fn from(state: BlobState) -> Self {
        match state {
            BlobState::Held { size } => Self::Held { size },
            BlobState::Expected { publisher, received, size } => {
                Self::Expected { publisher, received, size }
            }
        }
    }
}

/// All that is known of the blobs with a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiesView {
    /// The digest asked for.
    #[serde(with = "json::text")]
    pub digest: Digest,
    /// Held once at most, and expected from any number of accounts.
    pub copies: Page<CopyView>,
}

/// Instructions a second that a machine is taken to run, where nobody says otherwise.
///
/// - Source: measured in a Cartesi Machine (emulator 0.21, a server with two cores): 155 to 190
///   million simple instructions, of which a multiply-add takes about as long as four or five; the
///   kernels' mixture of both ran at 65 million
pub const INSTRUCTIONS_PER_SECOND: u64 = 60_000_000;

/// What submitting a model would take and bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteView {
    /// The job.
    #[serde(with = "json::number")]
    pub job: JobId,
    /// Length of the model.
    #[serde(with = "json::number")]
    pub model_bytes: u64,
    /// Work of its evaluation.
    #[serde(with = "json::number")]
    pub work: Work,
    /// Inputs its bytes take when they do not compress.
    #[serde(with = "json::number")]
    pub chunks_at_most: u64,
    /// Work one input may cost.
    #[serde(with = "json::number")]
    pub input_work: Work,
    /// Inputs over which the evaluation spreads, the one that delivers its last bytes included;
    /// more when others wait before it, or when its steps do not fill an input's work.
    #[serde(with = "json::number")]
    pub evaluation_inputs: u64,
    /// Seconds that the evaluation takes at the stated speed, rounded up.
    pub seconds: u64,
    /// That speed.
    #[serde(with = "json::number")]
    pub instructions_per_second: u64,
    /// Why it would be refused already, as far as these numbers tell.
    pub refusal: Option<RefusalView>,
    /// What the reward is paid in.
    #[serde(with = "json::text")]
    pub asset: Asset,
    /// Paid if the model is accepted.
    #[serde(with = "json::text")]
    pub reward: Amount,
    /// How many models can still be paid.
    pub rewards_left: u32,
    /// When the job stops accepting.
    #[serde(with = "json::number")]
    pub deadline: Timestamp,
}

/// What a deployment fixes for all jobs, but for its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsView {
    /// Largest blob.
    #[serde(with = "json::number")]
    pub max_blob_bytes: u64,
    /// All bytes the market keeps, beside those of the drive.
    #[serde(with = "json::number")]
    pub max_stored_bytes: u64,
    /// Work one input may cost.
    #[serde(with = "json::number")]
    pub input_work: Work,
    /// Longest time a job may be open, in seconds.
    #[serde(with = "json::number")]
    pub max_window_seconds: u64,
    /// How long pending evaluations can hold up the end of a job, in seconds.
    #[serde(with = "json::number")]
    pub evaluation_window_seconds: u64,
}

impl From<&Settings> for SettingsView {
    fn from(settings: &Settings) -> Self {
        let Settings { max_blob_bytes, max_stored_bytes, input_work, .. } = *settings;
        let Settings { max_window_seconds, evaluation_window_seconds, .. } = *settings;
        Self {
            max_blob_bytes,
            max_stored_bytes,
            input_work,
            max_window_seconds,
            evaluation_window_seconds,
        }
    }
}

impl From<SettingsView> for Settings {
    /// The settings with no tokens, and the prices that all deployments have.
    fn from(view: SettingsView) -> Self {
        Self {
            allowed_tokens: BTreeSet::new(),
            max_blob_bytes: view.max_blob_bytes,
            max_stored_bytes: view.max_stored_bytes,
            input_work: view.input_work,
            prices: Prices::COUNTED,
            max_window_seconds: view.max_window_seconds,
            evaluation_window_seconds: view.evaluation_window_seconds,
        }
    }
}

/// Both sides of one asset: `deposited − paid_out = free + escrowed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetView {
    /// Of what.
    #[serde(with = "json::text")]
    pub asset: Asset,
    /// All that ever came in.
    #[serde(with = "json::text")]
    pub deposited: Amount,
    /// All that ever left as vouchers.
    #[serde(with = "json::text")]
    pub paid_out: Amount,
    /// What accounts can withdraw.
    #[serde(with = "json::text")]
    pub free: Amount,
    /// What jobs hold.
    #[serde(with = "json::text")]
    pub escrowed: Amount,
    /// Whether both sides agree.
    pub solvent: bool,
}

impl From<(Asset, Solvency)> for AssetView {
    fn from((asset, solvency): (Asset, Solvency)) -> Self {
        let Solvency { deposited, paid_out, free, escrowed } = solvency;
        Self { asset, deposited, paid_out, free, escrowed, solvent: solvency.holds() }
    }
}

/// Whether all money is accounted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SolvencyView {
    /// Whether both sides agree for every asset.
    pub solvent: bool,
    /// Each asset ever deposited.
    pub assets: Page<AssetView>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// How many items there are, where that is known without counting.
    pub total: Option<u64>,
    /// How many were skipped.
    pub offset: u64,
    /// How many were asked for at most.
    pub limit: u64,
    /// The items, in order.
    pub items: Vec<T>,
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

macro_rules! refusal_view {
    ($($reason:ty)*) => {
        $(impl From<&$reason> for RefusalView {
            fn from(reason: &$reason) -> Self {
                let values = reason.values().into_iter();
                Self {
                    refused: reason.name().to_owned(),
                    message: reason.to_string(),
                    values: values.map(|(name, value)| (name.to_owned(), value)).collect(),
                }
            }
        })*
    };
}

refusal_view! { Refusal ModelRefusal InputRefused }

/// Something that cannot be answered or done, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorView {
    /// What is wrong.
    pub error: String,
}
