//! What is shown of competitions.

use blobs::{BlobRef, Digest};
use market::{
    Address, Amount, AnyJob, Asset, Attestation, Competition, CompetitionTerms, Decision, Entry,
    EntryState, JobId, Metric, Outcome, RevealedModel, Score, SealedBlob, Seat, SeatSet, Stage,
    Tied, Timestamp, Unmet, Work,
};
use serde::{Deserialize, Serialize};

use super::{BlobView, JobView, MarksView, Page, ProgressView, RefusalView};
use crate::json;

/// A sealed blob.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SealedBlob")]
pub(crate) struct SealedBlobView {
    #[serde(with = "json::text")]
    commitment: Digest,
    #[serde(with = "json::blob")]
    ciphertext: BlobRef,
}

/// A competition's terms.
#[derive(Serialize, Deserialize)]
#[serde(remote = "CompetitionTerms")]
pub(crate) struct CompetitionTermsView {
    #[serde(with = "json::title")]
    title: [u8; 32],
    #[serde(with = "json::text")]
    asset: Asset,
    #[serde(with = "json::text")]
    prize: Amount,
    #[serde(with = "json::text")]
    miners_pool: Amount,
    #[serde(with = "json::text")]
    buy_in: Amount,
    #[serde(with = "json::text")]
    entrant_bond: Amount,
    #[serde(with = "json::text")]
    miner_bond: Amount,
    miners: u32,
    #[serde(with = "json::number")]
    close: Timestamp,
    reveal_seconds: u32,
    attest_seconds: u32,
    quota: u32,
    #[serde(with = "json::number")]
    ladder_step: Score,
    #[serde(with = "json::text")]
    metric: Metric,
    #[serde(with = "json::number")]
    min_score: Score,
    #[serde(with = "json::number")]
    min_gain: Score,
    #[serde(with = "json::number")]
    min_worst_class: Score,
    #[serde(with = "json::number")]
    significance: Score,
    #[serde(with = "json::text")]
    tied: Tied,
    #[serde(with = "json::text")]
    unmet: Unmet,
    #[serde(with = "json::number")]
    max_model_bytes: u64,
    #[serde(with = "json::number")]
    max_work: Work,
    miners_only: bool,
    sample_rows: u32,
    #[serde(with = "json::blob")]
    base_model: BlobRef,
    #[serde(with = "json::blob")]
    public_slice: BlobRef,
    #[serde(with = "SealedBlobView")]
    hold_out: SealedBlob,
}

/// What is found of a model on the hold-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestationView {
    /// By the job's metric.
    #[serde(with = "json::number")]
    pub score: Score,
    /// The recall of the class it answers worst; zero for regression.
    #[serde(with = "json::number")]
    pub worst_class: Score,
    /// SHA-256 of the results row by row.
    #[serde(with = "json::text")]
    pub results: Digest,
}

impl AttestationView {
    /// The same as the market has it.
    #[must_use]
    pub const fn attestation(&self) -> Attestation {
        let Self { score, worst_class, results } = *self;
        Attestation { score, worst_class, results }
    }
}

impl From<Attestation> for AttestationView {
    fn from(Attestation { score, worst_class, results }: Attestation) -> Self {
        Self { score, worst_class, results }
    }
}

/// A job of either kind; `kind` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnyJobView {
    /// A bounty.
    Bounty(Box<JobView>),
    /// A competition.
    Competition(Box<CompetitionView>),
}

impl AnyJobView {
    pub(crate) fn new(id: JobId, job: AnyJob<'_>) -> Self {
        match job {
            AnyJob::Bounty(job) => Self::Bounty(Box::new(JobView::new(id, job))),
            AnyJob::Competition(job) => Self::Competition(Box::new(CompetitionView::new(id, job))),
        }
    }
}

