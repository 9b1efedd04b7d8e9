//! Outcomes in the words of a script: accounts, blobs and jobs by their names.

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest};
use market::{
    Address, AnyJob, Asset, BlobState, Competition, Effect, Event, JobId, Market, Marks,
    ModelRefusal, Seat, SubmissionId, SubmissionState, Verdict,
};

/// Gives names back to addresses, digests and numbers.
pub(super) struct Names<'a> {
    pub(super) market: &'a Market,
    pub(super) blobs: &'a BTreeMap<String, (BlobRef, Vec<u8>)>,
}

/// A job's title without its padding; nothing for a job there is not.
pub(super) fn title(market: &Market, id: JobId) -> String {
    let title = match market.any_job(id) {
        Some(AnyJob::Bounty(job)) => job.terms.title,
        Some(AnyJob::Competition(job)) => job.terms.title,
        None => return String::new(),
    };
    text(&title)
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
            other => self.competition_event(other),
        }
    }

    fn competition_event(&self, event: &Event) -> String {
        match event {
            Event::CompetitionOpened { job, sponsor, .. } => {
                format!("CompetitionOpened {} by {}", self.title_of(*job), account(*sponsor))
            }
            Event::Entered { entry, entrant, .. } => {
                format!("Entered {} by {}", self.submission_name(*entry), account(*entrant))
            }
            Event::ModelShown { entry, entrant, model } => format!(
                "ModelShown {} by {}: {}",
                self.submission_name(*entry),
                account(*entrant),
                self.digest(model.digest)
            ),
            Event::ShowJudged { entry, model, board } => {
                let (name, model) = (self.submission_name(*entry), self.digest(*model));
                match board {
                    Ok(score) => format!("BoardMoved {name}: {model} score={score}"),
                    Err(reason) => format!("ShowRefused {name}: {model} {}", self.reason(reason)),
                }
            }
            Event::Enlisted { job, miner } => {
                let job = job.map_or("all".to_owned(), |job| self.title_of(job));
                format!("Enlisted {} for {job}", account(*miner))
            }
            Event::Retired { miner } => format!("Retired {}", account(*miner)),
            Event::SeatsDrawn { job, miners, .. } => {
                let miners: Vec<_> = miners.iter().map(|miner| account(*miner)).collect();
                format!("SeatsDrawn {}: {}", self.title_of(*job), miners.join(" "))
            }
            Event::ModelRevealed { entry, entrant, position, model, .. } => format!(
                "ModelRevealed {} by {} at {position}: {}",
                self.submission_name(*entry),
                account(*entrant),
                self.digest(model.digest)
            ),
            Event::HoldOutRevealed { job, hold_out, .. } => {
                format!("HoldOutRevealed {}: {}", self.title_of(*job), self.digest(hold_out.digest))
            }
            Event::HoldOutReady { job, base } => {
                format!("HoldOutReady {} base {}", self.title_of(*job), marks(base))
            }
            other => self.evaluation_event(other),
        }
    }

    fn evaluation_event(&self, event: &Event) -> String {
        match event {
            Event::Attested { job, page, miner, .. } => {
                format!("Attested {} page {page} by {}", self.title_of(*job), account(*miner))
            }
            Event::Unveiled { job, page, miner } => {
                format!("Unveiled {} page {page} by {}", self.title_of(*job), account(*miner))
            }
            Event::Objected { entry, objector } => {
                format!("Objected {} by {}", self.submission_name(*entry), account(*objector))
            }
            Event::EntryScored { entry, attestation, agreed, by_machine, .. } => format!(
                "EntryScored {} score={} worst_class={} by {agreed} seats{}",
                self.submission_name(*entry),
                attestation.score,
                attestation.worst_class,
                if *by_machine { " and the machine" } else { "" }
            ),
            Event::EntryRefused { entry, reason, .. } => {
                let name = self.submission_name(*entry);
                format!("EntryRefused {name} {}", self.reason(reason))
            }
            Event::Compared { job, first, other, first_better, other_better, separated } => {
                let verdict = if *separated { "separated" } else { "tied" };
                let title = self.title_of(*job);
                format!(
                    "Compared {title}/{first} and /{other}: {first_better} to {other_better}, {verdict}"
                )
            }
            Event::Forfeited { job, account: who, bond, offence } => {
                format!("Forfeited {} {} {bond} {offence:?}", self.title_of(*job), account(*who))
            }
            Event::Decided { job, decision: d } => format!(
                "Decided {} {}: winners={:?} prize={} fees={} to {} miners, forfeits={} with {} objectors, refunds={} to {} entrants, remainder={}",
                self.title_of(*job),
                d.outcome,
                d.winners,
                d.prize,
                d.fees,
                d.right_miners,
                d.forfeits,
                d.right_objectors,
                d.refunds,
                d.revealed,
                d.remainder
            ),
            Event::Paid { job, to, share, amount, bond } => format!(
                "Paid {} {} {share} {amount} bond={bond}",
                self.title_of(*job),
                account(*to)
            ),
            other => panic!("an event without words: {other:?}"),
        }
    }

    fn reason(&self, reason: &ModelRefusal) -> String {
        self.refused(reason.name(), &reason.values())
    }

    pub(super) fn board(&self, id: JobId) -> Vec<String> {
        let places = self.market.competition(id).into_iter().flat_map(Competition::board);
        places.map(|(score, entry)| format!("/{entry} {score}")).collect()
    }

    pub(super) fn ranking(&self, id: JobId) -> Vec<String> {
        let places = self.market.competition(id).into_iter().flat_map(Competition::ranking);
        places.map(|(score, entry)| format!("/{entry} {score}")).collect()
    }

    pub(super) fn seats(&self, id: JobId) -> Vec<String> {
        let seats = self.market.competition(id).into_iter().flat_map(|job| &job.seats);
        let seat =
            |seat: &Seat| format!("{} {} pages unveiled", account(seat.miner), seat.unveiled);
        seats.map(seat).collect()
    }

    fn competition(&self, id: JobId) -> Vec<String> {
        let Some(job) = self.market.competition(id) else { return Vec::new() };
        vec![format!(
            "{}, holds {}, {} entered, {} revealed, {} enlisted, {} seats, {} pending",
            job.stage,
            job.escrow,
            job.entries().len(),
            job.models().len(),
            job.enlisted().len(),
            job.seats.len(),
            job.pending()
        )]
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
        let Some(job) = self.market.job(id) else { return self.competition(id) };
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
        let title = title(self.market, id);
        if title.is_empty() { format!("#{id}") } else { title }
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
