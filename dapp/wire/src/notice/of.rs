//! The market's events as notices.

use blobs::Digest;
use market::{Address, Decision, Event, ModelRefusal, Offence, SubmissionId, Verdict};

use super::Notice;
use crate::command::EVERY_JOB;

impl Notice {
    /// The notices of one event of the market; a judged model that was evaluated and refused has
    /// two.
    #[must_use]
    pub fn of(event: &Event) -> Vec<Self> {
        vec![match *event {
            Event::JobOpened { job, sponsor, ref terms } => {
                Self::JobOpened { job, sponsor, terms: **terms }
            }
            Event::BlobStored { digest, size, publisher } => {
                Self::BlobStored { digest, size, publisher }
            }
            Event::JobReady { job, base } => {
                let (base_score, base_worst_class) = (base.score, base.worst_class);
                Self::JobReady { job, base_score, base_worst_class }
            }
            Event::ModelSubmitted {
                submission: SubmissionId { job, index },
                client,
                model,
                data,
            } => Self::ModelSubmitted { job, submission: index, client, model, data },
            Event::ModelJudged { submission, client, model, verdict } => {
                return Self::judged(submission, client, model, &verdict);
            }
            Event::JobCancelled { job, refund, reason } => {
                let reason = reason.map_or_else(|| "Sponsor".to_owned(), |why| sentence(&why));
                Self::JobCancelled { job, refund, reason }
            }
            Event::JobSettled { job, payouts, winner, remainder } => {
                let winner = winner.map_or(0, |winner| winner.index);
                Self::JobSettled { job, payouts, winner, remainder }
            }
            _ => return Self::of_competition(event).into_iter().collect(),
        }]
    }

    fn judged(
        SubmissionId { job, index: submission }: SubmissionId,
        client: Address,
        model_digest: Digest,
        verdict: &Verdict,
    ) -> Vec<Self> {
        let scored = verdict.marks().map(|marks| Self::ModelScored {
            job,
            submission,
            client,
            model_digest,
            score: marks.score,
            worst_class: marks.worst_class,
            accepted: matches!(verdict, Verdict::Accepted(_)),
        });
        let refused = match verdict {
            Verdict::Accepted(_) => None,
            Verdict::Refused { reason, .. } => {
                let reason = sentence(reason);
                Some(Self::ModelRefused { job, submission, client, model_digest, reason })
            }
        };
        scored.into_iter().chain(refused).collect()
    }

    /// The notice of an event of competitions alone.
    fn of_competition(event: &Event) -> Option<Self> {
        let at = |entry: SubmissionId| (entry.job, entry.index);
        Some(match *event {
            Event::CompetitionOpened { job, sponsor, ref terms } => {
                Self::CompetitionOpened { job, sponsor, terms: **terms }
            }
            Event::Entered { entry, entrant, model } => {
                let (job, entry) = at(entry);
                Self::Entered { job, entry, entrant, model }
            }
            Event::ModelShown { entry, entrant, model } => {
                let (job, entry) = at(entry);
                Self::ModelShown { job, entry, entrant, model }
            }
            Event::ShowJudged { entry, model: model_digest, board } => {
                let (job, entry) = at(entry);
                match board {
                    Ok(score) => Self::BoardMoved { job, entry, model_digest, score },
                    Err(reason) => {
                        let reason = sentence(&reason);
                        Self::ShowRefused { job, entry, model_digest, reason }
                    }
                }
            }
            Event::Enlisted { job, miner } => {
                Self::Enlisted { job: job.unwrap_or(EVERY_JOB), miner }
            }
            Event::Retired { miner } => Self::Retired { miner },
            Event::SeatsDrawn { job, seed, ref miners } => {
                Self::SeatsDrawn { job, seed, miners: miners.clone() }
            }
            Event::ModelRevealed { entry, entrant, position, model, key } => {
                let (job, entry) = at(entry);
                Self::ModelRevealed { job, entry, entrant, position, model, key }
            }
            Event::HoldOutRevealed { job, hold_out, key } => {
                Self::HoldOutRevealed { job, hold_out, key }
            }
            _ => return Self::of_evaluation(event),
        })
    }

    /// The notice of an event of a competition's evaluation and end.
    fn of_evaluation(event: &Event) -> Option<Self> {
        Some(match *event {
            Event::HoldOutReady { job, base } => {
                let (base_score, base_worst_class) = (base.score, base.worst_class);
                Self::HoldOutReady { job, base_score, base_worst_class }
            }
            Event::Attested { job, page, miner, commitment } => {
                Self::Attested { job, page, miner, commitment }
            }
            Event::Unveiled { job, page, miner } => Self::Unveiled { job, page, miner },
            Event::Objected { entry: SubmissionId { job, index: entry }, objector } => {
                Self::Objected { job, entry, objector }
            }
            Event::EntryScored { entry, model: model_digest, attestation, agreed, by_machine } => {
                let SubmissionId { job, index: entry } = entry;
                let attestation = attestation.into();
                Self::EntryScored { job, entry, model_digest, attestation, agreed, by_machine }
            }
            Event::EntryRefused { entry, model: model_digest, reason } => {
                let SubmissionId { job, index: entry } = entry;
                Self::EntryRefused { job, entry, model_digest, reason: sentence(&reason) }
            }
            Event::Compared { job, first, other, first_better, other_better, separated } => {
                Self::Compared { job, first, other, first_better, other_better, separated }
            }
            Event::Forfeited { job, account, bond, offence } => {
                let reason = match offence {
                    Offence::Silent => "Silent",
                    Offence::Wrong => "Wrong",
                    Offence::Objection => "Objection",
                };
                Self::Forfeited { job, account, bond, reason: reason.to_owned() }
            }
            Event::Decided { job, ref decision } => {
                let Decision { outcome, prize, right_miners, right_objectors, .. } = **decision;
                let Decision { fees, forfeits, revealed, refunds, remainder, .. } = **decision;
                let winners = decision.winners.clone();
                Self::Decided {
                    job,
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
            Event::Paid { job, to, share, amount, bond } => {
                Self::Paid { job, to, share, amount, bond }
            }
            _ => return None,
        })
    }
}

fn sentence(reason: &ModelRefusal) -> String {
    format!("{}: {reason}", reason.name())
}