/// The windows of a competition: each ends when the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowsView {
    /// Entries are taken until then.
    #[serde(with = "json::number")]
    pub close: Timestamp,
    /// Keys are taken until then.
    #[serde(with = "json::number")]
    pub reveal_until: Timestamp,
    /// Commitments to attestations are taken until then.
    #[serde(with = "json::number")]
    pub attest_until: Timestamp,
    /// Attestations are taken until then.
    #[serde(with = "json::number")]
    pub unveil_until: Timestamp,
    /// Objections are taken until then.
    #[serde(with = "json::number")]
    pub object_until: Timestamp,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionView {
    /// How it ended.
    #[serde(with = "json::text")]
    pub outcome: Outcome,
    /// The winners' entries, the best first.
    pub winners: Vec<u32>,
    /// What they share.
    #[serde(with = "json::text")]
    pub prize: Amount,
    /// Miners that were right in all.
    pub right_miners: u32,
    /// Objections that were right.
    pub right_objectors: u32,
    /// What the right miners share.
    #[serde(with = "json::text")]
    pub fees: Amount,
    /// What right miners and objectors share.
    #[serde(with = "json::text")]
    pub forfeits: Amount,
    /// Entrants that share the refunds.
    pub revealed: u32,
    /// What they share.
    #[serde(with = "json::text")]
    pub refunds: Amount,
    /// What returns to the sponsor.
    #[serde(with = "json::text")]
    pub remainder: Amount,
}

impl From<&Decision> for DecisionView {
    fn from(decision: &Decision) -> Self {
        let Decision { outcome, prize, right_miners, right_objectors, fees, .. } = *decision;
        let Decision { forfeits, revealed, refunds, remainder, .. } = *decision;
        let winners = decision.winners.clone();
        Self {
            outcome,
            winners,
            prize,
            right_miners,
            right_objectors,
            fees,
            forfeits,
            revealed,
            refunds,
            remainder,
        }
    }
}

/// A competition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompetitionView {
    /// Its number.
    #[serde(with = "json::number")]
    pub job: JobId,
    /// Who pays the prize.
    #[serde(with = "json::text")]
    pub sponsor: Address,
    /// Where it is in its life.
    #[serde(with = "json::text")]
    pub stage: Stage,
    /// From when on anybody can move it on.
    #[serde(with = "json::number")]
    pub stage_deadline: Timestamp,
    /// For what.
    #[serde(with = "CompetitionTermsView")]
    pub terms: CompetitionTerms,
    /// The times in between.
    pub windows: WindowsView,
    /// All that it holds.
    #[serde(with = "json::text")]
    pub escrow: Amount,
    /// How many entered.
    pub entries: u32,
    /// How many models were revealed; the base model counts in competitions for miners only.
    pub models: u32,
    /// How many pages they have.
    pub pages: u32,
    /// How many miners are enlisted for it.
    pub enlisted: u32,
    /// How many seats were drawn, once they are.
    pub seats: Option<u32>,
    /// The base model's marks on the public slice, once known.
    pub base: Option<MarksView>,
    /// The hold-out, once revealed.
    pub hold_out: Option<BlobView>,
    /// The base model's marks on it, once known.
    pub hold_out_base: Option<MarksView>,
    /// How many evaluations of the machine wait or have begun.
    #[serde(with = "json::number")]
    pub pending: u64,
    /// How far the first of them has come.
    pub progress: Option<ProgressView>,
    /// Who gets what, once it is decided.
    pub decision: Option<DecisionView>,
}

impl CompetitionView {
    pub(crate) fn new(id: JobId, job: &Competition) -> Self {
        let terms = job.terms;
        Self {
            job: id,
            sponsor: job.sponsor,
            stage: job.stage,
            stage_deadline: job.stage_deadline(),
            terms,
            windows: WindowsView {
                close: terms.close,
                reveal_until: terms.reveal_until(),
                attest_until: terms.attest_until(),
                unveil_until: terms.unveil_until(),
                object_until: terms.object_until(),
            },
            escrow: job.escrow,
            entries: count(job.entries().len()),
            models: count(job.models().len()),
            pages: job.pages(),
            enlisted: count(job.enlisted().len()),
            seats: job.seed.map(|_| count(job.seats.len())),
            base: job.base.map(MarksView::from),
            hold_out: job.hold_out.map(BlobView::from),
            hold_out_base: job.hold_out_base.map(MarksView::from),
            pending: u64::try_from(job.pending()).unwrap_or(u64::MAX),
            progress: job.progress().map(|(rows, of)| ProgressView { rows, of }),
            decision: job.decision.as_ref().map(DecisionView::from),
        }
    }
}

/// How far an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryStateView {
    /// Its ciphertext is awaited.
    Expecting,
    /// Its key is awaited.
    Sealed,
    /// It is open.
    Revealed,
    /// Its score stands.
    Scored,
    /// It is out of the ranking.
    Refused,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// Its number, in the order of commitments.
    pub entry: u32,
    /// Whose.
    #[serde(with = "json::text")]
    pub entrant: Address,
    /// What was committed to.
    #[serde(flatten, with = "SealedBlobView")]
    pub sealed: SealedBlob,
    /// How far it has come.
    pub state: EntryStateView,
    /// How many models it has shown.
    pub shows: u32,
    /// What the board has of it, in parts per million.
    pub board: Option<u32>,
    /// Its model, once revealed.
    pub model: Option<ModelView>,
}

