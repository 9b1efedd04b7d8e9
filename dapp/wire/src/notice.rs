//! Notices: what happened, as an event of `IDeml` in bytes and in JSON.

use blobs::{BlobRef, Digest};
use ethabi::Token;
use market::{Address, Amount, Event, JobId, ModelRefusal, Score, SubmissionId, Terms, Verdict};
use serde::{Deserialize, Serialize};

use crate::{
    abi::{self, Arguments, address, blob, deml, digest, uint},
    json,
    refused::InputRefused,
    view::TermsView,
};

/// An event of the interface; its documentation is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
#[expect(missing_docs, reason = "contracts/src/IDeml.sol documents each event once")]
pub enum Notice {
    JobOpened {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        sponsor: Address,
        #[serde(with = "TermsView")]
        terms: Terms,
    },
    BlobStored {
        #[serde(with = "json::text")]
        digest: Digest,
        #[serde(with = "json::number")]
        size: u64,
        #[serde(with = "json::text")]
        publisher: Address,
    },
    JobReady {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::number")]
        base_score: Score,
        #[serde(with = "json::number")]
        base_worst_class: Score,
    },
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
    },
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
    },
    ModelRefused {
        #[serde(with = "json::number")]
        job: JobId,
        submission: u32,
        #[serde(with = "json::text")]
        client: Address,
        #[serde(with = "json::text")]
        model_digest: Digest,
        reason: String,
    },
    JobCancelled {
        #[serde(with = "json::number")]
        job: JobId,
        #[serde(with = "json::text")]
        refund: Amount,
        reason: String,
    },
    JobSettled {
        #[serde(with = "json::number")]
        job: JobId,
        payouts: u32,
        winner: u32,
        #[serde(with = "json::text")]
        remainder: Amount,
    },
}

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

    /// The payload: the event's topic, then its arguments.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (event, arguments) = match self {
            Self::JobOpened { job, sponsor, terms } => {
                ("JobOpened", vec![uint(job.0), address(*sponsor), abi::terms(terms)])
            }
            Self::BlobStored { digest: root, size, publisher } => {
                ("BlobStored", vec![digest(*root), uint(*size), address(*publisher)])
            }
            Self::JobReady { job, base_score, base_worst_class } => {
                ("JobReady", vec![uint(job.0), uint(base_score.0), uint(base_worst_class.0)])
            }
            Self::ModelSubmitted { job, submission, client, model, data } => {
                let client = address(*client);
                let (model, data) = (blob(*model), blob(*data));
                ("ModelSubmitted", vec![uint(job.0), uint(*submission), client, model, data])
            }
            Self::ModelScored {
                job,
                submission,
                client,
                model_digest,
                score,
                worst_class,
                accepted,
            } => {
                let mut arguments = vec![uint(job.0), uint(*submission), address(*client)];
                arguments.extend([digest(*model_digest), uint(score.0), uint(worst_class.0)]);
                arguments.push(Token::Bool(*accepted));
                ("ModelScored", arguments)
            }
            Self::ModelRefused { job, submission, client, model_digest, reason } => {
                let mut arguments = vec![uint(job.0), uint(*submission), address(*client)];
                arguments.extend([digest(*model_digest), Token::String(reason.clone())]);
                ("ModelRefused", arguments)
            }
            Self::JobCancelled { job, refund, reason } => {
                let reason = Token::String(reason.clone());
                ("JobCancelled", vec![uint(job.0), uint(refund.0), reason])
            }
            Self::JobSettled { job, payouts, winner, remainder } => {
                let numbers = [uint(job.0), uint(*payouts), uint(*winner), uint(remainder.0)];
                ("JobSettled", numbers.to_vec())
            }
        };
        deml().notice(event, &arguments)
    }

    /// Reads [`Self::encode`]'s bytes; nothing for any others.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let (event, mut arguments) = deml().decode_notice(payload)?;
        let notice = Self::read(event, &mut arguments).ok()?;
        (notice.encode() == payload).then_some(notice)
    }

    fn read(event: &'static str, arguments: &mut Arguments) -> Result<Self, InputRefused> {
        Ok(match event {
            "JobOpened" => Self::JobOpened {
                job: arguments.job()?,
                sponsor: arguments.address()?,
                terms: arguments.terms()?,
            },
            "BlobStored" => Self::BlobStored {
                digest: arguments.digest()?,
                size: arguments.uint("size")?,
                publisher: arguments.address()?,
            },
            "JobReady" => Self::JobReady {
                job: arguments.job()?,
                base_score: arguments.score("baseScore")?,
                base_worst_class: arguments.score("baseWorstClass")?,
            },
            "ModelSubmitted" => Self::ModelSubmitted {
                job: arguments.job()?,
                submission: arguments.uint("submission")?,
                client: arguments.address()?,
                model: arguments.blob()?,
                data: arguments.blob()?,
            },
            "ModelScored" => Self::ModelScored {
                job: arguments.job()?,
                submission: arguments.uint("submission")?,
                client: arguments.address()?,
                model_digest: arguments.digest()?,
                score: arguments.score("score")?,
                worst_class: arguments.score("worstClass")?,
                accepted: arguments.bool()?,
            },
            "ModelRefused" => Self::ModelRefused {
                job: arguments.job()?,
                submission: arguments.uint("submission")?,
                client: arguments.address()?,
                model_digest: arguments.digest()?,
                reason: arguments.string()?,
            },
            "JobCancelled" => Self::JobCancelled {
                job: arguments.job()?,
                refund: arguments.amount()?,
                reason: arguments.string()?,
            },
            "JobSettled" => Self::JobSettled {
                job: arguments.job()?,
                payouts: arguments.uint("payouts")?,
                winner: arguments.uint("winner")?,
                remainder: arguments.amount()?,
            },
            // An event the interface has and this list has not; a test keeps them alike.
            function => return Err(InputRefused::Malformed { function }),
        })
    }
}

fn sentence(reason: &ModelRefusal) -> String {
    format!("{}: {reason}", reason.name())
}
