//! Outcomes in a script's notation: accounts, blobs and jobs by their names.

use std::collections::BTreeMap;

use blobs::{BlobRef, Digest};
use market::{
    Address, Amount, Asset, BlobState, Decision, Effect, Event, JobId, Market, ModelRefusal,
    Ruling, Scores, SlotKey, SubmissionState, Target,
};

/// Translates addresses, digests and jobs into names.
pub(super) struct Names<'a> {
    pub(super) market: &'a Market,
    pub(super) blobs: &'a BTreeMap<String, (BlobRef, Vec<u8>)>,
    pub(super) jobs: &'a BTreeMap<String, JobId>,
}

impl Names<'_> {
    pub(super) fn effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Pay { to, asset, amount } => {
                format!("pays {} {amount} {}", account(*to), self.asset(*asset))
            }
            Effect::Record { job, sponsor, model, scores: found, hold_out } => format!(
                "records {} of {}: model {} {} on {}",
                self.title(*job),
                account(*sponsor),
                self.digest(model.digest),
                scores(found),
                self.digest(hold_out.digest)
            ),
            Effect::Event(event) => self.event(event),
        }
    }

    fn event(&self, event: &Event) -> String {
        match event {
            Event::JobOpened { job, number, sponsor, stake, .. } => {
                let (title, sponsor) = (self.title(*job), account(*sponsor));
                let held = [
                    ("award", stake.award),
                    ("pool", stake.pool),
                    ("bond", stake.bond),
                    ("work", stake.work),
                    ("rent", stake.rent),
                ];
                format!("JobOpened {title} #{number} by {sponsor}:{}", amounts(&held))
            }
            Event::BlobStored { job, digest, size, publisher, slot } => format!(
                "BlobStored {} {size} bytes of {} in {slot:?} of {}",
                self.digest(*digest),
                account(*publisher),
                self.title(*job)
            ),
            Event::JobReady { job, base } => {
                format!("JobReady {} base {}", self.title(*job), scores(base))
            }
            Event::Submitted { job, submission, client, stake, .. } => {
                let (name, client) = (self.submission_name(*job, *submission), account(*client));
                let held = [("work", stake.work), ("bond", stake.bond), ("buy-in", stake.buy_in)];
                format!("Submitted {name} by {client}:{}", amounts(&held))
            }
            Event::ModelShown { job, submission, client, model, stake } => format!(
                "ModelShown {} by {}: {}{}",
                self.submission_name(*job, *submission),
                account(*client),
                self.digest(model.digest),
                amounts(&[("work", *stake)])
            ),
            Event::ShowEvaluated { job, submission, model, board } => {
                let (name, model) = (self.submission_name(*job, *submission), self.digest(*model));
                match (board.score, board.reason) {
                    (Some(score), None) => format!("BoardMoved {name}: {model} score={score}"),
                    (None, Some(reason)) => {
                        format!("ShowRefused {name}: {model} {}", self.reason(&reason))
                    }
                    _ => panic!("a board that moves has no reason not to: {event:?}"),
                }
            }
            Event::Enlisted { job, miner } => {
                format!("Enlisted {} for {}", account(*miner), self.title(*job))
            }
            Event::SeatsDrawn { job, miners, .. } => {
                let miners: Vec<_> = miners.iter().map(|miner| account(*miner)).collect();
                format!("SeatsDrawn {}: {}", self.title(*job), miners.join(" "))
            }
            Event::ModelRevealed { job, submission, client, position, model, .. } => format!(
                "ModelRevealed {} by {} at {position}: {}",
                self.submission_name(*job, *submission),
                account(*client),
                self.digest(model.digest)
            ),
            Event::HoldOutRevealed { job, hold_out, .. } => {
                format!("HoldOutRevealed {}: {}", self.title(*job), self.digest(hold_out.digest))
            }
            Event::HoldOutReady { job, base } => {
                format!("HoldOutReady {} base {}", self.title(*job), scores(base))
            }
            other => self.evaluation_event(other),
        }
    }

    fn evaluation_event(&self, event: &Event) -> String {
        match event {
            Event::Attested { job, page, miner, .. } => {
                format!("Attested {} page {page} by {}", self.title(*job), account(*miner))
            }
            Event::AttestationRevealed { job, page, miner } => {
                let (title, miner) = (self.title(*job), account(*miner));
                format!("AttestationRevealed {title} page {page} by {miner}")
            }
            Event::ModelEvaluated { job, submission, attestation, agreed, .. } => format!(
                "ModelEvaluated {} score={} threshold_score={}, {agreed} seats agree",
                self.submission_name(*job, *submission),
                attestation.score,
                attestation.threshold_score,
            ),
            Event::SubmissionDecided { job, submission, client, verdict, .. } => format!(
                "SubmissionDecided {} by {}: {}",
                self.submission_name(*job, *submission),
                account(*client),
                self.ruling(verdict)
            ),
            Event::WorkPaid { job, target, step, worker, earned, operator, surcharge } => {
                let title = self.title(*job);
                let target = match target {
                    Target::Base => "base".to_owned(),
                    Target::BaseOnHoldOut => "hold_out".to_owned(),
                    Target::Submission(index) => index.to_string(),
                    Target::Shown(index) => format!("{index}/shown"),
                };
                let paid =
                    [("earned", *earned), ("operator", *operator), ("surcharge", *surcharge)];
                let worker = account(*worker);
                format!("WorkPaid {title}/{target} to step {step} by {worker}:{}", amounts(&paid))
            }
            Event::Compared { job, best, other, best_better, other_better, separated } => {
                let verdict = if *separated { "separated" } else { "not told apart" };
                let title = self.title(*job);
                format!(
                    "Compared {title}/{best} and /{other}: {best_better} to {other_better}, \
                     {verdict}"
                )
            }
            Event::Forfeited { job, account: who, bond, offence } => {
                format!("Forfeited {} {} {bond} {offence:?}", self.title(*job), account(*who))
            }
            Event::JobDecided { job, decision } => {
                format!("JobDecided {} {}", self.title(*job), decided(decision))
            }
            Event::Paid { job, to, share, amount, voucher } => {
                let (title, to) = (self.title(*job), account(*to));
                let how = if *voucher { " by voucher" } else { "" };
                format!("Paid {title} {to} {share} {amount}{how}")
            }
            Event::JobEnded { job, payouts, winner, reason } => {
                let winner = winner.map_or("none".to_owned(), |winner| winner.to_string());
                let reason = reason.map_or(String::new(), |r| format!(", {}", self.reason(&r)));
                let title = self.title(*job);
                format!("JobEnded {title} payouts={payouts} winner={winner}{reason}")
            }
            Event::Returned { account: who, asset, amount } => {
                format!("Returned {amount} {} of {}", self.asset(*asset), account(*who))
            }
            other => self.message_event(other),
        }
    }

    fn message_event(&self, event: &Event) -> String {
        match event {
            Event::MessageKeyPublished { account: who, key } => {
                format!("MessageKeyPublished {} {}", account(*who), key[0])
            }
            Event::MessageSent { job, submission, from, to, sequence, ciphertext } => format!(
                "MessageSent {} number {sequence} from {} to {}: {} bytes",
                self.submission_name(*job, *submission),
                account(*from),
                account(*to),
                ciphertext.0.len()
            ),
            other => panic!("an event without words: {other:?}"),
        }
    }

    fn reason(&self, reason: &ModelRefusal) -> String {
        self.refused(reason.name(), &reason.values())
    }

    /// A refusal and its values, by their names in the script.
    pub(super) fn refused(&self, name: &str, values: &[(&str, String)]) -> String {
        let values = values.iter().map(|(name, value)| format!(" {name}={}", self.text(value)));
        format!("refused {name}{}", values.collect::<String>())
    }

    pub(super) fn board(&self, id: JobId) -> Vec<String> {
        let entries = self.market.job(id).into_iter().flat_map(market::Job::board);
        entries.map(|(score, submission)| format!("/{submission} {score}")).collect()
    }

    pub(super) fn seats(&self, id: JobId) -> Vec<String> {
        let seats = self.market.job(id).into_iter().flat_map(|job| &job.seats);
        let seat = |seat: &market::Seat| {
            let offence = seat.offence.map_or(String::new(), |offence| format!(", {offence:?}"));
            format!("{} {} pages revealed{offence}", account(seat.miner), seat.revealed)
        };
        seats.map(seat).collect()
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
        vec![format!(
            "{}, {} submitted, {} undecided, {} revealed, {} enlisted, {} seats, {} payouts",
            job.stage,
            job.submitted,
            job.undecided().count(),
            job.revealed.len(),
            job.enlisted.len(),
            job.seats.len(),
            job.payouts
        )]
    }

    pub(super) fn submission(&self, id: JobId, index: u32) -> Vec<String> {
        let job = self.market.job(id);
        let Some(submission) = job.and_then(|job| job.submissions.get(&index)) else {
            return Vec::new();
        };
        vec![match &submission.state {
            SubmissionState::Expecting { until } => format!("expecting until {until}"),
            SubmissionState::Sealed => "sealed".to_owned(),
            SubmissionState::Whole { until } => {
                format!("whole until {until}, step {}", submission.evaluated.step())
            }
            SubmissionState::Decided(verdict) => self.ruling(&(*verdict).into()),
        }]
    }

    pub(super) fn blob_states(&self, id: JobId) -> Vec<String> {
        let lines = self.market.blob_states(id).map(|(SlotKey { slot, submission }, state)| {
            let of = submission.map_or(String::new(), |index| format!(" of {index}"));
            match state {
                BlobState::Whole { size } => format!("{slot:?}{of}: whole, {size} bytes"),
                BlobState::Expected { received, size } => {
                    format!("{slot:?}{of}: {received} of {size} bytes")
                }
            }
        });
        lines.collect()
    }

    fn ruling(&self, ruling: &Ruling<Option<ModelRefusal>>) -> String {
        match (ruling.reason, ruling.scores) {
            (None, Some(found)) => format!("accepted {}", scores(&found)),
            (None, None) => panic!("accepted without scores"),
            (Some(reason), None) => self.reason(&reason),
            (Some(reason), Some(found)) => format!("{}; {}", self.reason(&reason), scores(&found)),
        }
    }

    fn asset(&self, asset: Asset) -> String {
        self.text(&asset.to_string())
    }

    fn digest(&self, digest: Digest) -> String {
        self.text(&digest.to_string())
    }

    fn title(&self, id: JobId) -> String {
        self.text(&id.to_string())
    }

    fn submission_name(&self, job: JobId, number: u32) -> String {
        format!("{}/{number}", self.title(job))
    }

    /// The text with each hexadecimal value replaced by its name in the script.
    fn text(&self, text: &str) -> String {
        let mut named = text.to_owned();
        for (name, (blob, _)) in self.blobs {
            named = named.replace(&blob.digest.to_string(), name);
        }
        for (title, job) in self.jobs {
            named = named.replace(&job.to_string(), title);
        }
        while let Some((before, after)) = named.split_once("0x") {
            let end = after.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(after.len());
            let (hex, rest) = after.split_at(end);
            named = format!("{before}{}{rest}", decoded(hex));
        }
        named
    }
}

