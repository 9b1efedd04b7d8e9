//! Outcomes in the words of a script: accounts, blobs and jobs by their names.

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest};
use market::{
    Address, Asset, BlobState, Effect, Event, Job, JobId, Market, Marks, SubmissionId,
    SubmissionState, Verdict,
};

/// Gives names back to addresses, digests and numbers.
pub(super) struct Names<'a> {
    pub(super) market: &'a Market,
    pub(super) blobs: &'a BTreeMap<String, (BlobRef, Vec<u8>)>,
}

/// A job's title without its padding.
pub(super) fn title(job: &Job) -> String {
    text(&job.terms.title)
}

impl Names<'_> {
    pub(super) fn effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Pay { to, asset, amount } => {
                format!("pays {} {amount} {}", account(*to), self.asset(*asset))
            }
            Effect::Record { job, sponsor, model, marks: earned, hold_out } => format!(
                "records {} of {}: model {} {} on {}",
                self.title_of(*job),
                account(*sponsor),
                self.digest(model.digest),
                marks(earned),
                self.digest(hold_out.digest)
            ),
            Effect::Event(event) => self.event(event),
        }
    }

    fn event(&self, event: &Event) -> String {
        match event {
            Event::JobOpened { job, sponsor, .. } => {
                format!("JobOpened {} by {}", self.title_of(*job), account(*sponsor))
            }
            Event::BlobStored { digest, size, publisher } => {
                format!("BlobStored {} {size} from {}", self.digest(*digest), account(*publisher))
            }
            Event::JobReady { job, base } => {
                format!("JobReady {} base {}", self.title_of(*job), marks(base))
            }
            Event::ModelSubmitted { submission, client, model, .. } => format!(
                "ModelSubmitted {} by {}: {}",
                self.submission_name(*submission),
                account(*client),
                self.digest(model.digest)
            ),
            Event::ModelJudged { submission, client, model, verdict } => format!(
                "ModelJudged {} by {}: {} {}",
                self.submission_name(*submission),
                account(*client),
                self.digest(*model),
                self.verdict(verdict)
            ),
            Event::JobCancelled { job, refund, reason } => {
                let cancelled = format!("JobCancelled {} refund={refund}", self.title_of(*job));
                reason.map_or(cancelled.clone(), |reason| {
                    format!("{cancelled} {}", self.refused(reason.name(), &reason.values()))
                })
            }
            Event::JobSettled { job, payouts, winner, remainder } => format!(
                "JobSettled {} payouts={payouts} winner={} remainder={remainder}",
                self.title_of(*job),
                winner.map_or("none".to_owned(), |winner| self.submission_name(winner))
            ),
        }
    }

    /// A refusal with its values, by the names they have in the script.
    pub(super) fn refused(&self, name: &str, values: &[(&str, String)]) -> String {
        let values = values.iter().map(|(name, value)| match *name {
            "job" => format!(" job={}", self.title_of(JobId(value.parse().unwrap_or_default()))),
            name => format!(" {name}={}", self.with_names(value)),
        });
        format!("refused {name}{}", values.collect::<String>())
    }

    pub(super) fn balances(&self, of: Address) -> Vec<String> {
        let balances = self.market.ledger().balances(of);
        balances.map(|(asset, amount)| format!("{amount} {}", self.asset(asset))).collect()
    }

    pub(super) fn solvency(&self) -> Vec<String> {
        let lines = self.market.ledger().solvency().map(|(asset, sides)| {
            format!(
                "{}: deposited {} - paid out {} = free {} + escrowed {}",
                self.asset(asset),
                sides.deposited,
                sides.paid_out,
                sides.free,
                sides.escrowed
            )
        });
        lines.collect()
    }

    pub(super) fn job(&self, id: JobId) -> Vec<String> {
        let Some(job) = self.market.job(id) else { return Vec::new() };
        let progress = job.progress().map(|(done, all)| format!(", {done} of {all} rows"));
        vec![format!(
            "{}, escrow {}, {} of {} rewards paid, {} submitted, {} pending{}",
            job.stage,
            job.escrow,
            job.payouts,
            job.terms.rewards,
            job.submissions,
            job.pending(),
            progress.unwrap_or_default()
        )]
    }

    pub(super) fn submission(&self, id: SubmissionId) -> Vec<String> {
        let mut found = self.market.submissions_from(id).take_while(|(found, _)| *found == id);
        let Some((_, submission)) = found.next() else { return Vec::new() };
        vec![match &submission.state {
            SubmissionState::Expecting => "expecting".to_owned(),
            SubmissionState::Queued => "queued".to_owned(),
            SubmissionState::Judged(verdict) => self.verdict(verdict),
        }]
    }

    pub(super) fn blob_states(&self, blob: BlobRef) -> Vec<String> {
        let states = self.market.shelf().states(blob.digest);
        let lines = states.map(|state| match state {
            BlobState::Held { size } => format!("held, {size} bytes"),
            BlobState::Expected { publisher, received, size } => {
                format!("expected from {}, {received} of {size} bytes", account(publisher))
            }
        });
        lines.collect()
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        match verdict {
            Verdict::Accepted(earned) => format!("accepted {}", marks(earned)),
            Verdict::Refused { marks: earned, reason } => {
                let refused = self.refused(reason.name(), &reason.values());
                earned.map_or(refused.clone(), |earned| format!("{refused}; {}", marks(&earned)))
            }
        }
    }

    fn asset(&self, asset: Asset) -> String {
        self.with_names(&asset.to_string())
    }

    fn digest(&self, digest: Digest) -> String {
        self.with_names(&digest.to_string())
    }

    fn title_of(&self, id: JobId) -> String {
        self.market.job(id).map_or_else(|| format!("#{id}"), title)
    }

    fn submission_name(&self, id: SubmissionId) -> String {
        format!("{}/{}", self.title_of(id.job), id.index)
    }

    /// The text with every hexadecimal name it contains replaced by the script's.
    fn with_names(&self, text: &str) -> String {
        let mut named = text.to_owned();
        for (name, (blob, _)) in self.blobs {
            named = named.replace(&blob.digest.to_string(), name);
        }
        while let Some((before, after)) = named.split_once("0x") {
            let end = after.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(after.len());
            let (hex, rest) = after.split_at(end);
            let name = if hex.len() == 40 { decoded(hex) } else { "other bytes".to_owned() };
            named = format!("{before}{name}{rest}");
        }
        named
    }
}

fn marks(marks: &Marks) -> String {
    format!("score={} worst_class={}", marks.score, marks.worst_class)
}

fn account(address: Address) -> String {
    text(&address.0)
}

fn decoded(hex: &str) -> String {
    let pairs = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    text(&pairs.collect::<Result<Vec<_>, _>>().unwrap_or_default())
}

fn text(padded: &[u8]) -> String {
    String::from_utf8_lossy(padded).trim_end_matches('\0').to_owned()
}
