//! Views of the market's state.

use market::{
    Asset, BlobState, Evaluated, Job, JobId, Market, ModelRefusal, Refusal, Scores, Seat, Settings,
    SlotKey, Solvency, Submission, SubmissionState, Target, Terms, Verdict,
};

use super::{
    AnswerView, AssetView, BestView, BoardLineView, EvaluationView, JobQuoteView, JobView,
    ModelView, QuoteView, RankView, RefusalView, SeatView, SlotView, SubmissionStateView,
    SubmissionView, WindowsView,
};
use crate::refused::InputRefused;

impl JobView {
    pub(crate) fn new(id: JobId, job: &Job) -> Self {
        let best = job.best.map(|(submission, scores)| BestView { submission, scores });
        Self {
            job: id,
            number: job.number,
            salt: job.salt,
            sponsor: job.sponsor,
            stage: job.stage,
            terms: job.terms,
            stake: job.stake,
            opened: job.opened,
            last_date: job.last_date,
            evaluating_since: job.evaluating_since,
            judging_since: job.judging_since,
            windows: WindowsView {
                close: job.terms.close,
                reveal_until: job.terms.reveal_until(),
                attest_until: job.attest_until(),
                attestations_until: job.attestations_until(),
            },
            base: job.base.scores(),
            base_on_hold_out: job.base_on_hold_out.scores(),
            evaluations: under_way(job).take(EvaluationView::MAX_SHOWN).collect(),
            hold_out: job.hold_out,
            submitted: job.submitted,
            places_taken: count(job.places_taken()),
            payouts: job.payouts,
            rewards_left: job.rewards_left(),
            best,
            revealed: count(job.revealed.len()),
            pages: job.pages(),
            enlisted: count(job.enlisted.len()),
            seats: count(job.seats.len()),
            sample: job.sample.clone(),
            decision: job.decision,
            refusal: job.cancelled_for.as_ref().map(RefusalView::from),
        }
    }
}

impl EvaluationView {
    /// Maximum number of evaluations shown for a job.
    const MAX_SHOWN: usize = 20;

    fn new(target: Target, evaluated: &Evaluated) -> Option<Self> {
        let (_, rows) = evaluated.progress()?;
        Some(Self { target, step: evaluated.step(), rows })
    }
}

fn under_way(job: &Job) -> impl Iterator<Item = EvaluationView> {
    let base = EvaluationView::new(Target::Base, &job.base);
    let on_hold_out = EvaluationView::new(Target::BaseOnHoldOut, &job.base_on_hold_out);
    let submissions = job.submissions.iter().flat_map(|(&number, submission)| {
        let model = EvaluationView::new(Target::Submission(number), &submission.evaluated);
        let shown = EvaluationView::new(Target::Shown(number), &submission.board.evaluated);
        model.into_iter().chain(shown)
    });
    base.into_iter().chain(on_hold_out).chain(submissions)
}

impl SubmissionView {
    pub(crate) fn new(number: u32, submission: &Submission) -> Self {
        use SubmissionStateView::{Accepted, Expecting, Refused, Sealed, Whole};
        let (state, until) = match submission.state {
            SubmissionState::Expecting { until } => (Expecting, Some(until)),
            SubmissionState::Sealed => (Sealed, None),
            SubmissionState::Whole { until } => (Whole, Some(until)),
            SubmissionState::Decided(Verdict::Accepted(_)) => (Accepted, None),
            SubmissionState::Decided(Verdict::Refused { .. }) => (Refused, None),
        };
        Self {
            submission: number,
            client: submission.client,
            submitted: submission.submitted,
            model: submission.model,
            state,
            until,
            step: submission.evaluated.step(),
            rows: submission.evaluated.progress().map(|(_, rows)| rows),
            scores: scores(submission),
            refusal: refusal(submission).as_ref().map(RefusalView::from),
            position: submission.position,
            stake: submission.stake,
            shown: submission.board.shown,
            board: submission.board.score,
            showing: submission.board.model,
            messages: submission.messages,
        }
    }
}

fn scores(submission: &Submission) -> Option<Scores> {
    let decided = submission.verdict().and_then(|verdict| verdict.scores());
    decided.or_else(|| submission.evaluated.scores())
}

fn refusal(submission: &Submission) -> Option<ModelRefusal> {
    match submission.verdict()? {
        Verdict::Accepted(_) => None,
        Verdict::Refused { reason, .. } => Some(reason),
    }
}