impl EntryView {
    pub(crate) fn new(number: u32, entry: &Entry, job: &Competition) -> Self {
        let model = match entry.state {
            EntryState::Revealed { position } => {
                let place = usize::try_from(position).unwrap_or(usize::MAX);
                job.models().get(place).map(|model| ModelView::new(position, model))
            }
            EntryState::Expecting | EntryState::Sealed => None,
        };
        let state = match (&entry.state, &model) {
            (EntryState::Expecting, _) => EntryStateView::Expecting,
            (EntryState::Sealed, _) => EntryStateView::Sealed,
            (_, Some(ModelView { refusal: Some(_), .. })) => EntryStateView::Refused,
            (_, Some(ModelView { finding: Some(_), .. })) => EntryStateView::Scored,
            (EntryState::Revealed { .. }, _) => EntryStateView::Revealed,
        };
        let Entry { entrant, model: sealed, shows, board, .. } = *entry;
        let board = board.map(|score| score.0);
        Self { entry: number, entrant, sealed, state, shows, board, model }
    }
}

/// A revealed model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelView {
    /// Its place among the revealed.
    pub position: u32,
    /// Whose; none for the base model.
    pub entry: Option<u32>,
    /// The model.
    #[serde(with = "json::blob")]
    pub model: BlobRef,
    /// How many seats attest what most of them attest.
    pub agreed: u32,
    /// What most of them attest.
    pub attested: Option<AttestationView>,
    /// How many different answers there are.
    pub answers: u32,
    /// Whether somebody objected.
    pub doubted: bool,
    /// What it is found to be.
    pub finding: Option<AttestationView>,
    /// Whether the machine found that.
    pub by_machine: bool,
    /// Why it is out of the ranking.
    pub refusal: Option<RefusalView>,
}

impl ModelView {
    pub(crate) fn new(position: u32, model: &RevealedModel) -> Self {
        Self {
            position,
            entry: model.entry,
            model: model.model,
            agreed: count(most(model).map(|(_, by)| by.len()).unwrap_or_default()),
            attested: most(model).map(|(answer, _)| (*answer).into()),
            answers: count(model.answers.len()),
            doubted: model.objector.is_some(),
            finding: model.finding.map(|finding| finding.attestation.into()),
            by_machine: model.finding.is_some_and(|finding| finding.by_machine),
            refusal: model.refusal.as_ref().map(RefusalView::from),
        }
    }
}

/// The answer of most seats, the first of equals, and who gives it.
fn most(model: &RevealedModel) -> Option<&(Attestation, SeatSet)> {
    model.answers.iter().rev().max_by_key(|(_, by)| by.len())
}

/// A drawn miner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatView {
    /// Its seat.
    pub seat: u32,
    /// Who.
    #[serde(with = "json::text")]
    pub miner: Address,
    /// The first pages it is committed to and has not unveiled.
    pub attested: Vec<u32>,
    /// How many pages it has unveiled.
    pub unveiled: u32,
    /// Why its bond is lost: `Silent` or `Wrong`.
    pub offence: Option<String>,
}

impl SeatView {
    pub(crate) fn new(seat: u32, of: &Seat) -> Self {
        Self {
            seat,
            miner: of.miner,
            attested: of.attested.keys().copied().take(100).collect(),
            unveiled: of.unveiled,
            offence: of.offence.map(|offence| format!("{offence:?}")),
        }
    }
}

/// The miners of a competition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinersView {
    /// The first that are for it, drawn or not.
    #[serde(with = "json::addresses")]
    pub enlisted: Vec<Address>,
    /// Those that were drawn.
    pub seats: Page<SeatView>,
}

/// A line of the board or of the ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceView {
    /// Whose.
    pub entry: u32,
    /// The entrant.
    #[serde(with = "json::text")]
    pub entrant: Address,
    /// By the job's metric.
    #[serde(with = "json::number")]
    pub score: Score,
}

/// The public board and the ranking on the hold-out, the best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderboardView {
    /// What was shown on the public slice.
    pub board: Page<PlaceView>,
    /// Accepted entries on the hold-out, as far as it is known.
    pub ranking: Page<PlaceView>,
    /// The winners' entries, once decided.
    pub winners: Vec<u32>,
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