/// The division of a job's money, without zero amounts.
fn decided(decision: &Decision) -> String {
    let winner = decision.winner.map_or(String::new(), |winner| format!(" winner={winner}"));
    let sums = amounts(&[
        ("prize", decision.prize),
        ("shared", decision.shared),
        ("fees", decision.fees),
        ("forfeits", decision.forfeits),
        ("sponsor-loses", decision.sponsor_loses),
    ]);
    let (revealed, right) = (decision.revealed, decision.right_seats);
    format!("{}{winner} revealed={revealed} right_seats={right}:{sums}", decision.outcome)
}

fn amounts(all: &[(&str, Amount)]) -> String {
    let some = all.iter().filter(|(_, amount)| *amount != Amount::ZERO);
    some.map(|(name, amount)| format!(" {name} {amount}")).collect()
}

fn scores(found: &Scores) -> String {
    format!("score={} threshold_score={}", found.score, found.threshold_score)
}

fn account(address: Address) -> String {
    decoded(&address.to_string()[2..])
}

/// The name in zero-padded bytes.
fn decoded(hex: &str) -> String {
    let bytes = (0..hex.len()).step_by(2);
    let bytes: Option<Vec<u8>> =
        bytes.map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.map(|text| text.trim_end_matches('\0').to_owned());
    let printable =
        text.filter(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()));
    printable.unwrap_or_else(|| "other bytes".to_owned())
}