impl RankView {
    /// All submissions: the ranked ones by score, the earlier first among equals; then the others,
    /// by number.
    pub(crate) fn all(job: &Job) -> impl Iterator<Item = Self> {
        let counts = |refusal: Option<ModelRefusal>| {
            matches!(refusal, None | Some(ModelRefusal::Outranked { .. }))
        };
        let views = job.submissions.iter().map(|(&number, submission)| {
            let (scores, refusal) = (scores(submission), refusal(submission));
            let view = Self {
                rank: None,
                submission: number,
                client: submission.client,
                scores,
                refusal: refusal.as_ref().map(RefusalView::from),
            };
            (scores.filter(|_| counts(refusal)).map(|scores| scores.score), view)
        });
        let (mut ranked, unranked): (Vec<_>, Vec<_>) =
            views.partition(|(score, _)| score.is_some());
        ranked.sort_by_key(|(score, view)| (std::cmp::Reverse(*score), view.submission));
        let ranked = ranked.into_iter().zip(1..);
        let ranked = ranked.map(|((_, view), rank)| Self { rank: Some(rank), ..view });
        ranked.chain(unranked.into_iter().map(|(_, view)| view))
    }
}

impl BoardLineView {
    /// The whole board, the best first.
    pub(crate) fn all(job: &Job) -> impl Iterator<Item = Self> {
        job.board().zip(1..).filter_map(|((score, submission), rank)| {
            let client = job.submissions.get(&submission)?.client;
            Some(Self { rank, submission, client, score })
        })
    }
}

impl ModelView {
    /// All models attested by seats, page by page.
    pub(crate) fn all(job: &Job) -> impl Iterator<Item = Self> {
        let pages = (0..job.pages())
            .flat_map(|page| job.page(page).into_iter().map(move |submission| (page, submission)));
        pages.zip(0..).filter_map(|((page, submission), position)| {
            let of = match submission {
                Some(number) => Some(job.submissions.get(&number)?),
                None => None,
            };
            let (model, answers, evaluated) = match of {
                Some(of) => (of.model, &of.answers, &of.evaluated),
                None => {
                    (Some(job.terms.offer.base_model), &job.base_answers, &job.base_on_hold_out)
                }
            };
            let answers = answers.by_seats.iter().map(|(attestation, by)| AnswerView {
                attestation: *attestation,
                seats: (0..)
                    .zip(&job.seats)
                    .map(|(seat, _)| seat)
                    .filter(|seat| usize::try_from(*seat).is_ok_and(|seat| by.contains(seat)))
                    .collect(),
            });
            let (answers, scores) = (answers.collect(), evaluated.scores());
            Some(Self { page, position, submission, model, answers, scores })
        })
    }
}

impl SeatView {
    pub(crate) fn new(seat: u32, of: &Seat) -> Self {
        Self {
            seat,
            miner: of.miner,
            attested: of.attested.keys().copied().take(100).collect(),
            revealed: of.revealed,
            offence: of.offence,
        }
    }
}

impl From<(SlotKey, BlobState)> for SlotView {
    fn from((SlotKey { slot, submission }, state): (SlotKey, BlobState)) -> Self {
        let (received, size, whole) = match state {
            BlobState::Whole { size } => (size, size, true),
            BlobState::Expected { received, size } => (received, size, false),
        };
        Self { slot, submission, received, size, whole }
    }
}

impl QuoteView {
    pub(crate) fn new(market: &Market) -> Self {
        Self {
            settings: market.settings().clone(),
            now: market.now(),
            lag_seconds: market.lag_seconds(),
            reserved_bytes: market.reserved_bytes(),
            jobs: market.job_count(),
        }
    }
}

impl JobQuoteView {
    pub(crate) fn new(job: JobId, terms: &Terms, settings: &Settings) -> Result<Self, Refusal> {
        let largest = terms.offer.max_model_bytes.saturating_add(terms.sealing.overhead());
        Ok(Self {
            job,
            submission: terms.submission_stake(settings, largest)?,
            show: terms.show_stake(settings)?,
            evaluation_work: terms.evaluation_work(settings),
            evaluation_window_seconds: terms.evaluation_window(settings),
        })
    }
}

impl From<(Asset, Solvency)> for AssetView {
    fn from((asset, solvency): (Asset, Solvency)) -> Self {
        let Solvency { deposited, paid_out, free, escrowed } = solvency;
        Self { asset, deposited, paid_out, free, escrowed, solvent: solvency.holds() }
    }
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

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
